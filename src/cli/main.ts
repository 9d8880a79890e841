#!/usr/bin/env node
import { run } from './run.ts'

// A pipe that is closed early, as by head, is no error: the exit code is what it is without.
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
  if (code !== 'EPIPE') process.exitCode = 2
  process.exit()
})
process.exitCode = run(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
})
