import {
  attributesIn,
  batchVariables,
  otlpVariables,
  type OtlpProtocol,
  otlpProtocols,
  type VariableRule,
  variableRules,
  type Signal,
  signals,
} from './variables.ts'

/** Reads the OTEL_* variables that are needed before the SDK is loaded. */

const exporters = {
  traces: ['otlp', 'console'],
  metrics: ['otlp', 'prometheus', 'console'],
  logs: ['otlp', 'console'],
} as const
export type ExporterName = (typeof exporters)[Signal][number]
export type Environment = Record<string, string | undefined>

/** The exporters of one signal and their protocol. */
export interface SignalSettings {
  exporters: ExporterName[]
  protocol: OtlpProtocol
}

/** Limits of the queue in which spans or log records wait for export. */
export interface BatchLimits {
  maxQueueSize?: number
  scheduledDelayMillis?: number
  exportTimeoutMillis?: number
  maxExportBatchSize?: number
}

export interface TelemetrySettings {
  traces: SignalSettings & { batch: BatchLimits }
  metrics: SignalSettings & {
    exportIntervalMillis: number
    exportTimeoutMillis: number
    prometheus: { host: string; port: number }
  }
  logs: SignalSettings & { batch: BatchLimits }
  /** Resource attributes that the deployment sets. OTEL_RESOURCE_ATTRIBUTES overrides them. */
  resource: Record<string, string>
  /** One sentence for each problem. */
  warnings: string[]
  /** Variables with invalid values. The SDK must not read them. */
  invalid: string[]
}

/**
 * Reads the settings. Invalid values are ignored, with a warning if they would have an effect.
 * OTEL_<SIGNAL>_EXPORTER selects the exporters. Without it, traces and metrics use OTLP if an
 * endpoint is set, and logs are not exported, because they are already on standard output.
 */
export function readTelemetrySettings(environment: Environment): TelemetrySettings {
  const warnings: string[] = []
  const set = Object.fromEntries(
    Object.entries(environment)
      .map(([name, text]) => [name, text?.trim()])
      .filter(([, text]) => text !== undefined && text !== ''),
  ) as Record<string, string>

  const violations = variableRules.flatMap((rule) =>
    rule.variables
      .filter((name) => set[name] !== undefined && !rule.format.accepts(set[name]))
      .map((name) => ({ name, rule, value: set[name] ?? '' })),
  )
  const invalid = [...new Set(violations.map(({ name }) => name))]
  const valid = Object.fromEntries(Object.entries(set).filter(([name]) => !invalid.includes(name)))
  const named = Object.fromEntries(
    signals.map((signal) => [signal, exportersOf(valid, signal, warnings)]),
  ) as Record<Signal, ExporterName[]>
  warnings.push(...violationWarnings(violations, named), ...grpcPortWarning(valid, named))

  const settingsOf = (signal: Signal): SignalSettings => {
    const isSent = hasValidEndpoint(environment, valid, signal, named[signal], warnings)
    return {
      exporters: named[signal].filter((name) => name !== 'otlp' || isSent),
      protocol: protocolOf(valid, signal),
    }
  }
  const number = (name: string, fallback: number) => Number(valid[name] ?? fallback)
  const exportIntervalMillis = number('OTEL_METRIC_EXPORT_INTERVAL', 60_000)
  return {
    traces: { ...settingsOf('traces'), batch: batchLimits(valid, 'OTEL_BSP') },
    metrics: {
      ...settingsOf('metrics'),
      exportIntervalMillis,
      exportTimeoutMillis: Math.min(
        number('OTEL_METRIC_EXPORT_TIMEOUT', 30_000),
        exportIntervalMillis,
      ),
      prometheus: {
        host: valid['OTEL_EXPORTER_PROMETHEUS_HOST'] ?? 'localhost',
        port: number('OTEL_EXPORTER_PROMETHEUS_PORT', 9464),
      },
    },
    logs: { ...settingsOf('logs'), batch: batchLimits(valid, 'OTEL_BLRP') },
    resource: attributesIn(valid['POD_RESOURCE_ATTRIBUTES'] ?? '') ?? {},
    warnings: [...new Set(warnings)],
    invalid,
  }
}

/** A variable whose value violates a rule. */
interface Violation {
  name: string
  value: string
  rule: VariableRule
}

/** The warnings for invalid values that an exporter would use, or that are always reported. */
function violationWarnings(
  violations: Violation[],
  named: Record<Signal, ExporterName[]>,
): string[] {
  const used = signals.flatMap((signal) => named[signal].map((name) => `${signal}/${name}`))
  return violations
    .filter(
      ({ rule: { usedBy = used, always } }) => always || usedBy.some((user) => used.includes(user)),
    )
    .map(({ name, value, rule: { format } }) => {
      const shown = format.secret ? '' : `=${value}`
      return `${name}${shown}: ${format.must}; the variable is ignored`
    })
}

/**
 * The exporters that the variable of a signal names. Without the variable, traces and metrics use
 * OTLP if an endpoint is set, and logs have no exporter.
 */
function exportersOf(
  valid: Record<string, string>,
  signal: Signal,
  warnings: string[],
): ExporterName[] {
  if (valid['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return []
  const variable = `OTEL_${signal.toUpperCase()}_EXPORTER`
  const names = (valid[variable] ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name, index, all) => name !== '' && all.indexOf(name) === index)
  if (names.length === 0) {
    return signal !== 'logs' && otlpValue(valid, signal, 'ENDPOINT') !== undefined ? ['otlp'] : []
  }
  if (names.includes('none')) return []
  const isKnown = (name: string): name is ExporterName =>
    (exporters[signal] as readonly string[]).includes(name)
  const unknown = names.filter((name) => !isKnown(name))
  if (unknown.length > 0) {
    const choices = [...exporters[signal], 'none'].join(', ')
    warnings.push(
      `${variable}=${unknown.join(',')}: must be one of ${choices}; the exporter is ignored`,
    )
  }
  return names.filter(isKnown)
}

/** The variable that sets an OTLP option of a signal: for this signal, or for all signals. */
const otlpVariable = (valid: Record<string, string>, signal: Signal, name: string) =>
  otlpVariables(signal, name).find((variable) => valid[variable] !== undefined)

function otlpValue(valid: Record<string, string>, signal: Signal, name: string) {
  const variable = otlpVariable(valid, signal, name)
  return variable === undefined ? undefined : valid[variable]
}

function protocolOf(valid: Record<string, string>, signal: Signal): OtlpProtocol {
  const text = otlpValue(valid, signal, 'PROTOCOL')?.toLowerCase()
  return otlpProtocols.find((protocol) => protocol === text) ?? otlpProtocols[0]
}

function grpcPortWarning(
  valid: Record<string, string>,
  named: Record<Signal, ExporterName[]>,
): string[] {
  const suspects = signals.filter(
    (signal) =>
      named[signal].includes('otlp') &&
      protocolOf(valid, signal) !== 'grpc' &&
      /:4317(\/|$)/.test(otlpValue(valid, signal, 'ENDPOINT') ?? ''),
  )
  return suspects.length === 0
    ? []
    : [
        `the OTLP endpoint of ${suspects.join(', ')} has port 4317, where collectors expect ` +
          'gRPC, but the protocol is HTTP: use port 4318 or set OTEL_EXPORTER_OTLP_PROTOCOL=grpc',
      ]
}

/**
 * Checks the OTLP endpoint of a signal. For an invalid URL, exporters would send everything to
 * localhost, including headers with tokens. The message does not quote the URL, which may contain a
 * password.
 */
function hasValidEndpoint(
  environment: Environment,
  valid: Record<string, string>,
  signal: Signal,
  named: ExporterName[],
  warnings: string[],
): boolean {
  const variable = otlpVariable(valid, signal, 'ENDPOINT')
  if (!named.includes('otlp') || variable === undefined) return true
  // Like the exporters: the scheme is optional for gRPC, and the text is not trimmed for HTTP.
  const text = environment[variable] ?? ''
  const isGrpc = protocolOf(valid, signal) === 'grpc'
  const url = URL.parse(
    isGrpc
      ? text.trim().replace(/^(?!\w{1,8}:\/\/)/, 'https://')
      : `${text}${text.endsWith('/') ? '' : '/'}`,
  )
  const schemes = ['http:', 'https:', ...(isGrpc ? ['unix:'] : [])]
  if (url !== null && schemes.includes(url.protocol)) return true
  const example = `http://collector:${isGrpc ? 4317 : 4318}`
  warnings.push(`${variable}: must be a URL such as ${example}; nothing is exported there`)
  return false
}

function batchLimits(valid: Record<string, string>, prefix: string): BatchLimits {
  const [queue, delay, timeout, batch] = batchVariables(prefix).map((name) =>
    valid[name] === undefined ? undefined : Number(valid[name]),
  )
  return {
    ...(queue !== undefined && { maxQueueSize: queue }),
    ...(delay !== undefined && { scheduledDelayMillis: delay }),
    ...(timeout !== undefined && { exportTimeoutMillis: timeout }),
    maxExportBatchSize: batch ?? Math.min(defaultBatchSize, queue ?? defaultBatchSize),
  }
}

/**
 * A batch is serialized in one turn of the event loop. OpenTelemetry's default of 512 would block
 * the event loop too long.
 */
const defaultBatchSize = 64
