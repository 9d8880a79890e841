import { noServerMetrics } from './requests/metrics.ts'
import type { TelemetrySettings } from './settings.ts'
import type { Telemetry, TelemetryOptions } from './telemetry.ts'

/** Telemetry that records nothing. */
const off: Telemetry = {
  instrument: (fastify) => fastify,
  metrics: noServerMetrics,
  reservedForShutdownMs: 0,
  shutdown: async () => {},
}

/** Starts telemetry with the given settings. Without an exporter the SDK is not loaded. */
export async function startTelemetry(
  settings: TelemetrySettings,
  options: TelemetryOptions,
): Promise<Telemetry> {
  for (const warning of settings.warnings) options.logger.warn(warning)
  const signals = [settings.traces, settings.metrics, settings.logs]
  if (signals.every(({ exporters }) => exporters.length === 0)) return off
  const { startSdk } = await import('./export/sdk.ts')
  return await startSdk(settings, options)
}
