/** A hook with scripted answers, to test Metacontroller itself. */
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Any Kubernetes object. */
export interface Thing {
  apiVersion: string
  kind: string
  metadata: {
    name: string
    namespace: string
    uid: string
    labels?: Record<string, string>
    finalizers?: string[]
    ownerReferences?: { uid: string }[]
  }
  spec: Record<string, unknown>
  status?: Record<string, unknown>
}

/** A request of Metacontroller to a hook. */
export interface Request {
  controller: { metadata: { name: string } }
  parent: Thing
  children: Record<string, Record<string, Thing>>
  related: Record<string, Record<string, Thing>>
  finalizing: boolean
}

/** A received request. */
export interface HookCall {
  path: string
  request: Request
  at: number
  /** Whether the answer was 304: unchanged since the answer with the given etag. */
  isUnchanged: boolean
}

/** An answer other than 200 with JSON. */
export interface RawAnswer {
  code: number
  body: string
  headers?: Record<string, string>
}

/** Returns the answer to a request: a value for JSON, or a raw answer. */
export type Script = (path: string, request: Request) => object | RawAnswer

/** A running scripted hook. */
export interface ScriptedHook {
  url: string
  /** Sets the script for the parents of a namespace. */
  script(namespace: string, script: Script): void
  calls(namespace: string): HookCall[]
  stop(): Promise<void>
}

/** Starts a scripted hook. Parents without a script have no children and finalize at once. */
export async function startScriptedHook(): Promise<ScriptedHook> {
  const scripts = new Map<string, Script>()
  const calls: HookCall[] = []
  const server = createServer(async (incoming, outgoing) => {
    const request = JSON.parse((await incoming.setEncoding('utf8').toArray()).join('')) as Request
    const path = incoming.url ?? ''
    const script = scripts.get(request.parent.metadata.namespace) ?? bare
    const at = Date.now()
    const { code, body, headers } = raw(script(path, request))
    const etag = `"${createHash('sha256').update(body).digest('hex')}"`
    const isUnchanged = code === 200 && incoming.headers['if-none-match'] === etag
    calls.push({ path, request, at, isUnchanged })
    if (isUnchanged) outgoing.writeHead(304, { etag }).end()
    else outgoing.writeHead(code, { etag, ...headers }).end(body)
  })
  server.keepAliveTimeout = 120_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    script: (namespace, script) => {
      scripts.set(namespace, script)
    },
    calls: (namespace) =>
      calls.filter(({ request }) => request.parent.metadata.namespace === namespace),
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

const bare: Script = (path, { finalizing }) =>
  path === '/customize'
    ? { relatedResources: [] }
    : { children: [], ...(finalizing && { finalized: true }) }

function raw(answer: object | RawAnswer): RawAnswer {
  if ('code' in answer && 'body' in answer) return answer
  return {
    code: 200,
    body: JSON.stringify(answer),
    headers: { 'content-type': 'application/json' },
  }
}
