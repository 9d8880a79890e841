import type { Meter } from '@opentelemetry/api'
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'

/** While calls come the delay is looked at this often, and this many times more after the last one. */
const everyMs = 20
const looksAfterCall = 10

/** Longer than most intervals at which metrics are collected, so that nothing is missed. */
const leastWindowMs = 60_000

/** Hears of every call. */
export interface EventLoopWatch {
  called: () => void
}

/**
 * Measures by how much the event loop is late while there is something to do, by the names of the semantic conventions. The
 * instrumentation's own measure wakes an idle process a hundred times a second, which is most of the time that it uses: here
 * nothing is due in one. What is told is of the last one to two windows, whoever asks and however often.
 */
export function watchEventLoop(
  meter: Meter,
  { exportIntervalMillis }: { exportIntervalMillis: number },
  now = () => performance.now(),
): EventLoopWatch {
  const delays = recentDelays(Math.max(leastWindowMs, exportIntervalMillis), now)
  const values = Object.entries({
    min: ({ min }: RecordableHistogram) => min,
    max: ({ max }: RecordableHistogram) => max,
    mean: ({ mean }: RecordableHistogram) => mean,
    stddev: ({ stddev }: RecordableHistogram) => stddev,
    p50: (histogram: RecordableHistogram) => histogram.percentile(50),
    p90: (histogram: RecordableHistogram) => histogram.percentile(90),
    p99: (histogram: RecordableHistogram) => histogram.percentile(99),
  }).map(([name, value]) => ({
    value,
    gauge: meter.createObservableGauge(`nodejs.eventloop.delay.${name}`, {
      unit: 's',
      description: `Event loop delay while calls come, ${name}.`,
    }),
  }))
  meter.addBatchObservableCallback(
    (result) => {
      const histogram = delays.all()
      if (histogram.count === 0) return
      for (const { gauge, value } of values) result.observe(gauge, value(histogram) / 1e6)
    },
    values.map(({ gauge }) => gauge),
  )
  return { called: lookWhileBusy(delays.record, now) }
}

/** Looks at the delay every now and then from a call on, until none has come for some time. */
function lookWhileBusy(record: (delayMs: number) => void, now: () => number): () => void {
  let looksLeft = 0
  return () => {
    const isLooking = looksLeft > 0
    looksLeft = looksAfterCall
    if (isLooking) return
    let due = now() + everyMs
    const timer = setInterval(() => {
      record(Math.max(0, now() - due))
      due = now() + everyMs
      looksLeft -= 1
      if (looksLeft === 0) clearInterval(timer)
    }, everyMs).unref()
  }
}

/** Delays of the last window and the one before, in microseconds; a reader that takes them leaves them for the others. */
export function recentDelays(windowMs: number, now: () => number) {
  const empty = () => createHistogram({ lowest: 1, highest: 3_600_000_000, figures: 2 })
  let before = empty()
  let current = empty()
  let since = now()
  const turn = () => {
    const windows = Math.floor((now() - since) / windowMs)
    if (windows === 0) return
    before = windows === 1 ? current : empty()
    current = empty()
    since += windows * windowMs
  }
  return {
    record: (delayMs: number) => {
      turn()
      current.record(Math.min(3_600_000_000, Math.max(1, Math.round(delayMs * 1000))))
    },
    all: () => {
      turn()
      const all = empty()
      for (const histogram of [before, current]) if (histogram.count > 0) all.add(histogram)
      return all
    },
  }
}
