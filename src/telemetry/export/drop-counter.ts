import { createNoopMeter, type Meter, type MeterProvider } from '@opentelemetry/api'

/** What a batch processor is given to measure itself with. Of all that it measures only what it drops for a full queue is taken: it tells that nowhere else. */
export function dropCounter(dropped: (items: number) => void): MeterProvider {
  const counter: ReturnType<Meter['createCounter']> = {
    add: (items, attributes) => {
      if (attributes?.['error.type'] === 'queue_full') dropped(items)
    },
  }
  const meter: Meter = Object.assign(Object.create(createNoopMeter()), {
    createCounter: () => counter,
  })
  return { getMeter: () => meter }
}
