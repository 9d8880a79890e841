import { createNoopMeter, type Meter, type MeterProvider } from '@opentelemetry/api'
import type { FastifyBaseLogger } from 'fastify'
import type { Signal } from '../variables.ts'

/** Logs when exports of a signal begin to fail and when they succeed again. */
export interface Outage {
  failed: (error: unknown, items: number) => void
  /** Items were lost because the queue was full. */
  dropped: (items: number) => void
  succeeded: () => void
}

/** Watches the exports of one signal. */
export function watchOutages(signal: Signal, logger: FastifyBaseLogger): Outage {
  let failedExports = 0
  let lostItems = 0
  let warnedOfFullQueue = false
  return {
    failed: (error, items) => {
      if (failedExports === 0) {
        logger.warn(
          { signal, reason: reasonOf(error) },
          'telemetry cannot be exported; hook calls are answered as usual',
        )
      }
      failedExports += 1
      lostItems += items
    },
    // A hanging export fails only after its timeout, so items can be dropped before `failed`.
    dropped: (items) => {
      lostItems += items
    },
    succeeded: () => {
      if (failedExports > 0) {
        logger.info({ signal, failedExports, lostItems }, 'telemetry is exported again')
      } else if (lostItems > 0 && !warnedOfFullQueue) {
        warnedOfFullQueue = true
        logger.warn(
          { signal, lostItems },
          'the telemetry queue is full and items are dropped; this is logged once',
        )
      }
      failedExports = lostItems = 0
    },
  }
}

/**
 * Returns a meter provider for a batch processor, which reports dropped items only by a metric.
 * Calls `dropped` for items that were dropped because the queue was full. Ignores other metrics.
 */
export function dropCounter(dropped: (items: number) => void): MeterProvider {
  const counter: ReturnType<Meter['createCounter']> = {
    add: (items, attributes) => {
      if (attributes?.['error.type'] === 'queue_full') dropped(items)
    },
  }
  const meter: Meter = Object.assign(Object.create(createNoopMeter()), {
    createCounter: () => counter,
  })
  return { getMeter: () => meter }
}

/** The names of gRPC's status codes, by number. */
const grpcCodes = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
]

/** A short reason. It does not quote the response of the endpoint, which can quote the request. */
function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown }
  if (typeof code === 'number') {
    const name = grpcCodes[code]
    if (name === undefined) return `the endpoint answered ${code}`
    return name === 'UNAVAILABLE'
      ? 'gRPC UNAVAILABLE: is a collector listening there?'
      : `gRPC ${name}`
  }
  if (typeof code === 'string') return code
  return typeof message === 'string' && message !== '' ? message.slice(0, 100) : 'unknown'
}
