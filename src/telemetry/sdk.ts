import { diag, DiagLogLevel, metrics } from '@opentelemetry/api'
import { diagLogLevelFromString } from '@opentelemetry/core'
import { RuntimeNodeInstrumentation } from '@opentelemetry/instrumentation-runtime-node'
import { defaultResource, envDetector, resourceFromAttributes, serviceInstanceIdDetector } from '@opentelemetry/resources'
import { NodeSDK } from '@opentelemetry/sdk-node'
import type { FastifyBaseLogger } from 'fastify'
import { setTimeout as wait } from 'node:timers/promises'
import packageJson from '../../package.json' with { type: 'json' }
import { eventLoopDelay } from '../event-loop-delay.ts'
import { measureEventLoop } from './event-loop-metrics.ts'
import { logRecordProcessors, metricReaders, spanProcessors } from './exporters.ts'
import { instrument } from './fastify.ts'
import { knownMyApps } from './known-myapps.ts'
import { sdkLines } from './log-records.ts'
import { operatorMetrics } from './operator-metrics.ts'
import type { TelemetrySettings } from './settings.ts'
import type { Telemetry, TelemetryOptions } from './start.ts'

/** At its end a process gets this long to send what is left, and the lesser time at least where calls in flight have taken the rest. */
const flushTimeoutMs = 3000
const leastFlushTimeoutMs = 1500

/** The instrumentation's own measure of the event loop's delay wakes an idle process a hundred times a second; see event-loop-metrics.ts. */
const never = 2 ** 31 - 1

/** Starts the SDK with what the settings ask for and nothing else: it detects nothing of the machine, and exporters load when there is something to send. */
export async function startSdk (settings: TelemetrySettings, { environment, logger, forgetMyAppAfterMs }: TelemetryOptions): Promise<Telemetry> {
  const sdk = new NodeSDK({
    resource: defaultResource().merge(resourceFromAttributes({ 'service.name': packageJson.name, 'service.version': packageJson.version })),
    resourceDetectors: [serviceInstanceIdDetector, envDetector],
    spanProcessors: spanProcessors(settings, logger),
    metricReaders: await metricReaders(settings, logger, environment),
    logRecordProcessors: logRecordProcessors(settings, logger),
    instrumentations: settings.metrics.exporters.length > 0 ? [new RuntimeNodeInstrumentation({ monitoringPrecision: never })] : [],
  })
  // While it starts, the SDK speaks of settings; later it would repeat itself with every export that fails.
  listen(logger, environment, 'warn')
  sdk.start()
  listen(logger, environment, 'debug')
  const known = knownMyApps({ most: 10_000, forgetAfterMs: forgetMyAppAfterMs })
  measureEventLoop(metrics.getMeter(packageJson.name, packageJson.version), eventLoopDelay())
  const instruments = operatorMetrics(metrics.getMeter(packageJson.name, packageJson.version), known)
  return {
    instrument: (fastify) => instrument(fastify, instruments, known),
    keptForShutdownMs: leastFlushTimeoutMs,
    shutdown: async (withinMs) => {
      const flushed = sdk.shutdown().catch(() => {}) // an exporter that fails has been logged
      await Promise.race([flushed, wait(Math.min(flushTimeoutMs, withinMs), undefined, { ref: false })])
    },
  }
}

/** Has what the SDK says of itself logged, at the given level of ours. OTEL_LOG_LEVEL is how much it says. */
function listen (logger: FastifyBaseLogger, environment: Record<string, string | undefined>, level: 'warn' | 'debug'): void {
  const say = (message: string) => { logger[level](sdkLines, message.split('\n')[0]?.slice(0, 200)) }
  diag.setLogger({ error: say, warn: say, info: say, debug: say, verbose: say }, {
    logLevel: diagLogLevelFromString(environment['OTEL_LOG_LEVEL']) ?? DiagLogLevel.WARN,
    suppressOverrideMessage: true,
  })
}
