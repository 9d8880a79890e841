import type { Outage } from './outages.ts'

interface Result {
  code: number
  error?: Error
}

/** What exporters of spans, metrics and log records have in common. */
export interface Exporter<Items> {
  export: (items: Items, done: (result: Result) => void) => void
  forceFlush?: () => Promise<void>
  shutdown: () => Promise<void>
}

/** ExportResultCode of the SDK. */
const success = 0
const failure = 1

/** So many exports are under way at most. At its end the SDK would send all that waits at once, and exporters refuse more than 30. */
const mostUnderWay = 16

/** So long after its start a process is ready, and Kubernetes has not yet asked whether it is. */
const loadAfterMs = 1000

/**
 * An exporter that is loaded a moment after the start, out of the way of it and of the first calls, or when there is something
 * to send before. Its failures are told to `outage` and to nobody else: at the end of the process the SDK would not wait for what
 * else is on its way once it hears of one.
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
    loaded().catch(() => {})
  }, loadAfterMs).unref() // what is wrong is told when there is something to send
  let underWay = 0
  const waiting: Array<() => void> = []
  const send = async (items: Items): Promise<Result> => {
    if (underWay < mostUnderWay) underWay += 1
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
      if (next === undefined) underWay -= 1
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
