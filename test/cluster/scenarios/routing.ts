import type { Test } from 'tap'
import type { MyAppSpec } from '../../../src/api/myapp.ts'
import type { Cluster } from '../../support/cluster/cluster.ts'
import { forceSyncs } from '../../support/cluster/forced-syncs.ts'
import { allKinds, type Kind, type LiveMyApp, kindPath } from '../../support/cluster/kinds.ts'
import type { Namespace } from '../../support/cluster/namespace.ts'
import { type Drift, repairs } from './drift.ts'

const ingress = {
  host: 'shop.example.com',
  ingressClassName: 'nginx',
  annotations: { 'example.com/body-size': '8m' },
}

const shop: MyAppSpec = {
  image: 'nginx',
  replicas: 2,
  ingress,
  networkPolicy: { from: [{ app: 'web' }] },
}

const rule = '/spec/rules/0'
const pods = (app: string) => ({ matchLabels: { app, 'managed-by': 'myapp-operator' } })

const drifts: Drift[] = [
  {
    what: 'the host of the Ingress',
    kind: 'Ingress',
    edit: [{ op: 'replace', path: `${rule}/host`, value: 'other.example.com' }],
  },
  {
    what: 'the class of the Ingress',
    kind: 'Ingress',
    edit: { spec: { ingressClassName: 'other' } },
  },
  {
    what: 'a removed class of the Ingress',
    kind: 'Ingress',
    edit: { spec: { ingressClassName: null } },
  },
  {
    what: 'the backend of the Ingress',
    kind: 'Ingress',
    edit: [{ op: 'replace', path: `${rule}/http/paths/0/backend/service/name`, value: 'other' }],
  },
  {
    what: 'an added rule of the Ingress',
    kind: 'Ingress',
    edit: [{ op: 'add', path: '/spec/rules/-', value: { host: 'stray.example.com' } }],
  },
  {
    what: 'an annotation of the Ingress',
    kind: 'Ingress',
    edit: { metadata: { annotations: { 'example.com/body-size': '1m' } } },
    unless: 'annotations of an Ingress are not repaired',
  },
  {
    what: 'the peers of the NetworkPolicy',
    kind: 'NetworkPolicy',
    edit: { spec: { ingress: [{}] } },
  },
  {
    what: 'the policy types of the NetworkPolicy',
    kind: 'NetworkPolicy',
    edit: { spec: { policyTypes: ['Egress'] } },
  },
  {
    what: 'the pods of the NetworkPolicy',
    kind: 'NetworkPolicy',
    edit: { spec: { podSelector: { matchLabels: { stray: 'yes' } } } },
  },
  {
    what: 'the bound of the PodDisruptionBudget',
    kind: 'PodDisruptionBudget',
    edit: { spec: { maxUnavailable: 2 } },
  },
  {
    what: 'the other bound of the PodDisruptionBudget',
    kind: 'PodDisruptionBudget',
    edit: { spec: { maxUnavailable: null, minAvailable: 2 } },
    unless: 'foreign list items stay',
  },
  {
    what: 'the pods of the PodDisruptionBudget',
    kind: 'PodDisruptionBudget',
    edit: { spec: { selector: { matchLabels: { stray: 'yes' } } } },
  },
]

/** The Routed condition of a MyApp. */
export const routed = (app: LiveMyApp) =>
  app.status?.conditions?.find(({ type }) => type === 'Routed')

/** Waits until Routed has the status and message. */
export const untilRouted = (
  here: Namespace,
  name: string,
  status: 'True' | 'False',
  message: string,
): Promise<LiveMyApp> =>
  here.until(`Routed is ${status}: ${message}`, () => {
    const app = here.get('MyApp', name)
    const condition = routed(app)
    return (
      condition?.status === status &&
      condition.message === message &&
      condition.observedGeneration === app.metadata.generation &&
      app
    )
  })

/** The kinds of the MyApp and its children in the order of their deletion. */
export const departures = (here: Namespace): Kind[] =>
  allKinds
    .filter((kind) => kind !== 'ReplicaSet')
    .flatMap((kind) => here.watchEvents(kind).filter(({ type }) => type === 'DELETED'))
    .toSorted((a, b) => a.version - b.version)
    .map(({ kind }) => kind)

/** Makes the API server refuse Ingresses with a host in a namespace, and waits until it does. */
async function refuse({ api }: Cluster, here: Namespace, host: string): Promise<void> {
  const [apiVersion, metadata] = ['admissionregistration.k8s.io/v1', { name: here.name }]
  const path = `/apis/${apiVersion}/validatingadmissionpolic`
  const rules = [
    {
      apiGroups: ['networking.k8s.io'],
      apiVersions: ['v1'],
      operations: ['CREATE', 'UPDATE'],
      resources: ['ingresses'],
    },
  ]
  const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': here.name } }
  await api.request('POST', `${path}ies`, {
    apiVersion,
    kind: 'ValidatingAdmissionPolicy',
    metadata,
    spec: {
      matchConstraints: { namespaceSelector, resourceRules: rules },
      validations: [
        { expression: `object.spec.rules.all(rule, rule.?host.orValue('') != '${host}')` },
      ],
    },
  })
  await api.request('POST', `${path}ybindings`, {
    apiVersion,
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata,
    spec: { policyName: here.name, validationActions: ['Deny'] },
  })
  const trial = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'trial' },
    spec: { defaultBackend: { service: { name: 'x', port: { number: 1 } } }, rules: [{ host }] },
  }
  await here.eventually('the host is refused', () =>
    api.request('POST', `${kindPath('Ingress', here.name)}?dryRun=All`, trial).then(
      () => false,
      () => true,
    ),
  )
}

/** The objects that expose a MyApp, and those that restrict access. */
export function routing(t: Test, cluster: Cluster): void {
  repairs(t, cluster, { ...shop, replicas: 0, disruption: { maxUnavailable: 1 } }, drifts)

  t.test('an Ingress with an address sets Routed, and is deleted with spec.ingress', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image: 'nginx', ingress })
    await here.running('shop')
    const before = await untilRouted(here, 'shop', 'False', 'the Ingress has no address yet')
    t.notOk(before.status?.urls)
    t.match(here.get('Ingress', 'shop'), {
      metadata: { annotations: ingress.annotations },
      spec: { ingressClassName: 'nginx', rules: [{ host: 'shop.example.com' }] },
    })

    await here.setStatus('Ingress', 'shop', { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } })
    const after = await untilRouted(
      here,
      'shop',
      'True',
      'Traffic from outside is routed to the Service',
    )
    t.strictSame(after.status?.urls, ['http://shop.example.com/'])
    await here.edit('MyApp', 'shop', {
      spec: { ingress: { tlsSecretName: 'shop-tls', path: '/shop' } },
    })
    await here.until(
      'the URL is that of the TLS host',
      () => here.get('MyApp', 'shop').status?.urls?.join() === 'https://shop.example.com/shop',
    )
    await here.edit('MyApp', 'shop', { spec: { ingress: { host: null, tlsSecretName: null } } })
    await here.until(
      'without a host the URL is that of the address',
      () => here.get('MyApp', 'shop').status?.urls?.join() === 'http://192.0.2.1/shop',
    )
    await here.setStatus('Ingress', 'shop', { loadBalancer: { ingress: [{ ip: '2001:db8::1' }] } })
    await here.until(
      'an address of IPv6 is in brackets',
      () => here.get('MyApp', 'shop').status?.urls?.join() === 'http://[2001:db8::1]/shop',
    )
    await here.setStatus('Ingress', 'shop', { loadBalancer: { ingress: null } })
    await untilRouted(here, 'shop', 'False', 'the Ingress has no address yet')

    await here.edit('MyApp', 'shop', { spec: { ingress: null } })
    await here.gone('Ingress', 'shop')
    const { status } = await here.running('shop')
    t.notOk(status?.urls)
    t.strictSame(
      status?.conditions?.map(({ type }) => type),
      ['Ready', 'Reconciling', 'Stalled', 'Available'],
    )
  })

  t.test(
    'shows the addresses of the existing Ingress while paused or while a change is refused',
    async (t) => {
      const here = await cluster.namespace(t)
      await here.create('shop', { image: 'nginx', ingress })
      await here.running('shop')
      await here.setStatus('Ingress', 'shop', { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } })
      await untilRouted(here, 'shop', 'True', 'Traffic from outside is routed to the Service')
      const there = {
        address: `http://shop.${here.name}.svc:8080`,
        urls: ['http://shop.example.com/'],
      }
      const differs = 'the Ingress does not match the spec yet'

      await here.edit('MyApp', 'shop', {
        spec: {
          paused: true,
          port: 9090,
          ingress: { host: 'new.example.com', tlsSecretName: 'shop-tls' },
        },
      })
      t.match((await untilRouted(here, 'shop', 'False', differs)).status, {
        phase: 'Running',
        ...there,
      })
      await here.edit('MyApp', 'shop', { spec: { port: null, ingress } })
      await here.edit('MyApp', 'shop', { spec: { paused: null, ingress: { tlsSecretName: null } } })
      await untilRouted(here, 'shop', 'True', 'Traffic from outside is routed to the Service')

      await refuse(cluster, here, 'new.example.com')
      await here.edit('MyApp', 'shop', { spec: { ingress: { host: 'new.example.com' } } })
      await untilRouted(here, 'shop', 'False', differs)
      await forceSyncs(here, 'shop', 2)
      t.match((await untilRouted(here, 'shop', 'False', differs)).status, {
        phase: 'Pending',
        message: 'Updating Ingress shop to match the spec',
        ...there,
      })
      await here.edit('MyApp', 'shop', { spec: { ingress } })
      await here.running('shop')
    },
  )

  t.test('the NetworkPolicy exists and allows peers as spec.networkPolicy requests', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image: 'nginx', networkPolicy: { from: [{ app: 'web' }] } })
    await here.running('shop')
    // The spec has every field that the API server stores, or each sync would write it again.
    t.strictSame(here.get('NetworkPolicy', 'shop').spec, {
      podSelector: pods('shop'),
      policyTypes: ['Ingress'],
      ingress: [{ from: [{ podSelector: pods('web') }], ports: [{ port: 8080, protocol: 'TCP' }] }],
    })
    await here.edit('MyApp', 'shop', { spec: { networkPolicy: { from: [] } } })
    const closed = await here.until(
      'no peer is allowed',
      () =>
        here.get('NetworkPolicy', 'shop').spec.ingress === undefined &&
        here.get('NetworkPolicy', 'shop').spec,
    )
    if (!cluster.differs('foreign list items stay')) {
      await here.edit('NetworkPolicy', 'shop', { spec: { ingress: [{}] } })
      await here.until(
        'the policy is restored',
        () => here.get('NetworkPolicy', 'shop').spec.ingress === undefined,
      )
      t.strictSame(here.get('NetworkPolicy', 'shop').spec, closed)
    }
    await here.edit('MyApp', 'shop', { spec: { networkPolicy: null } })
    await here.gone('NetworkPolicy', 'shop')
    await here.running('shop')
  })

  t.test(
    'a PodDisruptionBudget exists from two replicas on and has the bound of the spec',
    async (t) => {
      const here = await cluster.namespace(t)
      await here.create('shop', { image: 'nginx', replicas: 2 })
      await here.running('shop')
      t.strictSame(here.get('PodDisruptionBudget', 'shop').spec, {
        maxUnavailable: 1,
        selector: pods('shop'),
        unhealthyPodEvictionPolicy: 'AlwaysAllow',
      })
      await here.edit('MyApp', 'shop', { spec: { disruption: { minAvailable: '50%' } } })
      const { spec } = await here.until(
        'the bound is set',
        () =>
          here.get('PodDisruptionBudget', 'shop').spec.minAvailable === '50%' &&
          here.get('PodDisruptionBudget', 'shop'),
      )
      t.notOk(spec.maxUnavailable)
      await here.edit('MyApp', 'shop', { spec: { replicas: 1, disruption: null } })
      await here.gone('PodDisruptionBudget', 'shop')
      await here.running('shop')
      await here.edit('MyApp', 'shop', { spec: { replicas: 2 } })
      await here.until('the budget exists again', () => here.find('PodDisruptionBudget', 'shop'))
      await here.running('shop')
    },
  )

  t.test('the Service exists only while spec.expose is true', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image: 'nginx' })
    t.equal((await here.running('shop')).status?.address, `http://shop.${here.name}.svc:8080`)
    await here.edit('MyApp', 'shop', { spec: { expose: false } })
    await here.gone('Service', 'shop')
    t.notOk((await here.running('shop')).status?.address)
    t.notOk(here.get('Deployment', 'shop').spec.template.spec.containers[0]?.ports)
    await here.edit('MyApp', 'shop', { spec: { expose: true } })
    await here.until('the Service exists again', () => here.find('Service', 'shop'))
    t.equal((await here.running('shop')).status?.address, `http://shop.${here.name}.svc:8080`)
  })

  t.test('deletes the Ingress and the autoscaler first, and the MyApp last', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { ...shop, autoscaling: { minReplicas: 2, maxReplicas: 4 } })
    await here.running('shop')
    t.ok(here.find('HorizontalPodAutoscaler', 'shop'))
    await here.kubectl('delete', 'ma', 'shop')
    await here.until('everything is gone', () =>
      allKinds.every((kind) => here.list(kind).length === 0),
    )
    const gone = departures(here)
    const stages = [gone.slice(0, 2), gone.slice(2, 6), gone.slice(6)].map((stage) =>
      stage.toSorted(),
    )
    t.strictSame(stages, [
      ['HorizontalPodAutoscaler', 'Ingress'],
      ['Deployment', 'NetworkPolicy', 'PodDisruptionBudget', 'Service'],
      ['MyApp'],
    ])
  })
}
