import { createNoopMeter } from '@opentelemetry/api'
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { recentDelays, watchEventLoop } from '../../src/runtime/event-loop-metrics.ts'

/** What a reader sees: the gauges that the watch fills. */
function reader() {
  let observe: ((result: unknown) => void) | undefined
  const meter = Object.assign(Object.create(createNoopMeter()), {
    createObservableGauge: (name: string) => name,
    addBatchObservableCallback: (callback: (result: unknown) => void) => {
      observe = callback
    },
  })
  return {
    meter,
    read: () => {
      const seen: Record<string, number> = {}
      observe?.({
        observe: (name: string, value: number) => {
          seen[name] = value
        },
      })
      return seen
    },
  }
}

const busyFor = (milliseconds: number) => {
  for (const end = performance.now() + milliseconds; performance.now() < end;);
}

t.test(
  'a turn of some tenths of a second is seen, by every reader, while calls come',
  async (t) => {
    const { meter, read } = reader()
    const { called } = watchEventLoop(meter, { exportIntervalMillis: 60_000 })
    t.same(read(), {}, 'nothing to tell of an idle process')
    called()
    busyFor(300)
    await wait(50)
    const seen = read()
    t.ok(Number(seen['nodejs.eventloop.delay.max']) > 0.2, JSON.stringify(seen))
    t.ok(Number(read()['nodejs.eventloop.delay.max']) > 0.2, 'for another reader too')
  },
)

t.test('no timer is left some time after the last call', async (t) => {
  const { called } = watchEventLoop(reader().meter, { exportIntervalMillis: 60_000 })
  const { setInterval: set, clearInterval: clear } = globalThis
  t.teardown(() => {
    Object.assign(globalThis, { setInterval: set, clearInterval: clear })
  })
  const timers = new Set<unknown>()
  globalThis.setInterval = ((...parameters: Parameters<typeof set>) => {
    const timer = set(...parameters)
    timers.add(timer)
    return timer
  }) as typeof set
  globalThis.clearInterval = ((timer: NodeJS.Timeout) => {
    timers.delete(timer)
    clear(timer)
  }) as typeof clear
  called()
  called()
  t.equal(timers.size, 1, 'one for all calls')
  for (const deadline = Date.now() + 10_000; timers.size > 0 && Date.now() < deadline;) {
    await wait(20)
  }
  t.equal(timers.size, 0)
  called()
  t.equal(timers.size, 1, 'and again with the next')
})

t.test('delays are told for one to two windows', async (t) => {
  let now = 0
  const delays = recentDelays(1000, () => now)
  const max = () => {
    const all = delays.all()
    return all.count === 0 ? undefined : Math.round(all.max / 1000)
  }
  delays.record(50)
  t.ok(Math.abs((max() ?? 0) - 50) <= 1)
  now = 1500
  delays.record(10)
  t.ok(Math.abs((max() ?? 0) - 50) <= 1, 'still in the window before')
  now = 2100
  t.ok(Math.abs((max() ?? 0) - 10) <= 1, 'forgotten')
  now = 10_000
  t.equal(max(), undefined)
})
