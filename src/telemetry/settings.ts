/** What the OTEL_* variables ask for. The SDK reads most of them itself; here is what must be known before it is loaded. */

const signals = ['traces', 'metrics', 'logs'] as const
const protocols = ['http/protobuf', 'http/json', 'grpc'] as const
const exporters = {
  traces: ['otlp', 'console'],
  metrics: ['otlp', 'prometheus', 'console'],
  logs: ['otlp', 'console'],
} as const

export type Signal = typeof signals[number]
export type Protocol = typeof protocols[number]
export type ExporterName = typeof exporters[Signal][number]
type Environment = Record<string, string | undefined>

/** Where one signal goes, and how. */
export interface SignalSettings {
  exporters: ExporterName[]
  protocol: Protocol
}

/** Limits of the queue in which spans or log records wait to be sent. */
export interface BatchLimits {
  maxQueueSize?: number
  scheduledDelayMillis?: number
  exportTimeoutMillis?: number
  maxExportBatchSize?: number
}

export interface TelemetrySettings {
  traces: SignalSettings & { batch: BatchLimits }
  metrics: SignalSettings & { exportIntervalMillis: number, exportTimeoutMillis: number }
  logs: SignalSettings & { batch: BatchLimits }
  /** What is wrong or looks wrong, a sentence each. */
  warnings: string[]
}

/**
 * Reads the settings. A signal without a named exporter goes to the endpoint, if one is set; logs only go where they are
 * told to, since they are on standard output already.
 */
export function readTelemetrySettings (environment: Environment): TelemetrySettings {
  const warnings: string[] = []
  const [traces, metrics, logs] = signals.map((signal) => signalSettings(environment, signal, warnings)) as [SignalSettings, SignalSettings, SignalSettings]
  const grpcPort = signals.filter((signal, index) => [traces, metrics, logs][index]?.exporters.includes('otlp') && looksLikeGrpc(environment, signal))
  if (grpcPort.length > 0) {
    warnings.push(`the OTLP endpoint of ${grpcPort.join(', ')} has port 4317, where collectors speak gRPC, but the protocol is HTTP: use port 4318, or set OTEL_EXPORTER_OTLP_PROTOCOL=grpc`)
  }
  const number = positive(environment, warnings)
  const exportIntervalMillis = number('OTEL_METRIC_EXPORT_INTERVAL') ?? 60_000
  return {
    traces: { ...traces, batch: batchLimits(number, 'OTEL_BSP') },
    metrics: { ...metrics, exportIntervalMillis, exportTimeoutMillis: Math.min(number('OTEL_METRIC_EXPORT_TIMEOUT') ?? 30_000, exportIntervalMillis) },
    logs: { ...logs, batch: batchLimits(number, 'OTEL_BLRP') },
    warnings,
  }
}

function signalSettings (environment: Environment, signal: Signal, warnings: string[]): SignalSettings {
  return { exporters: exporterNames(environment, signal, warnings), protocol: protocol(environment, signal, warnings) }
}

function exporterNames (environment: Environment, signal: Signal, warnings: string[]): ExporterName[] {
  if (environment['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') return []
  const variable = `OTEL_${signal.toUpperCase()}_EXPORTER`
  const named = [...new Set((environment[variable] ?? '').split(',').map((name) => name.trim()).filter((name) => name !== ''))]
  if (named.length === 0) return signal !== 'logs' && endpoint(environment, signal) !== undefined ? ['otlp'] : []
  if (named.includes('none')) return []
  const choices: readonly string[] = exporters[signal]
  const unknown = named.filter((name) => !choices.includes(name))
  if (unknown.length > 0) warnings.push(`${variable}=${unknown.join(',')} is not understood: choose from ${choices.join(', ')} and none`)
  return named.filter((name) => choices.includes(name)) as ExporterName[]
}

function protocol (environment: Environment, signal: Signal, warnings: string[]): Protocol {
  const named = (environment[`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_PROTOCOL`] || environment['OTEL_EXPORTER_OTLP_PROTOCOL'] || protocols[0]).trim()
  const known = protocols.find((protocol) => protocol === named)
  const warning = `OTEL_EXPORTER_OTLP_PROTOCOL=${named} is not understood: choose from ${protocols.join(', ')}; ${protocols[0]} is used`
  if (known === undefined && !warnings.includes(warning)) warnings.push(warning)
  return known ?? protocols[0]
}

const endpoint = (environment: Environment, signal: Signal) =>
  environment[`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`] || environment['OTEL_EXPORTER_OTLP_ENDPOINT'] || undefined

const looksLikeGrpc = (environment: Environment, signal: Signal) =>
  URL.parse(endpoint(environment, signal) ?? '')?.port === '4317' && protocol(environment, signal, []) !== 'grpc'

type PositiveNumber = (variable: string) => number | undefined

const positive = (environment: Environment, warnings: string[]): PositiveNumber => (variable) => {
  const text = environment[variable]?.trim()
  if (text === undefined || text === '') return undefined
  const value = Number(text)
  if (value > 0 && Number.isFinite(value)) return value
  warnings.push(`${variable}=${text} is not a number above 0; its default is used`)
  return undefined
}

/** A batch is serialized in one go, and calls wait meanwhile: of the 512 of the specification for 10 ms. */
const batchSize = 64

function batchLimits (number: PositiveNumber, prefix: 'OTEL_BSP' | 'OTEL_BLRP'): BatchLimits {
  const maxQueueSize = number(`${prefix}_MAX_QUEUE_SIZE`)
  const limits = {
    maxQueueSize,
    scheduledDelayMillis: number(`${prefix}_SCHEDULE_DELAY`),
    exportTimeoutMillis: number(`${prefix}_EXPORT_TIMEOUT`),
    maxExportBatchSize: number(`${prefix}_MAX_EXPORT_BATCH_SIZE`) ?? Math.min(batchSize, maxQueueSize ?? batchSize),
  }
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined))
}
