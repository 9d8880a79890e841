import type { fastify as Fastify, FastifyBaseLogger } from 'fastify'
import type { TelemetrySettings } from './settings.ts'

/** Telemetry as the rest of the program sees it. */
export interface Telemetry {
  /** Gives a Fastify whose hook calls are followed. */
  instrument: (fastify: typeof Fastify) => typeof Fastify
  /** How much of the time that the program has for its end is to be kept for `shutdown`. */
  keptForShutdownMs: number
  /** Sends what is left, as far as that time or a few seconds allow. */
  shutdown: (withinMs: number) => Promise<void>
}

export interface TelemetryOptions {
  environment: Record<string, string | undefined>
  logger: FastifyBaseLogger
  /** A MyApp that has not been seen for this long is no longer among those that are counted by phase. */
  forgetMyAppAfterMs: number
}

/** Starts what is asked for. Without anything to export the SDK is not even loaded. */
export async function startTelemetry(
  settings: TelemetrySettings,
  options: TelemetryOptions,
): Promise<Telemetry> {
  for (const warning of settings.warnings) options.logger.warn(warning)
  const exporters = [settings.traces, settings.metrics, settings.logs].flatMap(
    (signal) => signal.exporters,
  )
  if (exporters.length === 0) {
    return { instrument: (fastify) => fastify, keptForShutdownMs: 0, shutdown: async () => {} }
  }
  const { startSdk } = await import('./export/sdk.ts')
  return await startSdk(settings, options)
}
