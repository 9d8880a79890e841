import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import type { Export } from './data.ts'

/** How a receiver responds to an export. `slow` responds after a second, `hang` never. */
export type Manner = 'take' | 'slow' | 'refuse' | 'forbid' | 'hang'

/** A receiver of OTLP over HTTP, with optional failures. It keeps exports as JSON. */
export interface Receiver {
  url: string
  manner: Manner
  /** The manner for one path, such as /v1/traces, if it differs. */
  readonly mannerAt: Record<string, Manner>
  /** The accepted exports. */
  readonly exports: Export[]
  /** Path and headers of every request. */
  readonly requests: Array<Pick<IncomingMessage, 'url' | 'headers'>>
  /** Calls `look` until it returns something, for at most 20 s. */
  until<Found>(look: (exports: Export[]) => Found | undefined | false): Promise<Found>
  close(): void
}

/** Starts a receiver on a free port. */
export async function startReceiver(): Promise<Receiver> {
  const server = createServer(async (request, response) => {
    receiver.requests.push(request)
    const body = await text(request).catch(() => '') // the sender was killed
    const manner = receiver.mannerAt[request.url ?? ''] ?? receiver.manner
    if (manner === 'slow') await wait(1000)
    if (manner === 'hang' || request.socket.destroyed) return
    if (manner === 'refuse') response.writeHead(503).end()
    else if (manner === 'forbid') response.writeHead(401).end()
    else {
      if (body !== '' && request.headers['content-type'] === 'application/json') {
        receiver.exports.push(JSON.parse(body))
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    }
  })
  const receiver: Receiver = {
    url: '',
    manner: 'take',
    mannerAt: {},
    exports: [],
    requests: [],
    until: async (look) => {
      for (const deadline = Date.now() + 20_000; ;) {
        const found = look(receiver.exports)
        if (found !== undefined && found !== false) return found
        if (Date.now() > deadline) {
          throw new Error(`not found in ${receiver.requests.length} requests: ${look.toString()}`)
        }
        await wait(20)
      }
    },
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return receiver
}
