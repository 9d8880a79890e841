import type { fastify as Fastify, FastifyBaseLogger } from 'fastify'
import type { ServerMetrics } from './requests/metrics.ts'
import type { Environment } from './settings.ts'

/** The interface of telemetry for the rest of the program. */
export interface Telemetry {
  /** Returns a function like `fastify` whose servers record the requests of hooks. */
  instrument: (fastify: typeof Fastify) => typeof Fastify
  /** Metrics of the server itself. */
  metrics: ServerMetrics
  /** The time that is reserved for `shutdown` at the end of the process, in ms. */
  reservedForShutdownMs: number
  /** Exports the remaining telemetry, for at most `withinMs`. */
  shutdown: (withinMs: number) => Promise<void>
}

export interface TelemetryOptions {
  environment: Environment
  logger: FastifyBaseLogger
  /** The longest time in ms for which the metrics count a MyApp after its last request. */
  forgetMyAppAfterMs: number
}
