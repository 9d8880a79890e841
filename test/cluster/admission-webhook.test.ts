/** The admission webhook on a real API server, as manifests/admission installs it. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { parse } from 'yaml'
import { createAuthority, issue } from '../../src/cli/certificates.ts'
import { runProgram } from '../../local-cluster/control-plane/processes.ts'
import { startBuiltHook } from '../support/built-hook.ts'
import { bootBare } from '../support/cluster/cluster.ts'
import { installMyAppCrd, manifest } from '../support/cluster/install.ts'
import { mountedFolder, tlsEnvironment } from '../support/tls.ts'

t.setTimeout(300_000)
const controlPlane = await bootBare(t)
await installMyAppCrd(controlPlane)

/** Runs kubectl, and gives all that it prints, warnings too. */
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

/** Valid for the CRD, but in JSON the Deployment does not fit. */
const tooLarge = { image: 'nginx:1.29.1', args: Array(6).fill('<&>'.repeat(2700)) }
await kubectl(['apply', '--server-side'], myApp('stored', tooLarge))

const now = new Date()
const authority = await createAuthority(now)
// The API server of the test has no Services: it calls the hook by this name.
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
// A webhook that is not called must fail this test.
configuration.webhooks[0].failurePolicy = 'Fail'
await kubectl(['apply'], configuration)
const isCalled = () => lines.some((line) => line.includes('admission request'))
for (let attempt = 0; !isCalled() && attempt < 100; attempt++) {
  await kubectl(['apply', '--dry-run=server'], myApp('probe', { image: 'nginx:1.29.1' }))
  await sleep(100)
}

t.test('what the CRD cannot check is refused with the sentence of the hook', async (t) => {
  t.match(
    await kubectl(['apply', '--server-side'], myApp('large', tooLarge)),
    /admission webhook "myapps\.example\.com" denied the request: spec\.args: the Deployment must have at most 261632 bytes, got \d+/,
  )
})

t.test('kubectl prints warnings, with a dry run as well', async (t) => {
  for (const extra of [['--dry-run=server'], []]) {
    const printed = await kubectl(['apply', ...extra], myApp('latest', { image: 'nginx' }))
    t.match(printed, /^Warning: spec\.image: /m)
    t.match(printed, /myapp\.example\.com\/latest created/)
  }
})

t.test('a MyApp that was too large before can be changed elsewhere and deleted', async (t) => {
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
