import t from 'tap'
import { awaitedCheck, endedPods, podFailure } from '../../src/myapp/status/pod-failures.ts'
import type { ObservedPod } from '../../src/myapp/request.ts'

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
const noProgram =
  'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "/x": stat /x: no such file or directory: unknown'
const noProgramSaid =
  '1 of 1 pod fails: container app is in RunContainerError: exec: "/x": stat /x: no such file or directory'
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

const cases: Array<[when: string, pods: ObservedPod[], says: string | undefined]> = [
  ['there are none', [], undefined],
  ['all run', [running, running], undefined],
  ['they only start', [starting, pod({ phase: 'Pending' })], undefined],
  [
    'the image is not there',
    [pulling, pulling, running],
    '2 of 3 pods fail: container app is in ImagePullBackOff: Back-off pulling image "nope:1"',
  ],
  [
    'the image is not there, and kubelet tries in turns',
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
    'the registry does not answer',
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
    '1 of 1 pod fails: container app is in ImagePullBackOff: read udp 192.0.2.1->192.0.2.2:53: i/o timeout',
  ],
  [
    'the reason is a new one',
    [container({ state: { waiting: { reason: 'ErrImageNeverPull', message: 'x'.repeat(500) } } })],
    `1 of 1 pod fails: container app is in ErrImageNeverPull: ${'x'.repeat(400)}…`,
  ],
  [
    'it may not run as root',
    [
      container({
        state: {
          waiting: {
            reason: 'CreateContainerConfigError',
            message:
              'container has runAsNonRoot and image will run as root (pod: "x-1_default(uid)", container: app)',
          },
        },
      }),
    ],
    '1 of 1 pod fails: container app is in CreateContainerConfigError: container has runAsNonRoot and image will run as root',
  ],
  [
    'there is no such program, tried',
    [
      container({
        restartCount: 1,
        state: { waiting: { reason: 'RunContainerError', message: noProgram } },
        lastState: { terminated: { exitCode: 128, reason: 'StartError', message: noProgram } },
      }),
    ],
    noProgramSaid,
  ],
  [
    'there is no such program, waiting',
    [
      container({
        restartCount: 2,
        state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } },
        lastState: { terminated: { exitCode: 128, reason: 'StartError', message: noProgram } },
      }),
    ],
    noProgramSaid,
  ],
  [
    'there is no such program, just ended',
    [
      container({
        restartCount: 2,
        state: { terminated: { exitCode: 128, reason: 'StartError', message: noProgram } },
      }),
    ],
    noProgramSaid,
  ],
  [
    'it ends by itself',
    [restarted(0, { readinessProbe: { tcpSocket: { port: 9090 } } })],
    '1 of 1 pod fails: container app ends by itself (CrashLoopBackOff, last exit code 0, 2 restarts): what a MyApp runs has to keep running',
  ],
  [
    'it may be killed for its liveness',
    [restarted(137, { livenessProbe: { grpc: { port: 9 } } })],
    '1 of 1 pod fails: container app is restarted again and again (CrashLoopBackOff, last exit code 137, 2 restarts): it ends by itself, or does not pass its liveness check (gRPC on port 9)',
  ],
  [
    'it may be killed for either',
    [restarted(0, { startupProbe: { exec: {} }, livenessProbe: { httpGet: { port: 8080 } } })],
    '1 of 1 pod fails: container app is restarted again and again (CrashLoopBackOff, last exit code 0, 2 restarts): it ends by itself, or does not pass its startup check or its liveness check (HTTP GET / on port 8080)',
  ],
  [
    'it crashes and has checks',
    [restarted(1, { livenessProbe: { grpc: { port: 9 } } })],
    '1 of 1 pod fails: container app crashes (CrashLoopBackOff, last exit code 1, 2 restarts): see its log',
  ],
  [
    'some were restarted more often',
    [2, 10, 9].map((restartCount) =>
      container({ restartCount, state: { terminated: { exitCode: 1 } } }),
    ),
    '3 of 3 pods fail: container app crashes (CrashLoopBackOff, last exit code 1, 10 restarts): see its log',
  ],
  ['they run and are not ready', [notReady, notStarted], undefined],
  [
    'a key is missing',
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
    "1 of 1 pod fails: container app is in CreateContainerConfigError: couldn't find key x in Secret default/y",
  ],
  [
    'it crashes, waiting',
    [
      container({
        restartCount: 5,
        state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } },
        lastState: { terminated: { exitCode: 1, reason: 'Error', message: 'secret' } },
      }),
    ],
    '1 of 1 pod fails: container app crashes (CrashLoopBackOff, last exit code 1, 5 restarts): see its log',
  ],
  [
    'it crashes, just ended',
    [container({ restartCount: 1, state: { terminated: { exitCode: 137, reason: 'Error' } } })],
    '1 of 1 pod fails: container app crashes (CrashLoopBackOff, last exit code 137, 1 restart): see its log',
  ],
  [
    'it crashes, between two crashes',
    [
      container({
        restartCount: 2,
        state: { running: {} },
        lastState: { terminated: { exitCode: 1, reason: 'Error' } },
      }),
    ],
    '1 of 1 pod fails: container app crashes (CrashLoopBackOff, last exit code 1, 2 restarts): see its log',
  ],
  [
    'it crashed once and is well',
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
    'memory ran out',
    [container({ restartCount: 3, state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } })],
    '1 of 1 pod fails: container app was ended for using more memory than its limit (OOMKilled, 3 restarts): raise resources.limits.memory',
  ],
  [
    'no node takes it',
    [
      pod({
        conditions: [
          {
            type: 'PodScheduled',
            status: 'False',
            reason: 'Unschedulable',
            message:
              '0/3 nodes are available: 3 Insufficient cpu. no new claims to deallocate, preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.',
          },
        ],
      }),
    ],
    '1 of 1 pod fails: no node takes it (Unschedulable): 0/3 nodes are available: 3 Insufficient cpu',
  ],
  ['one was evicted', [evicted, running], undefined],
  [
    'many were evicted, and the image is not there',
    [evicted, evicted, pulling],
    '1 of 1 pod fails: container app is in ImagePullBackOff: Back-off pulling image "nope:1"',
  ],
  [
    'what fails is on its way out',
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

for (const [when, pods, says] of cases) {
  t.test(`when ${when}: ${says ?? 'no failure'}`, async (t) => {
    t.equal(podFailure(pods), says)
    t.equal(podFailure(pods.toReversed()), says, 'whatever their order')
  })
}

t.test(
  'a check that is not passed is waited for, and fails once there was time enough',
  async (t) => {
    t.equal(
      awaitedCheck([running, notReady]),
      'waiting for container app to pass its readiness check (TCP on port 9090)',
    )
    t.equal(
      awaitedCheck([notStarted]),
      'waiting for container app to pass its startup check (HTTP GET /up on port 9999)',
    )
    t.equal(awaitedCheck([running, starting, pulling]), undefined)
    t.equal(
      podFailure([running, notReady, notReady], true),
      '2 of 3 pods fail: container app runs but does not pass its readiness check (TCP on port 9090)',
    )
    t.equal(
      podFailure([notStarted], true),
      '1 of 1 pod fails: container app runs but does not pass its startup check (HTTP GET /up on port 9999)',
    )
    t.equal(
      podFailure([notReady, pulling, pulling], true),
      '2 of 3 pods fail: container app is in ImagePullBackOff: Back-off pulling image "nope:1"',
    )
  },
)

t.test('pods that have ended are told of, whatever their number', async (t) => {
  t.equal(endedPods([running, pulling, pod({ phase: 'Succeeded' })]), undefined)
  t.equal(
    endedPods([evicted, running]),
    '1 pod has ended (Evicted: The node was low on resource: memory.)',
  )
  t.equal(
    endedPods([
      evicted,
      pod({ phase: 'Failed', reason: 'NodeAffinity', message: 'Pod was rejected' }),
      evicted,
    ]),
    '2 pods have ended (Evicted: The node was low on resource: memory.)',
  )
})
