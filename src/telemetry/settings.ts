import { accessSync, constants } from 'node:fs'
import { validateHeaderName, validateHeaderValue } from 'node:http'

/** What the OTEL_* variables ask for. The SDK reads most of them itself; here is what must be known before it is loaded. */

const signals = ['traces', 'metrics', 'logs'] as const
const protocols = ['http/protobuf', 'http/json', 'grpc'] as const
const exporters = {
  traces: ['otlp', 'console'],
  metrics: ['otlp', 'prometheus', 'console'],
  logs: ['otlp', 'console'],
} as const

export type Signal = (typeof signals)[number]
export type Protocol = (typeof protocols)[number]
export type ExporterName = (typeof exporters)[Signal][number]
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
  metrics: SignalSettings & {
    exportIntervalMillis: number
    exportTimeoutMillis: number
    prometheus: { host: string; port: number }
  }
  logs: SignalSettings & { batch: BatchLimits }
  /** What the deployment says of the process; what OTEL_RESOURCE_ATTRIBUTES says comes before it. */
  resource: Record<string, string>
  /** What is wrong or looks wrong, a sentence each. */
  warnings: string[]
  /** Variables of which that is so and which the SDK is not to read. */
  ignored: string[]
}

/** The environment, and whom to tell what is wrong in it. */
interface Reading {
  environment: Environment
  warn: (warning: string) => void
  /** Of a variable with which the SDK would do something else than one expects. */
  ignore: (variable: string, why: string) => void
  canBeRead: (file: string) => boolean
}

/** The same environment for what is only of interest if something uses it. */
const quiet = (reading: Reading): Reading => ({ ...reading, warn: () => {}, ignore: () => {} })

/**
 * Reads the settings. A signal without a named exporter goes to the endpoint, if one is set; logs only go where they are
 * told to, since they are on standard output already. What is wrong is said here and once: when an exporter finds it, it is late.
 */
export function readTelemetrySettings(
  environment: Environment,
  canBeRead = isReadable,
): TelemetrySettings {
  const [warnings, ignored] = [new Set<string>(), new Set<string>()]
  const warn = (warning: string) => {
    warnings.add(warning)
  }
  const ignore = (variable: string, why: string) => {
    ignored.add(variable)
    warn(why)
  }
  const reading: Reading = { environment, canBeRead, warn, ignore }
  const [traces, metrics, logs] = signals.map((signal) => signalSettings(reading, signal)) as [
    SignalSettings,
    SignalSettings,
    SignalSettings,
  ]
  const grpcPort = signals.filter(
    (signal) =>
      exporterNames(quiet(reading), signal).includes('otlp') && looksLikeGrpc(reading, signal),
  )
  if (grpcPort.length > 0) {
    reading.warn(
      `the OTLP endpoint of ${grpcPort.join(', ')} has port 4317, where collectors speak gRPC, but the protocol is HTTP: use port 4318, or set OTEL_EXPORTER_OTLP_PROTOCOL=grpc`,
    )
  }
  if (!isDisabled(environment)) warnOfUnsupported(reading)
  if ([traces, metrics, logs].some(({ exporters }) => exporters.length > 0)) warnOfSdk(reading)
  const readingOf = ({ exporters }: SignalSettings, ...names: ExporterName[]) =>
    names.some((name) => exporters.includes(name)) ? reading : quiet(reading)
  const periodic = readingOf(metrics, 'otlp', 'console')
  const exportIntervalMillis = wholeNumber(periodic, 'OTEL_METRIC_EXPORT_INTERVAL') ?? 60_000
  return {
    traces: { ...traces, batch: batchLimits(readingOf(traces, 'otlp'), 'OTEL_BSP') },
    metrics: {
      ...metrics,
      exportIntervalMillis,
      exportTimeoutMillis: Math.min(
        wholeNumber(periodic, 'OTEL_METRIC_EXPORT_TIMEOUT') ?? 30_000,
        exportIntervalMillis,
      ),
      prometheus: {
        host: valueOf(environment, 'OTEL_EXPORTER_PROMETHEUS_HOST') ?? 'localhost',
        port: prometheusPort(reading),
      },
    },
    logs: { ...logs, batch: batchLimits(readingOf(logs, 'otlp'), 'OTEL_BLRP') },
    resource: resourceAttributes(reading, 'POD_RESOURCE_ATTRIBUTES'),
    warnings: [...warnings],
    ignored: [...ignored],
  }
}

function signalSettings(reading: Reading, signal: Signal): SignalSettings {
  const exporters = exporterNames(reading, signal)
  const isSent = exporters.includes('otlp')
  const settings = { exporters, protocol: protocol(isSent ? reading : quiet(reading), signal) }
  if (!isSent) return settings
  warnOfOtlp(reading, signal)
  return isAddress(reading, signal, settings.protocol)
    ? settings
    : { ...settings, exporters: exporters.filter((name) => name !== 'otlp') }
}

const isDisabled = (environment: Environment) =>
  valueOf(environment, 'OTEL_SDK_DISABLED')?.toLowerCase() === 'true'

function exporterNames({ environment, warn }: Reading, signal: Signal): ExporterName[] {
  if (isDisabled(environment)) return []
  const variable = `OTEL_${signal.toUpperCase()}_EXPORTER`
  const named = [
    ...new Set(
      (environment[variable] ?? '')
        .split(',')
        .map((name) => name.trim().toLowerCase())
        .filter((name) => name !== ''),
    ),
  ]
  if (named.length === 0) {
    return signal !== 'logs' && endpoint(environment, signal) !== undefined ? ['otlp'] : []
  }
  if (named.includes('none')) return []
  const choices: readonly string[] = exporters[signal]
  const unknown = named.filter((name) => !choices.includes(name))
  if (unknown.length > 0) {
    warn(
      `${variable}=${unknown.join(',')} is not understood: choose from ${choices.join(', ')} and none`,
    )
  }
  return named.filter((name) => choices.includes(name)) as ExporterName[]
}

function protocol({ environment, warn }: Reading, signal: Signal): Protocol {
  const named = otlpVariable(environment, signal, 'PROTOCOL')
  const known = protocols.find((protocol) => protocol === named?.value.toLowerCase())
  if (named !== undefined && known === undefined) {
    warn(
      `${named.variable}=${named.value} is not understood: choose from ${protocols.join(', ')}; ${protocols[0]} is used`,
    )
  }
  return known ?? protocols[0]
}

/** The text of a variable; one that is empty counts as not set. */
const valueOf = (environment: Environment, variable: string) =>
  environment[variable]?.trim() || undefined

/** The variables of OTLP by which a signal goes: its own, and that for all. */
const otlpVariables = (signal: Signal, name: string) => [
  `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${name}`,
  `OTEL_EXPORTER_OTLP_${name}`,
]

function otlpVariable(environment: Environment, signal: Signal, name: string) {
  return otlpVariables(signal, name).flatMap((variable) => {
    const value = valueOf(environment, variable)
    return value === undefined ? [] : [{ variable, value }]
  })[0]
}

const endpoint = (environment: Environment, signal: Signal) =>
  otlpVariable(environment, signal, 'ENDPOINT')

const looksLikeGrpc = (reading: Reading, signal: Signal) =>
  /:4317(\/|$)/.test(endpoint(reading.environment, signal)?.value ?? '') &&
  protocol(quiet(reading), signal) !== 'grpc'

/**
 * Whether the endpoint of a signal is one. What is not, the exporters take for one on this machine, and send everything
 * there, headers with tokens too. It is not quoted: it could hold a password.
 */
function isAddress({ environment, warn }: Reading, signal: Signal, protocol: Protocol): boolean {
  const variable = endpoint(environment, signal)?.variable
  if (variable === undefined) return true
  const text = environment[variable] ?? ''
  const isGrpc = protocol === 'grpc'
  // As the exporters complete it: it need not have a scheme for gRPC, and is not trimmed for HTTP.
  const url = URL.parse(
    isGrpc
      ? text.trim().replace(/^(?!\w{1,8}:\/\/)/, 'https://')
      : `${text}${text.endsWith('/') ? '' : '/'}`,
  )
  if (url !== null && ['http:', 'https:', ...(isGrpc ? ['unix:'] : [])].includes(url.protocol)) {
    return true
  }
  warn(`${variable} is no URL like http://collector:${isGrpc ? 4317 : 4318}: nothing is sent there`)
  return false
}

/** What the exporters would leave out or replace without a word. */
function warnOfOtlp(reading: Reading, signal: Signal): void {
  const { environment, warn, canBeRead } = reading
  for (const variable of otlpVariables(signal, 'TIMEOUT')) wholeNumber(reading, variable)
  for (const variable of otlpVariables(signal, 'HEADERS')) headers(reading, variable)
  for (const variable of otlpVariables(signal, 'COMPRESSION')) {
    oneOf(reading, variable, ['gzip', 'none'])
  }
  for (const variable of ['CERTIFICATE', 'CLIENT_CERTIFICATE', 'CLIENT_KEY'].flatMap(
    (name) => otlpVariable(environment, signal, name)?.variable ?? [],
  )) {
    if (!canBeRead(valueOf(environment, variable) ?? '')) {
      warn(`${variable} names a file that cannot be read; it is left out`)
    }
  }
  if (signal !== 'metrics') return
  oneOf(reading, 'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE', [
    'cumulative',
    'delta',
    'lowmemory',
  ])
  oneOf(reading, 'OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION', [
    'explicit_bucket_histogram',
    'base2_exponential_bucket_histogram',
  ])
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK)
    return true
  } catch {
    return false
  }
}

function oneOf({ environment, ignore }: Reading, variable: string, choices: string[]): void {
  const value = valueOf(environment, variable)
  if (value !== undefined && !choices.includes(value.toLowerCase())) {
    ignore(
      variable,
      `${variable}=${value} is not understood: choose from ${choices.join(', ')}; its default is used`,
    )
  }
}

/** What the SDK would leave out, or take for something else, without a word. */
function warnOfSdk(reading: Reading): void {
  resourceAttributes(reading, 'OTEL_RESOURCE_ATTRIBUTES')
  oneOf(reading, 'OTEL_LOG_LEVEL', ['none', 'error', 'warn', 'info', 'debug', 'verbose', 'all'])
  for (const limit of limits) wholeNumber(reading, `OTEL_${limit}_LIMIT`, 0)
}

const limits = [
  'ATTRIBUTE_COUNT',
  'ATTRIBUTE_VALUE_LENGTH',
  'SPAN_ATTRIBUTE_COUNT',
  'SPAN_ATTRIBUTE_VALUE_LENGTH',
  'SPAN_EVENT_COUNT',
  'SPAN_LINK_COUNT',
  'EVENT_ATTRIBUTE_COUNT',
  'LINK_ATTRIBUTE_COUNT',
  'SPAN_ATTRIBUTE_PER_EVENT_COUNT',
  'SPAN_ATTRIBUTE_PER_LINK_COUNT',
  'LOGRECORD_ATTRIBUTE_COUNT',
  'LOGRECORD_ATTRIBUTE_VALUE_LENGTH',
]

/** What the specification has and the SDK for JavaScript does not. It says so itself of samplers and propagators. */
function warnOfUnsupported({ environment, warn }: Reading): void {
  for (const variable of ['OTEL_CONFIG_FILE', 'OTEL_EXPERIMENTAL_CONFIG_FILE']) {
    if (valueOf(environment, variable) !== undefined) {
      warn(
        `${variable} is not supported: the other OTEL_* variables are read, and nothing of the file`,
      )
    }
  }
  if (
    ![undefined, 'always_off'].includes(
      valueOf(environment, 'OTEL_METRICS_EXEMPLAR_FILTER')?.toLowerCase(),
    )
  ) {
    warn('OTEL_METRICS_EXEMPLAR_FILTER is not supported: there are no exemplars')
  }
}

function prometheusPort({ environment, warn }: Reading): number {
  const fallback = 9464
  const text = valueOf(environment, 'OTEL_EXPORTER_PROMETHEUS_PORT')
  if (text === undefined) return fallback
  const port = Number(text)
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port
  warn(`OTEL_EXPORTER_PROMETHEUS_PORT=${text} is not a port; ${fallback} is used`)
  return fallback
}

/** A list of key=value, which is left out as a whole where a part of it is wrong, as the specification asks for. It is not quoted: it is somebody's own words. */
function resourceAttributes(
  { environment, warn }: Reading,
  variable: string,
): Record<string, string> {
  try {
    const pairs = (environment[variable] ?? '')
      .split(',')
      .filter((pair) => pair.trim() !== '')
      .map((pair) => pair.split('=').map((text) => decodeURIComponent(text.trim())))
    if (
      pairs.every(
        ([key, value, ...more]) =>
          key !== '' &&
          value !== undefined &&
          more.length === 0 &&
          Math.max(key?.length ?? 0, value.length) <= 255,
      )
    ) {
      return Object.fromEntries(pairs)
    }
  } catch {} // a % that is no escape
  warn(
    `${variable} is not understood, and left out as a whole: it must be key=value,key=value, with %2C and %3D for a comma and a = in a value`,
  )
  return {}
}

/** Headers, which are not quoted: there are tokens among them. With a name that is none nothing at all could be sent. */
function headers({ environment, ignore }: Reading, variable: string): void {
  const pairs = (environment[variable] ?? '').split(',').filter((pair) => pair.trim() !== '')
  if (!pairs.every(isHeader)) {
    ignore(
      variable,
      `${variable} is not understood, and left out as a whole: it must be key=value,key=value, with %2C for a comma in a value`,
    )
  }
}

function isHeader(pair: string): boolean {
  const [name, ...value] = pair.split('=').map((text) => text.trim())
  try {
    validateHeaderName(decodeURIComponent(name ?? ''))
    validateHeaderValue(name ?? '', decodeURIComponent(value.join('=')))
    return value.length > 0
  } catch {
    return false
  }
}

/** The largest that is a time too: of one that is longer a timer makes a millisecond. */
const largest = 2 ** 31 - 1

function wholeNumber(
  { environment, ignore }: Reading,
  variable: string,
  least = 1,
): number | undefined {
  const text = valueOf(environment, variable)
  if (text === undefined) return undefined
  const value = Number(text)
  if (Number.isInteger(value) && value >= least && value <= largest) return value
  ignore(
    variable,
    `${variable}=${text} is not a whole number from ${least} to ${largest}; its default is used`,
  )
  return undefined
}

/** A batch is serialized in one go, and calls wait meanwhile: of the 512 of the specification for 10 ms. */
const batchSize = 64

function batchLimits(reading: Reading, prefix: 'OTEL_BSP' | 'OTEL_BLRP'): BatchLimits {
  const number = (name: string) => wholeNumber(reading, `${prefix}_${name}`)
  const maxQueueSize = number('MAX_QUEUE_SIZE')
  const limits = {
    maxQueueSize,
    scheduledDelayMillis: number('SCHEDULE_DELAY'),
    exportTimeoutMillis: number('EXPORT_TIMEOUT'),
    maxExportBatchSize:
      number('MAX_EXPORT_BATCH_SIZE') ?? Math.min(batchSize, maxQueueSize ?? batchSize),
  }
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined))
}
