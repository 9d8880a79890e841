import type { Outage } from './outage.ts'

interface Result { code: number, error?: Error }

/** What exporters of spans, metrics and log records have in common. */
export interface Exporter<Items> {
  export: (items: Items, done: (result: Result) => void) => void
  forceFlush?: () => Promise<void>
  shutdown: () => Promise<void>
}

/** ExportResultCode of the SDK. */
const success = 0
const failure = 1

/** An exporter that is loaded when there is first something to send, which keeps it out of the way of a start. Its failures are told to `outage`. */
export function lazyExporter<Items> (load: () => Promise<Exporter<Items>>, outage: Outage, count: (items: Items) => number) {
  let loading: Promise<Exporter<Items>> | undefined
  const send = async (items: Items): Promise<Result> => {
    try {
      const exporter = await (loading ??= load())
      return await new Promise((resolve) => { exporter.export(items, resolve) })
    } catch (error) {
      return { code: failure, error: error as Error }
    }
  }
  return {
    export: (items: Items, done: (result: Result) => void) => {
      send(items).then((result) => {
        if (result.code === success) outage.succeeded()
        else outage.failed(result.error, count(items))
        done(result)
      })
    },
    forceFlush: async () => { await (await loading)?.forceFlush?.() },
    shutdown: async () => { await (await loading)?.shutdown() },
  } satisfies Exporter<Items>
}
