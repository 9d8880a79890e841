import t from 'tap'
import { sync } from '../../src/myapp/sync.ts'
import { type HookRequest, sentChildren } from '../../src/myapp/request.ts'
import { finalize } from '../../src/myapp/finalize.ts'
import { changesOf, conditionChanges } from '../../src/telemetry/requests/changes.ts'
import type { Anything } from '../support/fixtures/anything.ts'
import { recorded } from '../support/fixtures/recorded.ts'
import { context } from '../support/fixtures/context.ts'

/** A request like `request`, in which every child is as desired. */
function steady(request: HookRequest): HookRequest {
  const next = structuredClone(request)
  const { status, children } = sync(request, context)
  for (const child of children) {
    const group = next.children[`${child.kind}.${child.apiVersion}` as 'Service.v1'] as Record<
      string,
      unknown
    >
    const applied = {
      ...child,
      metadata: {
        ...child.metadata,
        labels: { ...child.metadata.labels, 'controller-uid': request.parent.metadata.uid },
      },
    }
    group['default/demo-app'] = {
      ...structuredClone(applied),
      metadata: {
        ...applied.metadata,
        uid: child.kind,
        annotations: {
          'metacontroller.k8s.io/last-applied-configuration': JSON.stringify(applied),
        },
      },
    }
  }
  next.parent.status = status as never
  return next
}

const changes = (request: HookRequest) => changesOf(request, sync(request, context).children)
const edited = (edit: (deployment: Anything) => void) => {
  const request = steady(recorded('sync-new'))
  edit(request.children['Deployment.apps/v1']['default/demo-app'])
  return request
}

t.test('reports the creation of a missing child', async (t) => {
  t.same(changes(recorded('sync-new')), [
    { action: 'create', kind: 'Deployment', name: 'demo-app', fields: [] },
    { action: 'create', kind: 'Service', name: 'demo-app', fields: [] },
    { action: 'create', kind: 'PodDisruptionBudget', name: 'demo-app', fields: [] },
  ])
})

t.test('reports nothing when every child is as desired', async (t) => {
  t.same(changes(steady(recorded('sync-new'))), [])
})

t.test('reports the update of a child with its fields', async (t) => {
  const image = edited((deployment) => {
    deployment.spec.template.spec.containers[0].image = 'other'
  })
  t.same(changes(image), [
    {
      action: 'update',
      kind: 'Deployment',
      name: 'demo-app',
      fields: ['spec.template.spec.containers[app].image'],
    },
  ])
})

t.test('reports no update of a child that is being deleted', async (t) => {
  t.same(
    changes(
      edited((deployment) => {
        deployment.spec.template.spec.containers[0].image = 'other'
        deployment.metadata.deletionTimestamp = '2026-11-23T08:00:00Z'
      }),
    ),
    [],
  )
})

t.test('names an applied field that is no longer desired', async (t) => {
  const stale = edited((deployment) => {
    const annotations = deployment.metadata.annotations
    const applied = JSON.parse(annotations['metacontroller.k8s.io/last-applied-configuration'])
    applied.spec.paused = true
    annotations['metacontroller.k8s.io/last-applied-configuration'] = JSON.stringify(applied)
  })
  t.same(changes(stale), [
    { action: 'update', kind: 'Deployment', name: 'demo-app', fields: ['spec.paused'] },
  ])
})

t.test('names a foreign field that an intermediate answer adopts', async (t) => {
  const request: Anything = steady(recorded('sync-new'))
  request.children['Service.v1']['default/demo-app'].spec.selector.stray = 'a'
  t.same(changes(request), [
    { action: 'update', kind: 'Service', name: 'demo-app', fields: ['spec.selector.stray'] },
  ])
})

t.test('reports nothing for a running MyApp', async (t) => {
  t.same(changes(recorded('sync-running')), [])
})

t.test('reports the deletion of an omitted child until it is being deleted', async (t) => {
  const request = recorded('finalize-children-present')
  t.same(
    changesOf(request, finalize(request).children)
      .map(({ action, kind }) => `${action} ${kind}`)
      .filter((change) => !change.startsWith('update')),
    ['delete Deployment', 'delete PodDisruptionBudget', 'delete Service'],
  )
  for (const {
    child: { metadata },
  } of sentChildren(request)) {
    metadata.deletionTimestamp = '2026-11-23T08:00:00Z'
  }
  t.same(changesOf(request, finalize(request).children), [])
})

t.test('reports a condition whose status changes', async (t) => {
  const condition = (status: 'True' | 'False') => ({
    type: 'Ready',
    status,
    reason: 'Because',
    message: '',
    lastTransitionTime: '',
  })
  t.same(conditionChanges([condition('True')], [condition('True')]), [])
  t.same(conditionChanges([condition('True')], [condition('False')]), [
    { type: 'Ready', before: 'True', after: 'False', reason: 'Because' },
  ])
  t.same(conditionChanges(undefined, [condition('False')]), [
    { type: 'Ready', before: 'Unknown', after: 'False', reason: 'Because' },
  ])
})
