import type { FastifyBaseLogger } from 'fastify'
import type { Signal } from '../settings.ts'

/** Hears of every export of a signal, and logs the first that fails and the end of such a time, however many there were between. */
export interface Outage {
  failed: (error: unknown, items: number) => void
  /** So many items came while the queue was full. */
  dropped: (items: number) => void
  succeeded: () => void
}

/** Watches the exports of one signal. */
export function watchOutages(signal: Signal, logger: FastifyBaseLogger): Outage {
  let exports = 0
  let lost = 0
  let toldOfHaste = false
  return {
    failed: (error, items) => {
      if (exports === 0) {
        logger.warn(
          { signal, reason: reasonOf(error) },
          'telemetry cannot be exported; hook calls are answered all the same',
        )
      }
      exports += 1
      lost += items
    },
    // An export that hangs fails only after the first are dropped.
    dropped: (items) => {
      lost += items
    },
    succeeded: () => {
      if (exports > 0) {
        logger.info(
          { signal, failedExports: exports, lostItems: lost },
          'telemetry is exported again',
        )
      } else if (lost > 0 && !toldOfHaste) {
        toldOfHaste = true
        logger.warn(
          { signal, lostItems: lost },
          'telemetry comes faster than it is exported, and what finds the queue full is lost; this is said once',
        )
      }
      exports = lost = 0
    },
  }
}

/** What the codes of gRPC mean, by number. */
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

/** Why, in a few words. What a server sent back is not among them: it could quote what it was sent. */
function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown }
  if (typeof code === 'number') {
    return grpcCodes[code] === undefined
      ? `the endpoint answered ${code}`
      : `gRPC ${grpcCodes[code]}${grpcCodes[code] === 'UNAVAILABLE' ? ', as when nobody listens there' : ''}`
  }
  if (typeof code === 'string') return code
  return typeof message === 'string' && message !== '' ? message.slice(0, 100) : 'unknown'
}
