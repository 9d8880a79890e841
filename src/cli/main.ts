#!/usr/bin/env node
import { run } from './run.ts'

// A pipe that is closed early, for example by head, does not change the exit code.
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
  if (code !== 'EPIPE') process.exitCode = 2
  process.exit()
})
// The output matters more than the notes, so stdout is still written.
process.stderr.on('error', () => {})
process.exitCode = await run(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
})
