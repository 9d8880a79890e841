import { setFlagsFromString } from 'node:v8'
import { runOperator } from './operator.ts'

// By default V8 keeps memory of its compilers until a background thread frees the memory. On half a
// core that thread runs late, so this flag saves memory (bench/results/2026-11-29.md). On the
// command line the flag would make Node discard its code cache and start more slowly.
setFlagsFromString('--no-maglev-destroy-on-background')

await runOperator()
