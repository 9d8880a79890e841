import fc from 'fast-check'
import t from 'tap'
import { endedPods, failingPods, waitingPods } from '../../src/myapp/status/pod-failures.ts'
import type { ObservedPod } from '../../src/myapp/request.ts'

/** The sentence about failing pods, without the command that names a pod. */
const failureOf = (...args: Parameters<typeof failingPods>) =>
  failingPods(...args)?.replace(/; see kubectl describe pod p(?![^;])/, '')

const pod = (status: ObservedPod['status'], deletionTimestamp?: string): ObservedPod => ({
  metadata: {
    name: 'p',
    namespace: 'default',
    uid: 'u',
    ...(deletionTimestamp !== undefined && { deletionTimestamp }),
  },
  ...(status && { status }),
})
const container = (status: object, probes?: object) => ({
  ...pod({ containerStatuses: [{ name: 'app', ready: false, restartCount: 0, ...status }] }),
  ...(probes && { spec: { containers: [{ name: 'app', ...probes }] } }),
})
/** The time at which the pods were observed. */
const now = '2026-01-01T12:00:00Z'
const running = container({ ready: true, state: { running: {} } })
const starting = container({ state: { waiting: { reason: 'ContainerCreating' } } })
const notReady = container(
  { started: true, state: { running: {} } },
  { readinessProbe: { tcpSocket: { port: 9090 } } },
)
const notStarted = container(
  { started: false, state: { running: {} } },
  {
    startupProbe: { httpGet: { path: '/up', port: 9999, scheme: 'HTTP' } },
    readinessProbe: { tcpSocket: { port: 9090 } },
  },
)
const missingProgram =
  'failed to create containerd task: failed to create shim task: OCI runtime create failed: ' +
  'runc create failed: unable to start container process: exec: "/x": stat /x: no such file ' +
  'or directory: unknown'
const missingProgramMessage =
  '1 of 1 pod fails: container app is in RunContainerError: exec: "/x": stat /x: no such ' +
  'file or directory'
const restarted = (exitCode: number, probes: object) =>
  container(
    {
      restartCount: 2,
      state: { waiting: { reason: 'CrashLoopBackOff' } },
      lastState: { terminated: { exitCode } },
    },
    probes,
  )
const pulling = container({
  state: { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image "nope:1"' } },
})
const evicted = pod({
  phase: 'Failed',
  reason: 'Evicted',
  message: 'The node was low on resource: memory.',
})

const init = (status: object, container: object = {}): ObservedPod => ({
  ...pod({
    containerStatuses: [
      { name: 'app', ready: false, state: { waiting: { reason: 'PodInitializing' } } },
    ],
    initContainerStatuses: [{ name: 'extra', ready: false, restartCount: 0, ...status }],
  }),
  spec: { containers: [{ name: 'app' }], initContainers: [{ name: 'extra', ...container }] },
})
const lastMessage = 'password: hunter2'
const ofInit: Array<[when: string, pods: ObservedPod[], expected: string | undefined]> = [
  [
    'the image of an init container does not exist',
    [init({ state: { waiting: { reason: 'ErrImagePull', message: 'x:1: not found' } } })],
    '1 of 1 pod fails: init container extra is in ImagePullBackOff: x:1: not found',
  ],
  [
    'config of an init container is missing',
    [
      init({
        state: {
          waiting: { reason: 'CreateContainerConfigError', message: 'secret "a" not found' },
        },
      }),
    ],
    '1 of 1 pod fails: init container extra is in CreateContainerConfigError: secret "a" not found',
  ],
  [
    'an init container crashes (its log is not quoted)',
    [
      init({
        restartCount: 3,
        state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } },
        lastState: { terminated: { exitCode: 1, reason: 'Error', message: lastMessage } },
      }),
    ],
    '1 of 1 pod fails: init container extra crashes (CrashLoopBackOff, last exit code 1, 3 ' +
      'restarts): see its log with kubectl logs p -c extra --previous',
  ],
  [
    'an init container has completed',
    [init({ ready: true, state: { terminated: { exitCode: 0, reason: 'Completed' } } })],
    undefined,
  ],
  ['an init container runs', [init({ started: true, state: { running: {} } })], undefined],
  [
    'a sidecar exits',
    [
      init(
        {
          restartCount: 1,
          state: { terminated: { exitCode: 0, reason: 'Completed', message: lastMessage } },
        },
        { restartPolicy: 'Always' },
      ),
    ],
    '1 of 1 pod fails: sidecar extra exits (CrashLoopBackOff, last exit code 0, 1 restart): ' +
      'the program of a sidecar must keep running',
  ],
  [
    'a sidecar exceeds its memory limit',
    [
      init(
        {
          restartCount: 2,
          state: { waiting: { reason: 'CrashLoopBackOff' } },
          lastState: { terminated: { exitCode: 137, reason: 'OOMKilled', message: lastMessage } },
        },
        { restartPolicy: 'Always', resources: { limits: { memory: '64Mi' } } },
      ),
    ],
    '1 of 1 pod fails: sidecar extra was killed for using more memory than its limit ' +
      '(OOMKilled, 2 restarts): raise resources.limits.memory of sidecar extra',
  ],
]

const cases: Array<[when: string, pods: ObservedPod[], expected: string | undefined]> = [
  ...ofInit,
  ['there are no pods', [], undefined],
  ['all pods run', [running, running], undefined],
  ['pods are starting', [starting, pod({ phase: 'Pending' })], undefined],
  [
    'the image does not exist',
    [pulling, pulling, running],
    '2 of 3 pods fail: container app is in ImagePullBackOff: Back-off pulling image "nope:1"',
  ],
  [
    'the image does not exist, and some pods are between two pulls',
    [
      pulling,
      container({ state: { waiting: { reason: 'ErrImagePull', message: 'a: not found' } } }),
      container({
        state: {
          waiting: {
            reason: 'ImagePullBackOff',
            message: 'Back-off pulling image "nope:1": ErrImagePull: a: not found',
          },
        },
      }),
    ],
    '3 of 3 pods fail: container app is in ImagePullBackOff: a: not found',
  ],
  [
    'the registry does not respond',
    [
      container({
        state: {
          waiting: {
            reason: 'ErrImagePull',
            message: 'read udp 192.0.2.1:41520->192.0.2.2:53:\ni/o timeout',
          },
        },
      }),
    ],
    '1 of 1 pod fails: container app is in ImagePullBackOff: read udp ' +
      '192.0.2.1->192.0.2.2:53: i/o timeout',
  ],
  [
    'the message is long',
    [container({ state: { waiting: { reason: 'ErrImageNeverPull', message: 'x'.repeat(500) } } })],
    `1 of 1 pod fails: container app is in ErrImageNeverPull: ${'x'.repeat(399)}…`,
  ],
  [
    'the image would run as root',
    [
      container({
        state: {
          waiting: {
            reason: 'CreateContainerConfigError',
            message:
              'container has runAsNonRoot and image will run as root (pod: ' +
              '"x-1_default(uid)", container: app)',
          },
        },
      }),
    ],
    '1 of 1 pod fails: container app is in CreateContainerConfigError: container has ' +
      'runAsNonRoot and image will run as root',
  ],
  [
    'the program does not exist, after one restart',
    [
      container({
        restartCount: 1,
        state: { waiting: { reason: 'RunContainerError', message: missingProgram } },
        lastState: { terminated: { exitCode: 128, reason: 'StartError', message: missingProgram } },
      }),
    ],
    missingProgramMessage,
  ],
  [
    'the program does not exist, between two starts',
    [
      container({
        restartCount: 2,
        state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } },
        lastState: { terminated: { exitCode: 128, reason: 'StartError', message: missingProgram } },
      }),
    ],
    missingProgramMessage,
  ],
  [
    'the program does not exist, just after a start',
    [
      container({
        restartCount: 2,
        state: { terminated: { exitCode: 128, reason: 'StartError', message: missingProgram } },
      }),
    ],
    missingProgramMessage,
  ],
  [
    'the program exits with code 0',
    [restarted(0, { readinessProbe: { tcpSocket: { port: 9090 } } })],
    '1 of 1 pod fails: container app exits (CrashLoopBackOff, last exit code 0, 2 ' +
      'restarts): the program of a MyApp must keep running',
  ],
  [
    'the liveness probe may be the cause',
    [restarted(137, { livenessProbe: { grpc: { port: 9 } } })],
    '1 of 1 pod fails: container app keeps restarting (CrashLoopBackOff, last exit code ' +
      '137, 2 restarts): it exits, or fails its liveness probe (gRPC on port 9)',
  ],
  [
    'the startup or the liveness probe may be the cause',
    [restarted(0, { startupProbe: { exec: {} }, livenessProbe: { httpGet: { port: 8080 } } })],
    '1 of 1 pod fails: container app keeps restarting (CrashLoopBackOff, last exit code 0, ' +
      '2 restarts): it exits, or fails its startup probe or its liveness probe (HTTP GET / on ' +
      'port 8080)',
  ],
  [
    'a container with probes crashes',
    [restarted(1, { livenessProbe: { grpc: { port: 9 } } })],
    '1 of 1 pod fails: container app crashes (CrashLoopBackOff, last exit code 1, 2 ' +
      'restarts): see its log with kubectl logs p -c app --previous',
  ],
  [
    'pods have different numbers of restarts',
    [2, 10, 9].map((restartCount) =>
      container({ restartCount, state: { terminated: { exitCode: 1 } } }),
    ),
    '3 of 3 pods fail: container app crashes (CrashLoopBackOff, last exit code 1, 10 ' +
      'restarts): see its log with kubectl logs p -c app --previous',
  ],
  ['pods run and are not ready', [notReady, notStarted], undefined],
  [
    'a key of a Secret is missing',
    [
      container({
        state: {
          waiting: {
            reason: 'CreateContainerConfigError',
            message: "couldn't find key x in Secret default/y",
          },
        },
      }),
    ],
    "1 of 1 pod fails: container app is in CreateContainerConfigError: couldn't find key x " +
      'in Secret default/y',
  ],
  [
    'a container crashes and waits for its next start',
    [
      container({
        restartCount: 5,
        state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } },
        lastState: { terminated: { exitCode: 1, reason: 'Error', message: 'secret' } },
      }),
    ],
    '1 of 1 pod fails: container app crashes (CrashLoopBackOff, last exit code 1, 5 ' +
      'restarts): see its log with kubectl logs p -c app --previous',
  ],
  [
    'a container has just crashed',
    [container({ restartCount: 1, state: { terminated: { exitCode: 137, reason: 'Error' } } })],
    '1 of 1 pod fails: container app crashes (CrashLoopBackOff, last exit code 137, 1 ' +
      'restart): see its log with kubectl logs p -c app --previous',
  ],
  [
    'a container runs between two crashes',
    [
      container({
        restartCount: 2,
        state: { running: {} },
        lastState: { terminated: { exitCode: 1, reason: 'Error' } },
      }),
    ],
    '1 of 1 pod fails: container app crashes (CrashLoopBackOff, last exit code 1, 2 ' +
      'restarts): see its log with kubectl logs p -c app --previous',
  ],
  [
    'a container crashed once and is ready',
    [
      container({
        ready: true,
        restartCount: 1,
        state: { running: {} },
        lastState: { terminated: { exitCode: 1 } },
      }),
    ],
    undefined,
  ],
  [
    'the node of a container without a limit runs out of memory',
    [
      container(
        { restartCount: 1, state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } },
        { resources: { requests: { memory: '1Gi' } } },
      ),
    ],
    '1 of 1 pod fails: container app was killed because its node ran out of memory ' +
      '(OOMKilled, 1 restart): raise resources.requests.memory, or set a limit',
  ],
  [
    'a container exceeds its memory limit',
    [container({ restartCount: 3, state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } })],
    '1 of 1 pod fails: container app was killed for using more memory than its limit ' +
      '(OOMKilled, 3 restarts): raise resources.limits.memory',
  ],
  [
    'no node has enough capacity',
    [
      pod({
        conditions: [
          {
            type: 'PodScheduled',
            status: 'False',
            reason: 'Unschedulable',
            message:
              '0/3 nodes are available: 3 Insufficient cpu. no new claims to deallocate, ' +
              'preemption: 0/3 nodes are available: 3 No preemption victims found for ' +
              'incoming pod.',
          },
        ],
      }),
    ],
    '1 of 1 pod fails: not scheduled (Unschedulable): 0/3 nodes are available: 3 Insufficient cpu',
  ],
  ...[
    [
      'a claim is not bound',
      '0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. ' +
        'preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.',
      '0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims',
    ],
    [
      'a host port is taken',
      "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
      "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
    ],
    [
      'a volume is in another zone',
      '0/2 nodes are available: 2 node(s) had volume node affinity conflict. ' +
        'no new claims to deallocate, preemption: 0/2 nodes are available',
      '0/2 nodes are available: 2 node(s) had volume node affinity conflict',
    ],
  ].map(([when = '', message = '', expected = '']): (typeof cases)[number] => [
    when,
    [
      pod({
        conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
      }),
    ],
    `1 of 1 pod fails: not scheduled (Unschedulable): ${expected}`,
  ]),
  [
    'the image of a sidecar does not exist',
    [
      init(
        { state: { waiting: { reason: 'ImagePullBackOff', message: 'x:1: not found' } } },
        { restartPolicy: 'Always' },
      ),
    ],
    '1 of 1 pod fails: sidecar extra is in ImagePullBackOff: x:1: not found',
  ],
  [
    'an ephemeral container for debugging has ended',
    [
      {
        ...running,
        status: {
          ...running.status,
          ephemeralContainerStatuses: [{ name: 'd', state: { terminated: { exitCode: 1 } } }],
        },
      } as ObservedPod,
    ],
    undefined,
  ],
  [
    'a container runs again after a restart of its node',
    [
      container({
        restartCount: 1,
        state: { running: { startedAt: '2026-01-01T11:59:59Z' } },
        lastState: { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown' } },
      }),
    ],
    undefined,
  ],
  [
    'a postStart hook fails',
    [container({ state: { waiting: { reason: 'PostStartHookError', message: 'exit 1' } } })],
    '1 of 1 pod fails: container app is in PostStartHookError: exit 1',
  ],
  [
    'the name of the image is invalid',
    [container({ state: { waiting: { reason: 'InvalidImageName', message: 'parse "A"' } } })],
    '1 of 1 pod fails: container app is in InvalidImageName: parse "A"',
  ],
  ['one pod was evicted', [evicted, running], undefined],
  [
    'many pods were evicted, and the image does not exist',
    [evicted, evicted, pulling],
    '1 of 1 pod fails: container app is in ImagePullBackOff: Back-off pulling image "nope:1"',
  ],
  [
    'the failing pod is being deleted',
    [
      pod(
        { containerStatuses: [{ name: 'app', state: { waiting: { reason: 'ErrImagePull' } } }] },
        '2026-01-01T00:00:00Z',
      ),
      running,
    ],
    undefined,
  ],
]

for (const [when, pods, expected] of cases) {
  t.test(`when ${when}: ${expected ?? 'no failure'}`, async (t) => {
    t.equal(failureOf(pods, now), expected)
    t.equal(failureOf(pods.toReversed(), now), expected, 'in any order')
  })
}

t.test('reports a failing probe as a wait before the deadline, then as a failure', async (t) => {
  t.equal(
    waitingPods([running, notReady], now),
    'waiting for container app to pass its readiness probe (TCP on port 9090)',
  )
  t.equal(
    waitingPods([notStarted], now),
    'waiting for container app to pass its startup probe (HTTP GET /up on port 9999)',
  )
  t.equal(waitingPods([running, starting, pulling], now), undefined)
  t.equal(
    failureOf([running, notReady, notReady], now, true),
    '2 of 3 pods fail: container app runs but does not pass its readiness probe (TCP on ' +
      'port 9090)',
  )
  t.equal(
    failureOf([notStarted], now, true),
    '1 of 1 pod fails: container app runs but does not pass its startup probe (HTTP GET ' +
      '/up on port 9999)',
  )
  t.equal(
    failureOf([notReady, pulling, pulling], now, true),
    '3 of 3 pods fail, 2 of them with this reason: container app is in ImagePullBackOff: ' +
      'Back-off pulling image "nope:1"',
  )
})
t.test('reports failed pods as ended, but not succeeded pods', async (t) => {
  t.equal(endedPods([running, pulling, pod({ phase: 'Succeeded' })], now), undefined)
  t.equal(
    endedPods([evicted, running], now),
    '1 pod ended (Evicted: The node was low on resource: memory.)',
  )
  for (const [reason, message] of [
    ['Preempting', 'Preempted in order to admit critical pod'],
    ['Terminated', 'Pod was terminated in response to imminent node shutdown.'],
    ['OutOfcpu', "Pod was rejected: Node didn't have enough resource: cpu"],
    ['NodePorts', "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports"],
    ['UnexpectedAdmissionError', 'Pod was rejected: Allocate failed due to no healthy devices'],
  ] as const) {
    t.equal(
      endedPods([pod({ phase: 'Failed', reason, message }), running], now),
      `1 pod ended (${reason}: ${message})`,
    )
  }
  t.equal(
    endedPods(
      [
        evicted,
        pod({ phase: 'Failed', reason: 'NodeAffinity', message: 'Pod was rejected' }),
        evicted,
      ],
      now,
    ),
    '3 pods ended, 2 of them with this reason (Evicted: The node was low on resource: memory.)',
  )
})

/** A pod whose container restarted once and has run since `startedAt`. */
const restartedAt = (startedAt: string, more: object = {}) =>
  container(
    {
      started: true,
      restartCount: 1,
      state: { running: { startedAt } },
      lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
      ...more,
    },
    { readinessProbe: { tcpSocket: { port: 9090 } }, resources: { limits: { memory: '64Mi' } } },
  )

t.test('ignores a restart once the container has run for ten minutes', async (t) => {
  const killed =
    '1 of 1 pod fails: container app was killed for using more memory than its limit ' +
    '(OOMKilled, 1 restart): raise resources.limits.memory'
  t.equal(failureOf([restartedAt('2026-01-01T11:59:59Z')], now), killed)
  t.equal(failureOf([restartedAt('2026-01-01T11:50:00Z')], now), killed)
  t.equal(failureOf([restartedAt('2026-01-01T11:49:59Z')], now), undefined)
  const old = restartedAt('2025-12-11T12:00:00Z')
  t.equal(
    waitingPods([old, notReady, notReady], now),
    'waiting for container app to pass its readiness probe (TCP on port 9090)',
  )
  t.equal(
    failureOf([old, notReady, notReady], now, true),
    '3 of 3 pods fail: container app runs but does not pass its readiness probe (TCP on port 9090)',
  )
  for (const exitCode of [0, 1, 143]) {
    const lastState = { terminated: { exitCode } }
    t.equal(failureOf([restartedAt('2025-12-11T12:00:00Z', { lastState })], now), undefined)
  }
  const again = restartedAt('2025-12-11T12:00:00Z', { state: { terminated: { exitCode: 1 } } })
  t.match(failureOf([again], now), /crashes/, 'the container has just ended again')
})

t.test('reports the most common reason and counts failing and waiting pods', async (t) => {
  const crashing = container({ restartCount: 3, state: { terminated: { exitCode: 1 } } })
  t.equal(
    failureOf([pulling, crashing, crashing, running], now),
    '3 of 4 pods fail, 2 of them with this reason: container app crashes (CrashLoopBackOff, ' +
      'last exit code 1, 3 restarts): see its log with kubectl logs p -c app --previous',
  )
  t.equal(
    failureOf([crashing, notReady, notReady], now),
    '1 of 3 pods fails: container app crashes (CrashLoopBackOff, last exit code 1, 3 ' +
      'restarts): see its log with kubectl logs p -c app --previous; 2 more are waiting for ' +
      'container app to pass its readiness probe (TCP on port 9090)',
  )
})

interface Hanging {
  status?: object
  spec?: object
}
const hanging = ({ status = {}, spec = {} }: Hanging): ObservedPod =>
  ({
    metadata: { name: 'p', namespace: 'default', uid: 'u' },
    spec: { nodeName: 'node-1', containers: [{ name: 'app' }], ...spec },
    status: { phase: 'Pending', ...status },
  }) as ObservedPod
const creating = {
  containerStatuses: [
    { name: 'app', ready: false, state: { waiting: { reason: 'ContainerCreating' } } },
  ],
}
const ready = { containerStatuses: [{ name: 'app', ready: true, state: { running: {} } }] }
const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }]
const notReadyToStart = {
  ...creating,
  conditions: [
    { type: 'PodScheduled', status: 'True' },
    { type: 'PodReadyToStartContainers', status: 'False' },
  ],
}
const gated = {
  conditions: [
    {
      type: 'PodScheduled',
      status: 'False',
      reason: 'SchedulingGated',
      message: 'Scheduling is blocked due to non-empty scheduling gates',
    },
  ],
}
const sidecar = {
  initContainers: [
    { name: 'proxy', restartPolicy: 'Always', startupProbe: { httpGet: { port: 15021 } } },
  ],
}
const hangs: Array<[what: string, pods: Hanging[], waits: string | undefined, fails: string]> = [
  [
    'volumes or network',
    [{ status: notReadyToStart }],
    'waiting for volumes or network of the pod: see kubectl describe pod p',
    'its volumes or network are not ready: see kubectl describe pod p',
  ],
  [
    'a claim that is attached to another node',
    [{ status: notReadyToStart, spec: { volumes } }, { status: ready }],
    'waiting for volumes or network of the pod: see kubectl describe pod p; a ReadWriteOnce ' +
      'claim can be attached to one node only (Multi-Attach)',
    'its volumes or network are not ready: see kubectl describe pod p; a ReadWriteOnce ' +
      'claim can be attached to one node only (Multi-Attach)',
  ],
  [
    'a container that does not start',
    [{ status: creating }],
    undefined,
    'its containers do not start: see kubectl describe pod p',
  ],
  [
    'a readiness gate',
    [
      {
        status: {
          ...ready,
          conditions: [
            {
              type: 'Ready',
              status: 'False',
              reason: 'ReadinessGatesNotReady',
              message: 'corresponding condition of pod readiness gate "lb" does not exist.',
            },
          ],
        },
      },
    ],
    'waiting for the readiness gates of the pod: corresponding condition of pod readiness ' +
      'gate "lb" does not exist.',
    'its readiness gates are not ready: corresponding condition of pod readiness gate "lb" ' +
      'does not exist.',
  ],
  [
    'an injected native sidecar',
    [
      {
        spec: sidecar,
        status: {
          initContainerStatuses: [{ name: 'proxy', started: false, state: { running: {} } }],
          ...creating,
        },
      },
    ],
    'waiting for sidecar proxy to pass its startup probe (HTTP GET / on port 15021)',
    'sidecar proxy runs but does not pass its startup probe (HTTP GET / on port 15021)',
  ],
  [
    'an init container',
    [
      {
        spec: { initContainers: [{ name: 'migrate' }] },
        status: {
          initContainerStatuses: [{ name: 'migrate', started: true, state: { running: {} } }],
          ...creating,
        },
      },
    ],
    'waiting for init container migrate to complete',
    'init container migrate runs but does not complete',
  ],
  [
    'a node that may be lost',
    [{ status: { ...ready, conditions: [{ type: 'Ready', status: 'False' }] } }],
    'waiting for node node-1 to report the pod as ready; the node may be lost',
    'node node-1 does not report the pod as ready; the node may be lost',
  ],
  [
    'a kubelet that does not react',
    [{ status: { conditions: [{ type: 'PodScheduled', status: 'True' }] } }],
    'waiting for node node-1 to start the pod',
    'waiting for node node-1 to start the pod; the node may be lost: see kubectl describe pod p',
  ],
  [
    'a scheduling gate',
    [{ spec: { nodeName: undefined, schedulingGates: [{ name: 'queue' }] }, status: gated }],
    'waiting for scheduling gate queue to be removed',
    'waiting for scheduling gate queue to be removed',
  ],
  [
    'two scheduling gates',
    [
      {
        spec: { nodeName: undefined, schedulingGates: [{ name: 'quota' }, { name: 'queue' }] },
        status: gated,
      },
    ],
    'waiting for scheduling gates queue and quota to be removed',
    'waiting for scheduling gates queue and quota to be removed',
  ],
  [
    'an injected sidecar that is an ordinary container',
    [
      {
        spec: {
          containers: [
            { name: 'app' },
            { name: 'istio-proxy', readinessProbe: { httpGet: { port: 15021, path: '/ready' } } },
          ],
        },
        status: {
          containerStatuses: [
            { name: 'app', ready: true, state: { running: {} } },
            { name: 'istio-proxy', ready: false, started: true, state: { running: {} } },
          ],
        },
      },
    ],
    'waiting for container istio-proxy to pass its readiness probe (HTTP GET /ready on port 15021)',
    'container istio-proxy runs but does not pass its readiness probe ' +
      '(HTTP GET /ready on port 15021)',
  ],
  [
    'the scheduler',
    [{ spec: { nodeName: undefined } }],
    'waiting for the scheduler to assign a node',
    'waiting for the scheduler to assign a node: see kubectl describe pod p',
  ],
]
for (const [what, all, waits, fails] of hangs) {
  t.test(`reports what blocks a pod: ${what}`, async (t) => {
    const pods = all.map(hanging)
    t.equal(failureOf(pods, now), undefined)
    t.equal(waitingPods(pods, now), waits)
    t.equal(
      failureOf(pods, now, true),
      `1 of ${pods.length} pod${pods.length === 1 ? '' : 's'} fails: ${fails}`,
    )
  })
}

t.test('reports an old pod that does not stop', async (t) => {
  const ending = (deletionTimestamp: string, more: object = {}): ObservedPod => ({
    metadata: { name: 'old', namespace: 'default', uid: 'u', deletionTimestamp, ...more },
    spec: { nodeName: 'node-1' },
    status: { phase: 'Running' },
  })
  const lost = ending('2026-01-01T11:59:00Z')
  const waiting =
    'waiting for an old pod to terminate: node node-1 may be lost, see kubectl describe pod old'
  t.equal(waitingPods([lost], now), waiting)
  t.equal(waitingPods([lost, running], now), waiting)
  t.equal(failureOf([lost], now), undefined)
  t.equal(
    failureOf([lost], now, true),
    '1 old pod does not terminate: node node-1 may be lost, see kubectl describe pod old',
  )
  t.match(
    waitingPods([ending('2026-01-01T11:59:00Z', { finalizers: ['example.com/drain'] })], now),
    /terminate: it has finalizer example\.com\/drain, see/,
  )
  for (const time of ['2026-01-01T11:59:45Z', '2026-01-01T12:00:30Z', 'never']) {
    t.equal(waitingPods([ending(time)], now), undefined, time)
  }
  t.match(waitingPods([lost, notReady], now), /readiness probe/, 'a living pod comes first')
})

t.test('reports no wait for a ready pod with a started sidecar', async (t) => {
  const initContainerStatuses = [
    { name: 'proxy', ready: true, started: true, state: { running: {} } },
  ]
  const pods = [hanging({ spec: sidecar, status: { ...ready, initContainerStatuses } })]
  t.equal(waitingPods(pods, now), undefined)
  t.equal(failureOf(pods, now, true), undefined)
})

const called = (name: string, { metadata, ...pod }: ObservedPod): ObservedPod => ({
  ...pod,
  metadata: { ...metadata, name },
})
const crashed = (restartCount: number, terminated: object) =>
  container({ restartCount, state: { terminated } })

t.test('names the first failing pod with the reported reason', async (t) => {
  const refused = container({ state: { waiting: { reason: 'InvalidImageName' } } })
  t.equal(
    failingPods(
      [
        called('pod-d', pulling),
        called('pod-a', refused),
        called('pod-c', pulling),
        called('pod-b', running),
      ],
      now,
    ),
    '3 of 4 pods fail, 2 of them with this reason: container app is in ImagePullBackOff: ' +
      'Back-off pulling image "nope:1"; see kubectl describe pod pod-c',
  )
  t.equal(
    failingPods([called('pod-b', pulling), called('pod-a', running)], now),
    '1 of 2 pods fails: container app is in ImagePullBackOff: Back-off pulling image "nope:1"; ' +
      'see kubectl describe pod pod-b',
  )
  t.match(
    failingPods(
      [called('pod-a', pulling), called('pod-b', notReady), called('pod-c', notReady)],
      now,
    ),
    /see kubectl describe pod pod-a; 2 more are waiting for container app/,
  )
  t.match(
    failingPods([called('pod-b', notReady), called('pod-a', running)], now, true),
    /does not pass its readiness probe .*; see kubectl describe pod pod-b$/,
  )
})

t.test('names a pod once', async (t) => {
  const pods = [
    called('pod-b', crashed(2, { exitCode: 1 })),
    called('pod-a', crashed(1, { exitCode: 1 })),
  ]
  t.match(
    failingPods(pods, now),
    /1 restart\): see its log with kubectl logs pod-a -c app --previous$/,
  )
  const unscheduled = called('pod-a', { ...pod({ phase: 'Pending' }), spec: {} })
  t.match(failingPods([unscheduled], now, true), /: see kubectl describe pod pod-a$/)
})

t.test('crash loops change the message only when the first pod restarts', async () => {
  const ends = fc.constantFrom(
    { exitCode: 1 },
    { exitCode: 0 },
    { exitCode: 137, reason: 'OOMKilled' },
  )
  const steps = fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 40 })
  fc.assert(
    fc.property(ends, steps, (terminated, steps) => {
      const restarts = [1, 1, 1, 1]
      const states = ['terminated', 'waiting', 'running']
      const turns = [0, 0, 0, 0]
      const messages = [undefined, ...steps].map((step) => {
        if (step !== undefined) {
          turns[step] = ((turns[step] ?? 0) + 1) % states.length
          if (turns[step] === 2) restarts[step] = (restarts[step] ?? 0) + 1
        }
        const pods = restarts.map((restartCount, index) => {
          const state = [
            { terminated },
            { waiting: { reason: 'CrashLoopBackOff' } },
            { running: { startedAt: now } },
          ][turns[index] ?? 0]
          const status = { restartCount, state, lastState: { terminated } }
          return called(`pod-${index}`, container(status))
        })
        return failingPods(pods, now)
      })
      const changes =
        messages.filter((message, index) => message !== messages[index - 1]).length - 1
      const restartsOfFirst = (restarts[0] ?? 0) - 1
      if (changes !== restartsOfFirst) throw new Error(messages.join('\n'))
    }),
  )
})

t.test('shows any waiting reason, and shortens long reasons and messages', async (t) => {
  for (const reason of ['constructor', 'toString', '__proto__']) {
    const state = { waiting: { reason, message: 'm' } }
    t.equal(
      failureOf([container({ state }), container({ state })], now),
      `2 of 2 pods fail: container app is in ${reason}: m`,
    )
  }
  const long = container({
    state: { waiting: { reason: 'r'.repeat(9000), message: 'm'.repeat(9000) } },
  })
  t.ok((failureOf([long], now) ?? '').length < 1000)
})

t.test('reads at most the first 2,000 characters of a message', async (t) => {
  const sentenceFor = (message: string) =>
    failureOf([container({ state: { waiting: { reason: 'RunContainerError', message } } })], now)
  const message = `failed to create ${'.'.repeat(8192)} unable to start container process: boom`
  t.equal(
    sentenceFor(message),
    `1 of 1 pod fails: container app is in RunContainerError: ${message.slice(0, 399)}…`,
  )
})
