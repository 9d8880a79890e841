import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { type IncomingMessage } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { type HookSpec } from './composite-controller.ts'

/** The hook answered 429 and says when to ask again. */
export class TooManyRequests extends Error {
  readonly afterSeconds: number

  constructor(afterSeconds: number) {
    super(`Too many request, it will be resync after: ${afterSeconds}`)
    this.afterSeconds = afterSeconds
  }
}

/** Sends a request to a hook; resolves to the body of a 200 and rejects for anything else. */
export type Webhook = (request: unknown, signal: AbortSignal) => Promise<string>

const defaultTimeout = 10_000
const keepAlive = { keepAlive: true, maxFreeSockets: 2, timeout: 90_000 }
const plainAgent = new HttpAgent(keepAlive)
const tlsAgent = new HttpsAgent(keepAlive)

/** The function that calls the hook. */
export function createWebhook(spec: HookSpec): Webhook {
  const url = urlOf(spec)
  const timeout = milliseconds(spec.webhook?.timeout)
  return async (request, signal) => {
    const { response, body } = await post(url, JSON.stringify(request), timeout, signal)
    if (response.statusCode === 429) {
      throw new TooManyRequests(retryAfter(response.headers['retry-after']))
    }
    if (response.statusCode !== 200) {
      throw new Error(`unsupported status code: ${response.statusCode} body: ${body}`)
    }
    return body
  }
}

function urlOf({ webhook }: HookSpec): string {
  if (webhook?.url !== undefined) return webhook.url
  const service = webhook?.service
  if (!service?.name || !service.namespace || webhook?.path === undefined) {
    throw new Error(
      "invalid webhook config: must specify either a full 'url', or both 'service' and 'path'",
    )
  }
  return `${service.protocol ?? 'http'}://${service.name}.${service.namespace}:${service.port ?? 80}${webhook.path}`
}

const unit: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** A duration such as `1m30s` or `500ms`; the default if there is none or it is not positive. */
function milliseconds(duration: string | undefined): number {
  let sum = 0
  for (const [, amount, name] of (duration ?? '').matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    sum += Number(amount) * (unit[name ?? ''] ?? 0)
  }
  return sum > 0 ? sum : defaultTimeout
}

/** Seconds to wait: a number, a date, or 0 for anything that is neither. */
export function retryAfter(header: string | undefined, now = Date.now()): number {
  if (header !== undefined && /^[+-]?\d+$/.test(header)) return Number(header)
  if (header !== undefined && /^\w{3}, \d\d \w{3} \d{4} /.test(header)) {
    return Math.ceil((Date.parse(header) - now) / 1000)
  }
  return 0
}

async function post(
  url: string,
  text: string,
  timeout: number,
  signal: AbortSignal,
): Promise<{ response: IncomingMessage; body: string }> {
  const timer = AbortSignal.timeout(timeout)
  try {
    const response = await send(url, text, AbortSignal.any([signal, timer]))
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk as Buffer)
    const content = Buffer.concat(chunks)
    const body = (
      response.headers['content-encoding'] === 'gzip' ? gunzipSync(content) : content
    ).toString()
    return { response, body }
  } catch (error) {
    const cause = signal.aborted
      ? 'context canceled'
      : timer.aborted
        ? 'context deadline exceeded (Client.Timeout exceeded)'
        : (error as Error).message
    throw new Error(`http error: Post "${url}": ${cause}`)
  }
}

function send(url: string, text: string, signal: AbortSignal): Promise<IncomingMessage> {
  const secure = url.startsWith('https:')
  const options = {
    method: 'POST',
    agent: secure ? tlsAgent : plainAgent,
    signal,
    headers: {
      'user-agent': 'Go-http-client/1.1',
      'content-length': Buffer.byteLength(text),
      'content-type': 'application/json',
      'accept-encoding': 'gzip',
    },
  }
  return new Promise((resolve, reject) => {
    const outgoing = (secure ? httpsRequest : httpRequest)(url, options, resolve)
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // The hook may close an idle connection just as it is used again: that is no failure.
      if (outgoing.reusedSocket && error.code === 'ECONNRESET') {
        send(url, text, signal).then(resolve, reject)
      } else reject(error)
    })
    outgoing.end(text)
  })
}
