import t from 'tap'
import { podFailure } from '../../src/myapp/pod-failure.ts'
import type { ObservedPod } from '../../src/myapp/request.ts'

const pod = (status: ObservedPod['status'], deletionTimestamp?: string): ObservedPod =>
  ({ metadata: { name: 'p', namespace: 'default', uid: 'u', ...deletionTimestamp !== undefined && { deletionTimestamp } }, ...status && { status } })
const container = (status: object) => pod({ containerStatuses: [{ name: 'app', ready: false, restartCount: 0, ...status }] })
const running = container({ ready: true, state: { running: {} } })
const starting = container({ state: { waiting: { reason: 'ContainerCreating' } } })
const pulling = container({ state: { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image "nope:1"' } } })

const cases: Array<[when: string, pods: ObservedPod[], says: string | undefined]> = [
  ['there are none', [], undefined],
  ['all run', [running, running], undefined],
  ['they only start', [starting, pod({ phase: 'Pending' })], undefined],
  ['the image is not there', [pulling, pulling, running], '2 of 3 pods fail: container app is in ImagePullBackOff: Back-off pulling image "nope:1"'],
  ['a key is missing', [container({ state: { waiting: { reason: 'CreateContainerConfigError', message: 'couldn\'t find key x in Secret default/y' } } })], '1 of 1 pod fails: container app is in CreateContainerConfigError: couldn\'t find key x in Secret default/y'],
  ['it crashes, waiting', [container({ restartCount: 5, state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } }, lastState: { terminated: { exitCode: 1, reason: 'Error', message: 'secret' } } })], '1 of 1 pod fails: container app crashes (CrashLoopBackOff, last exit code 1, 5 restarts): see its log'],
  ['it crashes, just ended', [container({ restartCount: 1, state: { terminated: { exitCode: 137, reason: 'Error' } } })], '1 of 1 pod fails: container app crashes (CrashLoopBackOff, last exit code 137, 1 restart): see its log'],
  ['it crashes, between two crashes', [container({ restartCount: 2, state: { running: {} }, lastState: { terminated: { exitCode: 1, reason: 'Error' } } })], '1 of 1 pod fails: container app crashes (CrashLoopBackOff, last exit code 1, 2 restarts): see its log'],
  ['it crashed once and is well', [container({ ready: true, restartCount: 1, state: { running: {} }, lastState: { terminated: { exitCode: 1 } } })], undefined],
  ['memory ran out', [container({ restartCount: 3, state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } })], '1 of 1 pod fails: container app was ended for using more memory than its limit (OOMKilled, 3 restarts): raise resources.limits.memory'],
  ['no node takes it', [pod({ conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available: 3 Insufficient cpu.' }] })], '1 of 1 pod fails: no node takes it (Unschedulable): 0/3 nodes are available: 3 Insufficient cpu.'],
  ['it was evicted', [pod({ phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' }), running], '1 of 2 pods fails: Evicted: The node was low on resource: memory.'],
  ['what fails is on its way out', [pod({ containerStatuses: [{ name: 'app', state: { waiting: { reason: 'ErrImagePull' } } }] }, '2026-01-01T00:00:00Z'), running], undefined],
]

for (const [when, pods, says] of cases) {
  t.test(`when ${when}: ${says ?? 'no failure'}`, async (t) => {
    t.equal(podFailure(pods), says)
    t.equal(podFailure(pods.toReversed()), says, 'whatever their order')
  })
}
