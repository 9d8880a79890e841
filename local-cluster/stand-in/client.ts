import { Agent, request as httpsRequest } from 'node:https'
import { type IncomingMessage } from 'node:http'
import { type RequestOptions } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseJson } from './json.ts'
import { type Fields, type KubeObject } from './kube-object.ts'

/** An answer of the API server that is not a success. */
export class ApiError extends Error {
  readonly code: number
  readonly reason: string

  constructor(code: number, reason: string, message: string) {
    super(message)
    this.code = code
    this.reason = reason
  }
}

/** Talks JSON with one API server. */
export interface Client {
  request(method: string, path: string, body?: unknown, contentType?: string): Promise<KubeObject>
  /** Hands over each line of a streamed answer; resolves when the answer ends. */
  stream(path: string, onLine: (line: string) => void, signal: AbortSignal): Promise<void>
  close(): void
}

/** What comes before the slash is the field manager that the API server records. */
const userAgent = 'metacontroller/stand-in'
const retriesWhenThrottled = 10

/** True when the error says that the object does not exist. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.code === 404
}

/** True when the error says that the object has changed since it was read. */
export function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.reason === 'Conflict'
}

/** True when the error says that the name is taken. */
export function isAlreadyExists(error: unknown): boolean {
  return error instanceof ApiError && error.reason === 'AlreadyExists'
}

/** A client for the current context of a kubeconfig file. */
export async function openClient(kubeconfig: string): Promise<Client> {
  // It is large, and who only wants to know of errors does not need it.
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  config.loadFromFile(kubeconfig)
  const server = config.getCurrentCluster()?.server
  if (server === undefined) throw new Error(`${kubeconfig} has no current context with a cluster`)
  const base = new URL(server)
  const agent = new Agent({ keepAlive: true })

  async function open(
    method: string,
    path: string,
    body: string | undefined,
    contentType: string,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const options: RequestOptions = { headers: {} }
    await config.applyToHTTPSOptions(options)
    Object.assign(options, {
      agent,
      method,
      signal,
      host: base.hostname,
      port: base.port || 443,
      path: base.pathname.replace(/\/$/, '') + path,
      headers: {
        ...options.headers,
        accept: 'application/json',
        'user-agent': userAgent,
        ...(body !== undefined && {
          'content-type': contentType,
          'content-length': Buffer.byteLength(body),
        }),
      },
    })
    return await send(options, body)
  }

  return {
    async request(method, path, body, contentType = 'application/json') {
      const text = body === undefined ? undefined : JSON.stringify(body)
      for (let attempt = 0; ; attempt++) {
        const response = await open(method, path, text, contentType)
        const answer = await readAll(response)
        const retryAfter = Number(response.headers['retry-after'])
        if (response.statusCode === 429 && retryAfter > 0 && attempt < retriesWhenThrottled) {
          await sleep(retryAfter * 1000)
          continue
        }
        if (!isSuccess(response)) throw apiError(response, answer)
        return parseJson(answer) as KubeObject
      }
    },
    async stream(path, onLine, signal) {
      const response = await open('GET', path, undefined, '', signal)
      if (!isSuccess(response)) throw apiError(response, await readAll(response))
      response.setEncoding('utf8')
      let rest = ''
      for await (const chunk of response) {
        const lines = (rest + String(chunk)).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) onLine(line)
      }
    },
    close() {
      agent.destroy()
    },
  }
}

function send(options: RequestOptions, body: string | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(options, resolve)
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // The server may close an idle connection just as it is used again: that is no failure.
      if (outgoing.reusedSocket && error.code === 'ECONNRESET') {
        send(options, body).then(resolve, reject)
      } else reject(error)
    })
    outgoing.end(body)
  })
}

async function readAll(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8')
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return text
}

function isSuccess(response: IncomingMessage): boolean {
  const code = response.statusCode ?? 0
  return code >= 200 && code < 300
}

function apiError(response: IncomingMessage, text: string): ApiError {
  const code = response.statusCode ?? 0
  let status: Fields = {}
  try {
    status = JSON.parse(text) as Fields
  } catch {
    // Not a Status object: the text itself is the message.
  }
  return new ApiError(
    code,
    String(status.reason ?? ''),
    String(status.message ?? (text.trim() || `status ${code}`)),
  )
}
