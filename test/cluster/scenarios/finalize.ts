import type { Test } from 'tap'
import { failingImage } from '../../../local-cluster/control-plane/stages.ts'
import type { Cluster } from '../../support/cluster/cluster.ts'
import { forceSyncs, waitUntilIdle } from '../../support/cluster/forced-syncs.ts'
import { type Kind, kindPath } from '../../support/cluster/kinds.ts'
import type { Namespace } from '../../support/cluster/namespace.ts'

const order = (here: Namespace): Kind[] =>
  (['MyApp', 'Deployment', 'Service'] as const)
    .flatMap((kind) => here.watchEvents(kind).filter(({ type }) => type === 'DELETED'))
    .toSorted((a, b) => a.version - b.version)
    .map(({ kind }) => kind)

/** A deletion is ordered and complete. */
export function finalize(t: Test, cluster: Cluster): void {
  t.test('the MyApp is deleted after its Deployment and Service', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image: 'nginx', replicas: 2 })
    await here.running('shop')
    await here.kubectl('delete', 'ma', 'shop')
    await here.gone('MyApp', 'shop')
    t.equal(order(here).at(-1), 'MyApp')
    await here.until('the ReplicaSets are gone', () => here.list('ReplicaSet').length === 0)
  })

  t.test(
    'while a finalizer holds the Deployment, the MyApp stays and its status says so',
    async (t) => {
      const here = await cluster.namespace(t)
      await here.create('shop', { image: 'nginx' })
      await here.running('shop')
      await here.edit('Deployment', 'shop', [
        { op: 'add', path: '/metadata/finalizers', value: ['example.com/held'] },
      ])
      await here.kubectl('delete', 'ma', 'shop', '--wait=false')
      const waiting = await here.until(
        'the status reports it',
        () =>
          here.get('MyApp', 'shop').status?.conditions?.[0]?.reason === 'Terminating' &&
          here.get('MyApp', 'shop'),
      )
      t.match(waiting.status, {
        phase: 'Pending',
        message: 'Terminating: waiting for Deployment shop to be deleted',
      })
      await forceSyncs(here, 'shop', 2)
      await waitUntilIdle(here)
      t.notOk(here.get('Service', 'shop').metadata.deletionTimestamp, 'the Service stays meanwhile')
      await here.edit('Deployment', 'shop', [{ op: 'remove', path: '/metadata/finalizers' }])
      await here.gone('MyApp', 'shop')
      t.strictSame(order(here), ['Deployment', 'Service', 'MyApp'])
    },
  )

  t.test('a MyApp can be deleted before it is Running', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image: failingImage('NotReady') })
    await here.until(
      'every child exists',
      () => here.list('ReplicaSet').length > 0 && here.find('Service', 'shop'),
    )
    await here.kubectl('delete', 'ma', 'shop')
    await here.until('everything is gone', () =>
      (['MyApp', 'Deployment', 'Service', 'ReplicaSet'] as const).every(
        (kind) => here.list(kind).length === 0,
      ),
    )
    const deleted = order(here)
    t.strictSame(deleted.toSorted(), ['Deployment', 'MyApp', 'Service'])
    t.equal(deleted.at(-1), 'MyApp')
  })

  t.test('a MyApp can be deleted although its config is too large for a request', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image: 'nginx' })
    await here.running('shop')
    const names = ['a', 'b', 'c', 'd', 'e']
    const data = { key: 'x'.repeat(1_000_000) }
    await Promise.all(
      names.map((name) =>
        cluster.api.request('POST', kindPath('ConfigMap', here.name), { metadata: { name }, data }),
      ),
    )
    await here.edit('MyApp', 'shop', {
      spec: { envFrom: names.map((name) => ({ configMapRef: { name } })) },
    })
    const events = `/api/v1/namespaces/${here.name}/events?fieldSelector=reason=SyncError`
    await here.eventually('an Event reports the failure', async () =>
      (await cluster.api.request<{ items: Array<{ message: string }> }>('GET', events)).items.some(
        ({ message }) => message.includes('413'),
      ),
    )
    await here.kubectl('delete', 'ma', 'shop', '--wait=false')
    await here.gone('MyApp', 'shop')
    t.equal(order(here).at(-1), 'MyApp')
  })

  t.test('a foreground deletion completes', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image: 'nginx' })
    await here.running('shop')
    await here.kubectl('delete', 'ma', 'shop', '--cascade=foreground')
    await here.until('everything is gone', () =>
      (['MyApp', 'Deployment', 'Service', 'ReplicaSet'] as const).every(
        (kind) => here.list(kind).length === 0,
      ),
    )
    t.equal(order(here).at(-1), 'MyApp')
  })

  t.test('a namespace with a MyApp can be deleted', async (t) => {
    const here = await cluster.namespace(t)
    await Promise.all(['shop', 'blog', 'wiki'].map((name) => here.create(name, { image: 'nginx' })))
    await Promise.all(['shop', 'blog', 'wiki'].map((name) => here.running(name)))
    await cluster.controlPlane.kubectl(['delete', 'namespace', here.name, '--timeout=120s'])
    t.strictSame(
      (['MyApp', 'Deployment', 'Service'] as const).flatMap((kind) => here.list(kind)),
      [],
    )
  })
}
