import t from 'tap'
import type {
  HookRequest,
  ObservedDeployment,
  ObservedPod,
  ObservedService,
} from '../../src/myapp/request.ts'
import { childKinds } from '../../src/myapp/children/index.ts'
import { reasons } from '../../src/myapp/status/reasons.ts'
import { conditions, type ConditionType } from '../../src/api/conditions.ts'
import { Condition } from '../../src/api/myapp.ts'
import { sync } from '../../src/myapp/sync.ts'
import { requestsFor } from '../support/fixtures/every-child.ts'
import { recorded } from '../support/fixtures/recorded.ts'
import { context } from '../support/fixtures/context.ts'

interface Scene {
  request: HookRequest
  deployment: ObservedDeployment
  service: ObservedService
}

/** The recorded request of a running demo-app with 3 replicas, after a change. */
function running(change: (scene: Scene) => void = () => {}): HookRequest {
  const request = recorded('sync-running')
  const deployment = request.children['Deployment.apps/v1']['default/demo-app']
  const service = request.children['Service.v1']['default/demo-app']
  if (deployment === undefined || service === undefined) {
    throw new Error('the recording has no children')
  }
  change({ request, deployment, service })
  return request
}

const replicas = (counts: object) =>
  running(({ deployment }) => Object.assign(deployment.status ?? {}, counts))
const withReplicas = (desired: number, counts: object) =>
  running(({ request, deployment }) => {
    Object.assign(request.parent.spec as object, { replicas: desired })
    if (desired < 2) Object.assign(request.children, { 'PodDisruptionBudget.policy/v1': {} })
    deployment.spec.replicas = desired
    Object.assign(deployment.status ?? {}, counts)
  })
const ofReplicaSet = { ownerReferences: [{ uid: 'replica-set', controller: true }] }
/**
 * A rollout that has created all its new pods, each in the given state. As many old pods are
 * available. A foreign pod with the same labels does not count.
 */
const surged = (state: object, desired = 1, paused = false) =>
  running(({ request, deployment }) => {
    Object.assign(request.parent.spec as object, { replicas: desired })
    Object.assign(deployment.spec, { replicas: desired, ...(paused && { paused }) })
    Object.assign(deployment.status ?? {}, {
      replicas: 2 * desired,
      updatedReplicas: desired,
      availableReplicas: desired,
      readyReplicas: desired,
    })
    const pods = Array.from({ length: 2 * desired }, (_, index): ObservedPod => ({
      metadata: { name: `p${index}`, namespace: 'default', uid: `p${index}`, ...ofReplicaSet },
      spec: { containers: [{ name: 'app', readinessProbe: { tcpSocket: { port: 80 } } }] },
      status: {
        containerStatuses: [
          index < desired
            ? { name: 'app', ready: true, state: { running: {} } }
            : { name: 'app', ready: false, restartCount: 2, state },
        ],
      },
    }))
    const byHand: ObservedPod = {
      metadata: { name: 'by-hand', namespace: 'default', uid: 'by-hand' },
      status: { containerStatuses: [{ name: 'app', ready: false, restartCount: 2, state }] },
    }
    request.related['Pod.v1'] = Object.fromEntries(
      [...pods, byHand].map((pod) => [`default/${pod.metadata.name}`, pod]),
    )
  })
const withSpec = (spec: object) =>
  running(({ request }) => Object.assign(request.parent.spec as object, spec))
const withoutOneVariable = () => withSpec({ env: [{ name: 'LOG_LEVEL', value: 'info' }] })

/** The Deployment as server-side apply leaves it: managedFields, no last-applied annotation. */
function serverSideApplied(request: HookRequest, ...owned: string[]): HookRequest {
  const deployment = request.children['Deployment.apps/v1'][
    'default/demo-app'
  ] as ObservedDeployment
  const [container] = deployment.spec.template.spec.containers as unknown as Array<{
    env: Array<{ name: string }>
  }>
  const names = owned.length > 0 ? owned : (container?.env.map(({ name }) => name) ?? [])
  const variables = Object.fromEntries(
    names.map((name) => [`k:{"name":"${name}"}`, { '.': {}, 'f:name': {}, 'f:value': {} }]),
  )
  const app = { '.': {}, 'f:name': {}, 'f:image': {}, 'f:env': { '.': {}, ...variables } }
  delete deployment.metadata.annotations
  deployment.metadata.managedFields = [
    {
      manager: 'metacontroller',
      operation: 'Apply',
      fieldsV1: {
        'f:metadata': { 'f:ownerReferences': {} },
        'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"app"}': app } } } },
      },
    },
  ]
  return request
}
const suspended = (counts: object) =>
  running(({ request, deployment }) => {
    Object.assign(request.parent.spec as object, { suspend: true })
    deployment.spec.replicas = 0
    Object.assign(deployment.status ?? {}, counts)
  })
const pastDeadline = (counts: object) =>
  running(({ deployment }) => {
    Object.assign(deployment.status ?? {}, counts)
    deployment.status?.conditions?.splice(0, Infinity, {
      type: 'Progressing',
      status: 'False',
      reason: 'ProgressDeadlineExceeded',
      message: 'ReplicaSet "x" has timed out progressing.',
    })
  })
const condition = (condition: { type: string; status: string; reason: string; message: string }) =>
  running(({ deployment }) => {
    const { conditions = [] } = deployment.status ?? {}
    conditions.splice(
      0,
      conditions.length,
      ...conditions.filter(({ type }) => type !== condition.type),
      condition,
    )
  })
const related = (change: (object: HookRequest) => void) => {
  const request = recorded('sync-names-taken-by-others')
  change(request)
  return request
}

const cases: Array<{
  when: string
  request: HookRequest
  reason: keyof typeof reasons
  message: string | RegExp
  ready: string
}> = [
  {
    when: 'nothing exists yet',
    request: recorded('sync-new'),
    reason: 'Creating',
    message: 'Creating Deployment, Service and PodDisruptionBudget demo-app',
    ready: '0/3',
  },
  {
    when: 'the Service was deleted',
    request: running(({ request }) => {
      request.children['Service.v1'] = {}
    }),
    reason: 'Creating',
    message: 'Creating Service demo-app',
    ready: '3/3',
  },
  {
    when: 'the Deployment controller has not observed the Deployment yet',
    request: recorded('sync-children-created'),
    reason: 'Updating',
    message: 'Waiting for the Deployment controller to observe Deployment demo-app',
    ready: '0/3',
  },
  {
    when: 'pods start',
    request: recorded('sync-rolling-out'),
    reason: 'ReplicasUnavailable',
    message: '1 of 3 replicas are available',
    ready: '1/3',
  },
  {
    when: 'all pods are available',
    request: recorded('sync-running'),
    reason: 'AllReplicasAvailable',
    message: '3 of 3 replicas are available',
    ready: '3/3',
  },
  {
    when: 'replicas changed and the Deployment has not changed yet',
    request: recorded('sync-scaled-spec'),
    reason: 'Updating',
    message: 'Updating Deployment demo-app to match the spec',
    ready: '3/5',
  },
  {
    when: 'the image changed and the Deployment has not changed yet',
    request: running(({ request }) =>
      Object.assign(request.parent.spec as object, { image: 'nginx:2' }),
    ),
    reason: 'Updating',
    message: 'Updating Deployment demo-app to match the spec',
    ready: '3/3',
  },
  {
    when: 'a pod annotation changed and the Deployment has not changed yet',
    request: withSpec({ podAnnotations: { note: 'x' } }),
    reason: 'Updating',
    message: 'Updating Deployment demo-app to match the spec',
    ready: '3/3',
  },
  {
    when: 'a removed variable still exists',
    request: withoutOneVariable(),
    reason: 'Updating',
    message: 'Updating Deployment demo-app to match the spec',
    ready: '3/3',
  },
  {
    when: 'a removed variable still exists under server-side apply',
    request: serverSideApplied(withoutOneVariable()),
    reason: 'Updating',
    message: 'Updating Deployment demo-app to match the spec',
    ready: '3/3',
  },
  {
    when: 'a foreign variable exists under server-side apply',
    request: serverSideApplied(withoutOneVariable(), 'LOG_LEVEL'),
    reason: 'AllReplicasAvailable',
    message: '3 of 3 replicas are available',
    ready: '3/3',
  },
  {
    when: 'a new image rolls out',
    request: recorded('sync-image-rollout-in-progress'),
    reason: 'RollingOut',
    message: '2 of 5 replicas are updated',
    ready: '7/5',
  },
  {
    when: 'old pods remain and new pods may not be available yet',
    request: replicas({ replicas: 5 }),
    reason: 'RollingOut',
    message: '3 of 3 replicas are updated, 2 old replicas stay until new ones are available',
    ready: '3/3',
  },
  {
    when: 'every new pod is available and old pods remain',
    request: replicas({ replicas: 4, availableReplicas: 4 }),
    reason: 'RollingOut',
    message: '3 of 3 replicas are updated, 1 old replica is being deleted',
    ready: '3/3',
  },
  {
    when: 'the one new pod fails beside the old one',
    request: surged({ waiting: { reason: 'ImagePullBackOff', message: 'not found' } }),
    reason: 'PodsFailing',
    message: '1 of 2 pods fails: container app is in ImagePullBackOff: not found',
    ready: '1/1',
  },
  {
    when: 'the one new pod has not passed its probe beside the old one',
    request: surged({ running: {} }),
    reason: 'RollingOut',
    message:
      '1 of 1 replica is updated, 1 old replica stays until new ones are available: waiting ' +
      'for container app to pass its readiness probe (TCP on port 80)',
    ready: '1/1',
  },
  {
    when: 'all new pods of three fail beside the old ones',
    request: surged({ terminated: { exitCode: 3 } }, 3),
    reason: 'PodsFailing',
    message:
      '3 of 6 pods fail: container app crashes (CrashLoopBackOff, last exit code 3, 2 ' +
      'restarts): see its log',
    ready: '3/3',
  },
  {
    when: 'a paused rollout has created all its new pods',
    request: surged({ running: {} }, 1, true),
    reason: 'RolloutPaused',
    message:
      '1 of 1 replica is updated and the rollout is paused: run kubectl rollout resume ' +
      'deployment/demo-app',
    ready: '1/1',
  },
  {
    when: 'it scales to zero during a rollout',
    request: withReplicas(0, { updatedReplicas: 1, availableReplicas: 1, readyReplicas: 1 }),
    reason: 'ScalingDown',
    message: '3 of 3 pods are being deleted',
    ready: '1/0',
  },
  {
    when: 'somebody paused the rollout',
    request: running(({ deployment }) => {
      deployment.spec.paused = true
      Object.assign(deployment.status ?? {}, { updatedReplicas: 1 })
    }),
    reason: 'RolloutPaused',
    message:
      '1 of 3 replicas are updated and the rollout is paused: run kubectl rollout resume ' +
      'deployment/demo-app',
    ready: '3/3',
  },
  {
    when: 'a pod is lost',
    request: replicas({ availableReplicas: 2, readyReplicas: 2 }),
    reason: 'ReplicasUnavailable',
    message: '2 of 3 replicas are available',
    ready: '2/3',
  },
  {
    when: 'the MyApp scales down',
    request: withReplicas(2, { replicas: 3, updatedReplicas: 3 }),
    reason: 'ScalingDown',
    message: '1 of 3 pods is being deleted',
    ready: '3/2',
  },
  {
    when: 'it scales to zero',
    request: withReplicas(0, {}),
    reason: 'ScalingDown',
    message: '3 of 3 pods are being deleted',
    ready: '3/0',
  },
  {
    when: 'it has scaled to zero',
    request: withReplicas(0, {
      replicas: 0,
      readyReplicas: 0,
      updatedReplicas: 0,
      availableReplicas: 0,
    }),
    reason: 'ScaledToZero',
    message: 'Scaled to zero: no pods run',
    ready: '0/0',
  },
  {
    when: 'a quota refuses pods',
    request: condition({
      type: 'ReplicaFailure',
      status: 'True',
      reason: 'FailedCreate',
      message: 'pods "x" is forbidden: exceeded quota: few',
    }),
    reason: 'ReplicaFailure',
    message: 'Pods cannot be created: pods "x" is forbidden: exceeded quota: few',
    ready: '3/3',
  },
  ...[
    'pods "x-" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation',
    'pods "x-" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi',
    'pods "x-" is forbidden: error looking up service account default/a: serviceaccount "a" not ' +
      'found',
    'Internal error occurred: failed calling webhook "policy.example.com": connection refused',
    'pods "x-" is forbidden: no PriorityClass with name high was found',
  ].map((message): (typeof cases)[number] => ({
    when: `no pod can be created, ${message}`,
    request: condition({
      type: 'ReplicaFailure',
      status: 'True',
      reason: 'FailedCreate',
      message,
    }),
    reason: 'ReplicaFailure',
    message: `Pods cannot be created: ${message}`,
    ready: '3/3',
  })),
  ...[0, 1].map((unobserved): (typeof cases)[number] => ({
    when: `the ReplicaSet is refused (unobserved generations: ${unobserved})`,
    request: running(({ deployment: { metadata, status } }) => {
      metadata.generation = (metadata.generation ?? 0) + unobserved
      if (unobserved === 0) Object.assign(status ?? {}, { updatedReplicas: 0 })
      const progress = status?.conditions?.find(({ type }) => type === 'Progressing')
      Object.assign(progress ?? {}, {
        status: 'False',
        reason: 'ReplicaSetCreateError',
        message: 'Failed to create new replica set "demo-app-1": exceeded quota: few',
      })
    }),
    reason: 'ReplicaFailure',
    message:
      'Pods cannot be created: Failed to create new replica set "demo-app-1": exceeded quota: few',
    ready: '3/3',
  })),
  {
    when: 'a refused pod template was reverted, and the condition has stayed',
    request: running(({ deployment: { status } }) => {
      const progress = status?.conditions?.find(({ type }) => type === 'Progressing')
      Object.assign(progress ?? {}, { status: 'False', reason: 'ReplicaSetCreateError' })
    }),
    reason: 'AllReplicasAvailable',
    message: '3 of 3 replicas are available',
    ready: '3/3',
  },
  {
    when: 'it has scaled to zero, and Kubernetes does not report terminating pods',
    request: withReplicas(0, {
      replicas: 0,
      readyReplicas: 0,
      updatedReplicas: 0,
      availableReplicas: 0,
      terminatingReplicas: undefined,
    }),
    reason: 'ScaledToZero',
    message: 'Scaled to zero: the Deployment has no replicas',
    ready: '0/0',
  },
  {
    when: 'a Secret is missing, and no pod exists',
    request: running(({ request, deployment }) => {
      Object.assign(request.parent.spec as object, { envFrom: [{ secretRef: { name: 'db' } }] })
      Object.assign(deployment.status ?? {}, { replicas: 0, readyReplicas: 0 })
    }),
    reason: 'ConfigMissing',
    message: 'Secret db not found: no pod is started until it exists',
    ready: '0/3',
  },
  {
    when: 'the progress deadline is missed',
    request: pastDeadline({ readyReplicas: 2, availableReplicas: 2 }),
    reason: 'ProgressDeadlineExceeded',
    message: /stuck with 2 of 3 replicas available: ReplicaSet "x" has timed out/,
    ready: '2/3',
  },
  {
    when: 'the progress deadline was missed, and all pods have become available since',
    request: pastDeadline({}),
    reason: 'AllReplicasAvailable',
    message: '3 of 3 replicas are available',
    ready: '3/3',
  },
  {
    when: 'the Service port was edited',
    request: recorded('sync-service-port-edited-by-hand'),
    reason: 'Updating',
    message: 'Updating Service demo-app to match the spec',
    ready: '5/5',
  },
  {
    when: 'the Service selects a label that the pods lack',
    request: running(({ service }) => {
      service.spec.selector = { app: 'demo-app', stray: 'x' }
    }),
    reason: 'Updating',
    message: 'Updating Service demo-app to match the spec',
    ready: '3/3',
  },
  {
    when: 'foreign objects have the names of the children',
    request: recorded('sync-names-taken-by-others'),
    reason: 'NameConflict',
    message:
      'Deployment and Service taken already exist and do not belong to this MyApp: delete ' +
      'them, or create the MyApp with another name',
    ready: '0/1',
  },
  {
    when: 'the foreign objects with its name are being deleted',
    request: related(({ related }) => {
      for (const group of Object.values(related)) {
        for (const object of Object.values(group)) {
          object.metadata.deletionTimestamp = '2026-11-23T09:37:17Z'
        }
      }
    }),
    reason: 'Creating',
    message: 'Waiting for an older Deployment and Service taken to be deleted',
    ready: '0/1',
  },
  {
    when: 'the objects with its name are about to be adopted',
    request: related(({ related, parent }) => {
      for (const group of Object.values(related)) {
        for (const object of Object.values(group)) {
          object.metadata.labels = { 'controller-uid': parent.metadata.uid }
        }
      }
    }),
    reason: 'Creating',
    message: 'Creating Deployment and Service taken',
    ready: '0/1',
  },
  ...(['Deployment', 'Service'] as const).map((kind) => ({
    when: `the ${kind} is being deleted`,
    request: running(({ deployment, service }) => {
      ;(kind === 'Service' ? service : deployment).metadata.deletionTimestamp =
        '2026-11-23T12:20:00Z'
    }),
    reason: 'Updating' as const,
    message: `${kind} demo-app is being deleted and will be recreated`,
    ready: '3/3',
  })),
  {
    when: 'it is suspended',
    request: suspended({ replicas: 0, readyReplicas: 0, updatedReplicas: 0, availableReplicas: 0 }),
    reason: 'Suspended',
    message: 'Suspended: no pods run while spec.suspend is true',
    ready: '0/0',
  },
  {
    when: 'it is suspended, and a pod has not ended yet',
    request: suspended({
      replicas: 0,
      readyReplicas: 0,
      updatedReplicas: 0,
      availableReplicas: 0,
      terminatingReplicas: 1,
    }),
    reason: 'ScalingDown',
    message: '1 pod is terminating',
    ready: '0/0',
  },
  {
    when: 'it is being suspended',
    request: suspended({}),
    reason: 'ScalingDown',
    message: '3 of 3 pods are being deleted',
    ready: '3/0',
  },
  {
    when: 'it is paused',
    request: withSpec({ paused: true, image: 'nginx:2', replicas: 7 }),
    reason: 'Paused',
    message: 'Paused: no child is changed while spec.paused is true. 3 of 3 replicas are available',
    ready: '3/3',
  },
  {
    when: 'a Secret is missing',
    request: withSpec({
      env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } }],
    }),
    reason: 'ConfigMissing',
    message: 'Secret db not found: running pods are not changed until it exists',
    ready: '3/3',
  },
  {
    when: 'the gateway component is not installed',
    request: withSpec({ gateway: { parentRefs: [{ name: 'public' }] } }),
    reason: 'GatewayNotEnabled',
    message: /install the gateway component/,
    ready: '3/3',
  },
  {
    when: 'the gateway component and a Secret are missing',
    request: withSpec({
      gateway: { parentRefs: [{ name: 'public' }] },
      envFrom: [{ secretRef: { name: 'db' } }],
    }),
    reason: 'ConfigMissing',
    message: 'Secret db not found: running pods are not changed until it exists',
    ready: '3/3',
  },
  {
    when: 'pods crash',
    request: running(({ request, deployment }) => {
      Object.assign(deployment.status ?? {}, { availableReplicas: 1, readyReplicas: 1 })
      for (const pod of Object.values(request.related['Pod.v1'] ?? {}).slice(1)) {
        Object.assign(pod.status ?? {}, {
          containerStatuses: [
            {
              name: 'app',
              ready: false,
              restartCount: 4,
              state: { terminated: { exitCode: 3, reason: 'Error' } },
            },
          ],
        })
      }
    }),
    reason: 'PodsFailing',
    message:
      '2 of 3 pods fail: container app crashes (CrashLoopBackOff, last exit code 3, 4 ' +
      'restarts): see its log',
    ready: '1/3',
  },
  {
    when: 'a pod runs and has not passed its readiness probe',
    request: running(({ request, deployment }) => {
      Object.assign(deployment.status ?? {}, { availableReplicas: 2, readyReplicas: 2 })
      for (const pod of Object.values(request.related['Pod.v1'] ?? {}).slice(2)) {
        pod.spec = { containers: [{ name: 'app', readinessProbe: { tcpSocket: { port: 80 } } }] }
        Object.assign(pod.status ?? {}, {
          containerStatuses: [
            { name: 'app', ready: false, started: true, restartCount: 0, state: { running: {} } },
          ],
        })
      }
    }),
    reason: 'ReplicasUnavailable',
    message:
      '2 of 3 replicas are available: waiting for container app to pass its readiness probe ' +
      '(TCP on port 80)',
    ready: '2/3',
  },
  {
    when: 'the stored spec is invalid and no pods run',
    request: recorded('sync-invalid-stored-spec'),
    reason: 'InvalidSpec',
    message:
      'spec.replicas: must be at most 100, got 500; nothing is created until the spec is fixed',
    ready: '0/0',
  },
  {
    when: 'the spec turned invalid',
    request: running(({ request }) => {
      request.parent.spec = { image: 'a b' }
    }),
    reason: 'InvalidSpec',
    message:
      'spec.image: invalid value "a b": must be an image without white space, such as ' +
      'nginx:1.29; running pods are not changed until the spec is fixed',
    ready: '3/3',
  },
]

t.test('a paused MyApp waits until a change of its Deployment is observed', async (t) => {
  const request = running(({ request, deployment: { metadata } }) => {
    Object.assign(request.parent.spec as object, { paused: true })
    metadata.generation = (metadata.generation ?? 0) + 1
  })
  t.match(sync(request, context).status, {
    phase: 'Pending',
    message:
      'Paused: no child is changed while spec.paused is true. ' +
      'Waiting for the Deployment controller to observe Deployment demo-app',
  })
})

for (const { when, request, reason, message, ready } of cases) {
  t.test(`when ${when}: ${reason}`, async (t) => {
    const { status } = sync(request, context)
    t.match(
      { phase: status.phase, message: status.message, ready: status.ready },
      { phase: reasons[reason].phase, message, ready },
    )
    const conditions = Object.fromEntries(
      (status.conditions ?? [])
        .slice(0, 3)
        .map(({ type, status, reason }) => [type, { status, reason }]),
    )
    const is = (phase: string) => ({
      status: reasons[reason].phase === phase ? 'True' : 'False',
      reason,
    })
    if (reason === 'Paused') return // A paused MyApp has the phase of its pods.
    t.strictSame(conditions, {
      Ready: is('Running'),
      Reconciling: is('Pending'),
      Stalled: is('Failed'),
    })
  })
}

t.test('the cases above have every reason except Terminating', async (t) => {
  const shown = new Set(cases.map(({ reason }) => reason))
  t.strictSame(
    Object.keys(reasons).filter((reason) => !shown.has(reason as keyof typeof reasons)),
    ['Terminating'],
  )
})

t.test('lastTransitionTime changes only with the status of its condition', async (t) => {
  const first = sync(running(), context).status.conditions ?? []
  const later = running(({ request, deployment }) => {
    request.parent.status = { conditions: first }
    deployment.metadata.managedFields?.push({ time: '2026-11-24T00:00:00Z' })
  })
  t.strictSame(sync(later, context).status.conditions, first, 'still running: no change')
  Object.assign(later.children['Deployment.apps/v1']['default/demo-app']?.status ?? {}, {
    availableReplicas: 1,
  })
  const times = Object.fromEntries(
    (sync(later, context).status.conditions ?? [])
      .slice(0, 3)
      .map(({ type, lastTransitionTime }) => [type, lastTransitionTime]),
  )
  t.strictSame(
    times,
    {
      Ready: '2026-11-24T00:00:00Z',
      Reconciling: '2026-11-24T00:00:00Z',
      Stalled: first[2]?.lastTransitionTime,
    },
    'the newest time in the request',
  )
})

t.test('an invalid spec keeps the conditions of the running pods and their times', async (t) => {
  const request = running(({ request: { children } }) => {
    const metadata = { name: 'demo-app', namespace: 'default', uid: 'h' }
    children['HorizontalPodAutoscaler.autoscaling/v2'] = {
      'default/demo-app': {
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        metadata,
        spec: {},
        status: { conditions: [{ type: 'ScalingActive', status: 'True' }] },
      },
    }
  })
  const before = sync(request, context).status
  request.parent.status = {
    conditions: (before.conditions ?? []).map((condition) => ({
      ...condition,
      lastTransitionTime: '2026-01-01T00:00:00Z',
    })),
  }
  request.parent.spec = { image: '' }
  const { address, conditions = [] } = sync(request, context).status
  t.equal(address, 'http://demo-app.default.svc:80')
  t.match(conditions.slice(3), [
    { type: 'Available', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' },
    { type: 'Scaled', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' },
  ])
})

t.test('Reconciling and Stalled refer to the message of Ready', async (t) => {
  for (const request of [recorded('sync-rolling-out'), recorded('sync-names-taken-by-others')]) {
    const { message = '', conditions = [] } = sync(request, context).status
    t.strictSame(
      conditions.filter((condition) => condition.message === message).map(({ type }) => type),
      ['Ready'],
    )
    t.match(
      conditions.filter(({ type, status }) => type !== 'Ready' && status === 'True'),
      [{ message: 'See condition Ready' }],
    )
  }
})

t.test('names minReadySeconds while ready pods are not yet available', async (t) => {
  const request = replicas({ availableReplicas: 0 })
  Object.assign(request.parent.spec as object, { minReadySeconds: 30 })
  const deployment = request.children['Deployment.apps/v1']['default/demo-app']
  Object.assign(deployment?.spec ?? {}, { minReadySeconds: 30 })
  t.equal(
    sync(request, context).status.message,
    '0 of 3 replicas are available: waiting for ready pods to stay ready for 30 s ' +
      '(minReadySeconds)',
  )
})

t.test('old restarts do not hide why pods are not ready now', async (t) => {
  const request = replicas({ availableReplicas: 0, readyReplicas: 0 })
  for (const [index, pod] of Object.values(request.related['Pod.v1'] ?? {}).entries()) {
    pod.spec = { containers: [{ name: 'app', readinessProbe: { tcpSocket: { port: 80 } } }] }
    Object.assign(pod.status ?? {}, {
      containerStatuses: [
        {
          name: 'app',
          ready: false,
          started: true,
          restartCount: index === 0 ? 1 : 0,
          state: { running: { startedAt: '2026-11-02T12:00:00Z' } },
          ...(index === 0 && {
            lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
          }),
        },
      ],
    })
  }
  t.match(sync(request, context).status, {
    message:
      '0 of 3 replicas are available: waiting for container app to pass its readiness probe ' +
      '(TCP on port 80)',
    conditions: [{ reason: 'ReplicasUnavailable' }],
  })
})

t.test('bounds the length of reasons and messages', async (t) => {
  const maxLength = (field: 'reason' | 'message') =>
    (Condition.properties[field] as { maxLength?: number }).maxLength
  const { message = '', conditions = [] } = sync(
    condition({
      type: 'Available',
      status: 'False',
      reason: 'R'.repeat(5000),
      message: 'x'.repeat(40_000),
    }),
    context,
  ).status
  const available = conditions.find(({ type }) => type === 'Available')
  t.equal(available?.reason.length, maxLength('reason'))
  t.equal(available?.message.length, maxLength('message'))
  t.ok(message.length <= 32_768)
  const refused = condition({
    type: 'ReplicaFailure',
    status: 'True',
    reason: 'FailedCreate',
    message: 'x'.repeat(40_000),
  })
  t.ok((sync(refused, context).status.message ?? '').length < 2000)
})

t.test('lastTransitionTime is the newest time of any child or related object', async (t) => {
  const flipped = (time: string, change: (scene: Scene) => void) =>
    t.equal(
      sync(
        running((scene) => {
          scene.request.parent.status = {
            conditions: sync(running(), context).status.conditions ?? [],
          }
          Object.assign(scene.deployment.status ?? {}, { availableReplicas: 1 })
          change(scene)
        }),
        context,
      ).status.conditions?.[0]?.lastTransitionTime,
      time,
    )
  flipped('2026-11-25T00:00:00Z', ({ request }) =>
    Object.values(request.related['Pod.v1'] ?? {})[0]?.status?.conditions?.push({
      type: 'Ready',
      status: 'False',
      lastTransitionTime: '2026-11-25T00:00:00Z',
    }),
  )
  flipped('2026-11-25T00:00:00Z', ({ request }) => {
    const [pod] = Object.values(request.related['Pod.v1'] ?? {})
    pod?.status?.conditions?.push({
      type: 'Ready',
      status: 'False',
      lastTransitionTime: '2026-11-25T00:00:00Z',
    })
    Object.assign(pod?.metadata ?? {}, {
      deletionTimestamp: '2027-01-01T00:00:00Z',
      deletionGracePeriodSeconds: 3_000_000,
    })
  })
  flipped('2026-11-26T00:00:00Z', ({ request }) => {
    request.related['ConfigMap.v1'] = {
      'default/a': {
        metadata: {
          name: 'a',
          namespace: 'default',
          uid: 'a',
          managedFields: [{ time: '2026-11-26T00:00:00Z' }],
        },
      },
    }
  })
  flipped('2026-11-27T00:00:00Z', ({ request }) => {
    const metadata = { name: 'demo-app', namespace: 'default', uid: 'h' }
    request.children['HorizontalPodAutoscaler.autoscaling/v2'] = {
      'default/demo-app': {
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        metadata,
        spec: {},
        status: {
          conditions: [
            { type: 'ScalingActive', status: 'True', lastTransitionTime: '2026-11-27T00:00:00Z' },
            { type: 'AbleToScale', status: 'True', lastTransitionTime: 'now' },
          ],
        },
      },
    }
  })
})

for (const { kind, gvk, optional } of childKinds) {
  if (optional === undefined) continue
  t.test(`a condition names the missing component ${optional.component}`, async (t) => {
    const request = running(({ request: { parent, children } }) => {
      Object.assign(parent.spec as object, requestsFor[kind])
      Reflect.deleteProperty(children, gvk)
    })
    const reports = (sync(request, context).status.conditions ?? []).filter(
      ({ status, message }) => status === 'False' && message === optional.message,
    )
    const ready = reports.find(({ type }) => type === 'Ready')
    t.equal(ready?.reason, optional.reason, 'the reason of Ready')
    if (optional.reason !== undefined) return
    t.ok(
      reports.some(({ type }) => conditions[type as ConditionType].exists !== 'always'),
      'another condition, as optional.reason is undefined',
    )
  })
}
