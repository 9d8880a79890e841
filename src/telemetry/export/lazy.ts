import type { Outage } from './outages.ts'

interface Result {
  code: number
  error?: Error
}

/** The common interface of exporters of spans, metrics and log records. */
export interface Exporter<Items> {
  export: (items: Items, done: (result: Result) => void) => void
  forceFlush?: () => Promise<void>
  shutdown: () => Promise<void>
}

/** ExportResultCode of the SDK. */
const success = 0
const failure = 1

/**
 * The largest number of exports in progress. At shutdown the SDK starts all remaining exports at
 * once, and exporters refuse more than 30.
 */
const maxConcurrentExports = 16

/**
 * The time from the start until an exporter is loaded, in ms. Loading blocks the event loop, so it
 * should delay neither the start nor the first requests.
 */
const loadAfterMs = 1000

/**
 * Returns an exporter that loads another exporter: a second after the start, or with the first
 * export. It reports failures to `outage` only. To the SDK it reports every export as a success:
 * during a shutdown, the SDK does not wait for the other exports after a failure.
 */
export function lazyExporter<Items>(
  load: () => Promise<Exporter<Items>>,
  outage: Outage,
  count: (items: Items) => number,
) {
  let loading: Promise<Exporter<Items>> | undefined
  const loaded = () => {
    loading ??= load()
    return loading
  }
  setTimeout(() => {
    loaded().catch(() => {}) // the first export reports it
  }, loadAfterMs).unref()
  let exporting = 0
  const waiting: Array<() => void> = []
  const send = async (items: Items): Promise<Result> => {
    if (exporting < maxConcurrentExports) exporting += 1
    else {
      await new Promise<void>((resolve) => {
        waiting.push(resolve)
      })
    }
    try {
      const exporter = await loaded()
      return await new Promise((resolve) => {
        exporter.export(items, resolve)
      })
    } catch (error) {
      return { code: failure, error: error as Error }
    } finally {
      const next = waiting.shift()
      if (next === undefined) exporting -= 1
      else next()
    }
  }
  return {
    export: (items: Items, done: (result: Result) => void) => {
      send(items).then((result) => {
        if (result.code === success) outage.succeeded()
        else outage.failed(result.error, count(items))
        done({ code: success })
      })
    },
    forceFlush: async () => {
      await (await loading)?.forceFlush?.()
    },
    shutdown: async () => {
      await (await loading)?.shutdown()
    },
  } satisfies Exporter<Items>
}
