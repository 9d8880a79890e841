import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { asDeployed, program, startBuiltHook } from '../support/built-hook.ts'
import { recorded } from '../support/fixtures/recorded.ts'
import { startReceiver } from '../support/otlp/receiver.ts'

const statusOf = async (url: string) =>
  (await fetch(url, { headers: { connection: 'close' } })).status

/** Starts a request. `finish` sends the rest of it. */
function begin(t: Test, url: string) {
  const body = JSON.stringify(recorded('sync-running'))
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
    .setEncoding('utf8')
    .on('error', () => {})
  t.teardown(() => {
    socket.destroy()
  })
  let answer = ''
  socket.on('data', (text) => {
    answer += text
  })
  socket.write(
    `POST /sync HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ` +
      `${Buffer.byteLength(body)}\r\n\r\n${body.slice(0, 100)}`,
  )
  return {
    finish: () => {
      socket.write(body.slice(100))
    },
    answered: () => answer,
  }
}

const most = '6000'
/** A request must arrive within 5 s, so a request that is completed late must also begin late. */
const moments: Array<
  [
    what: string,
    options: {
      delay: string
      beginAfterMs?: number
      finishAfterMs?: number
      collectorHangs?: true
    },
  ]
> = [
  ['completed while the server closes', { delay: '1500', finishAfterMs: 2000 }],
  ['completed late', { delay: '0', finishAfterMs: 4000 }],
  [
    'completed late, after the longest delay',
    { delay: most, beginAfterMs: 5000, finishAfterMs: 8500 },
  ],
  [
    'completed late, after the longest delay, with a Collector that hangs',
    { delay: most, beginAfterMs: 5000, finishAfterMs: 7200, collectorHangs: true },
  ],
  ['never completed', { delay: '0' }],
  [
    'never completed, after the longest delay, with a Collector that hangs',
    { delay: most, collectorHangs: true },
  ],
]

t.test(
  'after SIGTERM the hook fails /readyz, answers every completed request, and exits within 10 s',
  async (t) => {
    t.jobs = moments.length
    for (const [what, { delay, beginAfterMs, collectorHangs, finishAfterMs }] of moments) {
      t.test(`a request ${what}`, { buffered: true }, async (t) => {
        const receiver = await startReceiver()
        t.teardown(() => {
          receiver.close()
        })
        receiver.manner = 'hang'
        const { child, url, errors, exited } = await startBuiltHook(t, {
          SHUTDOWN_DELAY_MS: delay,
          ...(collectorHangs && { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url }),
        })
        if (collectorHangs) {
          t.equal(
            (
              await fetch(`${url}/sync`, {
                method: 'POST',
                headers: { 'content-type': 'application/json' },
                body: JSON.stringify(recorded('sync-running')),
              })
            ).status,
            200,
            'a span is queued for export',
          )
        }
        const early = beginAfterMs === undefined ? begin(t, url) : undefined
        await wait(100)
        const before = performance.now()
        child.kill('SIGTERM')
        if (delay !== '0') {
          await wait(200)
          t.equal(await statusOf(`${url}/readyz`), 503, 'not ready')
          t.equal(await statusOf(`${url}/healthz`), 200, 'still alive')
        }
        if (beginAfterMs !== undefined) await wait(beginAfterMs - (performance.now() - before))
        const call = early ?? begin(t, url)
        if (finishAfterMs !== undefined) {
          await wait(finishAfterMs - (performance.now() - before))
          call.finish()
        }
        t.strictSame(await exited, [0, null])
        const tookMs = Math.round(performance.now() - before)
        t.ok(tookMs < 10_000, `${tookMs} ms`)
        if (finishAfterMs !== undefined) t.match(call.answered(), /^HTTP\/1\.1 200 /)
        t.strictSame(errors, [], 'nothing on standard error')
      })
    }
  },
)

t.test('after SIGTERM the hook closes connections that never sent a byte', async (t) => {
  const { child, url, exited } = await startBuiltHook(t)
  const { port } = new URL(url)
  const [silent, late] = [connect(Number(port)), connect(Number(port))]
  await Promise.all([silent, late].map((socket) => once(socket, 'connect')))
  await wait(100)
  const before = performance.now()
  child.kill('SIGTERM')
  await wait(500)
  late.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
  t.match((await late.setEncoding('utf8').toArray()).join(''), /^HTTP\/1\.1 200 /)
  t.strictSame(await exited, [0, null])
  const tookMs = Math.round(performance.now() - before)
  t.ok(tookMs < 5000, `${tookMs} ms`)
})

t.test('pipelined requests do not end the process, also during shutdown', async (t) => {
  const { environment, flags } = asDeployed()
  const ports = { PROBE_PORT: '0', ADMISSION_PORT: '0' }
  const hook = await startBuiltHook(
    t,
    { ...environment, ...ports, SHUTDOWN_DELAY_MS: '5000' },
    flags,
  )
  const { child, probes = '', admission = '', exited } = hook
  /** Sends 64 KiB on each connection, until the hook has closed all of them. */
  const flood = (origin: string) =>
    Promise.all(
      Array.from({ length: 64 }, async () => {
        const socket = connect(Number(new URL(origin).port)).on('error', () => {})
        socket.resume().write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2340))
        await new Promise((resolve) => socket.once('close', resolve))
      }),
    )
  await flood(probes)
  t.equal((await fetch(`${probes}/healthz`)).status, 200)
  child.kill('SIGTERM')
  await wait(200)
  await flood(admission)
  t.strictSame(await exited, [0, null])
})

t.test(
  'keeps an idle connection longer than Metacontroller, which closes it after 90 s',
  async (t) => {
    const { url } = await startBuiltHook(t)
    const response = await fetch(`${url}/healthz`)
    t.equal(response.headers.get('keep-alive'), 'timeout=100')
  },
)

t.test('an invalid environment prevents the start, with one line for each variable', async (t) => {
  const child: ChildProcess = spawn(process.execPath, [program], {
    env: { PORT: 'http', LOG_LEVEL: 'loud' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let text = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  t.strictSame(await once(child, 'close'), [1, null])
  t.match(text, /PORT=http: must be an integer from 0 to 65535\nLOG_LEVEL=loud: must be one of/)
})

t.test('an unusable key for config digests prevents the start, with a short error', async (t) => {
  const folder = t.testdir({ short: 'x'.repeat(31) })
  for (const [file, problem] of [
    [`${folder}/none`, 'cannot be read (ENOENT)'],
    [folder, 'cannot be read (EISDIR)'],
    [`${folder}/short`, 'must have at least 32 bytes, got 31'],
  ] as const) {
    const child = spawn(process.execPath, [program], {
      env: { PORT: '0', CONFIG_DIGEST_KEY_FILE: file },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let text = ''
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    t.strictSame(await once(child, 'close'), [1, null])
    t.equal(text, `myapp-operator cannot start: CONFIG_DIGEST_KEY_FILE=${file} ${problem}\n`)
  }
})

t.test('a port in use prevents the start, with an error of one line', async (t) => {
  const { url } = await startBuiltHook(t)
  const child: ChildProcess = spawn(process.execPath, [program], {
    env: { PORT: new URL(url).port },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
  }
  t.strictSame(await once(child, 'close'), [1, null])
  t.equal(
    text,
    `myapp-operator cannot start: PORT=${new URL(url).port} is taken on ` +
      `127.0.0.1; 0 picks a free one\n`,
  )
})

t.test('loses no log line while the reader of standard output is slow', async (t) => {
  const { child, url } = await startBuiltHook(t)
  let log = ''
  child.stdout?.on('data', (text: string) => {
    log += text
  })
  child.stdout?.pause()
  const call = async (name: string) => {
    const request = recorded('sync-new')
    request.parent.metadata.name = name
    await (
      await fetch(`${url}/sync`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(request),
      })
    ).text()
  }
  const before = 2000 // more than a pipe buffers
  for (let count = 0; count < before; count += 50) {
    await Promise.all(Array.from({ length: 50 }, () => call('before')))
  }
  await call('last')
  await wait(100)
  child.stdout?.resume()
  const deadline = Date.now() + 10_000
  const complete = /"last".*\n$/
  while (!complete.test(log) && Date.now() < deadline) await wait(20)
  t.match(log, complete)
  t.equal(log.match(/"before"/g)?.length, before)
})
