import type { fastify as Fastify, FastifyBaseLogger } from 'fastify'
import type { ServerMetrics } from './requests/metrics.ts'
import type { Environment } from './settings.ts'

/** Telemetry as the rest of the program uses it. */
export interface Telemetry {
  /** Returns a `fastify` whose servers record the requests of hooks. */
  instrument: (fastify: typeof Fastify) => typeof Fastify
  /** Metrics of the server itself. */
  metrics: ServerMetrics
  /** How many ms of the time for shutting down must remain for `shutdown`. */
  keptForShutdownMs: number
  /** Exports the remaining telemetry, for at most `withinMs`. */
  shutdown: (withinMs: number) => Promise<void>
}

export interface TelemetryOptions {
  environment: Environment
  logger: FastifyBaseLogger
  /** A MyApp that has not been seen for this long is no longer counted by phase. */
  forgetMyAppAfterMs: number
}
