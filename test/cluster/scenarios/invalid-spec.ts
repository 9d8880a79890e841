import type { Test } from 'tap'
import type { Cluster } from '../../support/cluster/cluster.ts'
import { forceSyncs, waitUntilIdle } from '../../support/cluster/forced-syncs.ts'
import { builtInKinds, kinds, type LiveMyApp } from '../../support/cluster/kinds.ts'
import type { Namespace } from '../../support/cluster/namespace.ts'

const crdPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/myapps.example.com'

interface Crd {
  metadata: object
  spec: { versions: [{ schema: { openAPIV3Schema: object } }] }
}

const bounds = [
  'x-kubernetes-validations',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'maxItems',
  'pattern',
  'enum',
]

/** A schema without its bounds, like an older CRD. */
const loosened = (schema: unknown): unknown =>
  typeof schema !== 'object' || schema === null
    ? schema
    : Array.isArray(schema)
      ? schema.map(loosened)
      : Object.fromEntries(
          Object.entries(schema)
            .filter(([key]) => !bounds.includes(key))
            .map(([key, value]) => [key, loosened(value)]),
        )

/** Waits until the API server uses a changed CRD. */
async function untilLoose({ api }: Cluster, here: Namespace, loose: boolean): Promise<void> {
  const trial = {
    apiVersion: kinds.MyApp.apiVersion,
    kind: 'MyApp',
    metadata: { name: 'trial' },
    spec: { image: 'nginx', replicas: 500 },
  }
  const accepts = () =>
    api
      .request('POST', `/apis/example.com/v1/namespaces/${here.name}/myapps?dryRun=All`, trial)
      .then(
        () => true,
        () => false,
      )
  await here.eventually(
    `the CRD ${loose ? 'accepts' : 'refuses'} an invalid spec`,
    async () => (await accepts()) === loose,
  )
}

/** Runs a write while the CRD has no bounds and rules, and then restores the CRD. */
async function withLooseCrd(
  cluster: Cluster,
  here: Namespace,
  write: () => Promise<void>,
): Promise<void> {
  const { api } = cluster
  const strict = await api.request<Crd>('GET', crdPath)
  const [version] = strict.spec.versions
  const loose = {
    spec: {
      versions: [
        { ...version, schema: { openAPIV3Schema: loosened(version.schema.openAPIV3Schema) } },
      ],
    },
  }
  await api.request('PATCH', crdPath, loose, 'application/merge-patch+json')
  await untilLoose(cluster, here, true)
  await write()
  await api.request(
    'PATCH',
    crdPath,
    { spec: { versions: strict.spec.versions } },
    'application/merge-patch+json',
  )
  await untilLoose(cluster, here, false)
}

/** A stored spec that breaks the rules deletes nothing. */
export async function invalidSpec(t: Test, cluster: Cluster): Promise<void> {
  await t.test('an invalid stored spec changes no child until it is fixed', async (t) => {
    const here = await cluster.namespace(t)
    const image = 'nginx'
    const names = ['replicas', 'port', 'image', 'env', 'doomed', 'paused']
    const more = {
      autoscaling: { minReplicas: 2, maxReplicas: 4 },
      ingress: { host: 'shop.example.com' },
      networkPolicy: { from: [{ app: 'web' }] },
    }
    await Promise.all(
      names.map((name) => here.create(name, { image, replicas: 2, ...(name === 'port' && more) })),
    )
    await Promise.all(names.map((name) => here.running(name)))
    const running = childrenStatus(here.get('MyApp', 'replicas'))
    await here.edit('MyApp', 'paused', { spec: { paused: true } })
    await here.until(
      'the reason is Paused',
      () => here.get('MyApp', 'paused').status?.conditions?.[0]?.reason === 'Paused',
    )
    await here.edit('Deployment', 'paused', { spec: { replicas: 1 } })
    await here.until(
      'the remaining replica runs',
      () => here.get('MyApp', 'paused').status?.ready === '1/1',
    )
    // A write of that sync may have failed with a conflict. Metacontroller then repeats it.
    await waitUntilIdle(here)
    const before = snapshot(here)
    t.strictSame(
      childKinds.filter((kind) => here.list(kind).length === 0),
      [],
      'children of every kind exist',
    )
    await withLooseCrd(cluster, here, async () => {
      await here.edit('MyApp', 'replicas', { spec: { replicas: 500 } })
      await here.edit('MyApp', 'port', { spec: { port: 0 } })
      await here.edit('MyApp', 'image', { spec: { image: 'two words' } })
      await here.edit('MyApp', 'env', {
        spec: { env: [{ name: 'NOT A NAME', value: 'hunter2' }] },
      })
      await here.edit('MyApp', 'doomed', { spec: { port: 70_000 } })
      await here.edit('MyApp', 'paused', { spec: { image: 'two words' } })
      await here.create('new', { image, replicas: 101 })
      await here.create('no.service', { image })
      await here.create('older', { image, serviceAccountName: 'Not_A_Name' })
    })
    const messages = await Promise.all(
      ['replicas', 'port', 'image', 'env', 'new', 'no.service'].map(
        async (name) => (await here.failed(name, 'InvalidSpec')).status?.message ?? '',
      ),
    )
    const runs = 'running pods are not changed until the spec is fixed'
    const none = 'nothing is created until the spec is fixed'
    t.equal(messages[0], `spec.replicas: must be at most 100, got 500; ${runs}`)
    t.equal(messages[1], `spec.port: must be at least 1, got 0; ${runs}`)
    t.match(messages[2], /^spec\.image: invalid value "two words": .*; running pods/)
    t.match(messages[3], /^spec\.env\[0\]\.name: invalid value "NOT A NAME": .*; running pods/)
    t.equal(messages[4], `spec.replicas: must be at most 100, got 101; ${none}`)
    t.match(messages[5], /^metadata\.name: invalid value "no\.service": .*; nothing is created/)
    t.strictSame(
      childrenStatus(here.get('MyApp', 'replicas')),
      running,
      'the status of the running pods is the same',
    )
    await here.failed('paused', 'InvalidSpec')
    await here.failed('doomed', 'InvalidSpec')
    await forceSyncs(here, 'paused', 2)
    await waitUntilIdle(here)
    t.strictSame(
      snapshot(here),
      before,
      'no child changes, and manual edits of a paused MyApp stay',
    )
    t.notOk(
      messages.some((message) => message.includes('hunter2')),
      'no value of a variable is reported',
    )

    const { status } = await here.failed('older', 'InvalidSpec')
    t.match(status?.message, /^spec\.serviceAccountName: must consist of lower-case letters/)
    await here.edit('MyApp', 'older', { spec: { image: 'nginx:1.29' } })
    await t.rejects(
      here.edit('MyApp', 'older', { spec: { serviceAccountName: 'Another_One' } }),
      /must consist of lower-case letters/,
      'a changed value must follow the newer rule',
    )

    await here.remove('MyApp', 'doomed')
    await here.gone('MyApp', 'doomed')
    await here.edit('MyApp', 'replicas', { spec: { replicas: 3 } })
    t.equal((await here.running('replicas')).status?.ready, '3/3')
    await here.edit('MyApp', 'new', { spec: { replicas: 1 } })
    await here.running('new')
    await here.remove('MyApp', 'no.service')
    await here.gone('MyApp', 'no.service')
  })
}

/** The parts of a status that describe the children, without observedGeneration. */
const childrenStatus = ({ status: { address, ready, conditions = [] } = {} }: LiveMyApp) => ({
  address,
  ready,
  available: conditions
    .filter(({ type }) => type === 'Available')
    .map(({ observedGeneration, ...rest }) => rest),
})

const childKinds = builtInKinds.filter((kind) => kind !== 'MyApp')

const snapshot = (here: Namespace) =>
  childKinds
    .flatMap((kind) =>
      here
        .list(kind)
        .map(({ metadata: { name, uid, generation }, spec }) =>
          JSON.stringify([kind, name, uid, generation, spec]),
        ),
    )
    .sort()
