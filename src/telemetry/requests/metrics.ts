import { type Attributes, type Meter, ValueType } from '@opentelemetry/api'
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

/**
 * Every instrument of the operator with its name and attributes. Names are an interface: alerts and
 * dashboards use them. docs/telemetry.md lists them, and a test compares them.
 */

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

/** For a process without metric export. */
export const noServerMetrics: ServerMetrics = {
  authenticationRefused: () => {},
  certificateExpires: () => {},
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
    '{call}',
    'Requests of the hooks by status code, or by error.type if the caller disconnected.',
    ['sync', 'finalize', 'customize'].map((hook) => ({ hook, status: 200 })),
  )
  const reconciles = counter(
    meter,
    'operator.reconcile_count',
    '{reconcile}',
    'Requests of sync and finalize.',
    [{ hook: 'sync' }, { hook: 'finalize' }],
  )
  const errors = counter(
    meter,
    'operator.reconcile_errors',
    '{error}',
    'Requests of sync and finalize that were not answered with 200.',
  )
  const created = counter(
    meter,
    'operator.resource_created',
    '{resource}',
    'Children that answers requested and that did not exist.',
  )
  const deleted = counter(
    meter,
    'operator.resource_deleted',
    '{resource}',
    'Children that existed and that answers no longer contained.',
  )
  const reconcileDuration = meter.createHistogram('operator.reconcile_duration', {
    unit: 'ms',
    description: 'Time from the parsed request of a sync or finalize to its written answer.',
    advice: { explicitBucketBoundaries: reconcileBuckets },
  })
  const requestDuration = meter.createHistogram(METRIC_HTTP_SERVER_REQUEST_DURATION, {
    unit: 's',
    description: 'Duration of HTTP server requests.',
    advice: { explicitBucketBoundaries: requestBuckets },
  })
  meter
    .createObservableGauge('operator.myapps', {
      unit: '{myapp}',
      valueType: ValueType.INT,
      description: 'MyApps by phase, as this replica last saw them.',
    })
    .addCallback((result) => {
      for (const phase of phases) result.observe(seen.count(phase), { phase })
    })
  meter
    .createObservableGauge('operator.deletion_age', {
      unit: 's',
      description: 'Age of the oldest deletion of a MyApp in progress, as this replica sees them.',
    })
    .addCallback((result) => {
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
      requestDuration.record(seconds, {
        [ATTR_HTTP_REQUEST_METHOD]: 'POST',
        [ATTR_HTTP_ROUTE]: `/${hook}`,
        [ATTR_URL_SCHEME]: scheme,
        ...(statusCode !== undefined && { [ATTR_HTTP_RESPONSE_STATUS_CODE]: statusCode }),
        ...(errorType !== undefined && { [ATTR_ERROR_TYPE]: errorType }),
      })
    },
    reconciled: (hook, milliseconds) => {
      reconcileDuration.record(milliseconds, { hook })
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
  const refused = counter(
    meter,
    'operator.authentication_refused',
    '{request}',
    'Callers that were refused because of their certificate or token.',
  )
  const expiry = meter.createObservableGauge('operator.certificate_expiry', {
    unit: 's',
    description: 'When a certificate of the hook expires, in seconds since the epoch.',
  })
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

/**
 * Creates a counter. The series in `present` start at 0, so that Prometheus sees their first
 * increase.
 */
function counter(
  meter: Meter,
  name: string,
  unit: string,
  description: string,
  present: Attributes[] = [],
): (attributes: Attributes) => void {
  const instrument = meter.createCounter(name, { unit, description, valueType: ValueType.INT })
  for (const attributes of present) instrument.add(0, attributes)
  return (attributes) => {
    instrument.add(1, attributes)
  }
}
