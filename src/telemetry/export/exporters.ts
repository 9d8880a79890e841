import {
  type IMetricReader,
  AggregationTemporality,
  AggregationType,
  ConsoleMetricExporter,
  InstrumentType,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics'
import {
  BatchLogRecordProcessor,
  ConsoleLogRecordExporter,
  type LogRecordProcessor,
  type ReadableLogRecord,
  SimpleLogRecordProcessor,
} from '@opentelemetry/sdk-logs'
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
import { dropCounter } from './drop-counter.ts'
import { type Exporter, lazyExporter } from './lazy.ts'
import { watchOutages } from './outages.ts'
import { packing, unpacking } from '../../runtime/packed-spans.ts'
import type { Protocol, TelemetrySettings } from '../settings.ts'

type Load<Items> = Record<Protocol, () => Promise<Exporter<Items>>>

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

const countOf = {
  spans: (spans: ReadableSpan[]) => spans.length,
  records: (records: ReadableLogRecord[]) => records.length,
  metrics: () => 0,
}

/** Where ended spans go. */
export function spanProcessors(
  { traces }: TelemetrySettings,
  logger: FastifyBaseLogger,
): SpanProcessor[] {
  const outage = watchOutages('traces', logger)
  return traces.exporters.map((name) =>
    name === 'console'
      ? new SimpleSpanProcessor({ exporter: new ConsoleSpanExporter() })
      : packing(
          new BatchSpanProcessor({
            exporter: unpacking(
              lazyExporter(spanExporters[traces.protocol], outage, countOf.spans),
            ),
            selfObsMeterProvider: dropCounter(outage.dropped),
            ...traces.batch,
          }),
        ),
  )
}

/** Where log records go. */
export function logRecordProcessors(
  { logs }: TelemetrySettings,
  logger: FastifyBaseLogger,
): LogRecordProcessor[] {
  const outage = watchOutages('logs', logger)
  return logs.exporters.map((name) =>
    name === 'console'
      ? new SimpleLogRecordProcessor({ exporter: new ConsoleLogRecordExporter() })
      : new BatchLogRecordProcessor({
          exporter: lazyExporter(logExporters[logs.protocol], outage, countOf.records),
          selfObsMeterProvider: dropCounter(outage.dropped),
          ...logs.batch,
        }),
  )
}

/** What collects the metrics, and sends them or has them fetched. */
export async function metricReaders(
  { metrics }: TelemetrySettings,
  logger: FastifyBaseLogger,
  environment: Record<string, string | undefined>,
): Promise<IMetricReader[]> {
  const { exportIntervalMillis, exportTimeoutMillis } = metrics
  const periodic = (exporter: PushMetricExporter) =>
    new PeriodicExportingMetricReader({ exporter, exportIntervalMillis, exportTimeoutMillis })
  return await Promise.all(
    metrics.exporters.map(async (name) => {
      if (name === 'prometheus') return await prometheusReader(metrics.prometheus, logger)
      if (name === 'console') return periodic(new ConsoleMetricExporter())
      return periodic({
        ...lazyExporter(
          metricExporters[metrics.protocol],
          watchOutages('metrics', logger),
          countOf.metrics,
        ),
        // The reader asks these at once, before the exporter is loaded.
        selectAggregationTemporality: temporality(environment),
        selectAggregation: histogramAggregation(environment),
      })
    }),
  )
}

/** Not by the exporter's own server: that makes a URL of its host, and with an IPv6 address, as `::`, answers every scrape with 400. */
async function prometheusReader(
  { host, port }: TelemetrySettings['metrics']['prometheus'],
  logger: FastifyBaseLogger,
): Promise<IMetricReader> {
  const { PrometheusExporter } = await import('@opentelemetry/exporter-prometheus')
  // Names and labels are what rules and dashboards go by: without the scope, which says the same of each.
  const reader = new PrometheusExporter({ withoutScopeInfo: true, preventServerStart: true })
  const server = createServer((call, answer) => {
    if (call.url?.split('?')[0] === '/metrics') reader.getMetricsRequestHandler(call, answer)
    else answer.writeHead(404).end()
  }).unref()
  try {
    await once(server.listen(port, host), 'listening')
    logger.info({ host, port }, 'metrics can be fetched at /metrics')
  } catch (error) {
    logger.warn(
      { host, port, reason: (error as NodeJS.ErrnoException).code },
      'metrics cannot be fetched: set another OTEL_EXPORTER_PROMETHEUS_PORT or _HOST',
    )
  }
  return reader
}

/** OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE. */
function temporality(
  environment: Record<string, string | undefined>,
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

/** OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION. */
function histogramAggregation(environment: Record<string, string | undefined>) {
  const exponential =
    environment['OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION']?.toLowerCase() ===
    'base2_exponential_bucket_histogram'
  return (instrument: InstrumentType) =>
    exponential && instrument === InstrumentType.HISTOGRAM
      ? ({ type: AggregationType.EXPONENTIAL_HISTOGRAM } as const)
      : ({ type: AggregationType.DEFAULT } as const)
}
