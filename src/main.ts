import { setFlagsFromString } from 'node:v8'
import { runOperator } from './operator.ts'

// V8 frees the memory of each compiled function at once: under load the hook needs 105 instead of
// 132 MiB (bench/results/2026-11-29.md). On the command line the flag would slow down the start.
setFlagsFromString('--no-maglev-destroy-on-background')

await runOperator()
