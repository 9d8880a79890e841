/** The Job that creates the certificates, with the rights of its ServiceAccount. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { runProgram } from '../../local-cluster/control-plane/processes.ts'
import { bootBare } from '../support/cluster/cluster.ts'
import { manifest } from '../support/cluster/install.ts'
import { kustomize } from '../support/cluster/kustomize.ts'

t.setTimeout(300_000)
const controlPlane = await bootBare(t)
const { kubectl, dir, url } = controlPlane
const account = join(dir, 'service-account')
const user = 'system:serviceaccount:myapp-operator:myapp-operator-certificates'

await kubectl(['apply', '-k', manifest('manifests')])
mkdirSync(account)
writeFileSync(
  join(account, 'token'),
  await kubectl(['-n', 'myapp-operator', 'create', 'token', 'myapp-operator-certificates']),
)

interface Job {
  spec: { template: { spec: { containers: [{ args: string[] }] } } }
}

/** Runs the program as the Job of a kustomization. Returns its output. */
async function runJob(components: string[] = [], env = {}): Promise<string> {
  const objects = await kustomize(controlPlane, 'manifests', components)
  const job = objects.find(({ kind }) => kind === 'Job') as unknown as Job
  const args = job.spec.template.spec.containers[0].args.map((arg) =>
    arg
      .replace('/var/run/secrets/kubernetes.io/serviceaccount', account)
      .replace('=/app', `=${manifest('dist')}`),
  )
  const { hostname, port } = new URL(url)
  const { code, stdout, stderr } = await runProgram({
    command: process.execPath,
    args,
    cwd: manifest('.'),
    env: {
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: port,
      SERVICE_ACCOUNT_DIR: account,
      NODE_EXTRA_CA_CERTS: join(dir, 'apiserver.crt'),
      ...env,
    },
  })
  return code === 0 ? stdout : `code ${code}: ${stdout}${stderr}`
}

const secrets = [
  ['myapp-operator', 'secret', 'myapp-operator-ca'],
  ['myapp-operator', 'secret', 'myapp-operator-tls'],
  ['myapp-operator', 'secret', 'myapp-operator-config-digest'],
  ['myapp-operator', 'configmap', 'myapp-operator-ca'],
  ['metacontroller', 'secret', 'myapp-operator-client-tls'],
  ['metacontroller', 'configmap', 'myapp-operator-ca'],
] as const

/** The data of all objects that the Job creates. */
const stored = () =>
  Promise.all(
    secrets.map(([namespace, kind, name]) =>
      kubectl(['-n', namespace, 'get', kind, name, '-o', 'jsonpath={.data}']),
    ),
  )

t.test('the first run creates everything and the next run changes nothing', async (t) => {
  const first = await runJob()
  t.equal(first.match(/: created/g)?.length, secrets.length, first)
  t.match(first, /Secret myapp-operator\/myapp-operator-tls: created, expires \d{4}-\d\d-\d\d/)
  t.notMatch(first, /PRIVATE|BEGIN/)
  const before = await stored()
  const second = await runJob()
  t.equal(second.match(/: exists, not changed/g)?.length, secrets.length - 1, second)
  t.strictSame(await stored(), before)
})

t.test('recreates a deleted certificate with the same CA and changes nothing else', async (t) => {
  const [authority, , digest, bundle] = await stored()
  await kubectl(['-n', 'myapp-operator', 'delete', 'secret', 'myapp-operator-tls'])
  await kubectl(['-n', 'metacontroller', 'delete', 'secret', 'myapp-operator-client-tls'])
  const run = await runJob()
  t.equal(run.match(/: created/g)?.length, 2, run)
  const after = await stored()
  t.strictSame([after[0], after[2], after[3]], [authority, digest, bundle])
})

t.test('writes to the namespace in METACONTROLLER_NAMESPACE', async (t) => {
  t.match(
    await runJob([], { METACONTROLLER_NAMESPACE: 'elsewhere', ATTEMPTS: '1' }),
    /cannot create resource .* in the namespace .*elsewhere/,
  )
})

t.test('with the component cert-manager creates only the digest key', async (t) => {
  await kubectl(['-n', 'myapp-operator', 'delete', 'secret', 'myapp-operator-config-digest'])
  t.equal(
    await runJob(['cert-manager']),
    'Secret myapp-operator/myapp-operator-config-digest: created\n',
  )
})

t.test('with the component admission sets the caBundle of the webhook once', async (t) => {
  const objects = (await kustomize(controlPlane, 'manifests', ['admission'])).filter(
    // The template of a Job cannot change.
    ({ kind }) => kind !== 'Job',
  )
  const apply = () =>
    kubectl(['apply', '-f', '-'], objects.map((object) => JSON.stringify(object)).join('\n---\n'))
  await apply()
  const bundle = () =>
    kubectl([
      'get',
      'validatingwebhookconfiguration',
      'myapp-operator-validation',
      '-o',
      'jsonpath={.webhooks[0].clientConfig.caBundle}',
    ])
  t.equal(await bundle(), '')
  t.match(await runJob(['admission']), 'myapp-operator-validation: caBundle set')
  const ca = await kubectl([
    ...['-n', 'myapp-operator', 'get', 'configmap', 'myapp-operator-ca'],
    ...['-o', 'jsonpath={.data.ca\\.crt}'],
  ])
  t.equal(Buffer.from(await bundle(), 'base64').toString(), ca)
  t.match(await runJob(['admission']), 'has a caBundle, not changed')
  await apply()
  t.not(await bundle(), '', 'applying the manifests again keeps the caBundle')
  await kubectl(['delete', 'validatingwebhookconfiguration', 'myapp-operator-validation'])
})

t.test('the ServiceAccount of the Job has no other rights', async (t) => {
  const may = (...args: string[]) =>
    kubectl(['auth', 'can-i', ...args, `--as=${user}`]).then(
      () => true,
      () => false,
    )
  t.ok(await may('create', 'secrets', '-n', 'metacontroller'))
  t.ok(await may('get', 'secrets/myapp-operator-ca', '-n', 'myapp-operator'))
  for (const verb of ['list', 'watch', 'update', 'patch', 'delete', 'deletecollection']) {
    for (const namespace of ['myapp-operator', 'metacontroller']) {
      t.notOk(await may(verb, 'secrets', '-n', namespace), `${verb} Secrets in ${namespace}`)
    }
  }
  t.notOk(await may('get', 'secrets/myapp-operator-tls', '-n', 'myapp-operator'))
  t.notOk(await may('get', 'secrets/myapp-operator-client-tls', '-n', 'metacontroller'))
  t.notOk(await may('create', 'secrets', '-n', 'default'))
  t.notOk(await may('create', 'pods', '-n', 'myapp-operator'))
})

t.test('fails with a remedy if the CA has no key', async (t) => {
  await kubectl(['-n', 'myapp-operator', 'delete', 'secret', 'myapp-operator-ca'])
  await kubectl(['-n', 'myapp-operator', 'create', 'secret', 'generic', 'myapp-operator-ca'])
  const { code, stderr } = await failingRun()
  t.equal(code, 1)
  t.match(
    stderr,
    /Secret myapp-operator\/myapp-operator-ca lacks tls.crt or tls.key: see "A CA that/,
  )
})

/** Runs the program without retries. */
async function failingRun() {
  const { hostname, port } = new URL(url)
  return await runProgram({
    command: process.execPath,
    args: ['dist/certificates.js', 'certificates'],
    cwd: manifest('.'),
    env: {
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: port,
      SERVICE_ACCOUNT_DIR: account,
      NODE_EXTRA_CA_CERTS: join(dir, 'apiserver.crt'),
      ATTEMPTS: '1',
    },
  })
}
