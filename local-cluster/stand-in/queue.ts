/** The first delay after a failure, in milliseconds. It doubles with each failure in a row. */
const baseDelay = 5
/** Metacontroller waits up to 1000 s. Tests cannot wait so long after an outage. */
const maxDelay = 10_000

/** The delay in milliseconds after the given number of earlier failures. */
export const failureDelay = (failures: number): number =>
  Math.min(baseDelay * 2 ** failures, maxDelay)

/**
 * A queue of keys, as in Kubernetes controllers. Workers share it, and two workers never have the
 * same key at the same time.
 */
export class WorkQueue {
  readonly #work: (key: string) => Promise<void>
  readonly #queued = new Set<string>()
  readonly #active = new Map<string, Promise<void>>()
  readonly #failures = new Map<string, number>()
  readonly #waiting = new Map<string, { at: number; timer: NodeJS.Timeout }>()
  /** The number of keys to work on at a time. */
  #workers = 0
  #isStopped = false

  /** `work` must not reject. */
  constructor(work: (key: string) => Promise<void>) {
    this.#work = work
  }

  /** Starts the work on the queued keys. */
  start(workers: number): void {
    this.#workers = workers
    this.#next()
  }

  /** Queues the key unless it is queued. */
  add(key: string): void {
    if (this.#isStopped) return
    this.#queued.add(key)
    this.#next()
  }

  /** Queues the key later. The earliest of several times counts. */
  addAfter(key: string, milliseconds: number): void {
    if (this.#isStopped) return
    if (milliseconds <= 0) return this.add(key)
    const at = Date.now() + milliseconds
    const earlier = this.#waiting.get(key)
    if (earlier !== undefined && earlier.at <= at) return
    clearTimeout(earlier?.timer)
    const timer = setTimeout(() => {
      this.#waiting.delete(key)
      this.add(key)
    }, milliseconds)
    this.#waiting.set(key, { at, timer })
  }

  /** Queues the key after a delay that grows with each failure in a row. */
  addRateLimited(key: string): void {
    const failures = this.#failures.get(key) ?? 0
    this.#failures.set(key, failures + 1)
    this.addAfter(key, failureDelay(failures))
  }

  /** Resets the delay of a key. */
  forget(key: string): void {
    this.#failures.delete(key)
  }

  /** Drops the queued keys and waits for the active ones. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#queued.clear()
    for (const { timer } of this.#waiting.values()) clearTimeout(timer)
    await Promise.all(this.#active.values())
  }

  #next(): void {
    for (const key of this.#queued) {
      if (this.#active.size >= this.#workers) return
      if (this.#active.has(key)) continue
      this.#queued.delete(key)
      const done = Promise.resolve(key).then(this.#work)
      this.#active.set(
        key,
        done.finally(() => {
          this.#active.delete(key)
          this.#next()
        }),
      )
    }
  }
}
