import { accessSync, constants } from 'node:fs'
import { validateHeaderName, validateHeaderValue } from 'node:http'

/**
 * The OTEL_* variables that are checked at startup. The SDK and its exporters would misread an
 * invalid value, often silently. docs/telemetry.md lists the supported variables.
 */

export const signals = ['traces', 'metrics', 'logs'] as const
export const otlpProtocols = ['http/protobuf', 'http/json', 'grpc'] as const

export type Signal = (typeof signals)[number]
export type OtlpProtocol = (typeof otlpProtocols)[number]

/** A rule for the value of a variable. */
interface Format {
  accepts: (text: string) => boolean
  /** The valid values, for the warning. */
  must: string
  /** The value may be a secret and is not quoted. */
  secret?: true
}

/** The largest delay of a timer in Node. A longer one would fire at once. */
const maxInteger = 2 ** 31 - 1

const integer = (min: number, max = maxInteger): Format => ({
  accepts: (text) => {
    const value = Number(text)
    return Number.isInteger(value) && value >= min && value <= max
  },
  must: `must be an integer from ${min} to ${max}`,
})

const oneOf = (...choices: readonly string[]): Format => ({
  accepts: (text) => choices.includes(text.toLowerCase()),
  must: `must be one of ${choices.join(', ')}`,
})

const readableFile: Format = {
  accepts: (path) => succeeds(() => accessSync(path, constants.R_OK)),
  must: 'must be a file that the hook can read',
}

const headers: Format = {
  accepts: (text) => pairsIn(text).every(isHeader),
  must: 'must be key=value,key=value with %2C for a comma in a value',
  secret: true,
}

const resourceAttributes: Format = {
  accepts: (text) => attributesIn(text) !== undefined,
  must: 'must be key=value,key=value with %2C for a comma and %3D for = in a value',
  secret: true,
}

const unsupported = (...accepted: string[]): Format => ({
  accepts: (text) => accepted.includes(text.toLowerCase()),
  must: 'not supported',
  secret: true,
})

/** The variables of an OTLP option: for one signal, and for all signals. */
export const otlpVariables = (signal: Signal, name: string) => [
  `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${name}`,
  `OTEL_EXPORTER_OTLP_${name}`,
]

export const batchVariables = (prefix: string) =>
  ['MAX_QUEUE_SIZE', 'SCHEDULE_DELAY', 'EXPORT_TIMEOUT', 'MAX_EXPORT_BATCH_SIZE'].map(
    (name) => `${prefix}_${name}`,
  )

const limitVariables = [
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
].map((name) => `OTEL_${name}_LIMIT`)

/** The valid values of some variables. */
export interface VariableRule {
  variables: string[]
  format: Format
  /** The exporters that use the variables, as `signal/exporter`. Undefined: all exporters. */
  usedBy?: string[]
  /** An invalid value is reported even if nothing is exported. */
  always?: true
}

export const variableRules: VariableRule[] = [
  ...signals.flatMap((signal): VariableRule[] => {
    const otlp = (name: string, format: Format): VariableRule => ({
      variables: otlpVariables(signal, name),
      format,
      usedBy: [`${signal}/otlp`],
    })
    return [
      otlp('PROTOCOL', oneOf(...otlpProtocols)),
      otlp('TIMEOUT', integer(1)),
      otlp('HEADERS', headers),
      otlp('COMPRESSION', oneOf('gzip', 'none')),
      ...['CERTIFICATE', 'CLIENT_CERTIFICATE', 'CLIENT_KEY'].map((name) =>
        otlp(name, readableFile),
      ),
    ]
  }),
  {
    variables: ['OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE'],
    format: oneOf('cumulative', 'delta', 'lowmemory'),
    usedBy: ['metrics/otlp'],
  },
  {
    variables: ['OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION'],
    format: oneOf('explicit_bucket_histogram', 'base2_exponential_bucket_histogram'),
    usedBy: ['metrics/otlp'],
  },
  { variables: batchVariables('OTEL_BSP'), format: integer(1), usedBy: ['traces/otlp'] },
  { variables: batchVariables('OTEL_BLRP'), format: integer(1), usedBy: ['logs/otlp'] },
  {
    variables: ['OTEL_METRIC_EXPORT_INTERVAL', 'OTEL_METRIC_EXPORT_TIMEOUT'],
    format: integer(1),
    usedBy: ['metrics/otlp', 'metrics/console'],
  },
  {
    variables: ['OTEL_EXPORTER_PROMETHEUS_PORT'],
    format: integer(1, 65_535),
    usedBy: ['metrics/prometheus'],
  },
  { variables: limitVariables, format: integer(0) },
  {
    variables: ['OTEL_LOG_LEVEL'],
    format: oneOf('none', 'error', 'warn', 'info', 'debug', 'verbose', 'all'),
  },
  {
    variables: ['OTEL_RESOURCE_ATTRIBUTES', 'POD_RESOURCE_ATTRIBUTES'],
    format: resourceAttributes,
  },
  {
    variables: ['OTEL_CONFIG_FILE', 'OTEL_EXPERIMENTAL_CONFIG_FILE'],
    format: unsupported(),
    always: true,
  },
  { variables: ['OTEL_METRICS_EXEMPLAR_FILTER'], format: unsupported('always_off') },
]

const pairsIn = (text: string) => text.split(',').filter((pair) => pair.trim() !== '')

/** The attributes in a list of key=value; undefined if a part of it is invalid. */
export function attributesIn(text: string): Record<string, string> | undefined {
  try {
    const pairs = pairsIn(text).map((pair) =>
      pair.split('=').map((part) => decodeURIComponent(part.trim())),
    )
    const isValid = ([key, value, ...more]: string[]) =>
      key !== undefined &&
      key !== '' &&
      value !== undefined &&
      more.length === 0 &&
      Math.max(key.length, value.length) <= 255
    return pairs.every(isValid) ? Object.fromEntries(pairs) : undefined
  } catch {
    return undefined // an invalid % escape
  }
}

function isHeader(pair: string): boolean {
  const [name = '', ...value] = pair.split('=').map((part) => part.trim())
  return (
    value.length > 0 &&
    succeeds(() => {
      validateHeaderName(decodeURIComponent(name))
      validateHeaderValue(name, decodeURIComponent(value.join('=')))
    })
  )
}

function succeeds(action: () => void): boolean {
  try {
    action()
    return true
  } catch {
    return false
  }
}
