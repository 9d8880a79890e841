/** A queue of keys, each handled by one worker at a time, as Kubernetes controllers use it. */
export interface WorkQueue {
  /** Queues the key, unless it waits already. */
  add(key: string): void
  /** Queues the key later; of several times set for one key the earliest counts. */
  addAfter(key: string, milliseconds: number): void
  /** Queues the key after a delay that grows with each failure in a row. */
  addRateLimited(key: string): void
  /** Ends the row of failures. */
  forget(key: string): void
  /** The next key, or undefined once the queue is shut down. */
  get(): Promise<string | undefined>
  /** Must follow every get: the key may be handed out again. */
  done(key: string): void
  shutDown(): void
}

const baseDelay = 5
const maxDelay = 1_000_000
const retriesPerSecond = 10
const retryBurst = 100

/** The delay after the given number of earlier failures: 5 ms, doubling, up to 1000 s. */
export function failureDelay(failures: number): number {
  return Math.min(baseDelay * 2 ** failures, maxDelay)
}

/** An empty queue. */
export function createQueue(): WorkQueue {
  const queued: string[] = []
  const dirty = new Set<string>()
  const processing = new Set<string>()
  const failures = new Map<string, number>()
  const waiting = new Map<string, { at: number; timer: NodeJS.Timeout }>()
  const idle: Array<(key: string | undefined) => void> = []
  const overallDelay = tokenBucket(retriesPerSecond, retryBurst)
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
      addAfter(key, Math.max(failureDelay(count), overallDelay()))
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

/** Milliseconds that a caller must wait so that all together keep to a rate. */
function tokenBucket(perSecond: number, burst: number): () => number {
  let tokens = burst
  let last = Date.now()
  return () => {
    const now = Date.now()
    tokens = Math.min(burst, tokens + ((now - last) / 1000) * perSecond) - 1
    last = now
    return tokens >= 0 ? 0 : (-tokens / perSecond) * 1000
  }
}
