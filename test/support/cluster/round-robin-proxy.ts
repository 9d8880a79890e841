import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { HookServer } from './cluster.ts'

/**
 * Starts a proxy that connects clients to the ports in turn, like a Service to its pods. It skips a
 * port without a listener.
 */
export async function startRoundRobinProxy(ports: readonly number[]): Promise<HookServer> {
  const open = new Set<Socket>()
  let turn = 0

  function connectTo(client: Socket, candidates: readonly number[]): void {
    const [port, ...others] = candidates
    if (port === undefined) {
      client.destroy()
      return
    }
    const backend = connect(port, '127.0.0.1')
    const refused = () => connectTo(client, others)
    backend.once('error', refused)
    backend.once('connect', () => {
      backend.off('error', refused)
      open.add(backend)
      for (const [one, other] of [
        [client, backend],
        [backend, client],
      ] as const) {
        one.on('error', () => {}).once('close', () => other.destroy())
        one.pipe(other)
      }
      backend.once('close', () => open.delete(backend))
    })
  }

  const server = createServer((client) => {
    open.add(client)
    client.on('error', () => {}).once('close', () => open.delete(client))
    const first = turn++ % ports.length
    connectTo(client, [...ports.slice(first), ...ports.slice(0, first)])
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}
