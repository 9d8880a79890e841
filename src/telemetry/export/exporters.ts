import {
  BatchLogRecordProcessor,
  ConsoleLogRecordExporter,
  type LogRecordProcessor,
  type ReadableLogRecord,
  SimpleLogRecordProcessor,
} from '@opentelemetry/sdk-logs'
import {
  AggregationTemporality,
  AggregationType,
  ConsoleMetricExporter,
  type IMetricReader,
  InstrumentType,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics'
import {
  BatchSpanProcessor,
  ConsoleSpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace'
import type { FastifyBaseLogger } from 'fastify'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { boundConnections } from '../../plugins/connections.ts'
import type { Environment, TelemetrySettings } from '../settings.ts'
import type { OtlpProtocol } from '../variables.ts'
import { type Exporter, lazyExporter } from './lazy.ts'
import { dropCounter, watchOutages } from './outages.ts'

type Load<Items> = Record<OtlpProtocol, () => Promise<Exporter<Items>>>

const spanExporters: Load<ReadableSpan[]> = {
  'http/protobuf': async () =>
    new (await import('@opentelemetry/exporter-trace-otlp-proto')).OTLPTraceExporter(),
  'http/json': async () =>
    new (await import('@opentelemetry/exporter-trace-otlp-http')).OTLPTraceExporter(),
  grpc: async () =>
    new (await import('@opentelemetry/exporter-trace-otlp-grpc')).OTLPTraceExporter(),
}

const metricExporters: Load<ResourceMetrics> = {
  'http/protobuf': async () =>
    new (await import('@opentelemetry/exporter-metrics-otlp-proto')).OTLPMetricExporter(),
  'http/json': async () =>
    new (await import('@opentelemetry/exporter-metrics-otlp-http')).OTLPMetricExporter(),
  grpc: async () =>
    new (await import('@opentelemetry/exporter-metrics-otlp-grpc')).OTLPMetricExporter(),
}

const logExporters: Load<ReadableLogRecord[]> = {
  'http/protobuf': async () =>
    new (await import('@opentelemetry/exporter-logs-otlp-proto')).OTLPLogExporter(),
  'http/json': async () =>
    new (await import('@opentelemetry/exporter-logs-otlp-http')).OTLPLogExporter(),
  grpc: async () => new (await import('@opentelemetry/exporter-logs-otlp-grpc')).OTLPLogExporter(),
}

/** Returns the processors that export ended spans. */
export function spanProcessors(
  { traces }: TelemetrySettings,
  logger: FastifyBaseLogger,
): SpanProcessor[] {
  const outage = watchOutages('traces', logger)
  return traces.exporters.map((name) =>
    name === 'console'
      ? new SimpleSpanProcessor({ exporter: new ConsoleSpanExporter() })
      : new BatchSpanProcessor({
          exporter: lazyExporter(spanExporters[traces.protocol], outage, (spans) => spans.length),
          selfObsMeterProvider: dropCounter(outage.dropped),
          ...traces.batch,
        }),
  )
}

/** Returns the processors that export log records. */
export function logRecordProcessors(
  { logs }: TelemetrySettings,
  logger: FastifyBaseLogger,
): LogRecordProcessor[] {
  const outage = watchOutages('logs', logger)
  return logs.exporters.map((name) =>
    name === 'console'
      ? new SimpleLogRecordProcessor({ exporter: new ConsoleLogRecordExporter() })
      : new BatchLogRecordProcessor({
          exporter: lazyExporter(logExporters[logs.protocol], outage, (records) => records.length),
          selfObsMeterProvider: dropCounter(outage.dropped),
          ...logs.batch,
        }),
  )
}

/** Returns the readers that collect metrics and export them, or serve them to Prometheus. */
export async function metricReaders(
  { metrics }: TelemetrySettings,
  logger: FastifyBaseLogger,
  environment: Environment,
): Promise<IMetricReader[]> {
  const { exportIntervalMillis, exportTimeoutMillis } = metrics
  const periodic = (exporter: PushMetricExporter) =>
    new PeriodicExportingMetricReader({ exporter, exportIntervalMillis, exportTimeoutMillis })
  return await Promise.all(
    metrics.exporters.map(async (name) => {
      if (name === 'prometheus') return await prometheusReader(metrics.prometheus, logger)
      if (name === 'console') return periodic(new ConsoleMetricExporter())
      const outage = watchOutages('metrics', logger)
      return periodic({
        ...lazyExporter(metricExporters[metrics.protocol], outage, () => 0),
        // The reader needs these before the exporter is loaded.
        selectAggregationTemporality: temporality(environment),
        selectAggregation: histogramAggregation(environment),
      })
    }),
  )
}

/** The limits of the server of /metrics. Its callers need no credentials. */
const maxConnections = 32
const stalledConnectionMs = 10_000
const scrapeLimits = {
  headersTimeout: 5000,
  requestTimeout: 5000,
  connectionsCheckingInterval: 1000,
}

/**
 * Serves /metrics. The exporter's own server builds a URL from its host, and responds to every
 * scrape with 400 if the host is an IPv6 address such as `::`.
 */
async function prometheusReader(
  { host, port }: TelemetrySettings['metrics']['prometheus'],
  logger: FastifyBaseLogger,
): Promise<IMetricReader> {
  const { PrometheusExporter } = await import('@opentelemetry/exporter-prometheus')
  // Scope labels would add the name and version of a library to every series.
  const reader = new PrometheusExporter({ withoutScopeInfo: true, preventServerStart: true })
  const server = createServer(scrapeLimits, (request, response) => {
    if (request.url?.split('?')[0] === '/metrics') {
      reader.getMetricsRequestHandler(request, response)
    } else response.writeHead(404).end()
  })
    .setTimeout(stalledConnectionMs)
    .unref()
  boundConnections(server, maxConnections)
  try {
    await once(server.listen(port, host), 'listening')
    logger.info({ host, port }, 'serving metrics at /metrics')
  } catch (error) {
    logger.warn(
      { host, port, reason: (error as NodeJS.ErrnoException).code },
      'cannot serve metrics: set another OTEL_EXPORTER_PROMETHEUS_PORT or _HOST',
    )
  }
  return reader
}

/** Implements OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE. */
function temporality(
  environment: Environment,
): (instrument: InstrumentType) => AggregationTemporality {
  const preference = environment['OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE']?.toLowerCase()
  const deltas = [
    ...(['delta', 'lowmemory'].includes(preference ?? '')
      ? [InstrumentType.COUNTER, InstrumentType.HISTOGRAM]
      : []),
    ...(preference === 'delta' ? [InstrumentType.OBSERVABLE_COUNTER] : []),
  ]
  return (instrument) =>
    deltas.includes(instrument) ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE
}

/** Implements OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION. */
function histogramAggregation(environment: Environment) {
  const exponential =
    environment['OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION']?.toLowerCase() ===
    'base2_exponential_bucket_histogram'
  return (instrument: InstrumentType) =>
    exponential && instrument === InstrumentType.HISTOGRAM
      ? ({ type: AggregationType.EXPONENTIAL_HISTOGRAM } as const)
      : ({ type: AggregationType.DEFAULT } as const)
}
