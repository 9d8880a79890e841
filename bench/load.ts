import { connect, type Socket } from 'node:net'

/** A connection that is kept, with one call on it at a time. It does as little as can be, so that it is not what is measured. */
export interface Connection {
  call: (request: Buffer) => Promise<string>
  close: () => void
}

/** The bytes of a POST. */
export function post(path: string, body: string): Buffer {
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

/** The bytes of a GET. */
export const get = (path: string): Buffer =>
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

/** Calls without a pause over some connections: how many calls a second are answered. */
export async function throughput(
  port: number,
  request: Buffer,
  seconds: number,
  connections = 8,
): Promise<number> {
  const start = performance.now()
  const end = start + seconds * 1000
  let answered = 0
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const connection = await open(port)
      while (performance.now() < end) {
        await connection.call(request)
        answered += 1
      }
      connection.close()
    }),
  )
  return (answered / (performance.now() - start)) * 1000
}

/**
 * Calls at a fixed rate, whether or not the calls before are answered: how long each takes, in ms, from when it was due, so
 * that a call that waits for a slow one before it counts as slow too.
 */
export async function latencies(
  port: number,
  request: Buffer,
  { rate, seconds }: { rate: number; seconds: number },
): Promise<number[]> {
  const idle = await Promise.all(Array.from({ length: 32 }, () => open(port)))
  const everyone = [...idle]
  const waiting: Array<(connection: Connection) => void> = []
  const take = async () =>
    idle.pop() ??
    (await new Promise<Connection>((resolve) => {
      waiting.push(resolve)
    }))
  const times: number[] = []
  const calls: Array<Promise<void>> = []
  const one = async (due: number) => {
    const connection = await take()
    await connection.call(request)
    times.push(performance.now() - due)
    const next = waiting.shift()
    if (next === undefined) idle.push(connection)
    else next(connection)
  }
  const start = performance.now()
  for (let index = 0; index < rate * seconds; index++) {
    const due = start + (index * 1000) / rate
    // A timer is a millisecond late and more: this core has nothing else to do.
    while (performance.now() < due) await new Promise(setImmediate)
    calls.push(one(due))
  }
  await Promise.all(calls)
  for (const connection of everyone) connection.close()
  return times
}

/** Calls one after the other over one connection: how long each takes, in ms, and what it is answered. */
export async function sequence(
  port: number,
  request: Buffer,
  count: number,
): Promise<Array<{ milliseconds: number; body: string }>> {
  const connection = await open(port)
  const results: Array<{ milliseconds: number; body: string }> = []
  for (let index = 0; index < count; index++) {
    const start = performance.now()
    const body = await connection.call(request)
    results.push({ milliseconds: performance.now() - start, body })
  }
  connection.close()
  return results
}
