import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request, type RequestOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { createMissing } from '../../src/certificates/create-missing.ts'
import {
  authoritySecret,
  certificateObjects,
  checkedAuthority,
  checkedCertificate,
  configDigestSecret,
  createAuthority,
  expiryOf,
  issue,
  type KeyPair,
} from '../../src/certificates/objects.ts'

const now = new Date()
const authority = await createAuthority(now)
const serverName = 'myapp-operator.myapp-operator.svc'

t.test('a certificate has its host, use, issuer and a lifetime of a year', async (t) => {
  const { certificate, key } = await issue(authority, serverName, 'serverAuth', now)
  const parsed = new X509Certificate(certificate)
  t.ok(parsed.checkIssued(new X509Certificate(authority.certificate)))
  t.ok(parsed.verify(new X509Certificate(authority.certificate).publicKey))
  t.ok(parsed.checkPrivateKey(createPrivateKey(key)))
  t.equal(parsed.checkHost(serverName), serverName)
  t.equal(parsed.ca, false)
  t.strictSame(parsed.keyUsage, ['1.3.6.1.5.5.7.3.1'])
  t.equal(Math.round((expiryOf(certificate).getTime() - now.getTime()) / 86_400_000), 365)
})

t.test('a certificate expires no later than its CA', async (t) => {
  const late = new Date(expiryOf(authority.certificate).getTime() - 86_400_000)
  const { certificate } = await issue(authority, 'metacontroller', 'clientAuth', late)
  t.equal(expiryOf(certificate).getTime(), expiryOf(authority.certificate).getTime())
})

const privateKey = (type: 'sec1' | 'pkcs8', namedCurve: string) =>
  generateKeyPairSync('ec', { namedCurve }).privateKey.export({ type, format: 'pem' }).toString()

t.test('a CA in another form is normalised', async (t) => {
  const { certificate, key } = authority
  const sec1 = createPrivateKey(key).export({ type: 'sec1', format: 'pem' }).toString()
  t.match(sec1, 'BEGIN EC PRIVATE KEY')
  const checked = checkedAuthority({ certificate: certificate.trim(), key: sec1 }, now)
  t.strictSame(checked, authority)
  t.equal(checkedCertificate(certificate.trim()), certificate)
  await t.resolves(issue(checked, serverName, 'serverAuth', now))
})

t.test('a CA that cannot issue certificates is an error with a remedy', async (t) => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString()
  const damaged = authority.certificate.replace(/\n.{64}/, '\n')
  const expiry = expiryOf(authority.certificate)
  const remedy = 'see "A CA that has expired or lacks its key" in docs/upgrade.md'
  const cases: Array<[change: Partial<KeyPair>, says: string, at?: Date]> = [
    [{ certificate: 'garbage' }, `tls.crt is not a certificate in PEM: ${remedy}`],
    [{ certificate: damaged }, `tls.crt is not a certificate in PEM: ${remedy}`],
    [{ key: 'garbage' }, `tls.key is not a private key in PEM: ${remedy}`],
    [{ key: privateKey('sec1', 'P-256') }, `tls.key is not the key of tls.crt: ${remedy}`],
    [
      await issue(authority, serverName, 'serverAuth', now),
      `tls.crt is not the certificate of a CA: ${remedy}`,
    ],
    [
      { key: rsa },
      'the CA needs an ECDSA P-256 key, got rsa: create a new CA with myapp-operator certificates',
    ],
    [
      { key: privateKey('pkcs8', 'P-384') },
      'the CA needs an ECDSA P-256 key, got ec secp384r1: ' +
        'create a new CA with myapp-operator certificates',
    ],
    [
      {},
      `the CA expired on ${expiry.toISOString().slice(0, 10)}: ${remedy}`,
      new Date(expiry.getTime() + 1),
    ],
  ]
  for (const [change, message, at = now] of cases) {
    t.throws(() => checkedAuthority({ ...authority, ...change }, at), { message })
  }
})

/**
 * Connects to a server that requires a client certificate. Returns the name of the client that the
 * server sees, or the error code.
 */
async function call(
  t: Test,
  server: KeyPair,
  ca: string,
  options: RequestOptions,
): Promise<string> {
  const listener = createServer(
    { cert: server.certificate, key: server.key, ca, requestCert: true, rejectUnauthorized: true },
    ({ socket }, response) => {
      response.end((socket as TLSSocket).getPeerCertificate().subject.CN)
    },
  ).listen(0, '127.0.0.1')
  t.teardown(() => listener.close())
  await once(listener, 'listening')
  const outgoing = request({
    host: '127.0.0.1',
    port: (listener.address() as AddressInfo).port,
    servername: serverName,
    agent: false,
    ...options,
  })
  outgoing.end()
  try {
    const [response] = await once(outgoing, 'response')
    return (await response.setEncoding('utf8').toArray()).join('')
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  }
}

t.test('the generated objects give both sides mutual TLS', async (t) => {
  const [ca, , clientSecret, serverSecret] = await certificateObjects(authority, now)
  const pair = (data: Record<string, string> = {}): KeyPair => ({
    certificate: data['tls.crt'] ?? '',
    key: data['tls.key'] ?? '',
  })
  const bundle = ca?.data?.['ca.crt'] ?? ''
  const server = pair(serverSecret?.stringData)
  const client = pair(clientSecret?.stringData)
  const shown = { cert: client.certificate, key: client.key }
  t.equal(await call(t, server, bundle, { ca: bundle, ...shown }), 'metacontroller')
  t.not(await call(t, server, bundle, { ca: bundle }), 'metacontroller', 'without a certificate')
  const other = await createAuthority(now)
  const foreign = await issue(other, 'metacontroller', 'clientAuth', now)
  t.not(
    await call(t, server, bundle, { ca: bundle, cert: foreign.certificate, key: foreign.key }),
    'metacontroller',
    'with a client certificate of another CA',
  )
  t.match(
    await call(t, await issue(other, serverName, 'serverAuth', now), bundle, {
      ca: bundle,
      ...shown,
    }),
    /CERT|SIGNATURE|VERIFY/,
    'a server of another CA',
  )
  t.match(
    await call(t, server, bundle, { ca: bundle, ...shown, servername: 'hook.other.svc' }),
    'ERR_TLS_CERT_ALTNAME_INVALID',
  )
})

t.test('the objects have their names and namespaces, and each Secret has a type', async (t) => {
  const objects = [
    authoritySecret(authority),
    ...(await certificateObjects(authority, now)),
    configDigestSecret(),
  ]
  t.strictSame(
    objects.map(({ kind, type, metadata: { namespace, name } }) =>
      [kind, `${namespace}/${name}`, ...(type ? [type] : [])].join(' '),
    ),
    [
      'Secret myapp-operator/myapp-operator-ca kubernetes.io/tls',
      'ConfigMap myapp-operator/myapp-operator-ca',
      'ConfigMap metacontroller/myapp-operator-ca',
      'Secret metacontroller/myapp-operator-client-tls kubernetes.io/tls',
      'Secret myapp-operator/myapp-operator-tls kubernetes.io/tls',
      'Secret myapp-operator/myapp-operator-config-digest Opaque',
    ],
  )
  t.notMatch(JSON.stringify(objects.filter(({ kind }) => kind === 'ConfigMap')), 'PRIVATE KEY')
  t.equal(Buffer.from(configDigestSecret().stringData?.['key'] ?? '', 'base64').length, 32)
  t.not(configDigestSecret().stringData?.['key'], configDigestSecret().stringData?.['key'])
})

t.test("the Job creates objects for Metacontroller in Metacontroller's namespace", async (t) => {
  const created: string[] = []
  const run = ({ certificate, key }: KeyPair) =>
    createMissing(
      new Set(['certificates']),
      {
        async get<Kind>() {
          const base64 = (text: string) => Buffer.from(text).toString('base64')
          return { data: { 'tls.crt': base64(certificate), 'tls.key': base64(key) } } as Kind
        },
        async create(path) {
          created.push(path)
          return true
        },
        async patch() {},
      },
      { now, report() {}, metacontrollerNamespace: 'platform' },
    )
  await t.rejects(run({ ...authority, certificate: 'garbage' }), {
    message: /^Secret myapp-operator\/myapp-operator-ca: tls.crt is not a certificate in PEM: see/,
  })
  t.strictSame(created, [])
  await run(authority)
  t.strictSame(created, [
    '/api/v1/namespaces/myapp-operator/configmaps',
    '/api/v1/namespaces/platform/configmaps',
    '/api/v1/namespaces/platform/secrets',
    '/api/v1/namespaces/myapp-operator/secrets',
  ])
})
