import {
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request as send,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import type { HookServer } from './cluster.ts'

/** The result of the requests for a namespace, in place of the hook's response. */
export type Fault =
  | { code: number; body: string; headers?: Record<string, string> }
  | 'closes the connection'
  | 'never responds'

/** A received request. */
export interface ReceivedRequest {
  path: string
  name: string
  at: number
}

/** A proxy of the hook that simulates faults for some namespaces. */
export interface FaultyProxy extends HookServer {
  /** Sets the fault of a namespace. Undefined: its requests go to the hook. */
  set(namespace: string, fault: Fault | undefined): void
  /** The requests for a namespace that were received while any namespace had a fault. */
  calls(namespace: string): ReceivedRequest[]
}

interface Body {
  parent: { metadata: { namespace: string; name: string } }
}

/** Starts a proxy of the hook at a port. */
export async function startFaultyProxy(hookPort: number): Promise<FaultyProxy> {
  const faults = new Map<string, Fault>()
  const calls: Array<ReceivedRequest & { namespace: string }> = []

  async function respond(call: IncomingMessage, response: ServerResponse): Promise<void> {
    if (faults.size === 0) {
      call.pipe(forward(call, response))
      return
    }
    const path = call.url ?? ''
    const body = Buffer.concat(await call.toArray())
    const { namespace, name } = (JSON.parse(body.toString()) as Body).parent.metadata
    calls.push({ path, namespace, name, at: Date.now() })
    const fault = faults.get(namespace)
    if (fault === 'closes the connection') response.destroy()
    else if (fault === undefined) forward(call, response).end(body)
    else if (fault !== 'never responds') {
      response.writeHead(fault.code, fault.headers).end(fault.body)
    }
  }

  function forward(
    { method, url, headers }: IncomingMessage,
    response: ServerResponse,
  ): ClientRequest {
    return send({ host: '127.0.0.1', port: hookPort, method, path: url, headers }, (received) => {
      response.writeHead(received.statusCode ?? 0, received.headers)
      received.pipe(response)
    }).on('error', () => response.destroy())
  }

  const server = createServer((call, response) => {
    respond(call, response).catch(() => response.destroy())
  })
  server.keepAliveTimeout = 120_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    set(namespace, fault) {
      if (fault === undefined) faults.delete(namespace)
      else faults.set(namespace, fault)
    },
    calls: (namespace) => calls.filter((call) => call.namespace === namespace),
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}
