import t from 'tap'
import { lastAppliedAnnotation } from '../../src/metacontroller/protocol.ts'
import { sync } from '../../src/myapp/sync.ts'
import type { Anything } from '../support/fixtures/anything.ts'
import { context } from '../support/fixtures/context.ts'
import { recorded } from '../support/fixtures/recorded.ts'

/** What somebody with edit rights in one namespace can add to a Deployment, n times. */
const shapes: Record<string, (deployment: Anything, n: number) => void> = {
  'volumes of another manager': (deployment, n) => {
    const volumes = range(n).map((i) => ({ name: `v${i}`, emptyDir: {} }))
    deployment.spec.template.spec.volumes = volumes
    own(deployment, { 'f:volumes': keyed(volumes, 'name') })
  },
  'variables of another manager': (deployment, n) => {
    const env = range(n).map((i) => ({ name: `E${i}`, value: '' }))
    deployment.spec.template.spec.containers[0].env = env
    own(deployment, { 'f:containers': { 'k:{"name":"app"}': { 'f:env': keyed(env, 'name') } } })
  },
  'variables under server-side apply': (deployment, n) => {
    const env = range(n).map((i) => ({ name: `E${i}`, value: '' }))
    deployment.spec.template.spec.containers[0].env = env
    delete deployment.metadata.annotations[lastAppliedAnnotation]
    const containers = { 'k:{"name":"app"}': { 'f:env': keyed(env, 'name') } }
    deployment.metadata.managedFields = [
      {
        manager: 'metacontroller',
        operation: 'Apply',
        fieldsV1: {
          'f:metadata': { 'f:ownerReferences': {} },
          'f:spec': { 'f:template': { 'f:spec': { 'f:containers': containers } } },
        },
      },
    ]
  },
  'managers of one volume each': (deployment, n) => {
    const volumes = range(n).map((i) => ({ name: `v${i}`, emptyDir: {} }))
    deployment.spec.template.spec.volumes = volumes
    for (const volume of volumes) own(deployment, { 'f:volumes': keyed([volume], 'name') })
  },
  'forged key sets': (deployment, n) => {
    deployment.spec.template.spec.volumes = range(n).map((i) => ({ name: `v${i}`, emptyDir: {} }))
    const keys = range(n).map((i) => [`k:{"name${i}":"v${i}"}`, {}])
    own(deployment, { 'f:volumes': Object.fromEntries(keys) })
  },
  'annotations of the pods': (deployment, n) => {
    const annotations = Object.fromEntries(range(n).map((i) => [`example.com/a${i}`, 'x']))
    deployment.spec.template.metadata.annotations = annotations
  },
  'owner references': (deployment, n) => {
    const owners = range(n).map((i) => ({ uid: `u${i}` }))
    deployment.metadata.ownerReferences.unshift(...owners)
  },
  'volumes that were applied': (deployment, n) => {
    const volumes = range(n).map((i) => ({ name: `v${i}`, emptyDir: {} }))
    deployment.spec.template.spec.volumes = volumes
    const record = JSON.parse(deployment.metadata.annotations[lastAppliedAnnotation])
    record.spec.template.spec.volumes = volumes
    deployment.metadata.annotations[lastAppliedAnnotation] = JSON.stringify(record)
  },
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i)

const keyed = (items: Anything[], key: string) =>
  Object.fromEntries(items.map((item) => [`k:${JSON.stringify({ [key]: item[key] })}`, {}]))

/** Adds a manager that owns some fields of the pod. */
function own(deployment: Anything, pod: object): void {
  deployment.metadata.managedFields.push({
    manager: 'kubectl-edit',
    operation: 'Update',
    fieldsV1: { 'f:spec': { 'f:template': { 'f:spec': pod } } },
  })
}

/** The shortest time of some syncs, in ms. */
function timeOf(add: (deployment: Anything, n: number) => void, n: number): number {
  const times = range(3).map(() => {
    const request = recorded('sync-running') as Anything
    for (const deployment of Object.values(request.children['Deployment.apps/v1'])) {
      add(deployment, n)
    }
    const start = performance.now()
    sync(request, context)
    return performance.now() - start
  })
  return Math.min(...times)
}

for (const [what, add] of Object.entries(shapes)) {
  t.test(`the work of a sync grows linearly with ${what}`, async (t) => {
    timeOf(add, 1000) // compiled now
    const growths = range(3).map(() => timeOf(add, 4000) / timeOf(add, 2000))
    t.ok(Math.min(...growths) < 3, `twice as many take ${growths.map((g) => g.toFixed(1))} times`)
  })
}
