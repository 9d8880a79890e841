import type { Namespace } from './namespace.ts'

/** Makes Metacontroller sync a MyApp so many times. That it has called again shows that it is through with the call before. */
export async function forceSyncs(here: Namespace, name: string, times: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    const calls = here.calls(name).length
    await here.edit('MyApp', name, { metadata: { annotations: { touched: String(calls) } } })
    await here.until('the hook was asked', () => here.calls(name).length > calls)
  }
}

/** Settles once Metacontroller has not written for a while. */
export async function rest(here: Namespace): Promise<void> {
  let [writes, since] = [-1, 0]
  await here.until('Metacontroller is at rest', () => {
    const now = here.writes().length
    if (now !== writes) [writes, since] = [now, Date.now()]
    return Date.now() - since > 1500
  })
}
