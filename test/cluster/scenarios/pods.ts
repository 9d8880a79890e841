import type { Test } from 'tap'
import { byHand, failureAnnotation } from '../../../local-cluster/control-plane/stages.ts'
import type { Cluster } from '../../support/cluster/cluster.ts'
import { kindPath } from '../../support/cluster/kinds.ts'
import type { Namespace } from '../../support/cluster/namespace.ts'

const image = 'nginx:1.29'

interface ContainerStatus {
  ready?: boolean
  started?: boolean
  restartCount?: number
  state: object
  lastState?: object
}

/** Failing pods as kubelet reports them, and the message of the MyApp. */
interface Failing {
  what: string
  /** More fields of the MyApp. */
  spec?: object
  statuses: ContainerStatus[]
  message: string
  reason?: string
}

const now = () => new Date().toISOString()
const waiting = (reason: string, message: string) => ({ waiting: { reason, message } })
const terminated = (reason: string, exitCode: number) => ({
  terminated: {
    reason,
    exitCode,
    startedAt: now(),
    finishedAt: now(),
    containerID: 'containerd://1',
  },
})
const backOff = waiting(
  'CrashLoopBackOff',
  'back-off 20s restarting failed container=app pod=shop-1_default(1)',
)
const running = () => ({ running: { startedAt: now() } })

const notThere =
  'rpc error: code = NotFound desc = failed to pull and unpack image ' +
  '"docker.io/library/nginx:1.29": docker.io/library/nginx:1.29: not found'
const fails = (words: string) => `1 of 1 pod fails: container app ${words}`

const failing: Failing[] = [
  {
    what: 'a missing image, during a pull',
    statuses: [{ state: waiting('ErrImagePull', notThere) }],
    message: fails(`is in ImagePullBackOff: ${notThere}`),
  },
  {
    what: 'a missing image, between two pulls',
    statuses: [
      {
        state: waiting(
          'ImagePullBackOff',
          `Back-off pulling image "nginx:1.29": ErrImagePull: ${notThere}`,
        ),
      },
    ],
    message: fails(`is in ImagePullBackOff: ${notThere}`),
  },
  {
    what: 'a program that crashes, before a restart',
    statuses: [{ restartCount: 3, state: backOff, lastState: terminated('Error', 3) }],
    message: fails(
      'crashes (CrashLoopBackOff, last exit code 3, 3 restarts): see its log with kubectl logs',
    ),
  },
  {
    what: 'a program that keeps crashing',
    statuses: [1, 2, 3].map((restartCount) => ({
      restartCount,
      state: terminated('Error', 1),
      lastState: terminated('Error', 1),
    })),
    message: fails(
      'crashes (CrashLoopBackOff, last exit code 1, 3 restarts): see its log with kubectl logs',
    ),
  },
  {
    what: 'a container that exceeds its memory limit',
    spec: { resources: { limits: { memory: '64Mi' } } },
    statuses: [
      { restartCount: 1, state: terminated('OOMKilled', 137) },
      { restartCount: 2, state: backOff, lastState: terminated('OOMKilled', 137) },
    ],
    message: fails(
      'was killed for using more memory than its limit (OOMKilled, 2 restarts): raise ' +
        'resources.limits.memory',
    ),
  },
  {
    what: 'a container without a memory limit whose node has no memory',
    statuses: [{ restartCount: 1, state: backOff, lastState: terminated('OOMKilled', 137) }],
    message: fails(
      'was killed because its node ran out of memory (OOMKilled, 1 restart): raise ' +
        'resources.requests.memory, or set a limit',
    ),
  },
  {
    what: 'a missing key',
    statuses: [
      {
        state: waiting(
          'CreateContainerConfigError',
          "couldn't find key password in Secret shop/keys",
        ),
      },
    ],
    message: fails(
      "is in CreateContainerConfigError: couldn't find key password in Secret shop/keys",
    ),
  },
  {
    what: 'a failing readiness probe',
    statuses: [{ started: true, state: running() }],
    reason: 'ReplicasUnavailable',
    message:
      '0 of 1 replica is available: waiting for container app to pass its readiness probe ' +
      '(TCP on port 8080)',
  },
]

interface Pods {
  items: Array<{ metadata: { name: string }; status: { phase: string } }>
}

const podsPath = (here: Namespace) => `/api/v1/namespaces/${here.name}/pods`

/** Writes the status of all active pods of a namespace, as kubelet would. */
async function report(
  { api }: Cluster,
  here: Namespace,
  { ready = false, restartCount = 0, ...status }: ContainerStatus,
): Promise<void> {
  const { items } = await api.request<Pods>('GET', podsPath(here))
  const conditions = ['Ready', 'ContainersReady'].map((type) => ({
    type,
    status: ready ? 'True' : 'False',
    lastTransitionTime: now(),
  }))
  const containerStatuses = [{ name: 'app', image, imageID: '', ready, restartCount, ...status }]
  await Promise.all(
    items
      .filter(({ status }) => status.phase !== 'Failed')
      .map(({ metadata: { name } }) =>
        api.request(
          'PATCH',
          `${podsPath(here)}/${name}/status`,
          { status: { phase: 'Running', conditions, containerStatuses } },
          'application/strategic-merge-patch+json',
        ),
      ),
  )
}

/** Makes the namespace enforce a Pod Security Standard, and waits until it does. */
async function enforce({ api }: Cluster, here: Namespace, level: string): Promise<void> {
  await here.kubectl('label', 'namespace', here.name, `pod-security.kubernetes.io/enforce=${level}`)
  const bad = {
    metadata: { name: 'bad' },
    spec: { containers: [{ name: 'bad', image, securityContext: { privileged: true } }] },
  }
  await here.eventually('a privileged pod is refused', () =>
    api.request('POST', `${podsPath(here)}?dryRun=All`, bad).then(
      () => false,
      () => true,
    ),
  )
}

/** Pods are admitted, and a MyApp reports why its pods do not run. */
export function pods(t: Test, cluster: Cluster): void {
  for (const { what, spec = {}, statuses, message, reason = 'PodsFailing' } of failing) {
    t.test(`reports why pods do not run: ${what}`, async (t) => {
      const here = await cluster.namespace(t)
      const inspections = async () =>
        (await cluster.api.request<Pods>('GET', kindPath('MyAppInspection', here.name))).items.map(
          ({ metadata: { name } }) => name,
        )
      await here.create('shop', { image, podAnnotations: { [failureAnnotation]: byHand }, ...spec })
      await here.until('a pod exists', () => here.get('MyApp', 'shop').status?.replicas === 1)
      for (const status of statuses) await report(cluster, here, status)
      const { status } = await here.until(
        `the MyApp reports: ${message}`,
        () =>
          here.get('MyApp', 'shop').status?.message?.startsWith(message) &&
          here.get('MyApp', 'shop'),
      )
      t.match(status, {
        phase: 'Pending',
        ready: '0/1',
        conditions: [{ type: 'Ready', status: 'False', reason, message }],
      })
      t.strictSame(await inspections(), ['shop'], 'an inspection exists while pods fail')
      await report(cluster, here, {
        ready: true,
        started: true,
        restartCount: statuses.at(-1)?.restartCount ?? 0,
        state: running(),
      })
      t.equal((await here.running('shop')).status?.message, '1 of 1 replica is available')
      await here.eventually(
        'the inspection is gone',
        async () => (await inspections()).length === 0,
      )
    })
  }

  t.test('reports the message of the scheduler if no node fits', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image, replicas: 2, nodeSelector: { disk: 'ssd' } })
    const message =
      '2 of 2 pods fail: not scheduled (Unschedulable): 0/1 nodes are available: 1 ' +
      "node(s) didn't match Pod's node affinity/selector"
    const { status } = await here.until(
      `the MyApp reports: ${message}`,
      () =>
        here.get('MyApp', 'shop').status?.message?.startsWith(message) && here.get('MyApp', 'shop'),
    )
    t.match(status, {
      phase: 'Pending',
      conditions: [{ type: 'Ready', status: 'False', reason: 'PodsFailing', message }],
    })
    await here.edit('MyApp', 'shop', { spec: { nodeSelector: null } })
    await here.running('shop')
  })

  t.test('reports a failing new pod beside an available old pod', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image })
    await here.running('shop')
    const annotations = { [failureAnnotation]: byHand }
    await here.edit('MyApp', 'shop', { spec: { podAnnotations: annotations } })
    const says = (message: string) =>
      here.until(
        `the MyApp reports: ${message}`,
        () =>
          here.get('MyApp', 'shop').status?.message?.startsWith(message) &&
          here.get('MyApp', 'shop'),
      )
    await says('1 of 1 replica is updated, 1 old replica stays until new ones are available')
    const { items } = await cluster.api.request<Pods>('GET', podsPath(here))
    const [pod] = items.filter(({ status }) => status.phase === 'Pending')
    const containerStatuses = [
      {
        name: 'app',
        image,
        imageID: '',
        ready: false,
        restartCount: 0,
        state: waiting('ErrImagePull', 'not found'),
      },
    ]
    await cluster.api.request(
      'PATCH',
      `${podsPath(here)}/${pod?.metadata.name}/status`,
      { status: { containerStatuses } },
      'application/strategic-merge-patch+json',
    )
    const message = '1 of 2 pods fails: container app is in ImagePullBackOff: not found'
    t.match((await says(message)).status, {
      phase: 'Pending',
      ready: '1/1',
      replicas: 2,
      updatedReplicas: 1,
      availableReplicas: 1,
      conditions: [{ type: 'Ready', status: 'False', reason: 'PodsFailing', message }],
    })
    await here.edit('MyApp', 'shop', { spec: { podAnnotations: null } })
    await here.running('shop')
  })

  t.test('reports evicted pods while they are replaced, and does not count them', async (t) => {
    const here = await cluster.namespace(t)
    const says = (message: string) =>
      here.until(`the MyApp reports: ${message}`, () =>
        here.get('MyApp', 'shop').status?.message?.startsWith(message),
      )
    await here.create('shop', { image, podAnnotations: { [failureAnnotation]: byHand } })
    for (const evicted of ['1 pod', '2 pods']) {
      let name: string | undefined
      await here.eventually('a pod is active', async () => {
        const { items } = await cluster.api.request<Pods>('GET', podsPath(here))
        name = items.find(({ status }) => status.phase === 'Pending')?.metadata.name
        return name !== undefined
      })
      await cluster.api.request(
        'PATCH',
        `${podsPath(here)}/${name}/status`,
        {
          status: {
            phase: 'Failed',
            reason: 'Evicted',
            message: 'The node was low on resource: memory.',
          },
        },
        'application/merge-patch+json',
      )
      await says(
        '0 of 1 replica is available: waiting for node on-paper to start the pod; ' +
          `${evicted} ended (Evicted: The node was low on resource: memory.)`,
      )
    }
    await report(cluster, here, { state: waiting('ErrImagePull', 'not found') })
    await says(fails('is in ImagePullBackOff: not found'))
    await report(cluster, here, { ready: true, started: true, state: running() })
    t.equal((await here.running('shop')).status?.message, '1 of 1 replica is available')
  })

  for (const [level, podSecurity] of [
    ['restricted', 'Restricted'],
    ['baseline', 'Baseline'],
  ] as const) {
    t.test(
      `a namespace that enforces the ${level} Pod Security Standard accepts pods with ` +
        `podSecurity ${podSecurity}`,
      async (t) => {
        const here = await cluster.namespace(t)
        await enforce(cluster, here, level)
        await here.create('shop', {
          image,
          podSecurity,
          volumes: [{ name: 'cache', mountPath: '/cache', emptyDir: {} }],
        })
        t.equal((await here.running('shop')).status?.ready, '1/1')
      },
    )
  }

  t.test(
    'reports pods that the Pod Security Standard refuses, until podSecurity is Restricted',
    async (t) => {
      const here = await cluster.namespace(t)
      await enforce(cluster, here, 'restricted')
      await here.create('shop', { image })
      const { status } = await here.failed('shop', 'ReplicaFailure')
      t.match(
        status?.message,
        new RegExp(
          '^Pods cannot be created: .* violates PodSecurity "restricted:latest": ' +
            'unrestricted capabilities \\(container "app" must set ' +
            'securityContext\\.capabilities\\.drop=\\["ALL"\\]\\), runAsNonRoot != true',
        ),
      )
      await here.edit('MyApp', 'shop', { spec: { podSecurity: 'Restricted' } })
      await here.running('shop')
    },
  )
}
