import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { Agent, request as send } from 'node:https'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { parse } from 'yaml'

/** An answer of the API server other than 2xx. */
export class RefusedByApi extends Error {
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

/** A client of an API server. An error answer other than 429 rejects with RefusedByApi. */
export interface Api {
  request<Answer>(
    method: string,
    path: string,
    body?: unknown,
    contentType?: string,
  ): Promise<Answer>
  /** Calls back with each line of a watch. Resolves when the watch ends. */
  lines(path: string, onLine: (line: string) => void, signal: AbortSignal): Promise<void>
  close(): void
}

interface Kubeconfig {
  clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }]
  users: [{ user: { token: string } }]
}

/** Connects with the user of a kubeconfig. */
export function openApi(kubeconfig: string): Api {
  const {
    clusters: [{ cluster }],
    users: [{ user }],
  } = parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig
  const agent = new Agent({
    keepAlive: true,
    ca: Buffer.from(cluster['certificate-authority-data'], 'base64'),
  })

  function open(
    method: string,
    path: string,
    body?: string,
    contentType?: string,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const headers = {
      authorization: `Bearer ${user.token}`,
      'user-agent': 'cluster-test',
      ...(body !== undefined && { 'content-type': contentType ?? 'application/json' }),
    }
    return new Promise((resolve, reject) => {
      const outgoing = send(
        new URL(path, cluster.server),
        { method, agent, headers, ...(signal && { signal }) },
        resolve,
      )
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        // The server may close an idle connection just when it is used again.
        if (outgoing.reusedSocket && error.code === 'ECONNRESET') {
          open(method, path, body, contentType, signal).then(resolve, reject)
        } else reject(error)
      })
      outgoing.end(body)
    })
  }

  async function text(response: IncomingMessage): Promise<string> {
    const text = (await response.setEncoding('utf8').toArray()).join('')
    const { statusCode = 0 } = response
    if (statusCode < 200 || statusCode > 299) {
      throw new RefusedByApi(statusCode, messageOf(text).replaceAll(/\s+/g, ' '))
    }
    return text
  }

  return {
    async request(method, path, body, contentType) {
      for (;;) {
        const response = await open(
          method,
          path,
          body === undefined ? undefined : JSON.stringify(body),
          contentType,
        )
        // The server answers 429 for a short time after a CRD is created.
        if (response.statusCode !== 429) return JSON.parse(await text(response))
        response.resume()
        await sleep(100)
      }
    },
    async lines(path, onLine, signal) {
      const response = await open('GET', path, undefined, undefined, signal)
      if (response.statusCode !== 200) await text(response)
      for await (const line of createInterface(response)) onLine(line)
    },
    close: () => agent.destroy(),
  }
}

function messageOf(text: string): string {
  try {
    return (JSON.parse(text) as { message: string }).message
  } catch {
    return text
  }
}
