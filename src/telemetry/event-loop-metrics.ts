import type { Meter } from '@opentelemetry/api'
import type { EventLoopDelay } from '../event-loop-delay.ts'

/** The delay of the event loop since the last collection, by the names of the semantic conventions. */
export function measureEventLoop (meter: Meter, { histogram }: EventLoopDelay): void {
  const values = { min: () => histogram.min, max: () => histogram.max, mean: () => histogram.mean, stddev: () => histogram.stddev, p50: () => histogram.percentile(50), p90: () => histogram.percentile(90), p99: () => histogram.percentile(99) }
  const gauges = Object.entries(values).map(([name, value]) => {
    const gauge = meter.createObservableGauge(`nodejs.eventloop.delay.${name}`, { unit: 's', description: `Event loop delay, ${name}.` })
    return { gauge, value }
  })
  meter.addBatchObservableCallback((result) => {
    if (histogram.count === 0) return
    for (const { gauge, value } of gauges) result.observe(gauge, value() / 1e9)
    histogram.reset()
  }, gauges.map(({ gauge }) => gauge))
}
