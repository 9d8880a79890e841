import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { lastAppliedAnnotation } from '../../src/metacontroller/protocol.ts'
import type { Anything } from '../support/fixtures/anything.ts'
import { recorded } from '../support/fixtures/recorded.ts'
import { serverFor } from '../support/server.ts'

/** Starts a listening server. Returns its URL and its log. */
async function listen(t: Test, environment: Record<string, string> = {}) {
  const log: string[] = []
  const logger = pino({}, { write: (line: string) => log.push(line) })
  const server = await serverFor(environment, { logger })
  t.teardown(() => server.close())
  const { port } = new URL(await server.listen({ host: '127.0.0.1', port: 0 }))
  const open = () => {
    const socket = connect(Number(port), '127.0.0.1').setEncoding('utf8')
    t.teardown(() => socket.destroy())
    return socket
  }
  /** Sends text on a new connection. Returns everything received until the server closes it. */
  const exchange = async (text: string) => {
    const socket = open()
    socket.write(text)
    return (await socket.toArray()).join('')
  }
  const post = async (url: string, body: unknown) => {
    const response = await server.inject({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/json' },
      payload: JSON.stringify(body),
    })
    return { status: response.statusCode, error: response.json().error as string | undefined }
  }
  return { log, open, exchange, post }
}

const head = (length: number, path = '/sync') =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ` +
  `${length}\r\n\r\n`

const statusOf = async (socket: ReturnType<typeof connect>) =>
  Number(/^HTTP\/1\.1 (\d+)/.exec((await once(socket, 'data'))[0])?.[1])

/** A request of Metacontroller of about `bytes` bytes. */
function requestOf(bytes: number): string {
  const request = recorded('sync-new')
  const padding = 'x'.repeat(Math.max(0, bytes - JSON.stringify(request).length))
  return JSON.stringify({ ...request, padding })
}

const malformed: Array<[what: string, text: string, status: number, error: RegExp]> = [
  ['text that is not HTTP', 'secret\r\n\r\n', 400, /^the request is not HTTP$/],
  [
    'headers that are too large',
    `POST /sync HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`,
    431,
    /^the headers are larger than 16384 bytes$/,
  ],
  [
    'no Host header',
    'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n',
    400,
    /^the Host header is required$/,
  ],
  [
    'an unknown Expect header',
    'POST /sync HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: ' +
      'secret\r\nContent-Length: 0\r\n\r\n',
    417,
    /^the only supported Expect header is 100-continue$/,
  ],
  [
    'a hook request without Content-Length',
    'POST /sync HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: ' +
      'application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
    411,
    /^the Content-Length header is required$/,
  ],
]

t.test('answers a malformed request with a status and a short message', async (t) => {
  const { exchange } = await listen(t)
  for (const [what, text, status, error] of malformed) {
    const [headers = '', body = ''] = (await exchange(text)).split('\r\n\r\n')
    t.match(headers, new RegExp(`^HTTP/1.1 ${status} `), what)
    t.match(JSON.parse(body).error, error, what)
  }
})

t.test('answers 408 to a request that takes more than 5 s to arrive', async (t) => {
  const { open } = await listen(t)
  const begun = [head(1000), 'POST /sync HT', `${head(1000)}{`].map((text) => {
    const socket = open()
    socket.write(text)
    return socket
  })
  const start = performance.now()
  for (const socket of begun) t.match((await socket.toArray()).join(''), /^HTTP\/1\.1 408 /)
  const milliseconds = performance.now() - start
  t.ok(milliseconds > 4000 && milliseconds < 15_000, `${milliseconds} ms`)
})

t.test('silent connections do not block other clients', async (t) => {
  const { open, exchange } = await listen(t, { BODY_LIMIT: '100000' })
  for (let count = 0; count < 50; count++) open().write(head(100_000))
  await wait(50)
  const body = requestOf(90_000)
  t.match(
    await exchange(`${head(body.length).trim()}\r\nConnection: close\r\n\r\n${body}`),
    /200 OK/,
  )
})

t.test('refuses the largest incomplete body with 429 when memory is short', async (t) => {
  const { open, log } = await listen(t, { BODY_LIMIT: '1000000' })
  const body = requestOf(990_000)
  const begin = (bytes: number) => {
    const socket = open()
    socket.write(`${head(body.length)}${body.slice(0, bytes)}`)
    return { socket, finish: () => socket.write(body.slice(bytes)) }
  }
  const largest = begin(body.length - 1)
  const refused = statusOf(largest.socket)
  await wait(50)
  const others = [begin(800_000), begin(800_000)]
  await wait(50)
  const small = begin(600_000)
  t.equal(await refused, 429)
  for (const { socket, finish } of [small, ...others]) {
    finish()
    t.equal(await statusOf(socket), 200)
  }
  const counted = () =>
    log.map((line) => JSON.parse(line)).filter(({ statusCode }) => statusCode === 429)
  for (const deadline = Date.now() + 5000; counted().length === 0 && Date.now() < deadline;) {
    await wait(20)
  }
  t.match(counted(), [{ level: 40, msg: 'hook calls refused', calls: 1 }])
})

t.test('keeps a connection after a refusal and answers its next request', async (t) => {
  const { open } = await listen(t, { BODY_LIMIT: '100000' })
  const socket = open()
  socket.write(head(150_000))
  const refused = statusOf(socket)
  socket.write('x'.repeat(150_000))
  t.equal(await refused, 413)
  const body = requestOf(1000)
  socket.write(head(body.length) + body)
  t.equal(await statusOf(socket), 200)
})

t.test('closes the oldest silent connections when more than 256 are open', async (t) => {
  const { open } = await listen(t)
  const body = requestOf(1000)
  const sendRequest = (socket: ReturnType<typeof open>) => {
    socket.write(head(body.length) + body)
    return statusOf(socket)
  }
  const kept = open()
  t.equal(await sendRequest(kept), 200)
  const silent = Array.from({ length: 300 }, open)
  const isClosed = await Promise.all(
    silent.map((socket) =>
      Promise.race([once(socket, 'close').then(() => true), wait(500).then(() => false)]),
    ),
  )
  t.equal(isClosed.filter(Boolean).length, 301 - 256)
  t.notOk(isClosed.slice(-200).includes(true), 'the oldest are closed')
  t.equal(await sendRequest(kept), 200, 'a connection with an answered request stays open')
  t.equal(await sendRequest(open()), 200, 'a new connection is answered')
})

const long = 'k'.repeat(200_000)
const changed = (change: (request: Anything) => void) => {
  const request = recorded('sync-running')
  change(request)
  return request
}

const hostile: Array<[what: string, body: unknown, error: RegExp]> = [
  [
    'a key of 200 KB in a child',
    changed(({ children }) => {
      children['Service.v1'][long] = null
    }),
    /^not a sync request of Metacontroller: children\.Service\.v1\.k+… must be object$/,
  ],
  [
    'a child under a key of 200 KB',
    changed(({ children }) => {
      children['Service.v1'][long] = children['Service.v1']['default/demo-app']
    }),
    /k+…/,
  ],
  [
    'a key of a Secret',
    changed(({ related }) => {
      related['Secret.v1'] = {
        'default/db-root': {
          metadata: { name: 'db-root', namespace: 'default', uid: 'u' },
          data: { 'hunter2-in-a-key': 1 },
        },
      }
    }),
    /related\.Secret\.v1\.default\/db-root: a field must be string$/,
  ],
  [
    'a key with a line break',
    changed(({ related }) => {
      related['ConfigMap.v1'] = { 'default/a\nb': null }
    }),
    /related\.ConfigMap\.v1\.default\/a b must be object$/,
  ],
  [
    'a child under a key with a line break',
    changed(({ children }) => {
      children['Service.v1']['a\nb'] = null
    }),
    /children\.Service\.v1\.a b must be object$/,
  ],
  ...['constructor', '__proto__', 'toString'].map((name): [string, unknown, RegExp] => [
    `a group named ${name}`,
    JSON.parse(JSON.stringify(recorded('sync-running')).replace('"Service.v1":', `"${name}":`)),
    /must have required property 'Service\.v1'$/,
  ]),
  ...['uid', 'name', 'namespace', 'resourceVersion'].map((field): [string, unknown, RegExp] => [
    `a ${field} of 200 KB`,
    changed(({ parent }) => {
      parent.metadata[field] = long
    }),
    new RegExp(`parent\\.metadata\\.${field} must NOT have more than 253 characters$`),
  ]),
  ...[`[${'{},'.repeat(150_000)}{}]`, `${'['.repeat(5000)}${']'.repeat(5000)}`].map(
    (list): [string, unknown, RegExp] => [
      `a last-applied annotation with the list ${list.slice(0, 6)}…`,
      changed(({ children }) => {
        const { metadata } = children['Service.v1']['default/demo-app']
        metadata.annotations[lastAppliedAnnotation] = `{"spec":{"a":${list}}}`
      }),
      /^remove the annotation metacontroller\.k8s\.io\/last-applied-configuration of Service demo-app: (in all children together )?it must have at most (131072 of the characters .*, got 300\d\d\d|100 levels)$/,
    ],
  ),
  [
    'a CompositeController with a name of 200 KB',
    changed((request) => {
      request.controller.metadata.name = long
    }),
    /controller\.metadata\.name must NOT have more than 253 characters$/,
  ],
]

t.test('keeps refusals and their log lines short', async (t) => {
  const { post, log } = await listen(t)
  for (const [what, body, error] of hostile) {
    log.length = 0
    const refusal = await post('/sync', body)
    t.equal(refusal.status, 422, what)
    t.match(refusal.error, error, what)
    t.notMatch(refusal.error, /hunter2|\n/, what)
    t.ok((refusal.error?.length ?? 0) <= 300, what)
    t.equal(log.length, 1, what)
    t.notMatch(log[0], /hunter2/, what)
    t.ok((log[0]?.length ?? 0) < 1000, what)
  }
})

t.test('callers without credentials cannot fill the log', async (t) => {
  const { exchange, post, log } = await listen(t)
  log.length = 0
  const withoutHost = 'POST /sync HTTP/1.1\r\n\r\n'
  await exchange(`${withoutHost.repeat(49)}${withoutHost.trim()}\r\nConnection: close\r\n\r\n`)
  const review = {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: { uid: 'u', operation: 'DELETE' },
  }
  for (let count = 0; count < 50; count++) await post('/nothing', {})
  for (let count = 0; count < 50; count++) await post('/admission/validate', {})
  for (let count = 0; count < 150; count++) await post('/admission/validate', review)
  const lines = () => log.map((line) => JSON.parse(line))
  const counts = () => lines().filter(({ msg }) => msg !== 'admission request')
  for (const deadline = Date.now() + 5000; counts().length < 4 && Date.now() < deadline;) {
    await wait(20)
  }
  t.match(counts(), [
    { msg: 'hook calls refused', reason: 'the Host header is required', calls: 50 },
    { msg: 'hook calls refused', reason: /^not found: the routes are/, calls: 50 },
    { msg: 'hook calls refused', reason: /^not an AdmissionReview/, calls: 50 },
    { msg: 'log lines dropped', lines: 50 },
  ])
  t.equal(lines().length, 104)
})

t.test('never redirects, because Metacontroller would send Secrets to the new URL', async (t) => {
  const { exchange } = await listen(t)
  const paths = [
    '//sync',
    '/sync/',
    '/sync/..',
    '/sync//',
    '/SYNC',
    '/',
    '//evil.example',
    '/%2f%2f',
  ]
  for (const path of paths) {
    for (const method of ['GET', 'POST', 'HEAD', 'OPTIONS']) {
      const answer = await exchange(
        `${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
      )
      t.match(answer, /^HTTP\/1\.1 (2|4)\d\d /, `${method} ${path}`)
    }
  }
})
