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

/** The time limits of the last exports at shutdown, in ms: the maximum and the minimum. */
const flushTimeoutMs = 3000
const minFlushTimeoutMs = 1500

/**
 * The interval in which the delay of the event loop is sampled, in ms. The default of 10 wakes an
 * idle process so often that it uses 0.5 % of a core (bench/results/2026-11-28.md).
 */
const eventLoopPrecisionMs = 100

/**
 * Starts the SDK with the given settings. It detects nothing about the machine. Exporters load
 * later.
 */
export async function startSdk(
  settings: TelemetrySettings,
  { environment, logger, forgetMyAppAfterMs }: TelemetryOptions,
): Promise<Telemetry> {
  const logLevel = prepare(environment, settings)
  // The SDK reports wrong settings while it starts. Later it repeats itself with every failed
  // export, which outages.ts logs once.
  logSdk(logger, logLevel, 'warn')
  const outlets = {
    spanProcessors: spanProcessors(settings, logger),
    metricReaders: await metricReaders(settings, logger, environment),
    logRecordProcessors: logRecordProcessors(settings, logger),
  }
  const hasMetrics = outlets.metricReaders.length > 0
  const sdk = new NodeSDK({
    resource: defaultResource().merge(
      resourceFromAttributes({
        [ATTR_SERVICE_NAME]: packageJson.name,
        [ATTR_SERVICE_VERSION]: packageJson.version,
      }),
    ),
    // The last one wins: OTEL_RESOURCE_ATTRIBUTES overrides POD_RESOURCE_ATTRIBUTES.
    resourceDetectors: [
      serviceInstanceIdDetector,
      { detect: () => ({ attributes: settings.resource }) },
      envDetector,
    ],
    ...outlets,
    instrumentations: hasMetrics
      ? [new RuntimeNodeInstrumentation({ monitoringPrecision: eventLoopPrecisionMs })]
      : [],
  })
  sdk.start()
  logSdk(logger, logLevel, 'debug')
  const meter = metrics.getMeter(packageJson.name, packageJson.version)
  const seen = seenMyApps({ forgetAfterMs: forgetMyAppAfterMs })
  const records = { metrics: requestMetrics(meter, seen), seen }
  return {
    instrument: (fastify) =>
      instrument(fastify, {
        ended: (span, request, reply) => recordRequest(span, request, reply, records),
      }),
    metrics: serverMetrics(meter),
    keptForShutdownMs: minFlushTimeoutMs,
    shutdown: async (withinMs) => {
      // One by one, because the SDK's own shutdown stops at the first failure. Failures are logged.
      const flushed = Promise.allSettled(
        Object.values(outlets)
          .flat()
          .map(async (outlet) => {
            await outlet.shutdown()
          }),
      )
      const timeout = Math.min(flushTimeoutMs, withinMs)
      await Promise.race([flushed, wait(timeout, undefined, { ref: false })])
    },
  }
}

/** Variables whose values the SDK knows in lower case only. */
const lowercaseVariables = [
  'OTEL_TRACES_SAMPLER',
  'OTEL_PROPAGATORS',
  ...['', 'TRACES_', 'METRICS_', 'LOGS_'].map(
    (signal) => `OTEL_EXPORTER_OTLP_${signal}COMPRESSION`,
  ),
]

/**
 * Prepares the environment for the SDK, which reads it: removes invalid variables. Returns the log
 * level of the SDK. With OTEL_LOG_LEVEL set, its own logger would print between the log lines.
 */
function prepare(environment: Environment, { invalid }: TelemetrySettings): DiagLogLevel {
  for (const variable of invalid) delete environment[variable]
  for (const name of lowercaseVariables) {
    if (environment[name] !== undefined) environment[name] = environment[name].trim().toLowerCase()
  }
  const level = diagLogLevelFromString(environment['OTEL_LOG_LEVEL'])
  delete environment['OTEL_LOG_LEVEL']
  return level ?? DiagLogLevel.WARN
}

/** Logs messages of the SDK: errors and warnings at `level`, others at debug. */
function logSdk(logger: FastifyBaseLogger, logLevel: DiagLogLevel, level: 'warn' | 'debug'): void {
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
