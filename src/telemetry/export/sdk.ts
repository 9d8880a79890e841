import { diag, DiagLogLevel, metrics } from '@opentelemetry/api'
import { diagLogLevelFromString } from '@opentelemetry/core'
import { RuntimeNodeInstrumentation } from '@opentelemetry/instrumentation-runtime-node'
import {
  defaultResource,
  envDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from '@opentelemetry/resources'
import { NodeSDK } from '@opentelemetry/sdk-node'
import type { FastifyBaseLogger } from 'fastify'
import { setTimeout as wait } from 'node:timers/promises'
import packageJson from '../../../package.json' with { type: 'json' }
import { watchEventLoop } from '../../runtime/event-loop-metrics.ts'
import { logRecordProcessors, metricReaders, spanProcessors } from './exporters.ts'
import { instrument } from '../requests/fastify.ts'
import { knownMyApps } from '../requests/seen-myapps.ts'
import { sdkLines } from '../requests/log-records.ts'
import { noContext } from '../../runtime/no-context.ts'
import { operatorMetrics } from '../requests/metrics.ts'
import type { TelemetrySettings } from '../settings.ts'
import type { Telemetry, TelemetryOptions } from '../index.ts'

/** At its end a process gets this long to send what is left, and the lesser time at least where calls in flight have taken the rest. */
const flushTimeoutMs = 3000
const leastFlushTimeoutMs = 1500

/** The instrumentation's own measure of the event loop's delay wakes an idle process a hundred times a second; see event-loop-metrics.ts. */
const never = 2 ** 31 - 1

/** Starts the SDK with what the settings ask for and nothing else: it detects nothing of the machine, and exporters load when there is something to send. */
export async function startSdk(
  settings: TelemetrySettings,
  { environment, logger, forgetMyAppAfterMs }: TelemetryOptions,
): Promise<Telemetry> {
  for (const variable of settings.ignored) delete environment[variable]
  const logLevel = diagLogLevelFromString(environment['OTEL_LOG_LEVEL']) ?? DiagLogLevel.WARN
  prepare(environment)
  // While it starts, the SDK speaks of settings; later it would repeat itself with every export that fails.
  listen(logger, logLevel, 'warn')
  const outlets = {
    spanProcessors: spanProcessors(settings, logger),
    metricReaders: await metricReaders(settings, logger, environment),
    logRecordProcessors: logRecordProcessors(settings, logger),
  }
  const sdk = new NodeSDK({
    resource: defaultResource().merge(
      resourceFromAttributes({
        'service.name': packageJson.name,
        'service.version': packageJson.version,
      }),
    ),
    resourceDetectors: [
      serviceInstanceIdDetector,
      { detect: () => ({ attributes: settings.resource }) },
      envDetector,
    ],
    contextManager: noContext,
    ...outlets,
    instrumentations:
      settings.metrics.exporters.length > 0
        ? [new RuntimeNodeInstrumentation({ monitoringPrecision: never })]
        : [],
  })
  sdk.start()
  listen(logger, logLevel, 'debug')
  const known = knownMyApps({ most: 10_000, forgetAfterMs: forgetMyAppAfterMs })
  const meter = metrics.getMeter(packageJson.name, packageJson.version)
  const eventLoop =
    settings.metrics.exporters.length > 0 ? watchEventLoop(meter, settings.metrics) : undefined
  const instruments = operatorMetrics(meter, known)
  return {
    instrument: (fastify) => instrument(fastify, instruments, known, eventLoop),
    keptForShutdownMs: leastFlushTimeoutMs,
    shutdown: async (withinMs) => {
      // Each by itself: the SDK's own shutdown ends with the first that fails. One that fails has been logged.
      const flushed = Promise.allSettled(
        Object.values(outlets)
          .flat()
          .map(async (outlet) => {
            await outlet.shutdown()
          }),
      )
      await Promise.race([
        flushed,
        wait(Math.min(flushTimeoutMs, withinMs), undefined, { ref: false }),
      ])
    },
  }
}

/** Variables whose words the SDK knows in small letters only. */
const words = [
  'OTEL_TRACES_SAMPLER',
  'OTEL_PROPAGATORS',
  ...['', 'TRACES_', 'METRICS_', 'LOGS_'].map(
    (signal) => `OTEL_EXPORTER_OTLP_${signal}COMPRESSION`,
  ),
]

/** The SDK reads the environment itself. It would print where OTEL_LOG_LEVEL is set, between the lines of the log. */
function prepare(environment: TelemetryOptions['environment']): void {
  for (const name of words) {
    if (environment[name] !== undefined) environment[name] = environment[name].trim().toLowerCase()
  }
  delete environment['OTEL_LOG_LEVEL']
}

/** Has what the SDK says of itself logged: what is wrong at the given level of ours, the rest at debug. OTEL_LOG_LEVEL is how much it says. */
function listen(logger: FastifyBaseLogger, logLevel: DiagLogLevel, level: 'warn' | 'debug'): void {
  const say = (level: 'warn' | 'debug') => (message: string) => {
    logger[level](sdkLines, message.split('\n')[0]?.slice(0, 200))
  }
  diag.setLogger(
    {
      error: say(level),
      warn: say(level),
      info: say('debug'),
      debug: say('debug'),
      verbose: say('debug'),
    },
    { logLevel, suppressOverrideMessage: true },
  )
}
