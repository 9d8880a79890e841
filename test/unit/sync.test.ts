import fc from 'fast-check'
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { applyOnce } from '../../src/metacontroller/merge.ts'
import { lastApplied } from '../../src/metacontroller/last-applied.ts'
import type { ObservedObject } from '../../src/metacontroller/protocol.ts'
import { deleteStages } from '../../src/myapp/children/child.ts'
import { childKinds } from '../../src/myapp/children/index.ts'
import { customize } from '../../src/myapp/customize.ts'
import { finalize } from '../../src/myapp/finalize.ts'
import { inconsistency } from '../../src/myapp/request.ts'
import { sync } from '../../src/myapp/sync.ts'
import { validSpec } from '../../src/myapp/valid-spec.ts'
import * as arbitrary from '../support/fixtures/arbitrary.ts'
import { appliedLast, everyKind, requestWith } from '../support/fixtures/every-child.ts'
import { recorded, recordedCustomize } from '../support/fixtures/recorded.ts'
import { context } from '../support/fixtures/context.ts'

const kinds = (children: Array<{ kind: string }>) => children.map(({ kind }) => kind)

/** Every null in a value. */
const nulls = (value: unknown): unknown[] =>
  value === null ? [value] : typeof value === 'object' ? Object.values(value).flatMap(nulls) : []

t.test('a new MyApp gets a Deployment and a Service as the API server stores them', async (t) => {
  const request = recorded('sync-new')
  request.parent.spec = {
    image: 'registry.example.com:5000/web:1.2@sha256:0',
    env: [
      { name: 'B', value: '$(A)' },
      { name: 'A', value: '' },
    ],
  }
  const labels = {
    app: 'demo-app',
    'managed-by': 'myapp-operator',
    'app.kubernetes.io/name': 'demo-app',
    'app.kubernetes.io/instance': 'demo-app',
    'app.kubernetes.io/managed-by': 'myapp-operator',
  }
  t.matchOnlyStrict(sync(request, context).children, [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name: 'demo-app',
        namespace: 'default',
        labels: { ...labels, 'app.kubernetes.io/version': '1.2' },
      },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: 'demo-app', 'managed-by': 'myapp-operator' } },
        strategy: {
          type: 'RollingUpdate',
          rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 },
        },
        template: {
          metadata: {
            labels: { ...labels, 'app.kubernetes.io/version': '1.2' },
          },
          spec: {
            automountServiceAccountToken: false,
            securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
            enableServiceLinks: false,
            topologySpreadConstraints: [
              'topology.kubernetes.io/zone',
              'kubernetes.io/hostname',
            ].map((topologyKey) => ({
              topologyKey,
              maxSkew: 1,
              whenUnsatisfiable: 'ScheduleAnyway',
              labelSelector: { matchLabels: { app: 'demo-app', 'managed-by': 'myapp-operator' } },
              matchLabelKeys: ['pod-template-hash'],
            })),
            containers: [
              {
                name: 'app',
                image: 'registry.example.com:5000/web:1.2@sha256:0',
                ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
                env: [{ name: 'B', value: '$(A)' }, { name: 'A' }],
                readinessProbe: { tcpSocket: { port: 8080 } },
                lifecycle: { preStop: { sleep: { seconds: 5 } } },
                terminationMessagePolicy: 'FallbackToLogsOnError',
                securityContext: { allowPrivilegeEscalation: false },
              },
            ],
          },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: 'demo-app',
        namespace: 'default',
        labels,
      },
      spec: {
        type: 'ClusterIP',
        selector: { app: 'demo-app', 'managed-by': 'myapp-operator' },
        ports: [{ name: 'http', port: 8080, targetPort: 8080, protocol: 'TCP' }],
      },
    },
  ])
})

t.test('refuses an invalid request with a short message', async (t) => {
  const request = recorded('sync-running')
  Object.assign(request.children, { ['K'.repeat(200_000)]: request.children['Service.v1'] })
  t.ok((inconsistency(request) ?? '').length < 600)
})

t.test('omits a child whose name is taken, and returns the other child', async (t) => {
  const request = recorded('sync-names-taken-by-others')
  t.strictSame(kinds(sync(request, context).children), [])
  Object.assign(request.related, { 'Service.v1': {} })
  t.strictSame(kinds(sync(request, context).children), ['Service'])
})

t.test('keeps the children of an invalid MyApp as last applied', async (t) => {
  const request = recorded('sync-running')
  request.parent.spec = { image: 'nginx', replicas: 500 }
  const deployment = request.children['Deployment.apps/v1']['default/demo-app']
  if (deployment === undefined) throw new Error('the recording has no Deployment')
  t.strictSame(sync(request, context).children[0], lastApplied(deployment))
  delete deployment.metadata.annotations
  t.strictSame(
    sync(request, context).children[0]?.spec,
    deployment.spec,
    'without a record of the last apply they stay as observed',
  )
})

t.test(
  'leaves replicas out under server-side apply if an autoscaler has written them',
  async (t) => {
    const apply = {
      manager: 'metacontroller',
      operation: 'Apply',
      fieldsV1: { 'f:metadata': { 'f:ownerReferences': {} }, 'f:spec': { 'f:replicas': {} } },
    }
    const scaled = {
      manager: 'kube-controller-manager',
      operation: 'Update',
      subresource: 'scale',
      fieldsV1: { 'f:spec': { 'f:replicas': {} } },
    }
    const status = {
      manager: 'kube-controller-manager',
      operation: 'Update',
      subresource: 'status',
      fieldsV1: { 'f:status': {} },
    }
    const replicasOf = (managedFields: object[], spec: object) => {
      const request = recorded('sync-running')
      Object.assign(request.parent.spec as object, spec)
      const deployment = request.children['Deployment.apps/v1']['default/demo-app']
      Object.assign(deployment?.metadata ?? {}, { managedFields, annotations: {} })
      return (
        sync(request, context).children.find(({ kind }) => kind === 'Deployment')?.spec as {
          replicas?: number
        }
      ).replicas
    }
    const autoscaling = { maxReplicas: 9 }
    t.equal(replicasOf([apply, status, scaled], { autoscaling }), undefined)
    t.equal(replicasOf([apply, status], { autoscaling }), 3, 'the autoscaler has not written yet')
    t.equal(replicasOf([scaled], { autoscaling }), 3, 'dynamic apply')
    const malformed = { ...scaled, fieldsV1: { 'f:spec': 'f:replicas' } }
    t.equal(replicasOf([apply, malformed], { autoscaling }), 3, 'a malformed entry owns nothing')
    t.equal(
      replicasOf([apply, scaled], { autoscaling: { maxReplicas: 2 } }),
      2,
      'outside the bounds',
    )
    t.equal(replicasOf([apply, scaled], { autoscaling, suspend: true }), 0, 'suspended')
    t.equal(replicasOf([apply, scaled], { replicas: 5 }), 5, 'without an autoscaler')
  },
)

t.test('keeps children of other names and of unknown kinds', async (t) => {
  const request = recorded('sync-running')
  const deployment = request.children['Deployment.apps/v1']['default/demo-app']
  if (deployment === undefined) throw new Error('the recording has no Deployment')
  const copy = { ...deployment, metadata: { ...deployment.metadata, name: 'copy' } }
  const unknown = {
    apiVersion: 'later.example.com/v1',
    kind: 'Later',
    metadata: { ...deployment.metadata, annotations: {} },
    spec: { minReplicas: 2 },
  }
  Object.assign(request.children['Deployment.apps/v1'], { 'default/copy': copy })
  Object.assign(request.children, {
    'Later.later.example.com/v1': { 'default/demo-app': unknown },
  })
  t.match(sync(request, context).children.slice(3), [
    { kind: 'Deployment', metadata: { name: 'copy' }, spec: copy.spec },
    { kind: 'Later', metadata: { name: 'demo-app' }, spec: { minReplicas: 2 } },
  ])
  request.finalizing = true
  request.parent.metadata.deletionTimestamp = '2026-11-23T12:20:00Z'
  t.strictSame(
    kinds(finalize(request).children),
    ['Deployment', 'Deployment', 'PodDisruptionBudget', 'Service'],
    'an unknown kind is deleted first',
  )
})

t.test(
  'finalize deletes the children of a running MyApp together, and then reports finalized',
  async (t) => {
    const answers = [
      'finalize-children-present',
      'finalize-deployment-gone',
      'finalize-all-gone',
    ].map((name) => finalize(recorded(name)))
    t.strictSame(
      answers.map(({ children, finalized }) => ({ children: kinds(children), finalized })),
      [
        { children: [], finalized: false },
        { children: [], finalized: false },
        { children: [], finalized: true },
      ],
    )
    t.strictSame(
      answers.map(({ status }) => status.message),
      [
        'Terminating: waiting for Deployment, PodDisruptionBudget and Service demo-app to ' +
          'be deleted',
        'Terminating: waiting for Service demo-app to be deleted',
        'Terminating: all children are deleted',
      ],
    )
  },
)

/** The stage of a deletion in which a child is deleted. */
const stages: Record<string, number> = {
  ...Object.fromEntries(
    childKinds.map(({ kind, deleteStage }) => [kind, deleteStages.indexOf(deleteStage) + 1]),
  ),
  Later: 1,
}

t.test('finalize deletes children in stages, and then reports finalized', async (t) => {
  t.match(stages, { Ingress: 1, HTTPRoute: 1, HorizontalPodAutoscaler: 1, Deployment: 2 })
  t.match(stages, { PodDisruptionBudget: 2, Service: 3, NetworkPolicy: 3, ServiceAccount: 3 })
  const some = fc.subarray(everyKind)
  fc.assert(
    fc.property(some, some, fc.boolean(), (observed, deleting, isSpecValid) => {
      const request = requestWith(observed, {
        deleting,
        finalizing: true,
        ...(!isSpecValid && { spec: { image: '' } }),
      })
      const { children, finalized, status } = finalize(request)
      if (finalized !== (observed.length === 0)) throw new Error(`finalized: ${finalized}`)
      if (status.phase !== 'Pending') throw new Error(`the phase is ${status.phase}`)
      const first = Math.min(...observed.map((kind) => stages[kind] ?? 0))
      // Stage 3 is deleted with stage 2, unless a child of stage 2 is already being deleted.
      const isHeld = observed.some((kind) => stages[kind] === 2 && deleting.includes(kind))
      const stage = first === 2 && !isHeld ? 3 : first
      const staying = observed.filter((kind) => (stages[kind] ?? 0) > stage)
      if (!isDeepStrictEqual(kinds(children).toSorted(), staying.toSorted())) {
        throw new Error(`${kinds(children)} stay instead of ${staying}`)
      }
      for (const child of children) {
        if (!isDeepStrictEqual(child, appliedLast(child.kind))) {
          throw new Error(`${child.kind} is changed`)
        }
      }
    }),
    { numRuns: 250 },
  )
})

t.test('a MyApp with a ServiceAccount becomes Running', async (t) => {
  const request = recorded('sync-running')
  Object.assign(request.parent.spec as object, { serviceAccount: { annotations: { role: 'a' } } })
  const groups = request.children as unknown as Record<string, Record<string, ObservedObject>>
  groups['ServiceAccount.v1'] = {}
  for (const answer of sync(request, context).children) {
    const group = (groups[`${answer.kind}.${answer.apiVersion}`] ??= {})
    const held = group['default/demo-app']
    group['default/demo-app'] = {
      ...applyOnce(answer, held),
      metadata: { ...applyOnce(answer, held).metadata, uid: 'uid', namespace: 'default' },
    }
  }
  const found = groups['ServiceAccount.v1']['default/demo-app']
  t.match(found?.metadata.annotations, { role: 'a' })
  t.match(sync(request, context).status, { phase: 'Running' })
})

t.test('a ServiceAccount stays until no pod uses it', async (t) => {
  const answered = (spec: object, pods: object, status: object) => {
    const request = requestWith(['Deployment', 'ServiceAccount'], {
      spec: { image: 'nginx:1.29', ...spec },
    })
    const deployment = request.children['Deployment.apps/v1']['default/demo-app']
    if (deployment === undefined) throw new Error('there is no Deployment')
    Object.assign(deployment.metadata, { generation: 2 })
    Object.assign(deployment.spec.template.spec, { serviceAccountName: undefined, ...pods })
    deployment.status = { observedGeneration: 2, replicas: 2, updatedReplicas: 2, ...status }
    return kinds(sync(request, context).children).includes('ServiceAccount')
  }
  t.ok(answered({}, { serviceAccountName: 'demo-app' }, {}), 'the Deployment names it')
  t.ok(answered({}, {}, { observedGeneration: 1 }), 'the rollout begins')
  t.ok(answered({}, {}, { updatedReplicas: 1 }), 'an old pod runs')
  t.notOk(answered({}, {}, {}), 'then it is deleted')
  t.ok(answered({ serviceAccountName: 'demo-app' }, {}, {}), 'the spec names it')
})

t.test('finalize waits for a child of any name, also while it is being deleted', async (t) => {
  const request = recorded('finalize-deployment-gone')
  const [service] = Object.values(request.children['Service.v1'])
  if (service === undefined) throw new Error('the recording has no Service')
  request.children['Service.v1'] = {
    'default/copy': {
      ...service,
      metadata: { ...service.metadata, name: 'copy', deletionTimestamp: '2026-11-23T09:37:17Z' },
    },
  }
  t.strictSame(
    { ...finalize(request), status: null },
    { status: null, children: [], finalized: false, resyncAfterSeconds: 30 },
  )
})

t.test(
  'customize requests objects with the names of children, the pods, and their config',
  async (t) => {
    const request = recordedCustomize('customize-new')
    const pods = {
      apiVersion: 'v1',
      resource: 'pods',
      namespace: 'default',
      labelSelector: { matchLabels: { app: 'demo-app', 'managed-by': 'myapp-operator' } },
    }
    const named = (apiVersion: string, resource: string, names = ['demo-app']) => ({
      apiVersion,
      resource,
      namespace: 'default',
      names,
    })
    t.strictSame(customize(request).relatedResources, [
      named('apps/v1', 'deployments'),
      named('v1', 'services'),
      named('policy/v1', 'poddisruptionbudgets'),
      pods,
    ])
    request.parent.spec = {
      image: 'nginx',
      expose: false,
      gateway: { parentRefs: [{ name: 'g' }] },
      envFrom: [
        { secretRef: { name: 'b' } },
        { secretRef: { name: 'a' } },
        { configMapRef: { name: 'c' } },
        { secretRef: { name: 'a' } },
      ],
    }
    t.strictSame(
      customize(request).relatedResources,
      [named('apps/v1', 'deployments'), named('v1', 'services'), pods],
      'an invalid MyApp: only its Deployment, its Service and its pods',
    )
    request.parent.spec = {
      image: 'nginx',
      expose: false,
      envFrom: [
        { secretRef: { name: 'b' } },
        { secretRef: { name: 'a' } },
        { configMapRef: { name: 'c' } },
        { secretRef: { name: 'a' } },
      ],
    }
    t.strictSame(customize(request).relatedResources, [
      named('apps/v1', 'deployments'),
      named('v1', 'configmaps', ['c']),
      named('v1', 'secrets', ['b', 'a']),
      pods,
    ])
    request.parent.spec = { image: 'nginx', gateway: { parentRefs: [{ name: 'g' }] } }
    t.strictSame(
      customize(request).relatedResources.map(({ resource }) => resource),
      ['deployments', 'services', 'pods'],
      'no kind that the CompositeController does not declare',
    )
  },
)

t.test('customize requests nothing for a MyApp that is being deleted', async (t) => {
  const request = recordedCustomize('customize-new')
  Object.assign(request.parent, {
    spec: { image: 'nginx', envFrom: [{ secretRef: { name: 'a' } }] },
  })
  request.parent.metadata.deletionTimestamp = '2026-11-23T09:37:17Z'
  t.strictSame(customize(request).relatedResources, [])
  const [finalizing, alone] = [
    recorded('finalize-children-present'),
    recorded('finalize-children-present'),
  ]
  alone.related = {}
  t.strictSame(finalize(alone), finalize(finalizing))
})

t.test(
  'sync is deterministic, does not change its request and omits only a PodDisruptionBudget',
  async () => {
    fc.assert(
      fc.property(arbitrary.request(), (request) => {
        const before = JSON.stringify(request)
        const answer = sync(request, context)
        const text = JSON.stringify(answer)
        if (JSON.stringify(sync(JSON.parse(before), context)) !== text) {
          throw new Error('the answers differ')
        }
        if (JSON.stringify(request) !== before) throw new Error('the request was changed')
        if (nulls(JSON.parse(text)).length > 0) throw new Error('there is a null in the answer')
        const observed = Object.values(request.children).flatMap((group) => Object.values(group))
        const answered = answer.children.map(
          (child) => `${child.kind}/${child.metadata.namespace}/${child.metadata.name}`,
        )
        for (const { kind, metadata } of observed) {
          if (
            kind !== 'PodDisruptionBudget' &&
            !answered.includes(`${kind}/${metadata.namespace}/${metadata.name}`)
          ) {
            throw new Error(`${kind} ${metadata.name} is omitted`)
          }
        }
        if (
          answer.children.some(
            ({ metadata }) => metadata.namespace !== request.parent.metadata.namespace,
          )
        ) {
          throw new Error('a child of another namespace')
        }
        if ('finalized' in answer) throw new Error('a sync must not answer finalized')
      }),
      { numRuns: 250 },
    )
  },
)

t.test(
  'any invalid spec keeps every child as last applied, except autoscaled replicas',
  async () => {
    fc.assert(
      fc.property(arbitrary.anySpec, fc.subarray(everyKind), (spec, observed) => {
        const request = requestWith(observed, { spec })
        fc.pre('problem' in validSpec(request.parent))
        const { status, children } = sync(request, context)
        if (status.phase !== 'Failed') throw new Error(`the phase is ${status.phase}`)
        if (!isDeepStrictEqual(kinds(children).toSorted(), observed.toSorted())) {
          throw new Error(`the answer has ${kinds(children)}`)
        }
        for (const child of children) {
          const expected = appliedLast(child.kind)
          if (child.kind === 'Deployment' && observed.includes('HorizontalPodAutoscaler')) {
            Object.assign(expected.spec as object, { replicas: 5 })
          }
          if (!isDeepStrictEqual(child, expected)) throw new Error(`${child.kind} is changed`)
        }
      }),
      { numRuns: 250 },
    )
  },
)

t.test(
  'the phase is Failed if a spec is invalid, and Running only if every replica is available',
  async () => {
    fc.assert(
      fc.property(arbitrary.request(), (request) => {
        const { status, children } = sync(request, context)
        const observed = request.children['Deployment.apps/v1']['default/demo-app']
        const validated = validSpec(request.parent)
        if ('problem' in validated) {
          if (status.phase !== 'Failed' || !/^(spec|metadata)[^:]*: /.test(status.message ?? '')) {
            throw new Error(`not Failed: ${status.message}`)
          }
          if (observed === undefined && children.length > 0) throw new Error('a child is created')
          return
        }
        const wanted = validated.spec.replicas ?? 1
        if (
          status.phase === 'Running' &&
          (observed?.spec.replicas !== wanted ||
            (observed.status?.availableReplicas ?? 0) !== wanted)
        ) {
          throw new Error('Running without every replica available')
        }
        if ((status.availableReplicas ?? 0) !== (observed?.status?.availableReplicas ?? 0)) {
          throw new Error('a count that was not observed')
        }
      }),
      { numRuns: 250 },
    )
  },
)
