import fc from 'fast-check'
import t from 'tap'
import { isDeepStrictEqual } from 'node:util'
import { answerNow } from '../../src/metacontroller/converge.ts'
import { lastAppliedAnnotation } from '../../src/metacontroller/last-applied.ts'
import { merge } from '../../src/metacontroller/merge.ts'
import type { KubernetesObject, ObservedObject } from '../../src/metacontroller/protocol.ts'
import { deployment } from '../../src/myapp/children/deployment.ts'
import { httpRoute } from '../../src/myapp/children/http-route.ts'
import { networkPolicy } from '../../src/myapp/children/network-policy.ts'
import { podDisruptionBudget } from '../../src/myapp/children/pod-disruption-budget.ts'
import { service } from '../../src/myapp/children/service.ts'
import type { ChildKind } from '../../src/myapp/children/child-kind.ts'
import type { MyAppSpec } from '../../src/myapp/schema.ts'
import type { Anything } from '../fixtures/anything.ts'
import * as arbitrary from '../fixtures/arbitrary.ts'
import { recorded } from '../fixtures/recorded.ts'

/** What a kind of child is for a MyApp called demo-app. */
function desiredOf (kind: ChildKind, spec: MyAppSpec): KubernetesObject {
  const desired = kind.desired({ name: 'demo-app', namespace: 'default', spec })
  if (desired === undefined) throw new Error(`there is to be no ${kind.kind}`)
  return desired
}

/** A child as it is after Metacontroller created it, with what the test then does to it by hand. */
function living (kind: ChildKind, spec: MyAppSpec, edit: (child: Anything) => void = () => {}, manager = 'kubectl-edit'): ObservedObject {
  const applied = desiredOf(kind, spec)
  const child = stored({ ...structuredClone(applied), metadata: { ...applied.metadata, uid: 'u', annotations: { [lastAppliedAnnotation]: JSON.stringify(applied) } } } as unknown as ObservedObject)
  edit(child)
  const fields = { 'f:spec': { 'f:selector': {}, 'f:ports': {}, 'f:parentRefs': {}, 'f:hostnames': {}, 'f:template': { 'f:spec': { 'f:volumes': {}, 'f:containers': { 'k:{"name":"app"}': { 'f:env': {}, 'f:ports': {}, 'f:volumeMounts': {} } } } } } }
  const owners = { 'f:metadata': { 'f:annotations': { [`f:${lastAppliedAnnotation}`]: {} } } }
  child.metadata.managedFields = [{ manager: 'metacontroller', operation: 'Update', fieldsV1: manager === 'webhook' ? { ...owners, ...fields } : owners }]
  if (manager !== 'webhook') child.metadata.managedFields.push({ manager, operation: 'Update', fieldsV1: fields })
  return child
}

/** What the API server does to an object that it is sent: empty lists go. Throws for what it refuses. */
function stored (object: ObservedObject): ObservedObject {
  const { spec } = object as { spec: Anything }
  const unique = (what: string, keys: unknown[]) => { if (new Set(keys).size < keys.length) throw new Error(`refused: ${what} ${keys} are not unique`) }
  if (spec.template?.spec.volumes?.length === 0) delete spec.template.spec.volumes
  for (const container of spec.template?.spec.containers ?? []) {
    if (container.env?.length === 0) delete container.env
    if (container.ports?.length === 0) delete container.ports
    for (const { name } of container.volumeMounts ?? []) if (!spec.template.spec.volumes?.some((volume: { name: string }) => volume.name === name)) throw new Error(`refused: there is no volume ${name}`)
    if (container.volumeMounts?.length === 0) delete container.volumeMounts
    unique('port names', (container.ports ?? []).map((port: { name?: string }) => port.name).filter(Boolean))
    for (const { name, value, valueFrom } of container.env ?? []) if (value && valueFrom) throw new Error(`refused: ${name} has both`)
  }
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) throw new Error('refused: one bound or the other')
  if (object.kind === 'Service') {
    if (!spec.ports?.length) throw new Error('refused: a Service needs a port')
    unique('port names', spec.ports.map((port: { name?: string }) => port.name))
    unique('ports', spec.ports.map((port: { port: number, protocol: string }) => `${port.port}/${port.protocol}`))
    for (const port of spec.ports) if (!port.port) throw new Error('refused: a port without a number')
  }
  return object
}

/** One round of Metacontroller's default strategy: merge, write, remember. */
function apply (answer: KubernetesObject, observed: ObservedObject): ObservedObject {
  const text = observed.metadata.annotations?.[lastAppliedAnnotation]
  const merged = structuredClone(merge(observed, text === undefined ? undefined : JSON.parse(text), answer)) as ObservedObject
  merged.metadata = { ...observed.metadata, labels: merged.metadata.labels ?? {}, annotations: { ...observed.metadata.annotations, [lastAppliedAnnotation]: JSON.stringify(answer) } }
  return stored(merged)
}

/** Answers until an answer changes nothing; tells how many did, how often the pods rolled, and where it ended. */
function converge (kind: ChildKind, spec: MyAppSpec, observed: ObservedObject) {
  const desired = desiredOf(kind, spec)
  let [answers, rolls] = [0, 0]
  let rolled = podsOf(observed)
  for (;;) {
    const next = apply(answerNow(desired, observed, kind.exactFields), observed)
    // The copy is without what the hook remembers of the object.
    if (isDeepStrictEqual(next, structuredClone(observed))) return { answers, rolls, child: observed }
    if (++answers > 5) throw new Error(`no end: ${JSON.stringify(next.spec)}`)
    observed = next
    if (isDeepStrictEqual(podsOf(observed), rolled) || paused(observed)) continue
    rolled = podsOf(observed)
    rolls++
  }
}

const podsOf = (child: ObservedObject) => (child.spec as { template?: unknown }).template
const paused = (child: ObservedObject) => (child.spec as { paused?: boolean }).paused === true
const podSpecOf = (child: ObservedObject) => (child.spec as { template: { spec: unknown } }).template.spec
const containersOf = (child: ObservedObject) => (child.spec as { template: { spec: { containers: Array<{ name: string, env?: unknown, ports?: unknown }> } } }).template.spec.containers
const spec = (...env: string[]): MyAppSpec => ({ image: 'nginx', port: 8080, replicas: 2, env: env.map((name) => ({ name, value: name })) })

t.test('env that is put in front of the rest lands there, with one roll', async (t) => {
  const { child, answers, rolls } = converge(deployment, spec('A', 'B', 'C'), living(deployment, spec('B', 'C')))
  t.strictSame(containersOf(child)[0]?.env, spec('A', 'B', 'C').env)
  t.strictSame({ answers, rolls }, { answers: 2, rolls: 1 })
})

t.test('a change that the merge can make is one answer', async (t) => {
  const { answers, rolls } = converge(deployment, { ...spec('A', 'B'), image: 'nginx:2' }, living(deployment, spec('A')))
  t.strictSame({ answers, rolls }, { answers: 1, rolls: 1 })
})

t.test('a rollout that a person has paused stays paused through a repair', async (t) => {
  const observed = living(deployment, spec('A'), (child) => { child.spec.paused = true; child.spec.template.spec.containers[0].env.unshift({ name: 'X' }) })
  const { child, rolls } = converge(deployment, spec('A'), observed)
  t.strictSame(containersOf(child)[0]?.env, spec('A').env)
  t.strictSame({ paused: paused(child), rolls }, { paused: true, rolls: 0 })
})

t.test('what an admission webhook adds stays, without an answer more', async (t) => {
  const inject = (child: Anything) => {
    child.spec.template.spec.containers[0].env.unshift({ name: 'INJECTED', value: '1' })
    child.spec.template.spec.containers.push({ name: 'sidecar' })
  }
  const { child, answers } = converge(deployment, spec('A'), living(deployment, spec('A'), inject, 'webhook'))
  t.equal(answers, 0)
  t.equal(containersOf(child).length, 2)
})

t.test('a Service port edited by hand comes back, and nothing else is lost', async (t) => {
  const { service: observed } = { service: recorded('sync-service-port-edited-by-hand').children['Service.v1']['default/demo-app'] }
  const { child, answers } = converge(service, { image: 'nginx:1.29', port: 80 }, observed as ObservedObject)
  const { ports, clusterIP } = child.spec as { ports: unknown, clusterIP: string }
  t.strictSame(ports, [{ name: 'http', port: 80, targetPort: 80, protocol: 'TCP' }])
  t.equal(clusterIP, '10.106.181.187')
  t.equal(answers, 2)
})

t.test('under server-side apply the answer is what is desired, whatever is there', async (t) => {
  const observed = living(service, spec(), (child) => { child.spec.ports[0].port = 1; delete child.metadata.annotations[lastAppliedAnnotation] })
  observed.metadata.managedFields = [{ manager: 'metacontroller', operation: 'Apply', fieldsV1: { 'f:metadata': { 'f:ownerReferences': {} } } }]
  t.strictSame(answerNow(desiredOf(service, spec()), observed, service.exactFields), desiredOf(service, spec()))
})

const envByHand = fc.uniqueArray(fc.oneof(
  fc.record({ name: fc.constantFrom('A', 'B', 'X', 'Y'), value: fc.constantFrom('1', '2') }),
  fc.record({ name: fc.constantFrom('C', 'Z'), valueFrom: fc.constant({ fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } }) })
), { selector: ({ name }) => name, maxLength: 5 })

const portsByHand = fc.uniqueArray(fc.record({ containerPort: fc.constantFrom(80, 81, 8080), protocol: fc.constantFrom('TCP', 'UDP') }), { selector: (port) => `${port.containerPort}${port.protocol}`, maxLength: 3 })
  .map((ports) => ports.map((port, index) => ({ ...port, name: ['http', 'other', 'third'][index] })))

t.test('a Deployment ends exactly as desired from whatever was there: at most three answers and one roll', async (t) => {
  fc.assert(fc.property(arbitrary.validSpec, arbitrary.validSpec, envByHand, portsByHand, fc.boolean(), fc.constantFrom('kept', 'none', 'without lists'), (before, after, env, ports, sidecar, copy) => {
    const observed = living(deployment, before, (child) => {
      const { containers } = child.spec.template.spec
      Object.assign(containers[0], { env, ports })
      if (sidecar) {
        containers.unshift({ name: 'sidecar', image: 'x' })
        child.spec.template.spec.volumes = [{ name: 'stray', emptyDir: {} }]
        containers[1].volumeMounts = [{ name: 'stray', mountPath: '/stray' }]
      }
      if (copy === 'none') delete child.metadata.annotations[lastAppliedAnnotation]
      if (copy === 'without lists') child.metadata.annotations[lastAppliedAnnotation] = JSON.stringify({ metadata: { name: 'demo-app' }, spec: {} })
      stored(child)
    })
    const desired = desiredOf(deployment, after) as unknown as ObservedObject
    const { answers, rolls, child } = converge(deployment, after, observed)
    t.equal(answers <= 3 && rolls <= 1, true, `${answers} answers, ${rolls} rolls`)
    if (!isDeepStrictEqual(podSpecOf(child), podSpecOf(desired)) || paused(child)) throw new Error(`ended as ${JSON.stringify(child.spec)}`)
  }), { numRuns: 1500 })
})

const servicePortsByHand = fc.uniqueArray(fc.record({ port: fc.constantFrom(80, 81, 8080), protocol: fc.constantFrom('TCP', 'UDP'), targetPort: fc.constantFrom(80, 8080) }), { selector: (port) => `${port.port}${port.protocol}`, minLength: 1, maxLength: 3 })
  .chain((ports) => fc.shuffledSubarray(['http', 'other', 'third'], { minLength: ports.length, maxLength: ports.length }).map((names) => ports.map((port, index) => ({ ...port, name: names[index] }))))

t.test('a Service ends exactly as desired from whatever was there: at most three answers', async (t) => {
  const port = fc.constantFrom(80, 81, 8080).map((port) => ({ image: 'nginx', port }))
  fc.assert(fc.property(port, port, servicePortsByHand, fc.dictionary(fc.constantFrom('app', 'x', 'y'), fc.constantFrom('demo-app', '1')), fc.boolean(), (before, after, ports, selector, copy) => {
    const observed = living(service, before, (child) => {
      Object.assign(child.spec, { ports, selector })
      if (!copy) delete child.metadata.annotations[lastAppliedAnnotation]
    })
    const { answers, child } = converge(service, after, observed)
    t.equal(answers <= 3, true, `${answers} answers`)
    t.strictSame(child.spec, desiredOf(service, after).spec)
  }), { numRuns: 1500 })
})

t.test('a PodDisruptionBudget with the other bound, and more in its selector, is as desired after two answers', async (t) => {
  const observed = living(podDisruptionBudget, spec(), (child) => {
    child.spec = { minAvailable: 2, selector: { matchLabels: { ...child.spec.selector.matchLabels, stray: 'x' }, matchExpressions: [{ key: 'a', operator: 'Exists' }] } }
  })
  const { child, answers } = converge(podDisruptionBudget, spec(), observed)
  t.strictSame(child.spec, desiredOf(podDisruptionBudget, spec()).spec)
  t.equal(answers, 2)
})

t.test('a NetworkPolicy that others opened is shut after two answers', async (t) => {
  const closed: MyAppSpec = { ...spec(), networkPolicy: { from: [] } }
  const observed = living(networkPolicy, closed, (child) => { Object.assign(child.spec, { ingress: [{}], podSelector: { matchLabels: { ...child.spec.podSelector.matchLabels, stray: 'x' } } }) })
  const { child, answers } = converge(networkPolicy, closed, observed)
  t.strictSame(child.spec, desiredOf(networkPolicy, closed).spec)
  t.equal(answers, 2)
})

t.test('an HTTPRoute loses the Gateways and host names that others gave it, in whatever order they are', async (t) => {
  const asked = (...names: string[]): MyAppSpec => ({ ...spec(), gateway: { parentRefs: names.map((name) => ({ name })) } })
  const observed = living(httpRoute, asked('a', 'b'), (child) => {
    child.spec.parentRefs = [{ name: 'stray', sectionName: 'x' }, ...child.spec.parentRefs.toReversed()]
    child.spec.hostnames = ['stray.example.com']
  })
  const { child, answers } = converge(httpRoute, asked('a', 'b', 'c'), observed)
  const { parentRefs, hostnames } = child.spec as { parentRefs: Array<{ name: string }>, hostnames: unknown }
  t.strictSame({ names: parentRefs.map(({ name }) => name), hostnames, answers }, { names: ['b', 'a', 'c'], hostnames: undefined, answers: 2 })
})
