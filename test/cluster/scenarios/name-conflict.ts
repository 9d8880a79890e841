import type { Test } from 'tap'
import type { MyAppSpec } from '../../../src/api/myapp.ts'
import type { Cluster } from '../../support/cluster/cluster.ts'
import { forceSyncs, waitUntilIdle } from '../../support/cluster/forced-syncs.ts'
import type { Namespace } from '../../support/cluster/namespace.ts'

const labels = { app: 'theirs' }

/** When a name becomes free, the MyApp creates its child within this time, in seconds. */
const recoverySeconds = 30

/** Foreign objects that exist before the MyApp of the same name. */
const foreign = {
  Deployment: {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'shop', labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'theirs', image: 'redis' }] },
      },
    },
  },
  Service: {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'shop', labels },
    spec: { selector: labels, ports: [{ name: 'redis', port: 6379 }] },
  },
  Ingress: {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'shop', labels },
    spec: { defaultBackend: { service: { name: 'theirs', port: { number: 6379 } } } },
  },
  NetworkPolicy: {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'shop', labels },
    spec: { podSelector: { matchLabels: labels }, policyTypes: ['Egress'] },
  },
  PodDisruptionBudget: {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'shop', labels },
    spec: { selector: { matchLabels: labels }, minAvailable: 3 },
  },
  HorizontalPodAutoscaler: {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'shop', labels },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'theirs' },
      maxReplicas: 3,
    },
  },
} as const

type ForeignKind = keyof typeof foreign

/** The spec that requests a child of a kind. Every MyApp has children of the other kinds. */
const requestingSpec: Partial<Record<ForeignKind, Partial<MyAppSpec>>> = {
  Ingress: { ingress: { host: 'shop.example.com' } },
  NetworkPolicy: { networkPolicy: { from: [{ app: 'web' }] } },
  PodDisruptionBudget: { replicas: 2 },
  HorizontalPodAutoscaler: { autoscaling: { maxReplicas: 2 } },
}

/** The parts of a foreign object that must not change. */
function untouched(here: Namespace, kind: ForeignKind): string {
  const {
    metadata: { uid, labels, ownerReferences },
    spec,
  } = here.get(kind, 'shop')
  return JSON.stringify({ uid, labels, ownerReferences, spec })
}

async function takeName(here: Namespace, kind: ForeignKind): Promise<string> {
  await here.put(foreign[kind])
  await here.until(`the ${kind} is observed`, () => here.find(kind, 'shop'))
  return untouched(here, kind)
}

/** Foreign objects that have the name of a child. */
export function nameConflict(t: Test, cluster: Cluster): void {
  for (const kind of Object.keys(foreign) as ForeignKind[]) {
    const other = kind === 'Deployment' ? 'Service' : 'Deployment'
    t.test(
      `reports and does not change a foreign ${kind} of the same name, and recovers later`,
      async (t) => {
        const here = await cluster.namespace(t)
        const before = await takeName(here, kind)
        await here.create('shop', { image: 'nginx', ...requestingSpec[kind] })
        const { status } = await here.failed('shop', 'NameConflict')
        t.equal(
          status?.message,
          `${kind} shop already exists and does not belong to this MyApp: delete it, or ` +
            'create the MyApp with another name',
        )
        await here.until(`the ${other} exists`, () => here.find(other, 'shop'))
        await here.edit('MyApp', 'shop', { spec: { image: 'nginx:1.29' } })
        await here.failed('shop', 'NameConflict')
        await forceSyncs(here, 'shop', 2)
        t.equal(untouched(here, kind), before)
        await here.remove(kind, 'shop')
        await here.running('shop', recoverySeconds)
        t.not(untouched(here, kind), before, 'the new object belongs to the MyApp')
      },
    )
  }

  t.test('reports two foreign objects in one message and does not delete them', async (t) => {
    const here = await cluster.namespace(t)
    const before = [await takeName(here, 'Deployment'), await takeName(here, 'Service')]
    await here.create('shop', { image: 'nginx' })
    const { status } = await here.failed('shop', 'NameConflict')
    t.match(
      status?.message,
      /^Deployment and Service shop already exist and do not belong to this MyApp/,
    )
    await here.kubectl('delete', 'ma', 'shop')
    await waitUntilIdle(here)
    t.strictSame([untouched(here, 'Deployment'), untouched(here, 'Service')], before)
  })

  t.test('replaces a foreign Deployment and adopts its Service without downtime', async (t) => {
    const here = await cluster.namespace(t)
    await here.put(foreign.Deployment)
    await here.put(foreign.Service)
    const endpoints = async () => {
      const slices = JSON.parse(await here.kubectl('get', 'endpointslices', '-o', 'json')) as {
        items: Array<{ endpoints?: Array<{ conditions: { ready?: boolean } }> }>
      }
      return slices.items
        .flatMap(({ endpoints }) => endpoints ?? [])
        .filter(({ conditions }) => conditions.ready).length
    }
    await here.eventually('the Service has one endpoint', async () => (await endpoints()) === 1)
    await here.create('shop', { image: 'nginx', replicas: 2 })
    await here.failed('shop', 'NameConflict')
    const mark = `controller-uid=${here.get('MyApp', 'shop').metadata.uid}`
    await here.kubectl('label', 'deployment/shop', 'service/shop', mark)
    await here.until('the message names the selector', () =>
      here
        .get('MyApp', 'shop')
        .status?.message?.startsWith(
          'Deployment shop has another spec.selector, app=theirs, which is immutable.',
        ),
    )
    t.strictSame(here.get('Service', 'shop').spec.selector, labels)
    t.equal(here.get('Deployment', 'shop').spec.template.spec.containers[0]?.image, 'redis')

    const counts: number[] = []
    await here.kubectl('delete', 'deployment', 'shop', '--cascade=orphan')
    await here.eventually('the MyApp is Running', async () => {
      counts.push(await endpoints())
      return here.get('MyApp', 'shop').status?.phase === 'Running'
    })
    t.notOk(counts.includes(0), `endpoints: ${[...new Set(counts)].join()}`)
    t.match(here.get('Service', 'shop').spec, {
      selector: { app: 'shop', 'managed-by': 'myapp-operator' },
    })
  })

  t.test(
    'does not take over the orphaned children of an earlier MyApp of the same name',
    async (t) => {
      const here = await cluster.namespace(t)
      await here.create('shop', { image: 'nginx' })
      await here.running('shop')
      await here.kubectl('delete', 'ma', 'shop', '--cascade=orphan')
      const before = [untouched(here, 'Deployment'), untouched(here, 'Service')]
      await here.create('shop', { image: 'nginx:1.29' })
      await here.failed('shop', 'NameConflict')
      await forceSyncs(here, 'shop', 2)
      t.strictSame([untouched(here, 'Deployment'), untouched(here, 'Service')], before)
      await here.kubectl('delete', 'deployment/shop', 'service/shop')
      await here.running('shop', recoverySeconds)
    },
  )
}
