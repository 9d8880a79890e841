import fc from 'fast-check'
import t from 'tap'
import { findingNames, inspectionGvk, type InspectionStatus } from '../../src/api/inspection.ts'
import { inspectionRequestValidator } from '../../src/myapp/compiled.ts'
import { applyStrategyAnnotation, customize } from '../../src/myapp/customize.ts'
import { finalize } from '../../src/myapp/finalize.ts'
import { findingsOf } from '../../src/myapp/findings.ts'
import {
  customizeInspection,
  inspect,
  type InspectionRequest,
} from '../../src/myapp/inspection-hooks.ts'
import type { HookRequest, ObservedDeployment, ObservedPod } from '../../src/myapp/request.ts'
import { sync } from '../../src/myapp/sync.ts'
import { recorded } from '../support/fixtures/recorded.ts'

const key = 'default/demo-app'
const at = (time: string) => Date.parse(`2026-11-23T12:${time}Z`)

/** A recorded request after a change. Its CompositeController declares inspections. */
function moment(name: string, change: (request: HookRequest) => void = () => {}): HookRequest {
  const request = recorded(name)
  Object.assign(request.children, { [inspectionGvk]: {} })
  request.related = {}
  change(request)
  return request
}

const deploymentOf = (request: HookRequest) =>
  request.children['Deployment.apps/v1'][key] as ObservedDeployment

/** Adds an inspection as Metacontroller observes it. */
const withInspection =
  (status: InspectionStatus, created = '2026-11-23T12:17:40Z') =>
  ({ children }: HookRequest) => {
    Object.assign(children, {
      [inspectionGvk]: {
        [key]: {
          apiVersion: 'example.com/v1',
          kind: 'MyAppInspection',
          metadata: {
            name: 'demo-app',
            namespace: 'default',
            uid: 'i',
            creationTimestamp: created,
          },
          spec: { pods: true, missing: [] },
          status,
        },
      },
    })
  }

const answer = (request: HookRequest, time: string) => {
  const { status, children, resyncAfterSeconds } = sync(request, { now: at(time) })
  const inspection = children.find(({ kind }) => kind === 'MyAppInspection')
  return { status, inspection, resyncAfterSeconds }
}

// The Deployment was written at 12:17:32 and its status at 12:17:33, with 1 of 3 pods available.
const rollingOut = 'sync-rolling-out'

t.test('a healthy MyApp has no inspection and no resync', async (t) => {
  t.match(answer(moment('sync-running'), '30:00'), {
    inspection: undefined,
    resyncAfterSeconds: undefined,
  })
})

t.test('pods that do not become ready are inspected after a delay', async (t) => {
  const early = answer(moment(rollingOut), '17:34')
  t.equal(early.inspection, undefined)
  t.equal(early.resyncAfterSeconds, 1)
  const late = answer(moment(rollingOut), '17:35')
  t.match(late.inspection, {
    metadata: { name: 'demo-app', namespace: 'default', labels: { app: 'demo-app' } },
  })
  t.strictSame(late.inspection?.spec, { pods: true, missing: [] })
  t.equal(late.resyncAfterSeconds, 30, 'soon, because the inspection depends on the time')
})

t.test('a slow control plane extends the delay up to a maximum', async (t) => {
  const slow = (progressed: string) =>
    moment(rollingOut, (request) => {
      const { metadata, status } = deploymentOf(request)
      Object.assign(status ?? {}, { availableReplicas: 0, readyReplicas: 0 })
      for (const entry of metadata.managedFields ?? []) {
        if (entry.subresource === 'status') entry.time = `2026-11-23T12:${progressed}Z`
      }
    })
  // The status followed the spec after 5 s. The delay is 2 s plus that time.
  t.equal(answer(slow('17:37'), '17:43').resyncAfterSeconds, 1)
  t.ok(answer(slow('17:37'), '17:44').inspection)
  // The status followed after 30 s. The delay has a maximum.
  t.equal(answer(slow('18:02'), '18:31').inspection, undefined)
  t.ok(answer(slow('18:02'), '18:32').inspection)
})

t.test('old pods that do not terminate are inspected, also with Recreate', async (t) => {
  const request = moment(rollingOut, (request) => {
    const deployment = deploymentOf(request)
    Object.assign(request.parent.spec as object, { strategy: { type: 'Recreate' } })
    deployment.spec.strategy = { type: 'Recreate' }
    deployment.status = { observedGeneration: deployment.metadata.generation ?? 0, replicas: 0 }
  })
  t.match(answer(request, '17:50').inspection?.spec, { pods: true })
  Object.assign(deploymentOf(request).status ?? {}, { terminatingReplicas: 0 })
  t.equal(answer(request, '17:50').inspection, undefined)
  deploymentOf(request).spec.strategy = { type: 'RollingUpdate' }
  Object.assign(deploymentOf(request).status ?? {}, { terminatingReplicas: 1 })
  t.match(answer(request, '17:50').inspection?.spec, { pods: true })
})

t.test('reports a restart for ten minutes', async (t) => {
  const crashed = {
    containerStatuses: [
      {
        name: 'app',
        ready: false,
        restartCount: 1,
        state: { running: { startedAt: '2026-11-23T12:00:00Z' } },
        lastState: { terminated: { exitCode: 1, reason: 'Error' } },
      },
    ],
  }
  const at = (now: string) =>
    inspect(
      inspectionRequest({ pods: true, missing: [] }, { 'Pod.v1': { p: pod('p', crashed) } }),
      {
        now: Date.parse(now),
      },
    ).status.failing
  t.match(at('2026-11-23T12:10:00Z'), /crashes/)
  t.equal(at('2026-11-23T12:10:01Z'), undefined)
})

t.test('needs no inspection while the Deployment is stale or has no pods', async (t) => {
  const changed = (change: (deployment: ObservedDeployment) => void) =>
    moment(rollingOut, (request) => change(deploymentOf(request)))
  const stale = changed(({ status }) => Object.assign(status ?? {}, { observedGeneration: 0 }))
  const withoutPods = changed(({ status }) => Object.assign(status ?? {}, { replicas: 0 }))
  for (const request of [stale, withoutPods]) {
    t.match(answer(request, '30:00'), { inspection: undefined, resyncAfterSeconds: undefined })
  }
})

t.test('keeps an inspection and reports its findings until the MyApp is ready', async (t) => {
  const failing = '1 of 3 pods fails: container app is in ImagePullBackOff: not found'
  const { status, inspection } = answer(moment(rollingOut, withInspection({ failing })), '17:33')
  t.ok(inspection)
  t.match(status, { phase: 'Pending', message: failing })
  t.match(answer(moment('sync-running', withInspection({ failing })), '17:33'), {
    inspection: undefined,
    status: { phase: 'Running' },
  })
})

t.test('inspects a MyApp with lasting problems at intervals', async (t) => {
  const watched = (time: string) =>
    answer(moment(rollingOut, withInspection({})), time).inspection?.spec
  t.match(watched('27:39'), { pods: true })
  t.match(watched('28:39'), { pods: false })
  t.match(watched('32:39'), { pods: false })
  t.match(watched('32:41'), { pods: true })
})

t.test('looks for foreign objects with the names of children that stay missing', async (t) => {
  const created = moment('sync-new')
  t.match(answer(created, '17:40'), { inspection: undefined, resyncAfterSeconds: 2 })
  const next = (request: HookRequest) => {
    request.parent.status = answer(created, '17:40').status as NonNullable<
      HookRequest['parent']['status']
    >
    request.parent.metadata.managedFields?.push({
      manager: 'metacontroller',
      operation: 'Update',
      subresource: 'status',
      time: '2026-11-23T12:17:40Z',
    })
  }
  t.match(answer(moment('sync-new', next), '17:41'), {
    inspection: undefined,
    resyncAfterSeconds: 1,
  })
  const { inspection } = answer(moment('sync-new', next), '17:42')
  t.match(inspection?.spec, {
    pods: false,
    missing: ['Deployment/demo-app', 'Service/demo-app', 'PodDisruptionBudget/demo-app'],
  })
  const taken = [{ kind: 'Deployment', name: 'demo-app', terminating: false }]
  const found = moment('sync-new', (request) => {
    next(request)
    withInspection({ taken })(request)
  })
  const { status, children } = sync(found, { now: at('17:45') })
  t.match(status, { phase: 'Failed', conditions: [{ reason: 'NameConflict' }] })
  t.strictSame(
    children.map(({ kind }) => kind),
    ['Deployment', 'Service', 'PodDisruptionBudget', 'MyAppInspection'],
    'answers each child, because dynamic apply does not change foreign objects',
  )
})

t.test('a MyApp that changes or has a problem is synced 30 s later', async (t) => {
  const invalid = moment('sync-running', ({ parent }) => {
    parent.spec = {}
  })
  t.match(answer(invalid, '30:00'), { status: { phase: 'Failed' }, resyncAfterSeconds: 30 })
  const changed = moment('sync-running', ({ parent }) => {
    Object.assign(parent.spec as object, { image: 'nginx:9' })
  })
  const refusedPods = moment(rollingOut, (request) => {
    const deployment = deploymentOf(request)
    deployment.status = {
      observedGeneration: deployment.metadata.generation ?? 0,
      conditions: [{ type: 'ReplicaFailure', status: 'True', message: 'quota exceeded' }],
    }
  })
  const noPods = { status: { conditions: [{ reason: 'ReplicaFailure' }] }, inspection: undefined }
  t.match(answer(refusedPods, '30:00'), { ...noPods, resyncAfterSeconds: 30 })
  const updating = { status: { conditions: [{ reason: 'Updating' }] } }
  t.match(answer(changed, '30:00'), { ...updating, resyncAfterSeconds: 30 })
  Object.assign(changed.parent.spec as object, { paused: true })
  t.equal(answer(changed, '30:00').resyncAfterSeconds, undefined, 'paused: no child changes')
  t.equal(finalize(recorded('finalize-children-present')).resyncAfterSeconds, 30)
})

t.test('delays a status that only shows progress', async (t) => {
  const request = moment(rollingOut)
  t.equal(answer(request, '17:34').status, request.parent.status)
  t.match(answer(moment(rollingOut), '17:49').status, { readyReplicas: 1 })
  const changed = moment(rollingOut, ({ parent }) => {
    parent.metadata.generation = 2
  })
  t.equal(answer(changed, '17:34').status.observedGeneration, 2, 'a new generation is not delayed')
})

t.test('with inspections, customize requests children only for server-side apply', async (t) => {
  const childResources = [
    { apiVersion: 'apps/v1', resource: 'deployments' },
    { apiVersion: 'v1', resource: 'services' },
  ]
  const inspections = { apiVersion: 'example.com/v1', resource: 'myappinspections' }
  const { parent } = recorded('sync-new')
  const rules = (listed: object[], annotations = {}) =>
    customize({
      controller: {
        metadata: { annotations },
        spec: { childResources: [...childResources, ...listed] },
      } as NonNullable<HookRequest['controller']>,
      parent,
    }).relatedResources.map(({ resource }) => resource)
  t.strictSame(rules([inspections]), [])
  t.strictSame(
    rules([inspections], { [applyStrategyAnnotation]: 'server-side-apply' }),
    ['deployments', 'services'],
    'server-side apply must not take over foreign objects',
  )
  t.strictSame(rules([]), ['deployments', 'services', 'pods'], 'without inspections')
  Object.assign(parent.spec as object, { envFrom: [{ configMapRef: { name: 'c' } }] })
  t.strictSame(rules([inspections]), ['configmaps'])
})

const owner = { uid: 'm', controller: true }
const pod = (name: string, status: NonNullable<ObservedPod['status']>): ObservedPod => ({
  metadata: {
    name,
    namespace: 'default',
    uid: name,
    ownerReferences: [{ uid: 'r', controller: true }],
  },
  spec: { nodeName: 'node', containers: [{ name: 'app' }] },
  status,
})
const waiting = (reason: string, message: string) => ({
  phase: 'Pending',
  containerStatuses: [{ name: 'app', ready: false, state: { waiting: { reason, message } } }],
})

const inspectionRequest = (
  spec: InspectionRequest['parent']['spec'],
  related: object = {},
  status?: InspectionStatus,
): InspectionRequest => ({
  parent: {
    apiVersion: 'example.com/v1',
    kind: 'MyAppInspection',
    metadata: {
      name: 'demo-app',
      namespace: 'default',
      uid: 'i',
      generation: 3,
      ownerReferences: [owner],
    },
    spec,
    ...(status && { status }),
  },
  related: related as InspectionRequest['related'],
})

t.test('reports why pods fail, and lists failing pods first', async (t) => {
  const pods = {
    'default/a': pod('a', { containerStatuses: [{ name: 'app', ready: true }] }),
    'default/b': pod('b', waiting('ErrImagePull', 'not found')),
  }
  const request = inspectionRequest({ pods: true, missing: [] }, { 'Pod.v1': pods })
  t.ok(inspectionRequestValidator(request))
  const { status, children } = inspect(request, { now: at('18:00') })
  t.strictSame(children, [])
  t.match(status, {
    observedGeneration: 3,
    failing: '1 of 2 pods fails: container app is in ImagePullBackOff: not found',
    pods: [
      {
        name: 'b',
        node: 'node',
        ready: false,
        reason: 'container app is in ImagePullBackOff: not found',
      },
      { name: 'a', ready: true },
    ],
  })
  const unwatched = inspect(inspectionRequest({ pods: false, missing: [] }, {}, status), {
    now: at('18:00'),
  })
  t.strictSame(unwatched.status, status, 'findings stay while pods are not inspected')
})

t.test('reports foreign objects with the names of children', async (t) => {
  const object = (metadata: object) => ({
    [key]: { metadata: { name: 'demo-app', namespace: 'default', uid: 'u', ...metadata } },
  })
  const related = {
    'Deployment.apps/v1': object({ deletionTimestamp: '2026-11-23T12:00:00Z' }),
    'Service.v1': object({ ownerReferences: [owner] }),
  }
  const missing = ['Deployment/demo-app', 'Service/demo-app', 'Nonsense/demo-app', 'x']
  const request = inspectionRequest({ pods: false, missing }, related)
  t.strictSame(inspect(request, { now: at('18:00') }).status.taken, [
    { kind: 'Deployment', name: 'demo-app', terminating: true },
  ])
  t.strictSame(
    customizeInspection(request).relatedResources.map(({ resource, names }) => [resource, names]),
    [
      ['deployments', ['demo-app']],
      ['services', ['demo-app']],
    ],
  )
})

t.test('the list of pods fits into the CRD and into an object', async (t) => {
  const podWith = (restartCount: number) => ({
    metadata: {
      name: 'p',
      namespace: 'default',
      uid: 'p',
      ownerReferences: [{ uid: 'r', controller: true }],
    },
    spec: { nodeName: 'n'.repeat(100_000) },
    status: {
      phase: 'p'.repeat(100_000),
      containerStatuses: ['a', 'b'].map((name) => ({ name, restartCount })),
    },
  })
  for (const [restartCount, restarts] of [
    [2 ** 31 - 1, 2 ** 31 - 1],
    [-(2 ** 31), 0],
  ] as const) {
    const { pods = [] } = findingsOf([podWith(restartCount)], '2026-01-01T00:00:00Z')
    t.match(pods, [{ restarts }])
    t.ok(JSON.stringify(pods).length < 1000, 'phase and node are cut')
  }
})

t.test('ignores a taken name that is not a text', async (t) => {
  const taken = [{ kind: 'Deployment', name: { toString: 1 }, terminating: false }]
  const forge = withInspection({ taken } as never)
  t.equal(sync(moment('sync-new', forge), { now: at('17:50') }).status.phase, 'Pending')
})

t.test('a forged inspection changes no child', async () => {
  const forged = fc.record({
    ...Object.fromEntries(
      findingNames.map((name) => [
        name,
        fc.oneof(fc.anything(), fc.string({ minLength: 5000, maxLength: 6000 })),
      ]),
    ),
    taken: fc.oneof(
      fc.anything(),
      fc.array(fc.anything()),
      fc.constant([{ kind: 'Deployment', name: 'demo-app', terminating: false }]),
    ),
    pods: fc.anything(),
  })
  const shape = (request: HookRequest) => {
    const { children } = sync(request, { now: at('17:50') })
    return JSON.stringify(children.filter(({ kind }) => kind !== 'MyAppInspection'))
  }
  const moments = ['sync-new', 'sync-running', rollingOut]
  const before = moments.map((name) => shape(moment(name)))
  fc.assert(
    fc.property(forged, (status) => {
      const forge = withInspection(status as InspectionStatus)
      for (const [index, name] of moments.entries()) {
        if (shape(moment(name, forge)) !== before[index]) throw new Error(name)
      }
    }),
  )
})

t.test('keeps the children of a MyApp that moves to another controller', async (t) => {
  const request = recorded('sync-running')
  request.finalizing = true
  const { finalized, children, status } = finalize(request)
  t.equal(finalized, true)
  t.strictSame(
    children.map(({ kind }) => kind),
    ['Deployment', 'PodDisruptionBudget', 'Service'],
  )
  t.equal(status, request.parent.status)
})
