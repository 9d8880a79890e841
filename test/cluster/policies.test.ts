/** manifests/policies on a real API server: the rights of a maker, an editor and a viewer. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { stringify } from 'yaml'
import { installOptionalKinds } from '../../local-cluster/control-plane/optional-kinds.ts'
import { lastAppliedAnnotation } from '../../src/metacontroller/protocol.ts'
import { childKinds } from '../../src/myapp/children/index.ts'
import { kindsWithPolicy } from '../../scripts/components.ts'
import { bootBare } from '../support/cluster/cluster.ts'
import { installMyAppCrd, manifest } from '../support/cluster/install.ts'
import { deployment } from '../../src/myapp/children/deployment.ts'
import { requestsFor } from '../support/fixtures/every-child.ts'
import { yamlFiles } from '../support/yaml-files.ts'

t.setTimeout(600_000)
const controlPlane = await bootBare(t)
const { kubectl } = controlPlane

const metacontroller = 'system:serviceaccount:metacontroller:metacontroller'
const namespace = 'team'

/** Runs kubectl as a user. Returns `ok` or the refusal of the API server. */
const as = (user: string, args: string[], input?: string): Promise<string> =>
  kubectl(['-n', namespace, ...args, ...(user === '' ? [] : [`--as=${user}`])], input).then(
    () => 'ok',
    (error: Error) => error.message,
  )

const role = (name: string, rules: object[]) => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'Role',
  metadata: { name, namespace },
  rules,
})
const bind = (user: string, kind: string, name: string) => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: { name: user.replaceAll(':', '-'), namespace },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name },
})
const all = ['get', 'list', 'create', 'update', 'patch', 'delete']

await Promise.all([installMyAppCrd(controlPlane), installOptionalKinds(controlPlane)])
await kubectl(['create', 'namespace', namespace])
await kubectl(
  ['apply', '-f', '-'],
  [
    role('maker', [
      { apiGroups: ['example.com'], resources: ['myapps', 'myapps/scale'], verbs: all },
    ]),
    bind('maker', 'Role', 'maker'),
    bind('editor', 'ClusterRole', 'edit'),
    bind('viewer', 'ClusterRole', 'view'),
    bind(metacontroller, 'ClusterRole', 'admin'),
  ]
    .map((object) => stringify(object))
    .join('---\n'),
)
const files = ['cluster-roles', 'policies/record', 'policies/permissions'].map((name) =>
  manifest(`manifests/${name}.yaml`),
)
await kubectl(['apply', ...files.flatMap((file) => ['-f', file])])

const app = (name: string, spec: object = {}) =>
  stringify({
    apiVersion: 'example.com/v1',
    kind: 'MyApp',
    metadata: { name },
    spec: { image: 'nginx:1', ...spec },
  })
const forged = { [lastAppliedAnnotation]: '{"kind":"Deployment"}' }
const child = (name: string, annotations?: object) =>
  JSON.stringify({
    ...deployment.desired({ name, namespace, spec: { image: 'nginx:1' } })[0],
    metadata: { name, ...(annotations && { annotations }) },
  })

// The API server enforces new policies and aggregated roles after a short delay.
const until = async (isInForce: () => Promise<boolean>) => {
  for (const deadline = Date.now() + 30_000; !(await isInForce()); await sleep(200)) {
    if (Date.now() > deadline) throw new Error('the policies are not in force after 30 s')
  }
}
await until(
  async () =>
    (await as('maker', ['create', '--dry-run=server', '-f', '-'], app('probe'))) !== 'ok' &&
    (await as('editor', ['create', '--dry-run=server', '-f', '-'], child('probe', forged))) !==
      'ok' &&
    (await as('editor', ['create', '--dry-run=server', '-f', '-'], app('probe'))) === 'ok',
)

t.test('a user who may create the children may write the MyApp', async (t) => {
  const create = ['create', '-f', '-']
  t.match(await as('maker', create, app('web')), /you may not create Deployments/)
  t.match(await as('viewer', create, app('web')), /cannot create resource "myapps"/)
  t.equal(await as('editor', create, app('web', { ingress: { host: 'a.example.com' } })), 'ok')
  t.match(
    await as(
      'editor',
      create,
      app('routed', { gateway: { parentRefs: [{ name: 'g' }], hostnames: ['a.example.com'] } }),
    ),
    /spec.gateway: you may not create HTTPRoutes/,
    'ClusterRole edit has no HTTPRoutes',
  )
  t.equal(await as('', create, app('mine')), 'ok', 'an admin')
})

t.test('a user without rights to children may label, scale, delete, but not edit', async (t) => {
  await as('', ['apply', '-f', '-'], app('kept'))
  t.equal(await as('maker', ['label', 'myapp', 'kept', 'team=a']), 'ok')
  t.equal(await as('maker', ['scale', 'myapp', 'kept', '--replicas=2']), 'ok')
  t.match(
    await as('maker', ['patch', 'myapp', 'kept', '--type=merge', '-p', '{"spec":{"image":"b"}}']),
    /you may not create Deployments/,
  )
  t.equal(
    await as('', [
      'patch',
      'myapp',
      'kept',
      '--type=merge',
      '-p',
      '{"metadata":{"finalizers":["a.b/c"]}}',
    ]),
    'ok',
  )
  t.equal(await as('maker', ['delete', 'myapp', 'kept', '--wait=false']), 'ok')
  t.equal(
    await as('', [
      'patch',
      'myapp',
      'kept',
      '--type=merge',
      '-p',
      '{"metadata":{"finalizers":null}}',
    ]),
    'ok',
  )
})

t.test('an editor may write every example except HTTPRoutes', async (t) => {
  const folder = manifest('manifests/examples')
  for (const file of yamlFiles(folder)) {
    const text = readFileSync(`${folder}/${file}`, 'utf8')
    const answer = await as('editor', ['apply', '--dry-run=server', '-f', '-'], text)
    if (/^ {2}gateway:/m.test(text)) t.match(answer, /HTTPRoutes/, file)
    else t.notMatch(answer, /you may not create/, file)
  }
})

for (const { kind, optional } of kindsWithPolicy) {
  const { component, field } = optional
  t.test(`policies/${component}: spec.${field} needs the right to create ${kind}s`, async (t) => {
    const create = ['create', '--dry-run=server', '-f', '-']
    const requesting = app('a', requestsFor[kind])
    await kubectl(['apply', '-f', manifest(`manifests/policies/${component}/${component}.yaml`)])
    await until(async () => (await as('editor', create, requesting)) !== 'ok')
    t.match(
      await as('editor', create, requesting),
      new RegExp(`spec.${field}: you may not create ${kind}s in this namespace`),
    )
    t.equal(await as('editor', create, app('a')), 'ok')
    t.equal(await as('', create, requesting), 'ok', 'an admin')
  })
}

t.test('each kind of child requires the right to create it', async (t) => {
  t.strictSame(
    childKinds.map(({ kind }) => kind).sort(),
    Object.keys(requestsFor).sort(),
    'a new kind needs a validation in manifests/policies and a line in requestsFor',
  )
  const groupOf = (apiVersion: string) => (apiVersion.includes('/') ? apiVersion.split('/')[0] : '')
  const rights = childKinds.map(({ kind, apiVersion, resource }) => ({
    kind,
    rule: { apiGroups: [groupOf(apiVersion)], resources: [resource], verbs: ['create'] },
  }))
  const myApps = { apiGroups: ['example.com'], resources: ['myapps'], verbs: all }
  await kubectl(
    ['apply', '-f', '-'],
    rights
      .flatMap(({ kind }) => {
        const user = `without-${kind.toLowerCase()}`
        const others = rights.filter((right) => right.kind !== kind).map(({ rule }) => rule)
        return [role(user, [myApps, ...others]), bind(user, 'Role', user)]
      })
      .map((object) => stringify(object))
      .join('---\n'),
  )
  for (const [kind, spec] of Object.entries(requestsFor)) {
    const user = `without-${kind.toLowerCase()}`
    const create = ['create', '--dry-run=server', '-f', '-']
    const answer = await as(user, create, app('a', spec))
    t.match(answer, new RegExp(`you may not create ${kind.replace(/y$/, '')}`), kind)
    const plain = await as(user, create, app('a'))
    t.equal(
      plain === 'ok',
      !['Deployment', 'Service'].includes(kind),
      `${kind}: whether a plain MyApp is accepted`,
    )
  }
})

t.test('only Metacontroller may write its last-applied annotation', async (t) => {
  const complaint = /only Metacontroller may write the annotation/
  const patch = (annotations: object) => [
    'patch',
    'deployment',
    'web',
    '--type=merge',
    '-p',
    JSON.stringify({ metadata: { annotations } }),
  ]
  const real = { [lastAppliedAnnotation]: '{}' }
  t.equal(await as(metacontroller, ['create', '-f', '-'], child('web', real)), 'ok')
  t.match(await as('editor', patch(forged)), complaint, 'changed')
  t.match(await as('editor', patch({ [lastAppliedAnnotation]: null })), complaint, 'removed')
  t.match(await as('editor', ['create', '-f', '-'], child('copy', forged)), complaint, 'created')
  t.match(await as('', patch(forged)), complaint, 'an admin')
  t.equal(await as('editor', patch({ 'example.com/mine': 'x' })), 'ok', 'another annotation')
  t.equal(await as('editor', ['scale', 'deployment', 'web', '--replicas=2']), 'ok')
  t.equal(await as('editor', ['set', 'image', 'deployment/web', 'app=nginx:2']), 'ok')
  t.equal(
    await as('editor', ['create', '-f', '-'], child('own')),
    'ok',
    'a Deployment without the annotation',
  )
  t.match(
    await as('editor', ['annotate', 'deployment', 'own', `${lastAppliedAnnotation}=x`]),
    complaint,
  )
  t.equal(await as(metacontroller, patch({ [lastAppliedAnnotation]: '{"a":1}' })), 'ok')
  for (let tries = 0; ; tries++) {
    const status = JSON.parse(
      await kubectl(['-n', namespace, 'get', 'deployment', 'web', '-o', 'json']),
    )
    if (status.status.observedGeneration === status.metadata.generation) break
    if (tries > 100) throw new Error('the controller of Deployments does not write the status')
    await sleep(100)
  }
  t.equal(await as('editor', ['delete', 'deployment', 'web', 'own']), 'ok')
})
