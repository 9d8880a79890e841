/** Reads OTLP in JSON, from an exporter or from the Collector's file. */

interface Value {
  stringValue?: string
  intValue?: string | number
  doubleValue?: number
  boolValue?: boolean
  arrayValue?: { values?: Value[] }
}
interface Attribute {
  key: string
  value: Value
}
interface Scope {
  scope?: { name?: string }
}

/** One export of one signal, in JSON. */
export interface Export {
  resourceSpans?: Array<{
    resource?: { attributes?: Attribute[] }
    scopeSpans?: Array<Scope & { spans?: RawSpan[] }>
  }>
  resourceMetrics?: Array<{
    resource?: { attributes?: Attribute[] }
    scopeMetrics?: Array<Scope & { metrics?: RawMetric[] }>
  }>
  resourceLogs?: Array<{
    resource?: { attributes?: Attribute[] }
    scopeLogs?: Array<Scope & { logRecords?: RawLogRecord[] }>
  }>
}

interface RawSpan {
  name: string
  kind: number
  traceId: string
  spanId: string
  parentSpanId?: string
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes?: Attribute[]
  events?: Array<{ name: string; attributes?: Attribute[] }>
  links?: Array<{ traceId: string; spanId: string }>
  status?: { code?: number; message?: string }
}

interface DataPoint {
  attributes?: Attribute[]
  asInt?: string | number
  asDouble?: number
  count?: string | number
  sum?: number
  explicitBounds?: number[]
}
interface RawMetric {
  name: string
  unit?: string
  sum?: { dataPoints?: DataPoint[]; aggregationTemporality?: number }
  gauge?: { dataPoints?: DataPoint[] }
  histogram?: { dataPoints?: DataPoint[]; aggregationTemporality?: number }
}
interface RawLogRecord {
  body?: Value
  severityText?: string
  traceId?: string
  spanId?: string
  attributes?: Attribute[]
}

export type Attributes = Record<string, unknown>

/** A span with its attributes as an object. */
export interface Span extends Omit<RawSpan, 'attributes' | 'events' | 'links'> {
  scope: string
  resource: Attributes
  attributes: Attributes
  events: Array<{ name: string; attributes: Attributes }>
  links: Array<{ traceId: string; spanId: string }>
  milliseconds: number
}

/**
 * A data point of a metric. For a histogram `value` is the count and `sum` the sum of its values.
 */
export interface Point {
  name: string
  unit: string | undefined
  attributes: Attributes
  value: number
  sum: number | undefined
  bounds: number[]
  resource: Attributes
}

export interface LogRecord {
  body: unknown
  severity: string | undefined
  traceId: string
  spanId: string
  attributes: Attributes
  resource: Attributes
}

/** All spans of some exports. */
export function spansIn(exports: readonly Export[]): Span[] {
  return exports
    .flatMap(({ resourceSpans = [] }) => resourceSpans)
    .flatMap(({ resource, scopeSpans = [] }) =>
      scopeSpans.flatMap(({ scope, spans = [] }) =>
        spans.map((span) => ({
          ...span,
          scope: scope?.name ?? '',
          resource: plain(resource?.attributes),
          attributes: plain(span.attributes),
          events: (span.events ?? []).map(({ name, attributes }) => ({
            name,
            attributes: plain(attributes),
          })),
          links: span.links ?? [],
          milliseconds: Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e6,
        })),
      ),
    )
}

/** All data points of some exports, the newest last. */
export function pointsIn(exports: readonly Export[]): Point[] {
  return exports
    .flatMap(({ resourceMetrics = [] }) => resourceMetrics)
    .flatMap(({ resource, scopeMetrics = [] }) =>
      scopeMetrics.flatMap(({ metrics = [] }) =>
        metrics.flatMap((metric) => {
          const points = (metric.sum ?? metric.gauge ?? metric.histogram)?.dataPoints ?? []
          return points.map((point) => ({
            name: metric.name,
            unit: metric.unit,
            attributes: plain(point.attributes),
            value: Number(point.asInt ?? point.asDouble ?? point.count),
            sum: point.sum,
            bounds: point.explicitBounds ?? [],
            resource: plain(resource?.attributes),
          }))
        }),
      ),
    )
}

/** All log records of some exports. */
export function logRecordsIn(exports: readonly Export[]): LogRecord[] {
  return exports
    .flatMap(({ resourceLogs = [] }) => resourceLogs)
    .flatMap(({ resource, scopeLogs = [] }) =>
      scopeLogs.flatMap(({ logRecords = [] }) =>
        logRecords.map((record) => ({
          body: read(record.body),
          severity: record.severityText,
          traceId: record.traceId ?? '',
          spanId: record.spanId ?? '',
          attributes: plain(record.attributes),
          resource: plain(resource?.attributes),
        })),
      ),
    )
}

const plain = (attributes: Attribute[] = []): Attributes =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, read(value)]))

function read(value: Value | undefined): unknown {
  if (value?.intValue !== undefined) return Number(value.intValue)
  if (value?.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(read)
  return value?.stringValue ?? value?.boolValue ?? value?.doubleValue
}
