import type { FastifyInstance } from 'fastify'
import type { IncomingMessage, Server } from 'node:http'
import { Socket } from 'node:net'

/** The connections of one address by port, oldest first. */
type Ports = Map<number, Socket>

/**
 * Bounds the number of open connections. If a new connection exceeds the bound, the address with
 * most connections loses one: the oldest without a successful request, or else the oldest. So a
 * client with many idle connections cannot block other clients. If all other connections of that
 * address had a successful request, its new connection is closed.
 */
export function boundConnections(server: Server, max: number): void {
  const connections = new Map<string, Ports>()
  /** Connections on which a request succeeded. */
  const served = new WeakSet<Socket>()
  let count = 0

  const forget = (address: string, port: number, socket: Socket) => {
    const ports = connections.get(address)
    if (ports?.get(port) !== socket) return
    ports.delete(port)
    if (ports.size === 0) connections.delete(address)
    count--
  }
  const closeOne = () => {
    const [first = '', ...others] = connections.keys()
    const sizeOf = (address: string) => connections.get(address)?.size ?? 0
    const address = others.reduce((a, b) => (sizeOf(b) > sizeOf(a) ? b : a), first)
    const ports = [...(connections.get(address) ?? [])]
    const [port, socket] = ports.find(([, socket]) => !served.has(socket)) ?? ports[0] ?? []
    if (port === undefined || socket === undefined) return
    forget(address, port, socket)
    socket.destroy()
  }
  server.on('connection', (socket: Socket) => {
    const { remoteAddress: address, remotePort: port } = socket
    if (address === undefined || port === undefined) return
    const ports = connections.get(address) ?? new Map<number, Socket>()
    connections.set(address, ports)
    ports.set(port, socket)
    count++
    socket.once('close', () => {
      forget(address, port, socket)
    })
    if (count > max) closeOne()
  })
  /** Sockets of successful requests. With TLS these differ from the sockets of connections. */
  const known = new WeakSet<Socket>()
  server.on('request', ({ socket }, response) => {
    if (known.has(socket)) return
    response.once('finish', () => {
      if (response.statusCode >= 400) return
      known.add(socket)
      const { remoteAddress = '', remotePort = 0 } = socket
      const connection = connections.get(remoteAddress)?.get(remotePort)
      if (connection !== undefined) served.add(connection)
    })
  })
}

/**
 * Closes connections after a response while `isClosing` returns true.
 *
 * A client can send thousands of requests in one packet. After a response with `Connection: close`
 * Node keeps all later requests in memory until the connection is closed. So only the response to
 * the last request of a packet closes the connection, and nothing is read after it.
 */
export function closeAfterResponse(server: FastifyInstance, isClosing: () => boolean): void {
  const latest = new WeakMap<Socket, IncomingMessage>()
  server.addHook('onRequest', ({ raw }, _reply, done) => {
    if (!isClosing()) return done()
    latest.set(raw.socket, raw)
    // Node parses the rest of the packet first.
    process.nextTick(done)
  })
  server.addHook('onSend', ({ raw }, reply, _payload, done) => {
    if (isClosing() && (latest.get(raw.socket) ?? raw) === raw) {
      reply.header('connection', 'close')
      // Fastify's inject has another kind of socket.
      if (raw.socket instanceof Socket) raw.socket.pause()
    }
    done()
  })
}

/** At shutdown a connection has this time to send its first byte. */
const firstByteMs = 1000

/**
 * At shutdown, closes the connections that never sent a byte. Node closes only connections that
 * have had a request, so these would delay the shutdown until its timeout.
 */
export function closeSilentConnections(server: FastifyInstance): void {
  const sockets = new Set<Socket>()
  const add = (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  }
  // For TLS there are two sockets. One counts the bytes of the handshake, the other those of HTTP.
  server.server.on('connection', add).on('secureConnection', add)
  server.addHook('preClose', (done) => {
    setTimeout(() => {
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
    }, firstByteMs).unref()
    done()
  })
}
