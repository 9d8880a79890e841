import { EventEmitter } from 'node:events'
import type { Server } from 'node:http'
import t from 'tap'
import { boundConnections } from '../../src/plugins/connections.ts'

/** A server of two connections, without a network. */
function serverOfTwo() {
  const server = new EventEmitter()
  boundConnections(server as Server, 2)
  const closed: string[] = []
  let port = 0
  const open = (remoteAddress: string) => {
    const socket = Object.assign(new EventEmitter(), {
      remoteAddress,
      remotePort: ++port,
      destroy: () => {
        closed.push(`${remoteAddress}:${socket.remotePort}`)
        socket.emit('close')
      },
    })
    server.emit('connection', socket)
    return socket
  }
  const answer = (socket: object, statusCode: number) => {
    const response = Object.assign(new EventEmitter(), { statusCode })
    // With TLS the socket of a request is another object.
    server.emit('request', { socket: { ...socket } }, response)
    response.emit('finish')
  }
  return { open, answer, closed }
}

t.test('the address with most connections loses its oldest connection first', async (t) => {
  const { open, closed } = serverOfTwo()
  open('metacontroller')
  open('attacker')
  open('attacker')
  open('attacker')
  t.strictSame(closed, ['attacker:2', 'attacker:3'])
})

t.test('a connection with a successful request outlives connections without one', async (t) => {
  const { open, answer, closed } = serverOfTwo()
  answer(open('a'), 200)
  answer(open('a'), 401)
  open('a')
  t.strictSame(closed, ['a:2'])
})

t.test('a closed connection frees its place', async (t) => {
  const { open, closed } = serverOfTwo()
  open('a').emit('close')
  open('a')
  open('a')
  t.strictSame(closed, [])
})
