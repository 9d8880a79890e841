import type { HookSpec } from './composite-controller.ts'

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

const defaultTimeoutMs = 10_000
const headers = { 'user-agent': 'Go-http-client/1.1', 'content-type': 'application/json' }

/** Returns the function that calls a hook. */
export function createWebhook({ webhook: { url = '', timeout } = {} }: HookSpec): Webhook {
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
      const { message, cause } = error as Error
      const reason = signal.aborted
        ? 'context canceled'
        : timer.aborted
          ? 'context deadline exceeded (Client.Timeout exceeded)'
          : ((cause as Error | undefined)?.message ?? message)
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

/** A duration such as `1m30s` or `500ms`. Defaults to 10 s. */
function milliseconds(duration = ''): number {
  let sum = 0
  for (const [, amount, name = ''] of duration.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    sum += Number(amount) * (unit[name] ?? 0)
  }
  return sum > 0 ? sum : defaultTimeoutMs
}

/** Seconds to wait: a number or a date. Anything else is 0. */
export function retryAfter(header: string | null, now = Date.now()): number {
  if (header !== null && /^[+-]?\d+$/.test(header)) return Number(header)
  if (header !== null && /^\w{3}, \d\d \w{3} \d{4} /.test(header)) {
    return Math.ceil((Date.parse(header) - now) / 1000)
  }
  return 0
}
