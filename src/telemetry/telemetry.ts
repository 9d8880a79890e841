import type { fastify as Fastify, FastifyBaseLogger } from 'fastify'
import type { ServerMetrics } from './requests/metrics.ts'
import type { Environment } from './settings.ts'

/** The interface of telemetry for the rest of the program. */
export interface Telemetry {
  /** Returns a `fastify` whose servers record the requests of hooks. */
  instrument: (fastify: typeof Fastify) => typeof Fastify
  /** Metrics of the server itself. */
  metrics: ServerMetrics
  /** The part of the shutdown time that must remain for `shutdown`, in ms. */
  keptForShutdownMs: number
  /** Exports the remaining telemetry, for at most `withinMs`. */
  shutdown: (withinMs: number) => Promise<void>
}

export interface TelemetryOptions {
  environment: Environment
  logger: FastifyBaseLogger
  /** A MyApp without a request for this long no longer counts by phase. */
  forgetMyAppAfterMs: number
}
