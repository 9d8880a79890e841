import { spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { Agent } from 'node:https'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import { createAuthority, issue, type KeyPair } from '../../src/certificates/objects.ts'
import { program, startBuiltHook } from '../support/built-hook.ts'
import { recorded } from '../support/fixtures/recorded.ts'
import {
  clientOptions,
  createPki,
  hookFiles,
  mountedFolder,
  postTls,
  tlsEnvironment,
} from '../support/tls.ts'

const pki = await createPki()
const sync = recorded('sync-running')

/** A client that opens a new connection for every request. */
const newConnections = (authorities: KeyPair[], pair?: KeyPair) =>
  new Agent({ ...clientOptions(authorities, pair), keepAlive: false })

/** The log lines with a message. */
const logged = (lines: string[], message: string) =>
  lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === message)

async function until(condition: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 10_000; !condition() && Date.now() < deadline;) await wait(20)
}

/** Starts the built hook with mutual TLS and a separate port for probes. */
async function startWithTls(t: Test, environment: Record<string, string> = {}) {
  const folder = mountedFolder(t, hookFiles(pki, [pki.authority]))
  const hook = await startBuiltHook(t, {
    PROBE_PORT: '0',
    ...tlsEnvironment(folder),
    ...environment,
  })
  return { ...hook, folder }
}

t.test('with mutual TLS the hook answers Metacontroller only', async (t) => {
  const { url, probes, lines } = await startWithTls(t)
  const trusted = [pki.authority]
  const now = new Date()
  const foreign = await createAuthority(now)
  const impostor = await issue(foreign, 'metacontroller', 'clientAuth', now)
  const other = await issue(pki.authority, 'prometheus', 'clientAuth', now)
  const { status, error } = await postTls(`${url}/sync`, sync, newConnections(trusted, pki.client))
  t.equal(status, 200, error ?? 'the certificate of Metacontroller')
  const resuming = newConnections(trusted, pki.client)
  for (const attempt of ['first', 'second, with the session of the first']) {
    t.equal((await postTls(`${url}/sync`, sync, resuming)).status, 200, attempt)
  }
  await t.rejects(postTls(`${url}/sync`, sync, newConnections(trusted)), 'no certificate')
  await t.rejects(postTls(`${url}/sync`, sync, newConnections(trusted, impostor)), 'a foreign CA')
  // By default a client of Node refuses TLS 1.1 itself.
  const old = {
    minVersion: 'TLSv1.1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT:@SECLEVEL=0',
  } as const
  await t.rejects(
    postTls(`${url}/sync`, sync, new Agent({ ...clientOptions(trusted, pki.client), ...old })),
    { message: /tlsv1 alert protocol version/ },
    'an old version of TLS',
  )
  t.match(await postTls(`${url}/sync`, sync, newConnections(trusted, other)), {
    status: 403,
    error: /^the client certificate must have the name metacontroller \(TLS_CLIENT_NAME\)$/,
  })
  t.equal((await fetch(`${probes}/healthz`)).status, 200)
  t.equal((await fetch(`${probes}/readyz`)).status, 200)
  for (const path of ['/sync', '/metrics', '/']) {
    t.equal((await fetch(`${probes}${path}`, { method: 'POST' })).status, 404, path)
  }
  await t.rejects(fetch(url.replace('https:', 'http:')), 'plain HTTP')
  await until(() => logged(lines, 'hook calls refused').length === 3)
  t.match(
    logged(lines, 'hook calls refused').sort((a, b) => (a.reason < b.reason ? -1 : 1)),
    [
      { level: 40, reason: 'no_certificate', calls: 1 },
      { level: 40, reason: /must have the name metacontroller/, statusCode: 403, calls: 1 },
      { level: 40, reason: 'untrusted_certificate', calls: 1 },
    ],
  )
})

t.test('TLS_CLIENT_NAME may be a DNS name of the certificate', async (t) => {
  const { url } = await startWithTls(t, { TLS_CLIENT_NAME: 'meta.metacontroller.svc' })
  const client = await issue(pki.authority, 'meta.metacontroller.svc', 'clientAuth', new Date())
  const { status } = await postTls(`${url}/sync`, sync, newConnections([pki.authority], client))
  t.equal(status, 200)
  t.equal(
    (await postTls(`${url}/sync`, sync, newConnections([pki.authority], pki.client))).status,
    403,
  )
})

t.test('silent connections do not block Metacontroller or the kubelet', async (t) => {
  const { url, probes = '' } = await startWithTls(t)
  const trusted = [pki.authority]
  const kept = new Agent({ ...clientOptions(trusted, pki.client), keepAlive: true })
  t.teardown(() => {
    kept.destroy()
  })
  t.equal((await postTls(`${url}/sync`, sync, kept)).status, 200)
  for (const origin of [url, probes]) {
    const { port } = new URL(origin)
    const silent = Array.from({ length: 300 }, () =>
      connect(Number(port), '127.0.0.1').on('error', () => {}),
    )
    t.teardown(() => {
      for (const socket of silent) socket.destroy()
    })
    await Promise.all(silent.map((socket) => once(socket, 'connect')))
  }
  t.equal((await postTls(`${url}/sync`, sync, kept)).status, 200, 'the connection that was open')
  t.equal((await postTls(`${url}/sync`, sync, newConnections(trusted, pki.client))).status, 200)
  const probe = await fetch(`${probes}/healthz`)
  t.equal(probe.status, 200)
  t.equal(probe.headers.get('connection'), 'close', 'a probe leaves no connection behind')
})

t.test('at shutdown silent connections are closed, and a slow request is answered', async (t) => {
  const { child, url, exited } = await startWithTls(t)
  const port = Number(new URL(url).port)
  const host = '127.0.0.1'
  const options = { host, port, ...clientOptions([pki.authority], pki.client) }
  const withoutHandshake = connect(port, host).on('error', () => {})
  const [silent, slow] = [connectTls(options), connectTls(options)]
  await Promise.all([
    once(withoutHandshake, 'connect'),
    once(silent, 'secureConnect'),
    once(slow, 'secureConnect'),
  ])
  const body = JSON.stringify(sync)
  slow.write(
    'POST /sync HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n' +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`,
  )
  await wait(100)
  const before = performance.now()
  child.kill('SIGTERM')
  await wait(2000)
  slow.write(body)
  t.match((await slow.setEncoding('utf8').toArray()).join(''), /^HTTP\/1\.1 200 /)
  t.strictSame(await exited, [0, null])
  const tookMs = Math.round(performance.now() - before)
  t.ok(tookMs < 5000, `${tookMs} ms`)
})

t.test('certificates and CAs can change under load without a failed request', async (t) => {
  const { url, lines, folder } = await startWithTls(t)
  const next = await createPki()
  const authorities = [pki.authority, next.authority]
  const outcomes: string[] = []
  const serials = new Set<string>()
  let client = pki.client
  const over = new AbortController()
  const call = async (agent: () => Agent) => {
    while (!over.signal.aborted) {
      try {
        const { status, serial } = await postTls(`${url}/sync`, sync, agent())
        outcomes.push(String(status))
        serials.add(serial)
      } catch (error) {
        outcomes.push((error as Error).message)
      }
      await wait(1)
    }
  }
  const kept = new Agent({ ...clientOptions(authorities, client), keepAlive: true })
  t.teardown(() => {
    kept.destroy()
  })
  const callers = [
    call(() => kept),
    call(() => newConnections(authorities, client)),
    call(() => newConnections(authorities, client)),
  ]
  const replace = async (files: Record<string, string>) => {
    const before = logged(lines, 'certificates loaded').length
    folder.replace(files)
    await until(() => logged(lines, 'certificates loaded').length > before)
    await wait(300)
  }
  await wait(300)
  // The order of docs/configuration.md: trust both CAs, change the certificates, drop the old CA.
  await replace(hookFiles(pki, authorities))
  await replace(hookFiles(next, authorities))
  client = next.client
  await wait(300)
  over.abort()
  await Promise.all(callers)
  await replace(hookFiles(next, [next.authority]))
  t.ok(outcomes.length > 20, `${outcomes.length} requests`)
  t.same(
    outcomes.filter((outcome) => outcome !== '200'),
    [],
  )
  const serial = ({ certificate }: KeyPair) => new X509Certificate(certificate).serialNumber
  serials.delete('') // a resumed session has no certificate
  t.same([...serials].sort(), [serial(pki.server), serial(next.server)].sort())
  await t.rejects(
    postTls(`${url}/sync`, sync, newConnections(authorities, pki.client)),
    'the old CA',
  )
  t.equal(
    (await postTls(`${url}/sync`, sync, newConnections(authorities, next.client))).status,
    200,
  )
})

t.test('logs an error for invalid new certificates and keeps the previous ones', async (t) => {
  const { url, lines, folder } = await startWithTls(t)
  const other = await createPki()
  const files = hookFiles(pki, [pki.authority])
  const bad: Array<[files: Record<string, string>, reason: RegExp]> = [
    [{ ...files, 'tls.key': other.server.key }, /^TLS_KEY_FILE=\S+ does not fit TLS_CERT_FILE/],
    [{ ...files, 'ca.crt': 'secret' }, /^TLS_CLIENT_CA_FILE=\S+ must contain certificates in PEM$/],
    [{ ...files, 'tls.crt': '' }, /^TLS_CERT_FILE=\S+ is empty$/],
  ]
  const message = 'cannot load changed files; the previous ones stay in use'
  for (const [index, [files, reason]] of bad.entries()) {
    folder.replace(files)
    await until(() => logged(lines, message).length > index)
    t.match(logged(lines, message).at(-1), { level: 50, reason })
    const { status } = await postTls(
      `${url}/sync`,
      sync,
      newConnections([pki.authority], pki.client),
    )
    t.equal(status, 200)
  }
})

t.test('refuses to start with an invalid certificate or token, naming the variable', async (t) => {
  const folder = mountedFolder(t, {
    ...hookFiles(pki, [pki.authority]),
    'other.key': (await createPki()).server.key,
    empty: ' \n',
    text: 'secret\n',
    tokens: 'valid-token\nsecret token\n',
  })
  const { path } = folder
  const files = tlsEnvironment(folder)
  const wrong: Array<[environment: Record<string, string>, reason: string]> = [
    [{ TLS_CERT_FILE: path('tls.crt') }, 'TLS_CERT_FILE and TLS_KEY_FILE must be set together'],
    [
      { TLS_CLIENT_CA_FILE: path('ca.crt') },
      'TLS_CLIENT_CA_FILE may only be set with TLS_CERT_FILE and TLS_KEY_FILE',
    ],
    [
      { ...files, TLS_CERT_FILE: path('none') },
      `TLS_CERT_FILE=${path('none')} cannot be read (ENOENT)`,
    ],
    [{ ...files, TLS_KEY_FILE: path('empty') }, `TLS_KEY_FILE=${path('empty')} is empty`],
    [
      { ...files, TLS_KEY_FILE: path('other.key') },
      `TLS_KEY_FILE=${path('other.key')} does not fit TLS_CERT_FILE ` +
        '(ERR_OSSL_X509_KEY_VALUES_MISMATCH)',
    ],
    [
      { ...files, TLS_CLIENT_CA_FILE: path('text') },
      `TLS_CLIENT_CA_FILE=${path('text')} must contain certificates in PEM`,
    ],
    [{ AUTH_TOKEN_FILE: path('empty') }, `AUTH_TOKEN_FILE=${path('empty')} is empty`],
    [
      { AUTH_TOKEN_FILE: path('tokens') },
      `AUTH_TOKEN_FILE=${path('tokens')} line 2 must be a token of letters, digits and "-._~+/="`,
    ],
    [
      { PROBE_PORT: 'http' },
      'the environment is invalid:\nPROBE_PORT=http: must be an integer from 0 to 65535',
    ],
  ]
  for (const [environment, reason] of wrong) {
    const child = spawn(process.execPath, [program], {
      env: { PORT: '0', ...environment },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let text = ''
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    t.strictSame(await once(child, 'close'), [1, null])
    t.equal(text, `myapp-operator cannot start: ${reason}\n`)
  }
})

t.test('accepts only the tokens in AUTH_TOKEN_FILE, also after the file changes', async (t) => {
  const folder = mountedFolder(t, { tokens: 'first-token\nsecond-token\n' })
  const { url, lines } = await startBuiltHook(t, { AUTH_TOKEN_FILE: folder.path('tokens') })
  const call = async (authorization?: string) => {
    const response = await fetch(`${url}/sync`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(authorization && { authorization }) },
      body: JSON.stringify(sync),
    })
    const { error } = (await response.json()) as { error?: string }
    return { status: response.status, error, challenge: response.headers.get('www-authenticate') }
  }
  t.equal((await call('Bearer first-token')).status, 200)
  t.equal((await call('Bearer second-token')).status, 200)
  for (const authorization of [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Basic c2VjcmV0',
    'first-token',
  ]) {
    t.match(await call(authorization), {
      status: 401,
      challenge: 'Bearer',
      error: /^the Authorization header must be "Bearer" and a token of AUTH_TOKEN_FILE$/,
    })
  }
  for (const token of ['secret', 'first-toke', 'first-token2', 'FIRST-TOKEN']) {
    t.match(await call(`Bearer ${token}`), {
      status: 401,
      error: /^the token is not one of AUTH_TOKEN_FILE$/,
    })
  }
  const review = await fetch(`${url}/admission/validate`, { method: 'POST' })
  t.equal(review.status, 401, 'every other route needs a token, too')
  t.equal((await fetch(`${url}/healthz`)).status, 200, 'probes need no token')
  folder.replace({ tokens: 'second-token\nthird-token\n' })
  await until(() => logged(lines, 'tokens loaded').length === 1)
  t.equal((await call('Bearer first-token')).status, 401)
  t.equal((await call('Bearer second-token')).status, 200)
  t.equal((await call('Bearer third-token')).status, 200)
  await until(() => logged(lines, 'hook calls refused').length >= 2)
  t.notMatch(lines.join('\n'), /secret|(first|second|third)-tok/i)
})

t.test('warns of plain HTTP at start, except on loopback', async (t) => {
  const warnings = async (host: string) => {
    const { lines } = await startBuiltHook(t, { HOST: host })
    return lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 40)
  }
  t.same(await warnings('127.0.0.1'), [])
  t.match(await warnings('0.0.0.0'), [{ msg: /not encrypted.*TLS_CERT_FILE/ }])
})
