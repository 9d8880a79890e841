import t from 'tap'
import type { KubernetesObject, ObservedObject } from '../../src/metacontroller/protocol.ts'
import { settle } from '../../src/cli/diff.ts'
import type { HookRequest } from '../../src/myapp/request.ts'
import { sync } from '../../src/myapp/sync.ts'
import type { Anything } from '../support/fixtures/anything.ts'
import { context } from '../support/fixtures/context.ts'
import { recorded } from '../support/fixtures/recorded.ts'

const theirs = { 'app.kubernetes.io/name': 'legacy' }
const ours = { app: 'demo-app', 'managed-by': 'myapp-operator' }

interface Children {
  deployment: Anything
  service: Anything
}

/** A request with a Deployment and a Service that were just adopted. `change` edits it. */
function adopted(change: (children: Children, request: HookRequest) => void = () => {}) {
  const request = recorded('sync-running')
  const deployment = request.children['Deployment.apps/v1']['default/demo-app'] as Anything
  const service = request.children['Service.v1']['default/demo-app'] as Anything
  for (const { metadata } of [deployment, service]) {
    delete metadata.annotations
    metadata.labels = { ...theirs, 'controller-uid': request.parent.metadata.uid }
  }
  deployment.spec.selector = { matchLabels: theirs }
  deployment.spec.template.metadata.labels = theirs
  service.spec.selector = theirs
  request.children = {
    'Deployment.apps/v1': { 'default/demo-app': deployment },
    'Service.v1': { 'default/demo-app': service },
    'PodDisruptionBudget.policy/v1': {},
  } as HookRequest['children']
  change({ deployment, service }, request)
  return request
}
const answered = (request: HookRequest, kind: string) =>
  sync(request, context).children.find((child) => child.kind === kind)
const sameSpec = (answer: KubernetesObject | undefined, observed: ObservedObject) =>
  t.strictSame(answer?.spec, observed.spec, `${observed.kind} does not change`)

t.test('reports NameConflict for an adopted Deployment with another selector', async (t) => {
  const request = adopted(({ service }) => {
    service.spec.ports[0].port = 9999
  })
  const { status, children } = sync(request, context)
  t.match(status, { phase: 'Failed', conditions: [{ reason: 'NameConflict' }] })
  t.equal(
    status.message,
    'Deployment demo-app has another spec.selector, app.kubernetes.io/name=legacy, which is ' +
      'immutable. No child is changed. To replace the Deployment and keep its pods, ' +
      'run kubectl delete deployment demo-app --cascade=orphan; or create the MyApp with ' +
      'another name',
  )
  t.strictSame(
    children.map(({ kind }) => kind),
    ['Deployment', 'Service'],
    'no PodDisruptionBudget is created',
  )
  for (const group of Object.values<Record<string, ObservedObject>>(request.children)) {
    for (const child of Object.values(group)) sameSpec(answered(request, child.kind), child)
  }
})

t.test('changes no other child during a NameConflict', async (t) => {
  const request = adopted((_children, request) => {
    const budget = recorded('sync-running').children as Anything
    const stray = budget['PodDisruptionBudget.policy/v1']['default/demo-app']
    stray.spec.maxUnavailable = 7
    request.children = {
      ...request.children,
      'PodDisruptionBudget.policy/v1': { 'default/demo-app': stray },
      'Ingress.networking.k8s.io/v1': {},
    } as HookRequest['children']
    request.parent.spec = { image: 'nginx:2', ingress: { host: 'shop.example.com' }, replicas: 1 }
  })
  t.strictSame(
    sync(request, context).children.map(({ kind }) => kind),
    ['Deployment', 'Service', 'PodDisruptionBudget'],
  )
  t.match(answered(request, 'PodDisruptionBudget')?.spec, { maxUnavailable: 7 })
})

t.test('quotes only the start of a long selector', async (t) => {
  const matchLabels = Object.fromEntries(
    Array.from({ length: 500 }, (_, index) => [`label-${index}`, 'x'.repeat(60)]),
  )
  const { message = '' } = sync(
    adopted(({ deployment }) => {
      deployment.spec.selector = { matchLabels }
    }),
    context,
  ).status
  t.ok(message.length < 600)
})

t.test('keeps the selector of an adopted Service until a pod is ready', async (t) => {
  const withOurs = (
    readyReplicas: number | undefined,
    change: (children: Children) => void = () => {},
  ) =>
    adopted((children) => {
      const { deployment } = children
      deployment.spec.selector = { matchLabels: ours }
      deployment.spec.template.metadata.labels = ours
      Object.assign(deployment.status, { readyReplicas })
      change(children)
    })
  const selector = (request: HookRequest) =>
    (settle(request, context)['Service.v1']?.['default/demo-app']?.spec as Anything).selector
  t.strictSame(selector(withOurs(undefined)), theirs)
  t.strictSame(selector(withOurs(0)), theirs)
  t.strictSame(selector(withOurs(1)), ours)
  const gone = withOurs(0)
  gone.children['Deployment.apps/v1'] = {}
  t.strictSame(selector(gone), theirs, 'the Deployment does not exist yet')
  t.equal(answered(gone, 'Deployment')?.kind, 'Deployment', 'the Deployment is created')
  const waiting = withOurs(undefined)
  Object.assign(waiting.parent.spec as object, { replicas: 0 })
  t.strictSame(selector(waiting), theirs, 'the MyApp has no pods')

  const edited = withOurs(0, ({ service }) => Object.assign(service.metadata.labels, ours))
  t.strictSame(selector(edited), ours, 'an edited selector is restored at once')
})

t.test('if nothing else is wrong, reports a Service that selects other pods', async (t) => {
  const request = adopted(({ deployment }, request) => {
    Object.assign(request.parent.spec as object, { replicas: 0 })
    const fresh = sync(
      { ...request, children: { ...request.children, 'Deployment.apps/v1': {} } },
      context,
    ).children.find(({ kind }) => kind === 'Deployment')
    Object.assign(deployment, fresh, { metadata: { ...deployment.metadata, ...fresh?.metadata } })
    deployment.status = { observedGeneration: deployment.metadata.generation }
  })
  t.match(sync(request, context).status, {
    phase: 'Pending',
    message: 'Service demo-app selects other pods until a pod of this MyApp is ready',
  })
})
