import type { Namespace } from './namespace.ts'

/**
 * Makes Metacontroller sync a MyApp a number of times. Metacontroller finishes a sync before it
 * sends the next request, so a new request proves the end of the previous sync.
 */
export async function forceSyncs(here: Namespace, name: string, times: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    const calls = here.calls(name).length
    await here.edit('MyApp', name, { metadata: { annotations: { touched: String(calls) } } })
    await here.until('the hook has received a request', () => here.calls(name).length > calls)
  }
}

/** Resolves once Metacontroller has not written for 1.5 s. */
export async function waitUntilIdle(here: Namespace): Promise<void> {
  let [writes, since] = [-1, 0]
  await here.until('Metacontroller is idle', () => {
    const now = here.writes().length
    if (now !== writes) [writes, since] = [now, Date.now()]
    return Date.now() - since > 1500
  })
}
