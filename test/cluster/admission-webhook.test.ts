/** The admission webhook of manifests/admission on a real API server. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { parse } from 'yaml'
import { createAuthority, issue } from '../../src/certificates/objects.ts'
import { runProgram } from '../../local-cluster/control-plane/processes.ts'
import { startBuiltHook } from '../support/built-hook.ts'
import { bootBare } from '../support/cluster/cluster.ts'
import { installMyAppCrd, manifest } from '../support/cluster/install.ts'
import { mountedFolder, tlsEnvironment } from '../support/tls.ts'

t.setTimeout(300_000)
const controlPlane = await bootBare(t)
await installMyAppCrd(controlPlane)

/** Runs kubectl. Returns its output, warnings included. */
async function kubectl(args: string[], input?: object): Promise<string> {
  const { stdout, stderr } = await runProgram(
    {
      command: `${controlPlane.binDir}/kubectl`,
      args: [
        `--kubeconfig=${controlPlane.kubeconfig}`,
        ...args,
        ...(input === undefined ? [] : ['-f', '-']),
      ],
    },
    { input: input && JSON.stringify(input) },
  )
  return stdout + stderr
}

const myApp = (name: string, spec: object) => ({
  apiVersion: 'example.com/v1',
  kind: 'MyApp',
  metadata: { name, namespace: 'default' },
  spec,
})

/** The CRD accepts this spec, but its Deployment in JSON is too large. */
const tooLarge = { image: 'nginx:1.29.1', args: Array(6).fill('<&>'.repeat(2700)) }
await kubectl(['apply', '--server-side'], myApp('stored', tooLarge))

const now = new Date()
const authority = await createAuthority(now)
// The API server of the test cannot reach Services. It calls the hook under this name.
const server = await issue(authority, 'localhost', 'serverAuth', now)
const folder = mountedFolder(t, {
  'tls.crt': server.certificate,
  'tls.key': server.key,
  'ca.crt': authority.certificate,
})
const { admission, lines } = await startBuiltHook(t, {
  ADMISSION_PORT: '0',
  ...tlsEnvironment(folder),
})
const configuration = parse(
  readFileSync(manifest('manifests/admission/validating-webhook-configuration.yaml'), 'utf8'),
)
configuration.webhooks[0].clientConfig = {
  url: `https://localhost:${new URL(admission ?? '').port}/admission/validate`,
  caBundle: Buffer.from(authority.certificate).toString('base64'),
}
// The test must fail if the webhook cannot be called.
configuration.webhooks[0].failurePolicy = 'Fail'
await kubectl(['apply'], configuration)
const isCalled = () => lines.some((line) => line.includes('admission request'))
for (let attempt = 0; !isCalled() && attempt < 100; attempt++) {
  await kubectl(['apply', '--dry-run=server'], myApp('probe', { image: 'nginx:1.29.1' }))
  await sleep(100)
}

t.test('refuses what the CRD cannot check, with the message of the hook', async (t) => {
  t.match(
    await kubectl(['apply', '--server-side'], myApp('large', tooLarge)),
    new RegExp(
      'admission webhook "myapps\\.example\\.com" denied the request: ' +
        'spec\\.args: the Deployment must have at most 261632 bytes, got \\d+',
    ),
  )
})

t.test('kubectl prints warnings, also in a dry run', async (t) => {
  for (const extra of [['--dry-run=server'], []]) {
    const printed = await kubectl(['apply', ...extra], myApp('latest', { image: 'nginx' }))
    t.match(printed, /^Warning: spec\.image: /m)
    t.match(printed, /myapp\.example\.com\/latest created/)
  }
})

t.test('an oversized stored MyApp can be changed in other fields, and deleted', async (t) => {
  const patch = (spec: object) =>
    kubectl(['patch', 'myapp', 'stored', '--type=merge', `-p=${JSON.stringify({ spec })}`])
  const changed = await patch({ image: 'nginx:1.30.1' })
  t.match(changed, /^Warning: spec\.args: the Deployment must have at most/m)
  t.match(changed, /stored patched/)
  t.match(await kubectl(['label', 'myapp', 'stored', 'team=blue']), /stored labeled/)
  t.match(await patch({ podLabels: { team: 'red' } }), /stored patched/)
  t.match(await patch({ args: [...tooLarge.args, 'more'] }), /denied the request: spec\.args/)
  t.match(await kubectl(['delete', 'myapp', 'stored', '--timeout=20s']), /"stored" deleted/)
})
