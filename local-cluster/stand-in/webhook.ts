import type { HookSpec } from './composite-controller.ts'
import { messageOf } from './log.ts'

/** The hook answered 429. */
export class TooManyRequests extends Error {
  readonly afterSeconds: number

  constructor(afterSeconds: number) {
    super(`Too many request, it will be resync after: ${afterSeconds}`)
    this.afterSeconds = afterSeconds
  }
}

/** Sends a request to a hook. Resolves to the body of a 200 and rejects otherwise. */
export type Webhook = (request: unknown, signal: AbortSignal) => Promise<string>

const headers = { 'user-agent': 'Go-http-client/1.1', 'content-type': 'application/json' }

/** Returns the function that calls a hook. */
export function createWebhook({ webhook: { url = '', timeout = '10s' } = {} }: HookSpec): Webhook {
  return async (request, signal) => {
    const timer = AbortSignal.timeout(milliseconds(timeout))
    let response: Response
    let text: string
    try {
      response = await fetch(url, {
        method: 'POST',
        headers,
        body: JSON.stringify(request),
        signal: AbortSignal.any([signal, timer]),
      })
      text = await response.text()
    } catch (error) {
      const reason = signal.aborted
        ? 'context canceled'
        : timer.aborted
          ? 'context deadline exceeded (Client.Timeout exceeded)'
          : messageOf(error)
      throw new Error(`http error: Post "${url}": ${reason}`)
    }
    if (response.status === 429) {
      throw new TooManyRequests(retryAfter(response.headers.get('retry-after')))
    }
    if (response.status !== 200) {
      throw new Error(`unsupported status code: ${response.status} body: ${text}`)
    }
    return text
  }
}

const unit: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** The milliseconds of a duration such as `1m30s` or `500ms`. */
function milliseconds(duration: string): number {
  const parts = [...duration.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)]
  return parts.reduce((sum, [, amount, name = '']) => sum + Number(amount) * (unit[name] ?? 0), 0)
}

/** Seconds to wait: a number or a date. Anything else is 0. */
export function retryAfter(header: string | null, now = Date.now()): number {
  if (header !== null && /^[+-]?\d+$/.test(header)) return Number(header)
  if (header !== null && /^\w{3}, \d\d \w{3} \d{4} /.test(header)) {
    return Math.ceil((Date.parse(header) - now) / 1000)
  }
  return 0
}
