import type { Test } from 'tap'
import type { Cluster } from '../../support/cluster/cluster.ts'
import { forceSyncs } from '../../support/cluster/forced-syncs.ts'
import type { Namespace } from '../../support/cluster/namespace.ts'
import { checkNoWrites } from './no-write.ts'

interface ServiceAccount {
  metadata: {
    uid: string
    annotations?: Record<string, string>
    ownerReferences?: object[]
  }
}

async function readServiceAccount(here: Namespace): Promise<ServiceAccount | undefined> {
  const text = await here.kubectl('get', 'sa', 'shop', '--ignore-not-found', '-o', 'json')
  return text.trim() === '' ? undefined : (JSON.parse(text) as ServiceAccount)
}
const serviceAccountOfPods = (here: Namespace) =>
  (here.get('Deployment', 'shop').spec.template.spec as { serviceAccountName?: string })
    .serviceAccountName

const image = 'nginx:1.29'
const role = (name: string) => ({ annotations: { 'example.com/role': name } })

/** A MyApp with its own ServiceAccount. */
export function serviceAccount(t: Test, cluster: Cluster): void {
  t.test('a ServiceAccount is created, repaired, updated and deleted', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image, serviceAccount: role('a') })
    await here.running('shop')
    t.equal(serviceAccountOfPods(here), 'shop')
    t.match(await readServiceAccount(here), {
      metadata: {
        labels: { app: 'shop' },
        annotations: role('a').annotations,
        ownerReferences: [{ kind: 'MyApp', controller: true }],
      },
    })
    await here.kubectl('annotate', 'sa', 'shop', 'theirs=stays', 'example.com/role-')
    await here.eventually(
      'the annotation is restored',
      async () =>
        (await readServiceAccount(here))?.metadata.annotations?.['example.com/role'] === 'a',
    )
    await here.edit('MyApp', 'shop', { spec: { serviceAccount: role('b') } })
    await here.eventually(
      'the annotation follows the spec',
      async () =>
        (await readServiceAccount(here))?.metadata.annotations?.['example.com/role'] === 'b',
    )
    t.match(await readServiceAccount(here), { metadata: { annotations: { theirs: 'stays' } } })
    await checkNoWrites(t, here, ['shop'])

    await here.edit('MyApp', 'shop', { spec: { serviceAccount: null } })
    await here.running('shop')
    t.notOk(await readServiceAccount(here), 'deleted when the rollout is complete')
    t.notOk(serviceAccountOfPods(here))
    await here.edit('MyApp', 'shop', { spec: { serviceAccount: {} } })
    await here.running('shop')
    t.ok(await readServiceAccount(here))
    await here.kubectl('delete', 'ma', 'shop')
    await here.gone('MyApp', 'shop')
    t.notOk(await readServiceAccount(here))
  })

  t.test('a foreign ServiceAccount of the same name does not change', async (t) => {
    const here = await cluster.namespace(t)
    await here.kubectl('create', 'sa', 'shop')
    await here.kubectl('annotate', 'sa', 'shop', 'example.com/role=theirs')
    const theirs = await readServiceAccount(here)
    await here.create('shop', { image, serviceAccount: role('ours') })
    const { status } = await here.failed('shop', 'NameConflict')
    t.match(
      status?.message,
      /^ServiceAccount shop already exists and does not belong to this MyApp/,
    )
    await forceSyncs(here, 'shop', 2)
    t.match(await readServiceAccount(here), {
      metadata: { uid: theirs?.metadata.uid, annotations: { 'example.com/role': 'theirs' } },
    })
    t.notOk((await readServiceAccount(here))?.metadata.ownerReferences)
    await here.edit('MyApp', 'shop', {
      spec: { serviceAccount: null, serviceAccountName: 'shop' },
    })
    await here.running('shop')
  })
}
