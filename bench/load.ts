import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

/** A keep-alive connection with one request at a time and little work for the sender. */
export interface Connection {
  /** Sends a request. Returns the body of a 200; rejects otherwise. */
  call: (request: Buffer) => Promise<string>
  close: () => void
}

/** Returns the bytes of a POST of JSON. */
export function postRequest(path: string, body: string): Buffer {
  const head = [
    `POST ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`)
}

/** Returns the bytes of a GET. */
export const getRequest = (path: string): Buffer =>
  Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)

/** Connects to a port of this machine. */
export async function open(port: number): Promise<Connection> {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket)).once(
      'error',
      reject,
    )
  })
  let received = ''
  let settle: { resolve: (body: string) => void; reject: (error: Error) => void } | undefined
  socket
    .setEncoding('latin1')
    .on('data', (text: string) => {
      received += text
      const end = received.indexOf('\r\n\r\n')
      if (end < 0) return
      const length = Number(/content-length: (\d+)/i.exec(received.slice(0, end))?.[1])
      if (received.length < end + 4 + length) return
      const [status, body] = [received.slice(9, 12), received.slice(end + 4)]
      received = ''
      if (status === '200') settle?.resolve(body)
      else settle?.reject(new Error(`${status}: ${body}`))
    })
    .on('error', (error) => settle?.reject(error))
    .on('close', () => settle?.reject(new Error('the connection was closed')))
  return {
    call: (request) =>
      new Promise((resolve, reject) => {
        settle = { resolve, reject }
        if (socket.destroyed) reject(new Error('the connection was closed'))
        else socket.write(request)
      }),
    close: () => {
      socket.destroy()
    },
  }
}

/**
 * Sends requests at a fixed rate, even if earlier requests are still open. Returns the latency of
 * each request in ms. A latency starts at the time when the request was due. So a request that
 * waits behind a slow request also counts as slow.
 */
export async function latencies(
  port: number,
  request: Buffer,
  { rate, seconds }: { rate: number; seconds: number },
): Promise<number[]> {
  const connections = await Promise.all(Array.from({ length: 32 }, () => open(port)))
  // The server closes a new connection that sends no request within 5 s.
  await Promise.all(connections.map((connection) => connection.call(request)))
  const idle = [...connections]
  const waiting: Array<(connection: Connection) => void> = []
  const take = async () =>
    idle.pop() ??
    (await new Promise<Connection>((resolve) => {
      waiting.push(resolve)
    }))
  const times: number[] = []
  const one = async (due: number) => {
    const connection = await take()
    await connection.call(request)
    times.push(performance.now() - due)
    const next = waiting.shift()
    if (next === undefined) idle.push(connection)
    else next(connection)
  }
  const calls: Array<Promise<void>> = []
  const start = performance.now()
  for (let index = 0; index < rate * seconds; index++) {
    const due = start + (index * 1000) / rate
    // A timer can be late by more than a millisecond, so a loop waits for the last two.
    const early = due - performance.now() - 2
    if (early > 1) await wait(early)
    while (performance.now() < due) await new Promise(setImmediate)
    calls.push(one(due))
  }
  await Promise.all(calls)
  for (const connection of connections) connection.close()
  return times
}

/** Sends requests one after the other over one connection. */
export async function sequence(port: number, request: Buffer, count: number): Promise<void> {
  const connection = await open(port)
  for (let index = 0; index < count; index++) await connection.call(request)
  connection.close()
}
