import { setFlagsFromString } from 'node:v8'
import { runOperator } from './operator.ts'

// By default V8 keeps memory of its compilers until a background thread frees the memory. With this
// flag the hook needs 105 instead of 132 MiB under load (bench/results/2026-11-29.md). On the
// command line the flag would slow down the start.
setFlagsFromString('--no-maglev-destroy-on-background')

await runOperator()
