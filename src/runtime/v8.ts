import { readdirSync, readFileSync } from 'node:fs'
import { constants, getPriority, setPriority } from 'node:os'
import { setFlagsFromString } from 'node:v8'

/** On the command line they would cost the start Node's own code cache. */
const flags = [
  // A full garbage collection holds calls up. V8 by itself begins one of a heap this small with two thirds of the room up to its limit still free; with these it comes less often.
  '--incremental-marking-soft-trigger=60',
  '--incremental-marking-hard-trigger=90',
  // Where enough of what some code makes has outlived a small collection, by chance, V8 has it made among what only a full one frees: then that comes twice a second. Here nothing outlives its call.
  '--no-allocation-site-pretenuring',
  // What a collection has freed is swept up as it is needed, not by threads that start just when the calls that waited are to be answered; nor by one so nice that memory is given back late.
  '--no-concurrent-sweeping',
  '--no-concurrent-array-buffer-sweeping',
]

/** Of a core that they share with the thread that answers, threads that are so much nicer have a quarter. */
const nicer = 5

/** Has V8 compile and collect garbage so that calls wait as little for it as they can. */
export function letCallsGoFirst(): void {
  for (const flag of flags) setFlagsFromString(flag)
  try {
    const niceness = Math.min(getPriority() + nicer, constants.priority.PRIORITY_LOW)
    for (const thread of readdirSync('/proc/self/task')) {
      if (readFileSync(`/proc/self/task/${thread}/comm`, 'utf8').trim() === 'V8Worker') {
        setPriority(Number(thread), niceness)
      }
    }
  } catch {
    // Not on every system do threads have a priority of their own. There calls wait longer, which is no reason not to answer them.
  }
}
