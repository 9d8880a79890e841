import type { FastifyBaseLogger } from 'fastify'
import type { Signal } from './settings.ts'

/** Hears of every export of a signal, and logs the first that fails and the end of such a time, however many there were between. */
export interface Outage {
  failed: (error: unknown, items: number) => void
  succeeded: () => void
}

/** Watches the exports of one signal. */
export function watchOutages (signal: Signal, logger: FastifyBaseLogger): Outage {
  let exports = 0
  let lost = 0
  return {
    failed: (error, items) => {
      if (exports === 0) logger.warn({ signal, reason: reasonOf(error) }, 'telemetry cannot be exported; hook calls are answered all the same')
      exports += 1
      lost += items
    },
    succeeded: () => {
      if (exports > 0) logger.info({ signal, failedExports: exports, lostItems: lost }, 'telemetry is exported again')
      exports = lost = 0
    },
  }
}

/** Why, in a few words. What a server sent back is not among them: it could quote what it was sent. */
function reasonOf (error: unknown): string {
  const { code, message } = error as { code?: unknown, message?: unknown }
  if (typeof code === 'number') return `the endpoint answered ${code}`
  if (typeof code === 'string') return code
  return typeof message === 'string' && message !== '' ? message.slice(0, 100) : 'unknown'
}
