/** A queue of keys as in Kubernetes controllers. One worker at a time handles a key. */
export interface WorkQueue {
  /** Queues the key unless it is queued. */
  add(key: string): void
  /** Queues the key later. The earliest of several times counts. */
  addAfter(key: string, milliseconds: number): void
  /** Queues the key after a delay that grows with each failure in a row. */
  addRateLimited(key: string): void
  /** Resets the delay of a key. */
  forget(key: string): void
  /** The next key, or undefined after the shutdown. */
  get(): Promise<string | undefined>
  /** Must follow every get. Another worker may then get the key. */
  done(key: string): void
  shutDown(): void
}

const baseDelay = 5
/** Metacontroller waits up to 1000 s. Tests cannot wait so long after an outage. */
const maxDelay = 10_000

/** The delay in ms after the given number of earlier failures: 5 ms, doubling, up to 10 s. */
export const failureDelay = (failures: number): number =>
  Math.min(baseDelay * 2 ** failures, maxDelay)

/** An empty queue. */
export function createQueue(): WorkQueue {
  const queued: string[] = []
  const dirty = new Set<string>()
  const processing = new Set<string>()
  const failures = new Map<string, number>()
  const waiting = new Map<string, { at: number; timer: NodeJS.Timeout }>()
  const idle: Array<(key: string | undefined) => void> = []
  let closed = false

  function hand(): void {
    while (idle.length > 0 && queued.length > 0) {
      const key = queued.shift() as string
      processing.add(key)
      dirty.delete(key)
      idle.shift()?.(key)
    }
  }

  function add(key: string): void {
    if (closed || dirty.has(key)) return
    dirty.add(key)
    if (processing.has(key)) return
    queued.push(key)
    hand()
  }

  function addAfter(key: string, milliseconds: number): void {
    if (closed) return
    if (milliseconds <= 0) return add(key)
    const at = Date.now() + milliseconds
    const earlier = waiting.get(key)
    if (earlier !== undefined && earlier.at <= at) return
    clearTimeout(earlier?.timer)
    const timer = setTimeout(() => {
      waiting.delete(key)
      add(key)
    }, milliseconds)
    waiting.set(key, { at, timer })
  }

  return {
    add,
    addAfter,
    addRateLimited(key) {
      const count = failures.get(key) ?? 0
      failures.set(key, count + 1)
      addAfter(key, failureDelay(count))
    },
    forget(key) {
      failures.delete(key)
    },
    get() {
      if (closed) return Promise.resolve(undefined)
      return new Promise((resolve) => {
        idle.push(resolve)
        hand()
      })
    },
    done(key) {
      processing.delete(key)
      if (!dirty.has(key)) return
      queued.push(key)
      hand()
    },
    shutDown() {
      closed = true
      for (const { timer } of waiting.values()) clearTimeout(timer)
      waiting.clear()
      for (const resolve of idle.splice(0)) resolve(undefined)
    },
  }
}
