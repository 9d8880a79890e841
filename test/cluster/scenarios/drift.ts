import type { Test } from 'tap'
import type { MyAppSpec } from '../../../src/api/myapp.ts'
import type { Cluster } from '../../support/cluster/cluster.ts'
import type { Kind, LiveObject } from '../../support/cluster/kinds.ts'
import type { Operation } from '../../support/cluster/namespace.ts'
import type { Difference } from '../../support/cluster/server-side-apply.ts'

/** Something of a child that somebody edits by hand. */
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
    what: 'a variable that was removed',
    kind: 'Deployment',
    edit: [{ op: 'remove', path: `${container}/env/0` }],
  },
  {
    what: 'a variable that was added',
    kind: 'Deployment',
    edit: [{ op: 'add', path: `${container}/env/0`, value: { name: 'STRAY', value: 'x' } }],
    unless: 'entries that others added stay',
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
    unless: 'a port that was edited by hand stays',
  },
  {
    what: 'a port that was added to the container',
    kind: 'Deployment',
    edit: [
      { op: 'add', path: `${container}/ports/-`, value: { name: 'stray', containerPort: 1234 } },
    ],
    unless: 'entries that others added stay',
  },
  {
    what: 'a sidecar that was added',
    kind: 'Deployment',
    edit: [
      {
        op: 'add',
        path: '/spec/template/spec/containers/-',
        value: { name: 'sidecar', image: 'busybox' },
      },
    ],
    unless: 'entries that others added stay',
  },
  {
    what: 'a label of the Deployment',
    kind: 'Deployment',
    edit: { metadata: { labels: { 'app.kubernetes.io/name': 'other' } } },
    unless: 'labels of a Deployment are not repaired',
  },
  {
    what: 'a label of the pods that was removed',
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
    what: 'a key that was added to the selector of the Service',
    kind: 'Service',
    edit: { spec: { selector: { stray: 'yes' } } },
  },
  {
    what: 'the port of the Service',
    kind: 'Service',
    edit: [{ op: 'replace', path: '/spec/ports/0/port', value: 1234 }],
    unless: 'a port that was edited by hand stays',
  },
  {
    what: 'the target port of the Service',
    kind: 'Service',
    edit: [{ op: 'replace', path: '/spec/ports/0/targetPort', value: 1234 }],
  },
  {
    what: 'a port that was added to the Service',
    kind: 'Service',
    edit: [{ op: 'add', path: '/spec/ports/-', value: { name: 'stray', port: 1234 } }],
    unless: 'entries that others added stay',
  },
]

const stays = 'entries that others added stay'
const pods = '/spec/template/spec'

/** What would make the API server refuse what is asked for, or keep pods from starting, if it stayed beside that. */
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
    what: 'what a pod does before it ends',
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
    what: 'the time that a pod has to end',
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
    what: 'the deadline of a rollout',
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
    what: 'the rights of the container',
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
    what: 'the secrets of the image',
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

/** What of a child is the operator's, and shall be as it was. */
const owned = ({
  metadata: { labels = {}, annotations = {} },
  spec,
}: LiveObject & { spec?: object }) => {
  const asked = Object.entries(annotations).filter(([name]) => name.startsWith('example.com/'))
  return JSON.stringify({ labels: Object.entries(labels).sort(), annotations: asked.sort(), spec })
}

/** What others do to a child of a MyApp, one thing at a time, is undone. */
export function repairs(t: Test, cluster: Cluster, shop: MyAppSpec, drifts: Drift[]): void {
  for (const { what, kind, edit, unless } of drifts) {
    if (unless !== undefined && cluster.differs(unless)) {
      t.test(`drift stays under server-side apply: ${what} (${unless})`, async (t) => {
        const here = await cluster.namespace(t)
        await here.create('shop', shop)
        await here.running('shop')
        const before = owned(here.get(kind, 'shop'))
        await here.edit(kind, 'shop', edit)
        const calls = here.calls('shop').length
        await here.edit('MyApp', 'shop', { metadata: { annotations: { touched: 'yes' } } })
        await here.until('the hook was asked since', () => here.calls('shop').length > calls)
        t.not(owned(here.get(kind, 'shop')), before)
      })
      continue
    }
    t.test(`drift is repaired: ${what}`, async (t) => {
      const here = await cluster.namespace(t)
      await here.create('shop', shop)
      await here.running('shop')
      const before = owned(here.get(kind, 'shop'))
      const writes = here.writes().length
      t.not(owned(await here.edit(kind, 'shop', edit)), before, 'the edit is stored')
      await here.until(`${kind} shop is as it was`, () => owned(here.get(kind, 'shop')) === before)
      const repairs = here
        .writes()
        .slice(writes)
        .filter((write) => write.endsWith('s/shop') && !write.includes('myapps'))
      t.ok(repairs.length <= 3, `in three answers at most: ${repairs}`)
      await here.running('shop')
    })
  }
}

/** What others do to the children is undone, where it is the operator's. */
export function drift(t: Test, cluster: Cluster): void {
  // Without pods: what is undone here is done to the Deployment. How pods roll for it is told further down.
  repairs(t, cluster, { ...shop, replicas: 0 }, drifts)
  repairs(t, cluster, { ...grown, replicas: 0 }, jams)

  for (const kind of ['Deployment', 'Service'] as const) {
    t.test(`a ${kind} that was deleted is created anew`, async (t) => {
      const here = await cluster.namespace(t)
      await here.create('shop', shop)
      await here.running('shop')
      const { uid } = here.get(kind, 'shop').metadata
      await here.remove(kind, 'shop')
      await here.until(
        `there is another ${kind}`,
        () => (here.find(kind, 'shop')?.metadata.uid ?? uid) !== uid,
      )
      await here.running('shop')
      t.pass()
    })
  }

  t.test(
    'variables put first, reversed and mixed with strays end in the exact order, with one ' +
      'roll of the pods each',
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
        t.ok(answers.length <= 3, `in three answers at most: ${answers}`)
      }
    },
  )

  t.test(
    'strays, a wrong order and an edited port at once are repaired together with a change ' +
      'of the spec',
    async (t) => {
      const here = await cluster.namespace(t)
      await here.create('shop', shop)
      await here.running('shop')
      const strays = cluster.differs('entries that others added stay') ? [] : [{ name: 'STRAY' }]
      await here.edit('Deployment', 'shop', [
        {
          op: 'replace',
          path: `${container}/env`,
          value: [{ name: 'B', value: '$(A)' }, ...strays, { name: 'A', value: 'a' }],
        },
        ...(cluster.differs('a port that was edited by hand stays')
          ? []
          : [{ op: 'replace' as const, path: `${container}/ports/0/containerPort`, value: 1234 }]),
      ])
      await here.edit('MyApp', 'shop', { spec: { image: 'nginx:1.29', port: 9090 } })
      await here.running('shop')
      const [app] = here.get('Deployment', 'shop').spec.template.spec.containers
      t.match(app, { image: 'nginx:1.29', ports: [{ name: 'http', containerPort: 9090 }] })
      t.equal(app?.ports?.length, 1)
      t.strictSame(app?.env, shop.env)
    },
  )
}
