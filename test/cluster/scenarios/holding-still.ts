import type { Test } from 'tap'
import { MyAppSpec } from '../../../src/api/myapp.ts'
import { childKinds } from '../../../src/myapp/children/index.ts'
import type { Cluster } from '../../support/cluster/cluster.ts'
import { forceSyncs, waitUntilIdle } from '../../support/cluster/forced-syncs.ts'
import type { Deployment, Service } from '../../support/cluster/kinds.ts'
import type { Namespace, Operation } from '../../support/cluster/namespace.ts'
import { putBound, volumeClaim } from '../../support/cluster/volume-claim.ts'
import { exampleSpecs } from '../../support/fixtures/examples.ts'
import { checkNoWrites } from './no-write.ts'

const image = 'nginx:1.29'
const container = '/spec/template/spec/containers/0'

const everyChild =
  'deployments,services,horizontalpodautoscalers,poddisruptionbudgets,ingresses,networkpolicies'

/** A Deployment or a Service without the parts that differ between MyApps. */
function essence({
  metadata: { labels = {}, annotations = {} },
  spec,
}: Deployment | Service): object {
  const foreign = [
    'controller-uid',
    'metacontroller.k8s.io/last-applied-configuration',
    'deployment.kubernetes.io/revision',
  ]
  const own = (all: object) =>
    Object.fromEntries(
      Object.entries(all)
        .filter(([key]) => !foreign.includes(key))
        .sort(),
    )
  return { labels: own(labels), annotations: own(annotations), spec }
}

/**
 * The fields that need a kind or an object that this cluster lacks, and serviceAccount, which
 * excludes serviceAccountName.
 */
const unusable = [
  ...childKinds.flatMap(({ optional }) => optional?.field ?? []),
  'serviceAccount',
  'runtimeClassName',
]

/**
 * Every other field of a MyApp. A field that is not listed here has the value of the last example
 * with this field.
 */
const full: MyAppSpec = {
  ...Object.fromEntries(
    exampleSpecs.flatMap(Object.entries).filter(([field]) => !unusable.includes(field)),
  ),
  image: 'registry.example.com/team/app:2.0',
  replicas: 5,
  port: 9090,
  servicePort: 80,
  protocol: 'HTTP2',
  ports: [{ name: 'admin', port: 9091, expose: false }],
  init: [{ name: 'migrate', args: ['migrate'] }],
  sidecars: [{ name: 'proxy', image: 'registry.example.com/team/proxy:1.0' }],
  env: [
    { name: 'A', value: 'a' },
    { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
  ],
  envFrom: [{ prefix: 'X_', configMapRef: { name: 'settings', optional: true } }],
  command: ['app'],
  args: ['--serve'],
  workingDir: '/srv',
  imagePullPolicy: 'Always',
  imagePullSecrets: [{ name: 'registry' }],
  serviceAccountName: 'robot',
  automountServiceAccountToken: true,
  expose: true,
  resources: {
    requests: { cpu: '100m', memory: '64Mi' },
    limits: { cpu: 1, memory: '128Mi', 'ephemeral-storage': '1Gi' },
  },
  probes: {
    startup: { grpc: {} },
    readiness: { httpGet: { path: '/ready' }, periodSeconds: 3 },
    liveness: { exec: { command: ['true'] }, initialDelaySeconds: 5 },
  },
  volumes: [
    { name: 'config', mountPath: '/config', configMap: { name: 'settings', optional: true } },
    { name: 'token', mountPath: '/token', secret: { secretName: 'token', optional: true } },
    {
      name: 'data',
      mountPath: '/data',
      readOnly: false,
      persistentVolumeClaim: { claimName: 'data', accessMode: 'ReadWriteMany' },
    },
    { name: 'cache', mountPath: '/cache', emptyDir: { sizeLimit: '64Mi' } },
  ],
  files: { '/etc/app/app.conf': 'a = b\n' },
  rolloutOnConfigChange: true,
  autoscaling: { minReplicas: 2, maxReplicas: 10 },
  ingress: { host: 'shop.example.com', tlsSecretName: 'shop' },
  disruption: { maxUnavailable: 1 },
  networkPolicy: { from: [{ app: 'front' }], to: [] },
  podSecurity: 'Custom',
  securityContext: {
    runAsNonRoot: true,
    seccompProfile: { type: 'RuntimeDefault' },
  },
  runAsUser: 1000,
  runAsGroup: 1000,
  fsGroup: 1000,
  fsGroupChangePolicy: 'OnRootMismatch',
  supplementalGroups: [2000],
  readOnlyRootFilesystem: true,
  hostAliases: [{ ip: '192.0.2.1', hostnames: ['db.example.com'] }],
  dnsPolicy: 'ClusterFirst',
  dnsConfig: { searches: ['example.com'], options: [{ name: 'ndots', value: '2' }] },
  enableServiceLinks: true,
  drainSeconds: 15,
  containerSecurityContext: { readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
  topologySpreadConstraints: [
    { topologyKey: 'kubernetes.io/hostname', maxSkew: 2, whenUnsatisfiable: 'DoNotSchedule' },
  ],
  nodeSelector: { 'kubernetes.io/os': 'linux' },
  tolerations: [{ key: 'dedicated', operator: 'Exists' }],
  affinity: {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        {
          weight: 1,
          podAffinityTerm: {
            topologyKey: 'kubernetes.io/hostname',
            labelSelector: { matchLabels: { app: 'batch' } },
          },
        },
      ],
    },
  },
  priorityClassName: 'system-cluster-critical',
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 2, maxUnavailable: '10%' } },
  terminationGracePeriodSeconds: 60,
  minReadySeconds: 1,
  progressDeadlineSeconds: 120,
  revisionHistoryLimit: 3,
  podLabels: { team: 'blue' },
  podAnnotations: { note: 'x' },
  paused: false,
  suspend: true,
}

/** A short manifest. */
const small: MyAppSpec = {
  image,
  replicas: 3,
  port: 80,
  env: [{ name: 'LOG_LEVEL', value: 'info' }],
}

/** A manifest with some fields that people edit by hand. */
const grown: MyAppSpec = {
  image,
  replicas: 2,
  resources: { limits: { memory: '128Mi' } },
  probes: { readiness: { httpGet: { path: '/ready' } } },
  volumes: [{ name: 'cache', mountPath: '/cache', emptyDir: {} }],
  nodeSelector: { 'kubernetes.io/os': 'linux' },
  podLabels: { team: 'blue' },
  podAnnotations: { note: 'x' },
}
/** Manual edits of these fields. */
const edits: Operation[] = [
  { op: 'replace', path: `${container}/readinessProbe/httpGet/path`, value: '/' },
  { op: 'replace', path: `${container}/resources/limits/memory`, value: '1Gi' },
  { op: 'remove', path: '/spec/template/spec/nodeSelector' },
  { op: 'replace', path: '/spec/template/metadata/labels/team', value: 'red' },
  { op: 'remove', path: '/spec/template/metadata/annotations/note' },
  { op: 'replace', path: '/spec/template/spec/securityContext', value: {} },
]

const listEdits: Operation[] = [
  { op: 'replace', path: `${container}/volumeMounts/0/mountPath`, value: '/elsewhere' },
  { op: 'add', path: `${container}/env`, value: [{ name: 'DEBUG', value: 'yes' }] },
]

/** All edits that are repaired under the apply strategy of a cluster. */
const drift = (cluster: Cluster) =>
  cluster.differs('foreign list items stay') ? edits : [...edits, ...listEdits]

const replaceSpec = (spec: MyAppSpec): Operation[] => [
  { op: 'replace', path: '/spec', value: spec },
]

const replicaHistory = (here: Namespace) =>
  here
    .watchEvents('Deployment')
    .map(({ object }) => object.spec.replicas)
    .filter((replicas, index, all) => replicas !== all[index - 1])

const childWrites = (here: Namespace) =>
  here.writes().filter((write) => !write.includes(' myapps/'))

/** States that must be kept, and states that must be restored. */
export function holdingStill(t: Test, cluster: Cluster): void {
  t.test('a paused MyApp keeps manual edits until it is resumed', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { ...grown, paused: false })
    await here.running('shop')
    const expected = essence(here.get('Deployment', 'shop'))
    await here.edit('MyApp', 'shop', { spec: { paused: true } })
    await here.until(
      'the reason is Paused',
      () => here.get('MyApp', 'shop').status?.conditions?.[0]?.reason === 'Paused',
    )
    await here.edit('MyApp', 'shop', { spec: { image: 'nginx:1.30', replicas: 7, port: 9090 } })
    await here.edit('Deployment', 'shop', [
      { op: 'replace', path: '/spec/replicas', value: 1 },
      ...drift(cluster),
    ])
    await here.edit('Service', 'shop', { spec: { selector: { team: 'red' } } })
    await here.until(
      'the remaining replica runs',
      () =>
        ['Running', '1/1'].join() ===
        [here.get('MyApp', 'shop').status?.phase, here.get('MyApp', 'shop').status?.ready].join(),
    )
    const edited = [here.get('Deployment', 'shop'), here.get('Service', 'shop')].map(essence)
    // Metacontroller first updates its last-applied annotation on the Deployment.
    await waitUntilIdle(here)
    const before = childWrites(here)
    await forceSyncs(here, 'shop', 4)
    t.strictSame([here.get('Deployment', 'shop'), here.get('Service', 'shop')].map(essence), edited)
    t.strictSame(childWrites(here), before, 'only the status is written')
    await here.remove('Service', 'shop')
    await forceSyncs(here, 'shop', 2)
    t.notOk(here.find('Service', 'shop'), 'the deleted Service is not recreated')
    const { status } = here.get('MyApp', 'shop')
    t.match(status, {
      phase: 'Running',
      ready: '1/1',
      message:
        /^Paused: no child is changed while spec.paused is true. 1 of 1 replica is available$/,
    })

    await here.edit('MyApp', 'shop', { spec: { image, replicas: 2, port: null, paused: null } })
    t.equal((await here.running('shop')).status?.ready, '2/2')
    t.strictSame(essence(here.get('Deployment', 'shop')), expected)
    t.strictSame(here.get('Service', 'shop').spec.selector, {
      app: 'shop',
      'managed-by': 'myapp-operator',
    })
  })

  t.test(
    'a MyApp that is paused from the start creates its children when it is resumed',
    async (t) => {
      const here = await cluster.namespace(t)
      await here.create('shop', { image, paused: true })
      await here.until('the pause is reported', () =>
        here
          .get('MyApp', 'shop')
          .status?.message?.startsWith('Paused: nothing is created while spec.paused is true'),
      )
      await forceSyncs(here, 'shop', 2)
      t.strictSame(here.list('Deployment'), [])
      await here.edit('MyApp', 'shop', { spec: { paused: false } })
      await here.running('shop')
      await here.edit('MyApp', 'shop', { spec: { paused: true } })
      await here.until(
        'the reason is Paused',
        () => here.get('MyApp', 'shop').status?.conditions?.[0]?.reason === 'Paused',
      )
      await here.remove('MyApp', 'shop')
      await here.gone('MyApp', 'shop')
      t.strictSame(
        [...here.list('Deployment'), ...here.list('Service')],
        [],
        'a paused MyApp can be deleted',
      )
    },
  )

  t.test('children of a paused MyApp keep their annotations and replicas', async (t) => {
    const here = await cluster.namespace(t)
    const annotations = { 'example.com/auth': 'required' }
    await here.create('shop', {
      image,
      autoscaling: { maxReplicas: 9 },
      ingress: { host: 'shop.example.com', annotations },
      podAnnotations: { note: 'x' },
    })
    await here.running('shop')
    for (const kind of ['Ingress', 'Deployment', 'Service'] as const) {
      await here.edit(kind, 'shop', { metadata: { annotations: { theirs: kind } } })
    }
    await here.edit('MyApp', 'shop', { spec: { paused: true } })
    await here.until(
      'the reason is Paused',
      () => here.get('MyApp', 'shop').status?.conditions?.[0]?.reason === 'Paused',
    )
    await here.kubectl('scale', 'deployment', 'shop', '--replicas=2')
    await forceSyncs(here, 'shop', 3)
    t.match(here.get('Ingress', 'shop').metadata.annotations, {
      ...annotations,
      theirs: 'Ingress',
    })
    t.match(here.get('Service', 'shop').metadata.annotations, { theirs: 'Service' })
    t.match(here.get('Deployment', 'shop'), {
      metadata: { annotations: { theirs: 'Deployment' } },
      spec: { replicas: 2, template: { metadata: { annotations: { note: 'x' } } } },
    })

    await here.edit('MyApp', 'shop', { spec: { paused: null } })
    await here.kubectl('rollout', 'restart', 'deployment/shop')
    await here.running('shop')
    await here.edit('MyApp', 'shop', {
      spec: { ingress: { annotations: null }, podAnnotations: null },
    })
    await here.until(
      'annotations that the spec drops are removed',
      () =>
        !('example.com/auth' in (here.get('Ingress', 'shop').metadata.annotations ?? {})) &&
        !('note' in (here.get('Deployment', 'shop').spec.template.metadata.annotations ?? {})),
    )
    t.match(
      here.get('Ingress', 'shop').metadata.annotations,
      { theirs: 'Ingress' },
      'foreign annotations stay',
    )
    t.ok(
      here.get('Deployment', 'shop').spec.template.metadata.annotations?.[
        'kubectl.kubernetes.io/restartedAt'
      ],
    )
    await here.running('shop')
    // Metacontroller first updates its last-applied annotation on the Deployment.
    await waitUntilIdle(here)
    const before = childWrites(here)
    await forceSyncs(here, 'shop', 3)
    t.strictSame(childWrites(here), before)
  })

  t.test('suspension stops all pods, and resumption restores their number', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image, replicas: 3 })
    await here.running('shop')
    await here.edit('MyApp', 'shop', { spec: { suspend: true } })
    const { status } = await here.running('shop')
    t.match(status, {
      ready: '0/0',
      replicas: 0,
      message: 'Suspended: no pods run while spec.suspend is true',
      conditions: [{ reason: 'Suspended' }],
    })
    await here.edit('MyApp', 'shop', { spec: { image: 'nginx:1.30' } })
    await here.running('shop')
    await forceSyncs(here, 'shop', 2)
    t.equal((await here.kubectl('get', 'pods', '-o', 'name')).trim(), '')
    await here.edit('MyApp', 'shop', { spec: { suspend: null } })
    t.equal((await here.running('shop')).status?.ready, '3/3')
    t.strictSame(replicaHistory(here), [3, 0, 3])
    t.equal(here.get('Deployment', 'shop').spec.template.spec.containers[0]?.image, 'nginx:1.30')
  })

  t.test('the strategy can change to Recreate and back', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image })
    await here.running('shop')
    const strategies: Array<[MyAppSpec['strategy'] | null, object]> = [
      [{ type: 'Recreate' }, { type: 'Recreate' }],
      [
        { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0 } },
        { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
      ],
      [{ type: 'Recreate' }, { type: 'Recreate' }],
      [null, { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } }],
    ]
    for (const [index, [strategy, stored]] of strategies.entries()) {
      await here.edit('MyApp', 'shop', { spec: { strategy: null } })
      await here.edit('MyApp', 'shop', { spec: { strategy, image: `nginx:1.3${index}` } })
      await here.running('shop')
      t.strictSame(here.get('Deployment', 'shop').spec.strategy, stored)
    }
  })

  t.test('pods are spread unless topologySpreadConstraints is empty', async (t) => {
    const here = await cluster.namespace(t)
    const spread = () =>
      (
        here.get('Deployment', 'shop').spec.template.spec as {
          topologySpreadConstraints?: Array<{ topologyKey: string }>
        }
      ).topologySpreadConstraints?.map(({ topologyKey }) => topologyKey)
    await here.create('shop', { image })
    for (const [topologySpreadConstraints, keys] of [
      [null, ['topology.kubernetes.io/zone', 'kubernetes.io/hostname']],
      [[], undefined],
      [[{ topologyKey: 'rack', maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway' }], ['rack']],
      [[], undefined],
    ]) {
      await here.edit('MyApp', 'shop', { spec: { topologySpreadConstraints } })
      await here.running('shop')
      t.strictSame(spread(), keys)
    }
  })

  t.test(
    'the largest MyApp settles, and a smaller spec removes all that it does not set',
    async (t) => {
      t.strictSame(
        Object.keys(MyAppSpec.properties)
          .filter((field) => !(field in full))
          .toSorted(),
        unusable.toSorted(),
      )
      const [here, there] = [await cluster.namespace(t), await cluster.namespace(t)]
      await there.create('shop', small)
      await there.running('shop')
      const expected = [there.get('Deployment', 'shop'), there.get('Service', 'shop')] as const
      await putBound(here, volumeClaim('data'))
      await here.create('shop', { ...full, suspend: false })
      await checkNoWrites(t, here, ['shop'])
      await here.edit('MyApp', 'shop', { spec: { suspend: true } })
      await here.until(
        'the MyApp has every child and is suspended',
        () => here.get('MyApp', 'shop').status?.conditions?.[0]?.reason === 'Suspended',
      )
      t.equal((await here.kubectl('get', everyChild, '-o', 'name')).trim().split('\n').length, 6)
      t.ok(
        Object.keys(here.get('Deployment', 'shop').spec.template.spec).length >
          Object.keys(there.get('Deployment', 'shop').spec.template.spec).length + 4,
      )
      await here.edit('MyApp', 'shop', replaceSpec(small))
      await here.running('shop')
      await forceSyncs(here, 'shop', 2)
      t.strictSame(essence(here.get('Deployment', 'shop')), essence(expected[0]))
      t.match(here.get('Service', 'shop').spec, {
        ports: expected[1].spec.ports,
        selector: expected[1].spec.selector,
      })
      await here.eventually('only the children of the small spec exist', async () => {
        const [ours, theirs] = await Promise.all(
          [here, there].map(({ kubectl }) => kubectl('get', everyChild, '-o', 'name')),
        )
        return ours === theirs
      })
    },
  )

  t.test('many edits of a pod template are repaired with one rollout', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', grown)
    await here.running('shop')
    const before = essence(here.get('Deployment', 'shop'))
    t.notSame(essence(await here.edit('Deployment', 'shop', drift(cluster))), before)
    await here.until(
      'the Deployment is restored',
      () => JSON.stringify(essence(here.get('Deployment', 'shop'))) === JSON.stringify(before),
    )
    await here.running('shop')
    await forceSyncs(here, 'shop', 2)
    t.strictSame(essence(here.get('Deployment', 'shop')), before)
    t.ok(here.list('ReplicaSet').length <= 2, 'one revision for the edit and one for the repair')
    t.ok(
      Number(
        here.get('Deployment', 'shop').metadata.annotations?.['deployment.kubernetes.io/revision'],
      ) <= 3,
      'one revision for the edit and one for the repair',
    )
  })
}
