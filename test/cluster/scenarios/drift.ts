import type { Test } from 'tap'
import type { MyAppSpec } from '../../../src/api/myapp.ts'
import type { Cluster } from '../../support/cluster/cluster.ts'
import { forceSyncs, waitUntilIdle } from '../../support/cluster/forced-syncs.ts'
import type { Kind, LiveObject } from '../../support/cluster/kinds.ts'
import type { Operation } from '../../support/cluster/namespace.ts'
import type { Difference } from '../../support/cluster/server-side-apply.ts'

/** A manual edit of a child. */
export interface Drift {
  what: string
  kind: Kind
  edit: object | Operation[]
  unless?: Difference
}

const container = '/spec/template/spec/containers/0'

const drifts: Drift[] = [
  { what: 'the replicas', kind: 'Deployment', edit: { spec: { replicas: 2 } } },
  {
    what: 'the image',
    kind: 'Deployment',
    edit: [{ op: 'replace', path: `${container}/image`, value: 'nginx:evil' }],
  },
  {
    what: 'the value of a variable',
    kind: 'Deployment',
    edit: [{ op: 'replace', path: `${container}/env/0/value`, value: 'other' }],
  },
  {
    what: 'a removed variable',
    kind: 'Deployment',
    edit: [{ op: 'remove', path: `${container}/env/0` }],
  },
  {
    what: 'an added variable',
    kind: 'Deployment',
    edit: [{ op: 'add', path: `${container}/env/0`, value: { name: 'STRAY', value: 'x' } }],
    unless: 'foreign list items stay',
  },
  {
    what: 'the order of the variables',
    kind: 'Deployment',
    edit: [
      {
        op: 'replace',
        path: `${container}/env`,
        value: [
          { name: 'B', value: '$(A)' },
          { name: 'A', value: 'a' },
        ],
      },
    ],
  },
  {
    what: 'the port of the container',
    kind: 'Deployment',
    edit: [{ op: 'replace', path: `${container}/ports/0/containerPort`, value: 1234 }],
    unless: 'an edited port stays',
  },
  {
    what: 'an added port of the container',
    kind: 'Deployment',
    edit: [
      { op: 'add', path: `${container}/ports/-`, value: { name: 'stray', containerPort: 1234 } },
    ],
    unless: 'foreign list items stay',
  },
  {
    what: 'an added sidecar',
    kind: 'Deployment',
    edit: [
      {
        op: 'add',
        path: '/spec/template/spec/containers/-',
        value: { name: 'sidecar', image: 'busybox' },
      },
    ],
    unless: 'foreign list items stay',
  },
  {
    what: 'a label of the Deployment',
    kind: 'Deployment',
    edit: { metadata: { labels: { 'app.kubernetes.io/name': 'other' } } },
    unless: 'labels of a Deployment are not repaired',
  },
  {
    what: 'a removed pod label',
    kind: 'Deployment',
    edit: { spec: { template: { metadata: { labels: { 'app.kubernetes.io/instance': null } } } } },
  },
  {
    what: 'a label of the Service',
    kind: 'Service',
    edit: { metadata: { labels: { 'managed-by': null } } },
  },
  {
    what: 'the selector of the Service',
    kind: 'Service',
    edit: { spec: { selector: { app: 'other' } } },
  },
  {
    what: 'an added key in the selector of the Service',
    kind: 'Service',
    edit: { spec: { selector: { stray: 'yes' } } },
  },
  {
    what: 'the port of the Service',
    kind: 'Service',
    edit: [{ op: 'replace', path: '/spec/ports/0/port', value: 1234 }],
    unless: 'an edited port stays',
  },
  {
    what: 'the target port of the Service',
    kind: 'Service',
    edit: [{ op: 'replace', path: '/spec/ports/0/targetPort', value: 1234 }],
  },
  {
    what: 'an added port of the Service',
    kind: 'Service',
    edit: [{ op: 'add', path: '/spec/ports/-', value: { name: 'stray', port: 1234 } }],
    unless: 'foreign list items stay',
  },
]

const stays = 'foreign list items stay'
const pods = '/spec/template/spec'

/**
 * Edits that a plain merge would undo only in part. After some of them the API server would refuse
 * the desired Deployment, or no pod would start.
 */
const jams: Drift[] = [
  {
    what: 'the handler of a probe',
    kind: 'Deployment',
    edit: [
      { op: 'remove', path: `${container}/readinessProbe/tcpSocket` },
      { op: 'add', path: `${container}/readinessProbe/httpGet`, value: { path: '/', port: 1 } },
    ],
    unless: stays,
  },
  {
    what: 'the times of a probe',
    kind: 'Deployment',
    edit: [
      { op: 'replace', path: `${container}/readinessProbe/timeoutSeconds`, value: 9 },
      { op: 'add', path: `${container}/readinessProbe/initialDelaySeconds`, value: 9 },
    ],
    unless: stays,
  },
  {
    what: 'the preStop handler',
    kind: 'Deployment',
    edit: [
      {
        op: 'replace',
        path: `${container}/lifecycle/preStop`,
        value: { exec: { command: ['true'] } },
      },
    ],
    unless: stays,
  },
  {
    what: 'the grace period',
    kind: 'Deployment',
    edit: [
      { op: 'replace', path: `${container}/lifecycle/preStop/sleep/seconds`, value: 1 },
      { op: 'replace', path: `${pods}/terminationGracePeriodSeconds`, value: 1 },
    ],
    unless: stays,
  },
  {
    what: 'the strategy',
    kind: 'Deployment',
    edit: { spec: { strategy: { type: 'RollingUpdate' } } },
    unless: stays,
  },
  {
    what: 'the progress deadline',
    kind: 'Deployment',
    edit: { spec: { minReadySeconds: 1, progressDeadlineSeconds: 2 } },
    unless: stays,
  },
  {
    what: 'the source of a volume',
    kind: 'Deployment',
    edit: [
      {
        op: 'replace',
        path: `${pods}/volumes/0`,
        value: { name: 'cache', hostPath: { path: '/' } },
      },
    ],
    unless: stays,
  },
  {
    what: 'the files of a volume',
    kind: 'Deployment',
    edit: [
      { op: 'add', path: `${pods}/volumes/1/configMap/items`, value: [{ key: 'a', path: 'a' }] },
    ],
    unless: stays,
  },
  {
    what: 'the seccomp profile',
    kind: 'Deployment',
    edit: [
      {
        op: 'replace',
        path: `${pods}/securityContext/seccompProfile`,
        value: { type: 'Localhost', localhostProfile: 'x' },
      },
    ],
    unless: stays,
  },
  {
    what: 'the security context of the container',
    kind: 'Deployment',
    edit: [
      {
        op: 'replace',
        path: `${container}/securityContext`,
        value: { runAsUser: 0, capabilities: { add: ['SYS_ADMIN'] } },
      },
    ],
    unless: stays,
  },
  {
    what: 'the memory',
    kind: 'Deployment',
    edit: [
      {
        op: 'replace',
        path: `${container}/resources`,
        value: { limits: { memory: '2Gi' }, requests: { memory: '1Gi' } },
      },
    ],
    unless: stays,
  },
  {
    what: 'the nodes',
    kind: 'Deployment',
    edit: [{ op: 'add', path: `${pods}/nodeSelector/stray`, value: 'yes' }],
  },
  {
    what: 'the pull secrets',
    kind: 'Deployment',
    edit: [{ op: 'add', path: `${pods}/imagePullSecrets/-`, value: { name: 'stray' } }],
    unless: stays,
  },
]

const grown: MyAppSpec = {
  image: 'nginx',
  strategy: { type: 'Recreate' },
  resources: { limits: { memory: '128Mi' } },
  volumes: [
    { name: 'cache', mountPath: '/cache', emptyDir: {} },
    { name: 'files', mountPath: '/files', configMap: { name: 'files', optional: true } },
  ],
  nodeSelector: { 'kubernetes.io/os': 'linux' },
  imagePullSecrets: [{ name: 'registry' }],
}

const shop = {
  image: 'nginx',
  port: 8080,
  env: [
    { name: 'A', value: 'a' },
    { name: 'B', value: '$(A)' },
  ],
}

/** The part of a child that the operator owns. */
const owned = ({
  metadata: { labels = {}, annotations = {} },
  spec,
}: LiveObject & { spec?: object }) => {
  const own = Object.entries(annotations).filter(([name]) => name.startsWith('example.com/'))
  return JSON.stringify({ labels: Object.entries(labels).sort(), annotations: own.sort(), spec })
}

/** Every manual edit of a child is reverted, except some edits under server-side apply. */
export function repairs(t: Test, cluster: Cluster, shop: MyAppSpec, drifts: Drift[]): void {
  for (const { what, kind, edit, unless } of drifts) {
    if (unless !== undefined && cluster.differs(unless)) {
      t.test(`keeps drift under server-side apply: ${what} (${unless})`, async (t) => {
        const here = await cluster.namespace(t)
        await here.create('shop', shop)
        await here.running('shop')
        const before = owned(here.get(kind, 'shop'))
        await here.edit(kind, 'shop', edit)
        await forceSyncs(here, 'shop', 2)
        await waitUntilIdle(here)
        t.not(owned(here.get(kind, 'shop')), before)
      })
      continue
    }
    t.test(`reverts drift: ${what}`, async (t) => {
      const here = await cluster.namespace(t)
      await here.create('shop', shop)
      await here.running('shop')
      const before = owned(here.get(kind, 'shop'))
      const writes = here.writes().length
      t.not(owned(await here.edit(kind, 'shop', edit)), before, 'the API server stores the edit')
      await here.until(`${kind} shop is restored`, () => owned(here.get(kind, 'shop')) === before)
      const repairs = here
        .writes()
        .slice(writes)
        .filter((write) => write.endsWith('s/shop') && !write.includes('myapps'))
      t.ok(repairs.length <= 3, `at most three answers: ${repairs}`)
      await here.running('shop')
    })
  }
}

/** Manual edits of children are reverted in the fields that the operator owns. */
export function drift(t: Test, cluster: Cluster): void {
  // Without pods, because only the children matter here. The tests below cover rollouts.
  repairs(t, cluster, { ...shop, replicas: 0 }, drifts)
  repairs(t, cluster, { ...grown, replicas: 0 }, jams)

  for (const kind of ['Deployment', 'Service'] as const) {
    t.test(`recreates a deleted ${kind}`, async (t) => {
      const here = await cluster.namespace(t)
      await here.create('shop', shop)
      await here.running('shop')
      const { uid, ownerReferences } = here.get(kind, 'shop').metadata
      await here.remove(kind, 'shop')
      await here.until(
        `a new ${kind} exists`,
        () => (here.find(kind, 'shop')?.metadata.uid ?? uid) !== uid,
      )
      await here.running('shop')
      t.strictSame(here.get(kind, 'shop').metadata.ownerReferences, ownerReferences)
    })
  }

  t.test(
    'variables have exactly the order of the spec, with one rollout for each change',
    async (t) => {
      const here = await cluster.namespace(t)
      const named = (...names: string[]) =>
        names.map((name, index) => ({ name, value: index === 0 ? name : `$(${names[index - 1]})` }))
      await here.create('shop', { ...shop, env: named('B', 'C') })
      await here.running('shop')
      let rolls = 1
      for (const env of [
        named('A', 'B', 'C'),
        named('C', 'B', 'A'),
        named('D', 'C', 'A', 'E'),
        named('A', 'C', 'D', 'B', 'E'),
        named('E'),
      ]) {
        const writes = here.writes().length
        await here.edit('MyApp', 'shop', { spec: { env } })
        await here.running('shop')
        const { metadata, spec } = here.get('Deployment', 'shop')
        t.strictSame(spec.template.spec.containers[0]?.env, env)
        t.notOk(spec.paused)
        t.equal(here.list('ReplicaSet').length, ++rolls, 'one roll')
        t.equal(metadata.annotations?.['deployment.kubernetes.io/revision'], String(rolls))
        const answers = here
          .writes()
          .slice(writes)
          .filter((write) => write.endsWith(' deployments/shop'))
        t.ok(answers.length <= 3, `at most three answers: ${answers}`)
      }
    },
  )

  t.test('repairs several edits together with a change of the spec', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', shop)
    await here.running('shop')
    const foreign = cluster.differs('foreign list items stay') ? [] : [{ name: 'STRAY' }]
    await here.edit('Deployment', 'shop', [
      {
        op: 'replace',
        path: `${container}/env`,
        value: [{ name: 'B', value: '$(A)' }, ...foreign, { name: 'A', value: 'a' }],
      },
      ...(cluster.differs('an edited port stays')
        ? []
        : [{ op: 'replace' as const, path: `${container}/ports/0/containerPort`, value: 1234 }]),
    ])
    await here.edit('MyApp', 'shop', { spec: { image: 'nginx:1.29', port: 9090 } })
    await here.running('shop')
    const [app] = here.get('Deployment', 'shop').spec.template.spec.containers
    t.match(app, { image: 'nginx:1.29', ports: [{ name: 'http', containerPort: 9090 }] })
    t.equal(app?.ports?.length, 1)
    t.strictSame(app?.env, shop.env)
  })
}
