import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { recorded } from '../fixtures/recorded.ts'

const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
if (!existsSync(program)) throw new Error('dist/main.js is missing: npm run build makes it')

/** Starts the built program on a free port; its log lines go into `lines`. */
async function start (t: Test, environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, [program], { env: { PORT: '0', ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => { child.kill('SIGKILL') })
  const lines: string[] = []
  child.stdout.setEncoding('utf8').on('data', (text: string) => lines.push(...text.trim().split('\n')))
  for (;;) {
    const url = lines.map((line) => /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0]).find((url) => url !== undefined)
    if (url !== undefined) return { child, lines, url, exited: once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]> }
    if (child.exitCode !== null) throw new Error(`it ended: ${lines.join('\n')}`)
    await wait(10)
  }
}

const statusOf = async (url: string) => (await fetch(url, { headers: { connection: 'close' } })).status

t.test('a call in flight at SIGTERM is answered, readyz fails first, and the process is gone in time', async (t) => {
  const { child, url, exited } = await start(t, { SHUTDOWN_DELAY_MS: '1500' })
  const body = JSON.stringify(recorded('sync-running'))
  const socket = connect(Number(new URL(url).port), '127.0.0.1').setEncoding('utf8')
  socket.write(`POST /sync HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body.slice(0, 100)}`)
  await wait(100)
  const before = Date.now()
  child.kill('SIGTERM')
  await wait(200)
  t.equal(await statusOf(`${url}/readyz`), 503, 'not ready any more')
  t.equal(await statusOf(`${url}/healthz`), 200, 'while it still takes calls')
  await wait(1800) // the server is closing by now
  const answer = once(socket, 'data')
  socket.write(body.slice(100))
  t.match((await answer)[0], /^HTTP\/1\.1 200 /, 'the call that was in flight is answered')
  t.strictSame(await exited, [0, null])
  t.ok(Date.now() - before < 10_000)
})

t.test('a call that never ends does not hold the process for longer than 10 s', async (t) => {
  const { child, url, exited } = await start(t)
  const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {})
  socket.write('POST /sync HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{')
  await wait(100)
  const before = Date.now()
  child.kill('SIGTERM')
  await exited
  t.ok(Date.now() - before < 10_000)
})

t.test('a connection is kept for longer than the 90 s that Metacontroller keeps it', async (t) => {
  const { url } = await start(t)
  const response = await fetch(`${url}/healthz`)
  t.equal(response.headers.get('keep-alive'), 'timeout=100')
})

t.test('a wrong environment ends it at once with a line for each variable', async (t) => {
  const child: ChildProcess = spawn(process.execPath, [program], { env: { PORT: 'http', LOG_LEVEL: 'loud' }, stdio: ['ignore', 'ignore', 'pipe'] })
  let text = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => { text += chunk })
  t.strictSame(await once(child, 'close'), [1, null])
  t.match(text, /PORT=http: must be a whole number from 0 to 65535\nLOG_LEVEL=loud: must be one of/)
})

t.test('a port that is taken is one clear line, not a stack', async (t) => {
  const { url } = await start(t)
  const child: ChildProcess = spawn(process.execPath, [program], { env: { PORT: new URL(url).port }, stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (chunk: string) => { text += chunk })
  t.strictSame(await once(child, 'close'), [1, null])
  t.match(text, /^myapp-operator cannot start, it cannot listen: .*EADDRINUSE.*\n$/)
})
