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
import { ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION } from '@opentelemetry/semantic-conventions'
import type { FastifyBaseLogger } from 'fastify'
import { setTimeout as wait } from 'node:timers/promises'
import packageJson from '../../../package.json' with { type: 'json' }
import { instrument } from '../requests/fastify.ts'
import { sdkLines } from '../requests/log-records.ts'
import { requestMetrics, serverMetrics } from '../requests/metrics.ts'
import { seenMyApps } from '../requests/seen-myapps.ts'
import { recordRequest } from '../requests/span.ts'
import type { Environment, TelemetrySettings } from '../settings.ts'
import type { Telemetry, TelemetryOptions } from '../telemetry.ts'
import { logRecordProcessors, metricReaders, spanProcessors } from './exporters.ts'

/** The longest time for the last exports at shutdown, and the time that is reserved for them. */
const maxShutdownMs = 3000
const reservedShutdownMs = 1500

/**
 * The interval in which the delay of the event loop is sampled, in ms. The default of 10 keeps an
 * idle process busy (bench/results/2026-11-28.md).
 */
const eventLoopPrecisionMs = 100

/**
 * Starts the SDK with the given settings. No resource detector reads properties of the host or the
 * process. OTLP exporters load later.
 */
export async function startSdk(
  settings: TelemetrySettings,
  { environment, logger, forgetMyAppAfterMs }: TelemetryOptions,
): Promise<Telemetry> {
  const logLevel = prepareEnvironment(environment, settings)
  // While the SDK starts, it reports wrong settings, which are logged as warnings. Later it can
  // repeat a message at every export. Such messages are logged at debug, because outages.ts logs
  // failed exports once.
  logSdkMessages(logger, logLevel, 'warn')
  const pipelines = {
    spanProcessors: spanProcessors(settings, logger),
    metricReaders: await metricReaders(settings, logger, environment),
    logRecordProcessors: logRecordProcessors(settings, logger),
  }
  const hasMetrics = pipelines.metricReaders.length > 0
  const sdk = new NodeSDK({
    resource: defaultResource().merge(
      resourceFromAttributes({
        [ATTR_SERVICE_NAME]: packageJson.name,
        [ATTR_SERVICE_VERSION]: packageJson.version,
      }),
    ),
    // The last detector wins: OTEL_RESOURCE_ATTRIBUTES overrides POD_RESOURCE_ATTRIBUTES.
    resourceDetectors: [
      serviceInstanceIdDetector,
      { detect: () => ({ attributes: settings.resource }) },
      envDetector,
    ],
    ...pipelines,
    instrumentations: hasMetrics
      ? [new RuntimeNodeInstrumentation({ monitoringPrecision: eventLoopPrecisionMs })]
      : [],
  })
  sdk.start()
  logSdkMessages(logger, logLevel, 'debug')
  const meter = metrics.getMeter(packageJson.name, packageJson.version)
  const seen = seenMyApps({ forgetAfterMs: forgetMyAppAfterMs })
  const records = { metrics: requestMetrics(meter, seen), seen }
  return {
    instrument: (fastify) =>
      instrument(fastify, {
        ended: (span, request, reply) => recordRequest(span, request, reply, records),
      }),
    metrics: serverMetrics(meter),
    reservedForShutdownMs: reservedShutdownMs,
    shutdown: async (withinMs) => {
      // The SDK's own shutdown stops at the first failure. outages.ts logs failures.
      const exported = Promise.allSettled(
        Object.values(pipelines)
          .flat()
          .map(async (processor) => {
            await processor.shutdown()
          }),
      )
      const timeout = Math.min(maxShutdownMs, withinMs)
      await Promise.race([exported, wait(timeout, undefined, { ref: false })])
    },
  }
}

/** Variables whose values the SDK accepts in lower case only. */
const lowercaseVariables = [
  'OTEL_TRACES_SAMPLER',
  'OTEL_PROPAGATORS',
  ...['', 'TRACES_', 'METRICS_', 'LOGS_'].map(
    (signal) => `OTEL_EXPORTER_OTLP_${signal}COMPRESSION`,
  ),
]

/**
 * Prepares the environment that the SDK reads: removes invalid variables and converts values to
 * lower case. Returns the log level of the SDK, and removes OTEL_LOG_LEVEL: with it the SDK would
 * print its messages itself, between the log lines.
 */
function prepareEnvironment(
  environment: Environment,
  { invalid }: TelemetrySettings,
): DiagLogLevel {
  for (const variable of invalid) delete environment[variable]
  for (const name of lowercaseVariables) {
    if (environment[name] !== undefined) environment[name] = environment[name].trim().toLowerCase()
  }
  const level = diagLogLevelFromString(environment['OTEL_LOG_LEVEL'])
  delete environment['OTEL_LOG_LEVEL']
  return level ?? DiagLogLevel.WARN
}

/** Logs messages of the SDK: errors and warnings at `level`, others at debug. */
function logSdkMessages(
  logger: FastifyBaseLogger,
  logLevel: DiagLogLevel,
  level: 'warn' | 'debug',
): void {
  const log = (level: 'warn' | 'debug') => (message: string) => {
    logger[level](sdkLines, message.split('\n')[0]?.slice(0, 200))
  }
  diag.setLogger(
    {
      error: log(level),
      warn: log(level),
      info: log('debug'),
      debug: log('debug'),
      verbose: log('debug'),
    },
    { logLevel, suppressOverrideMessage: true },
  )
}
