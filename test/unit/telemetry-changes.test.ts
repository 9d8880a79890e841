import t from 'tap'
import { sync } from '../../src/myapp/sync.ts'
import { type HookRequest, sentChildren } from '../../src/myapp/request.ts'
import { finalize } from '../../src/myapp/finalize.ts'
import { changesOf, conditionChanges } from '../../src/telemetry/requests/changes.ts'
import type { Anything } from '../support/fixtures/anything.ts'
import { recorded } from '../support/fixtures/recorded.ts'
import { context } from '../support/fixtures/context.ts'

/** A request in which all is as the answer to `request` wants it. */
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

t.test('a child that does not exist is created', async (t) => {
  t.same(changes(recorded('sync-new')), [
    { action: 'create', kind: 'Deployment', name: 'demo-app', fields: [] },
    { action: 'create', kind: 'Service', name: 'demo-app', fields: [] },
    { action: 'create', kind: 'PodDisruptionBudget', name: 'demo-app', fields: [] },
  ])
})

t.test('nothing is to happen when all is as desired', async (t) => {
  t.same(changes(steady(recorded('sync-new'))), [])
})

t.test('a child that differs is updated, and the fields are named', async (t) => {
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

t.test('a child that is being deleted is left alone, however it differs', async (t) => {
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

t.test('what was applied and is not desired any more is named too', async (t) => {
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

t.test(
  'what is taken over, to be removed by the next answer, is named: it is written, too',
  async (t) => {
    const request: Anything = steady(recorded('sync-new'))
    request.children['Service.v1']['default/demo-app'].spec.selector.stray = 'a'
    t.same(changes(request), [
      { action: 'update', kind: 'Service', name: 'demo-app', fields: ['spec.selector.stray'] },
    ])
  },
)

t.test('nothing is to happen of a recorded MyApp that runs', async (t) => {
  t.same(changes(recorded('sync-running')), [])
})

t.test('a child that is not answered is deleted, unless it is leaving already', async (t) => {
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

t.test('a condition changes when its status does', async (t) => {
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
