import type { FastifyInstance } from 'fastify'
import type { Config } from '../config.ts'
import { Overloaded } from './errors.ts'
import { maxStructure } from './request-body.ts'

/**
 * Responds with 429 and `Retry-After: 1` while the event loop lags or request bodies fill the
 * memory that is reserved for them. With this header Metacontroller retries after a second,
 * otherwise at once. Probes are not refused.
 *
 * This is not @fastify/under-pressure, because that samples the event loop every 10 ms, which keeps
 * an idle process busy, and does not measure the memory of request bodies.
 */

/** The memory of V8 for a parsed body, in bytes per structural character of its JSON. */
const parsedBytesPerCharacter = 32
/**
 * The interval of the measurement. A shorter one wakes an idle process more often
 * (bench/results/2026-11-28.md).
 */
const samplingMs = 1000

declare module 'fastify' {
  interface FastifyRequest {
    memory: RequestMemory
  }
}

/**
 * Refuses every request except probes while the event loop lags, and every request whose body does
 * not fit into memory.
 */
export function refuseOverload(server: FastifyInstance, config: Config): void {
  const delay = eventLoopDelay()
  const maxDelay = config.MAX_EVENT_LOOP_DELAY_MS || Infinity
  // Enough for one body with the most bytes and the most structural characters.
  const memory = new BodyMemory(config.BODY_LIMIT + parsedBytesPerCharacter * maxStructure(config))
  server.addHook('onClose', async () => {
    delay.stop()
  })
  server.decorateRequest('memory')
  server.addHook('onRequest', (call, reply, done) => {
    const isProbe = call.routeOptions.config.probe === true
    if (!isProbe && delay.recent() > maxDelay) {
      return done(new Overloaded())
    }
    call.memory = memory.forRequest()
    reply.raw.once('close', () => {
      call.memory.release()
    })
    done()
  })
}

/** Measures how late timers run, in ms: the average of the last delay and the previous average. */
function eventLoopDelay() {
  let due = performance.now() + samplingMs
  let recentMs = 0
  const timer = setInterval(() => {
    recentMs = (recentMs + Math.max(0, performance.now() - due)) / 2
    due = performance.now() + samplingMs
  }, samplingMs).unref()
  return { recent: () => recentMs, stop: () => clearInterval(timer) }
}

/** The memory for the bodies of all requests, in bytes. */
export class BodyMemory {
  readonly #limit: number
  readonly #arriving = new Set<RequestMemory>()
  #used = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  forRequest(): RequestMemory {
    return new RequestMemory(this)
  }

  /**
   * Adds to the memory of a request. If the memory is full, the largest incomplete body is refused,
   * so that slow large bodies do not block small bodies.
   */
  add(request: RequestMemory, bytes: number, isArriving: boolean): void {
    if (isArriving) this.#arriving.add(request)
    else this.#arriving.delete(request)
    request.bytes += bytes
    this.#used += bytes
    while (this.isFull && this.#arriving.size > 0) {
      const largest = [...this.#arriving].reduce((a, b) => (b.bytes > a.bytes ? b : a))
      this.free(largest)
      largest.refuse()
    }
  }

  free(request: RequestMemory): void {
    this.#arriving.delete(request)
    this.#used -= request.bytes
    request.bytes = 0
  }

  get isFull(): boolean {
    return this.#used > this.#limit
  }
}

/** The memory for the body of one request, until its response is closed. */
export class RequestMemory {
  readonly #shared: BodyMemory
  bytes = 0
  /** Ends a request whose body is still arriving. */
  refuse = () => {}

  constructor(shared: BodyMemory) {
    this.#shared = shared
  }

  /**
   * Counts bytes of the body that have arrived. `refuse` is called, now or later, if the memory is
   * full and this is the largest incomplete body.
   */
  receiving(bytes: number, refuse: () => void): void {
    this.refuse = refuse
    this.#shared.add(this, bytes, true)
  }

  /** Counts the parsed body in addition to its bytes. Returns false if the memory is full. */
  parsing(structuralCharacters: number): boolean {
    this.#shared.add(this, structuralCharacters * parsedBytesPerCharacter, false)
    return !this.#shared.isFull
  }

  release(): void {
    this.#shared.free(this)
  }
}
