import { type Meter, type MetricOptions, type ObservableGauge, ValueType } from '@opentelemetry/api'
import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_URL_SCHEME,
  METRIC_HTTP_SERVER_REQUEST_DURATION,
} from '@opentelemetry/semantic-conventions'
import { phases } from '../../api/myapp.ts'
import type { HookName } from '../../metacontroller/protocol.ts'
import type { SeenMyApps } from './seen-myapps.ts'

interface Definition {
  kind: 'counter' | 'gauge' | 'histogram'
  unit: string
  /** Attributes with few possible values. The name of a MyApp is never an attribute. */
  attributes: readonly string[]
  description: string
}

/**
 * Every instrument of the operator. The names are an interface: alerts and dashboards use them.
 * `npm run generate` lists them in docs/telemetry.md. An attribute that is not listed here does not
 * compile.
 */
export const instruments = {
  'operator.hook_calls': {
    kind: 'counter',
    unit: '{call}',
    attributes: ['hook', 'status', ATTR_ERROR_TYPE],
    description:
      'Requests to all hooks by status code. Without a response, `error.type` is `aborted`.',
  },
  'operator.reconcile_count': {
    kind: 'counter',
    unit: '{reconcile}',
    attributes: ['hook'],
    description: 'Requests to sync and finalize.',
  },
  'operator.reconcile_errors': {
    kind: 'counter',
    unit: '{error}',
    attributes: ['hook', ATTR_ERROR_TYPE],
    description: 'Requests to sync and finalize that were not answered with 200.',
  },
  'operator.reconcile_duration': {
    kind: 'histogram',
    unit: 'ms',
    attributes: ['hook'],
    description: 'Time from the parsed request to the written response, for responses with 200.',
  },
  'operator.resource_created': {
    kind: 'counter',
    unit: '{resource}',
    attributes: ['kind'],
    description: 'Children that a response contained and that did not exist yet.',
  },
  'operator.resource_deleted': {
    kind: 'counter',
    unit: '{resource}',
    attributes: ['kind'],
    description:
      'Existing children that a response no longer contained. Kinds that this version does not ' +
      'know count as `_OTHER`.',
  },
  'operator.myapps': {
    kind: 'gauge',
    unit: '{myapp}',
    attributes: ['phase'],
    description: 'MyApps by phase, as this replica last saw them.',
  },
  'operator.deletion_age': {
    kind: 'gauge',
    unit: 's',
    attributes: [],
    description:
      'Age of the oldest deletion of a MyApp that is in progress. Without such a deletion it is 0.',
  },
  'operator.authentication_refused': {
    kind: 'counter',
    unit: '{request}',
    attributes: ['reason'],
    description:
      'Requests and TLS handshakes that were refused because of the certificate or token.',
  },
  'operator.certificate_expiry': {
    kind: 'gauge',
    unit: 's',
    attributes: ['certificate'],
    description:
      'Time at which a certificate expires, in seconds since 1970: `server` is the certificate ' +
      'of the hook, `client` the certificate of Metacontroller.',
  },
  [METRIC_HTTP_SERVER_REQUEST_DURATION]: {
    kind: 'histogram',
    unit: 's',
    attributes: [
      ATTR_HTTP_REQUEST_METHOD,
      ATTR_HTTP_ROUTE,
      ATTR_HTTP_RESPONSE_STATUS_CODE,
      ATTR_URL_SCHEME,
      ATTR_ERROR_TYPE,
    ],
    description: 'Duration of requests to the hooks, from arrival until the response is sent.',
  },
} as const satisfies Record<string, Definition>

type Instrument = keyof typeof instruments
/** The names of the instruments of a kind. */
type OfKind<Kind extends Definition['kind']> = {
  [Name in Instrument]: (typeof instruments)[Name]['kind'] extends Kind ? Name : never
}[Instrument]
type AttributesOf<Name extends Instrument> = {
  [Attribute in (typeof instruments)[Name]['attributes'][number]]?: string | number
}

/** The outcome of a hook request. */
export interface RequestEnd {
  hook: HookName
  /** undefined if the caller closed the connection before the answer was sent. */
  statusCode: number | undefined
  seconds: number
  scheme: string
  /** Set unless the request was answered with 200. */
  errorType: string | undefined
}

/** The metrics of hook requests. */
export interface RequestMetrics {
  ended: (end: RequestEnd) => void
  /** A sync or finalize was answered with 200. */
  reconciled: (hook: HookName, milliseconds: number) => void
  resourceCreated: (kind: string) => void
  resourceDeleted: (kind: string) => void
}

/** The metrics of the server itself. */
export interface ServerMetrics {
  /** Counts a refused caller. `reason` is from a fixed set and never quotes the caller. */
  authenticationRefused: (reason: string) => void
  /** Reports when a certificate expires. `notAfter` is called whenever metrics are collected. */
  certificateExpires: (certificate: string, notAfter: () => Date | undefined) => void
}

/** Server metrics that record nothing, for a process without telemetry. */
export const noServerMetrics: ServerMetrics = {
  authenticationRefused: () => {},
  certificateExpires: () => {},
}

/** Request metrics that record nothing, for tests. */
export const noRequestMetrics: RequestMetrics = {
  ended: () => {},
  reconciled: () => {},
  resourceCreated: () => {},
  resourceDeleted: () => {},
}

/** Buckets in ms. A reconcile takes a few tenths of a millisecond. */
const reconcileBuckets = [
  0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 1.5, 2, 3, 5, 7.5, 10, 20, 50, 100, 200, 500, 1000,
]
/** Buckets in s, as the semantic conventions recommend. */
const requestBuckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

/** Creates the instruments of requests and MyApps. */
export function requestMetrics(meter: Meter, seen: SeenMyApps): RequestMetrics {
  const hookCalls = counter(
    meter,
    'operator.hook_calls',
    ['sync', 'finalize', 'customize'].map((hook) => ({ hook, status: 200 })),
  )
  const reconciles = counter(meter, 'operator.reconcile_count', [
    { hook: 'sync' },
    { hook: 'finalize' },
  ])
  const errors = counter(meter, 'operator.reconcile_errors')
  const created = counter(meter, 'operator.resource_created')
  const deleted = counter(meter, 'operator.resource_deleted')
  const reconcileDuration = histogram(meter, 'operator.reconcile_duration', reconcileBuckets)
  const requestDuration = histogram(meter, METRIC_HTTP_SERVER_REQUEST_DURATION, requestBuckets)
  gauge(meter, 'operator.myapps').addCallback((result) => {
    for (const phase of phases) result.observe(seen.count(phase), { phase })
  })
  gauge(meter, 'operator.deletion_age').addCallback((result) => {
    result.observe(seen.longestDeletion())
  })
  return {
    ended: ({ hook, statusCode, seconds, scheme, errorType }) => {
      hookCalls(
        statusCode === undefined
          ? { hook, [ATTR_ERROR_TYPE]: 'aborted' }
          : { hook, status: statusCode },
      )
      if (hook === 'sync' || hook === 'finalize') {
        reconciles({ hook })
        if (errorType !== undefined) errors({ hook, [ATTR_ERROR_TYPE]: errorType })
      }
      requestDuration(seconds, {
        [ATTR_HTTP_REQUEST_METHOD]: 'POST',
        [ATTR_HTTP_ROUTE]: `/${hook}`,
        [ATTR_URL_SCHEME]: scheme,
        ...(statusCode !== undefined && { [ATTR_HTTP_RESPONSE_STATUS_CODE]: statusCode }),
        ...(errorType !== undefined && { [ATTR_ERROR_TYPE]: errorType }),
      })
    },
    reconciled: (hook, milliseconds) => {
      reconcileDuration(milliseconds, { hook })
    },
    resourceCreated: (kind) => {
      created({ kind })
    },
    resourceDeleted: (kind) => {
      deleted({ kind })
    },
  }
}

/** Creates the instruments of the server. */
export function serverMetrics(meter: Meter): ServerMetrics {
  const refused = counter(meter, 'operator.authentication_refused')
  const expiry = gauge(meter, 'operator.certificate_expiry')
  return {
    authenticationRefused: (reason) => {
      refused({ reason })
    },
    certificateExpires: (certificate, notAfter) => {
      expiry.addCallback((result) => {
        const date = notAfter()
        if (date !== undefined) result.observe(date.getTime() / 1000, { certificate })
      })
    },
  }
}

const optionsOf = (name: Instrument): MetricOptions => {
  const { unit, description } = instruments[name]
  return { unit, description, ...(unit.startsWith('{') && { valueType: ValueType.INT }) }
}

/**
 * Creates a counter. The series in `present` start at 0, so that Prometheus sees their first
 * increase.
 */
function counter<Name extends OfKind<'counter'>>(
  meter: Meter,
  name: Name,
  present: Array<AttributesOf<Name>> = [],
): (attributes: AttributesOf<Name>) => void {
  const instrument = meter.createCounter<AttributesOf<Name>>(name, optionsOf(name))
  for (const attributes of present) instrument.add(0, attributes)
  return (attributes) => {
    instrument.add(1, attributes)
  }
}

/** Creates a histogram with the upper bounds of its buckets. */
function histogram<Name extends OfKind<'histogram'>>(
  meter: Meter,
  name: Name,
  explicitBucketBoundaries: number[],
): (value: number, attributes: AttributesOf<Name>) => void {
  const options = { ...optionsOf(name), advice: { explicitBucketBoundaries } }
  const instrument = meter.createHistogram<AttributesOf<Name>>(name, options)
  return (value, attributes) => {
    instrument.record(value, attributes)
  }
}

/** Creates a gauge, which calls its callbacks whenever metrics are collected. */
const gauge = <Name extends OfKind<'gauge'>>(
  meter: Meter,
  name: Name,
): ObservableGauge<AttributesOf<Name>> =>
  meter.createObservableGauge<AttributesOf<Name>>(name, optionsOf(name))
