#!/usr/bin/env node
import { run } from './run.ts'

// A pipe that is closed early, for example by head, does not change the exit code.
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
  if (code !== 'EPIPE') process.exitCode = 2
  process.exit()
})
process.exitCode = await run(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
})
