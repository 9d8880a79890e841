import { type Attributes, type Meter, ValueType } from '@opentelemetry/api'
import type { HookName } from '../../routes/outcome.ts'
import { phases } from '../../api/myapp.ts'
import type { KnownMyApps } from './seen-myapps.ts'

/** What is measured of every hook call. */
export interface OperatorMetrics {
  /** A call of any hook has been answered, or given up by its caller: then it has no status code. */
  ended: (
    hook: HookName,
    statusCode: number | undefined,
    seconds: number,
    errorType: string | undefined,
  ) => void
  /** A sync or finalize has been answered with 200. */
  reconciled: (hook: HookName, milliseconds: number) => void
  resourceCreated: (kind: string) => void
  resourceDeleted: (kind: string) => void
}

/** Resolves what a MyApp takes, some tenths of a millisecond, as well as what would be wrong. */
const reconcileBuckets = [
  0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 1.5, 2, 3, 5, 7.5, 10, 20, 50, 100, 200, 500, 1000,
]
/** Those that the semantic conventions ask for. */
const requestBuckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

/** Makes the instruments. Names and labels are an interface: rules and dashboards go by them. */
export function operatorMetrics(meter: Meter, known: KnownMyApps): OperatorMetrics {
  const reconciles = tally(
    meter,
    'operator.reconcile_count',
    { unit: '{reconcile}', description: 'Calls of sync and finalize.' },
    [{ hook: 'sync' }, { hook: 'finalize' }],
  )
  const errors = tally(meter, 'operator.reconcile_errors', {
    unit: '{error}',
    description: 'Calls of sync and finalize that were not answered with 200.',
  })
  const created = tally(meter, 'operator.resource_created', {
    unit: '{resource}',
    description: 'Children that Metacontroller was told to create.',
  })
  const deleted = tally(meter, 'operator.resource_deleted', {
    unit: '{resource}',
    description: 'Children that Metacontroller was told to delete.',
  })
  const hookCalls = tally(
    meter,
    'operator.hook_calls',
    {
      unit: '{call}',
      description: 'Calls of the hooks, by status code of the answer, or as aborted without one.',
    },
    [
      { hook: 'sync', status: 200 },
      { hook: 'finalize', status: 200 },
      { hook: 'customize', status: 200 },
    ],
  )
  const reconcileDuration = meter.createHistogram('operator.reconcile_duration', {
    unit: 'ms',
    description: 'Time from the parsed request of a sync or finalize to its written answer.',
    advice: { explicitBucketBoundaries: reconcileBuckets },
  })
  const requestDuration = meter.createHistogram('http.server.request.duration', {
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
      for (const phase of phases) result.observe(known.count(phase), { phase })
    })
  meter
    .createObservableGauge('operator.deletion_age', {
      unit: 's',
      description:
        'For how long the MyApp that has been terminating the longest has been, of those this replica sees.',
    })
    .addCallback((result) => {
      result.observe(known.longestDeletion())
    })
  return {
    ended: (hook, statusCode, seconds, errorType) => {
      hookCalls(
        statusCode === undefined ? { hook, 'error.type': 'aborted' } : { hook, status: statusCode },
      )
      if (hook !== 'customize') {
        reconciles({ hook })
        if (errorType !== undefined) errors({ hook, 'error.type': errorType })
      }
      const attributes: Attributes = {
        'http.request.method': 'POST',
        'http.route': `/${hook}`,
        'url.scheme': 'http',
      }
      if (statusCode !== undefined) attributes['http.response.status_code'] = statusCode
      if (errorType !== undefined) attributes['error.type'] = errorType
      requestDuration.record(seconds, attributes)
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

/** More sets of attributes than this are counted as one, whatever comes in. */
const mostSeries = 100

/** A counter that costs next to nothing a call: it is added up here, and read when metrics are collected. Series named in `present` are there from the start. */
function tally(
  meter: Meter,
  name: string,
  options: { unit: string; description: string },
  present: Attributes[] = [],
): (attributes: Attributes) => void {
  const series = new Map(present.map((attributes) => [keyOf(attributes), { attributes, count: 0 }]))
  meter
    .createObservableCounter(name, { ...options, valueType: ValueType.INT })
    .addCallback((result) => {
      for (const { attributes, count } of series.values()) result.observe(count, attributes)
    })
  return (attributes) => {
    const found = series.get(keyOf(attributes))
    if (found !== undefined) found.count += 1
    else if (series.size < mostSeries) series.set(keyOf(attributes), { attributes, count: 1 })
    else addOverflow(series)
  }
}

const keyOf = (attributes: Attributes) => Object.values(attributes).join(' ')

function addOverflow(series: Map<string, { attributes: Attributes; count: number }>): void {
  const overflow = series.get('') ?? { attributes: { 'otel.metric.overflow': true }, count: 0 }
  overflow.count += 1
  series.set('', overflow)
}
