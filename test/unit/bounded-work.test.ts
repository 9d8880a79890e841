import t from 'tap'
import { allProblemsValidator } from '../../src/api/compiled-all.ts'
import type { MyAppSpec } from '../../src/api/myapp.ts'
import { validate } from '../../src/api/validate.ts'
import { readYaml } from '../../src/cli/yaml/read.ts'
import { differences } from '../../src/metacontroller/compare.ts'
import { lastApplied } from '../../src/metacontroller/last-applied.ts'
import {
  type KubernetesObject,
  lastAppliedAnnotation,
  type ObservedObject,
} from '../../src/metacontroller/protocol.ts'
import { maxForeignItems, repairChild } from '../../src/metacontroller/repair.ts'
import { deployment } from '../../src/myapp/children/deployment.ts'
import { readReferencedConfig } from '../../src/myapp/config-references.ts'
import { finalize } from '../../src/myapp/finalize.ts'
import { findingsOf } from '../../src/myapp/findings.ts'
import type { HookRequest, ObservedPod } from '../../src/myapp/request.ts'
import { addressesOf } from '../../src/myapp/status/routing.ts'
import { sync } from '../../src/myapp/sync.ts'
import { changesOf } from '../../src/telemetry/requests/changes.ts'
import type { Anything } from '../support/fixtures/anything.ts'
import { context } from '../support/fixtures/context.ts'
import { recorded } from '../support/fixtures/recorded.ts'

/** The parts of a Deployment to which a tenant adds items. */
interface Target {
  pods: Anything
  app: Anything
  metadata: Anything
  /** The fields that the tenant owns, in FieldsV1 format. */
  owned: Record<string, Anything>
}
const numbers = (n: number) => Array.from({ length: n }, (_, index) => index)
const pods = (fields: object) => ({ 'f:template': { 'f:spec': fields } })
const container = (fields: object) => pods({ 'f:containers': { 'k:{"name":"app"}': fields } })
const items = (n: number, key: (index: number) => object) =>
  Object.fromEntries(numbers(n).map((index) => [`k:${JSON.stringify(key(index))}`, { '.': {} }]))

const shapes: Record<string, (n: number, target: Target) => void> = {
  volumes: (n, { pods: spec, owned }) => {
    spec.volumes = numbers(n).map((index) => ({ name: `v${index}`, emptyDir: {} }))
    owned['f:spec'] = pods({ 'f:volumes': items(n, (index) => ({ name: `v${index}` })) })
  },
  env: (n, { app, owned }) => {
    app.env = numbers(n).map((index) => ({ name: `V${index}`, value: 'x' }))
    owned['f:spec'] = container({ 'f:env': items(n, (index) => ({ name: `V${index}` })) })
  },
  'variables with the same name': (n, { app, owned }) => {
    app.env = numbers(n).map(() => ({ name: 'V', value: 'x' }))
    const keys = numbers(n).map((index) => `k:{"name":${' '.repeat(index % 50)}"V"}`)
    owned['f:spec'] = container({ 'f:env': Object.fromEntries(keys.map((key) => [key, {}])) })
  },
  'items with different keys': (n, { app, owned }) => {
    app.env = numbers(n).map((index) => ({ name: `V${index}`, value: 'x' }))
    owned['f:spec'] = container({
      'f:env': items(n, (index) => ({ name: `V${index}`, [`k${index}`]: 1 })),
    })
  },
  ports: (n, { app, owned }) => {
    app.ports = numbers(n).map((index) => ({ containerPort: index + 1, protocol: 'TCP' }))
    owned['f:spec'] = container({
      'f:ports': items(n, (index) => ({ containerPort: index + 1, protocol: 'TCP' })),
    })
  },
  containers: (n, { pods: spec, owned }) => {
    spec.containers.push(...numbers(n).map((index) => ({ name: `c${index}`, image: 'x' })))
    owned['f:spec'] = pods({ 'f:containers': items(n, (index) => ({ name: `c${index}` })) })
  },
  'resource limits': (n, { app, owned }) => {
    const names = numbers(n * 4).map((index) => `example.com/r${index}`)
    app.resources = { limits: Object.fromEntries(names.map((name) => [name, '1'])) }
    owned['f:spec'] = container({
      'f:resources': { 'f:limits': Object.fromEntries(names.map((name) => [`f:${name}`, {}])) },
    })
  },
  'fields of variables with the same name': (n, { app, owned }) => {
    app.env = numbers(n).map(() => ({ name: 'V', value: 'x' }))
    const fields = Object.fromEntries(numbers(n).map((index) => [`f:a${index}`, {}]))
    owned['f:spec'] = container({ 'f:env': { 'k:{"name":"V"}': fields } })
  },
  'node labels': (n, { pods: spec, owned }) => {
    spec.nodeSelector = Object.fromEntries(numbers(n).map((index) => [`l${index}`, 'x']))
    owned['f:spec'] = pods({ 'f:nodeSelector': {} })
  },
  'managers and volumes': (n, { pods: spec, metadata, owned }) => {
    spec.volumes = numbers(n).map((index) => ({ name: `v${index}`, emptyDir: {} }))
    owned['f:spec'] = pods({ 'f:volumes': {} })
    const fieldsV1 = { 'f:spec': pods({ 'f:volumes': { 'k:{"name":"v0"}': {} } }) }
    metadata.managedFields.push(
      ...numbers(n).map((index) => ({ manager: `m${index}`, operation: 'Apply', fieldsV1 })),
    )
  },
  'managers with one volume each': (n, { pods: spec, metadata, owned }) => {
    spec.volumes = numbers(n).map((index) => ({ name: `v${index}`, emptyDir: {} }))
    owned['f:spec'] = {}
    metadata.managedFields.push(
      ...numbers(n).map((index) => ({
        manager: `m${index}`,
        operation: 'Update',
        fieldsV1: { 'f:spec': pods({ 'f:volumes': { [`k:{"name":"v${index}"}`]: {} } }) },
      })),
    )
  },
  'volumes in the record of the last apply': (n, { pods: spec, metadata }) => {
    spec.volumes = numbers(n).map((index) => ({ name: `v${index}`, emptyDir: {} }))
    const record = JSON.parse(metadata.annotations[lastAppliedAnnotation])
    record.spec.template.spec.volumes = spec.volumes
    metadata.annotations[lastAppliedAnnotation] = JSON.stringify(record)
  },
  'volumes with the same name in the record of the last apply': (n, { pods: spec, metadata }) => {
    spec.volumes = numbers(n).map(() => ({ name: 'v', emptyDir: {} }))
    const record = JSON.parse(metadata.annotations[lastAppliedAnnotation])
    record.spec.template.spec.volumes = spec.volumes
    record.spec.other = 'x'
    metadata.annotations[lastAppliedAnnotation] = JSON.stringify(record)
  },
  'host aliases of one address': (n, { pods: spec, metadata }) => {
    spec.hostAliases = numbers(n * 2).map(() => ({ ip: '192.0.2.1', hostnames: ['a'] }))
    const record = JSON.parse(metadata.annotations[lastAppliedAnnotation])
    const hostnames = numbers(n * 10)
    record.spec.template.spec.hostAliases = [{ ip: '192.0.2.1', hostnames }]
    metadata.annotations[lastAppliedAnnotation] = JSON.stringify(record)
  },
  'fields of volumes with the same name': (n, { pods: spec, owned }) => {
    const volumes = numbers(n * 0.6).map(() => ({ name: 'data' }))
    const fields = Object.fromEntries(numbers(n * 2).map((index) => [`k${index}`, 1]))
    spec.volumes = [...volumes, { name: 'data', emptyDir: {}, ...fields }]
    owned['f:spec'] = pods({ 'f:volumes': {} })
  },
  'keys of one list item': (n, { app, owned }) => {
    app.env = numbers(n).map((index) => ({ name: `V${index}`, value: 'x' }))
    const keys = Object.fromEntries(numbers(n).map((index) => [`k${index}`, 1]))
    owned['f:spec'] = container({ 'f:env': { [`k:${JSON.stringify(keys)}`]: {} } })
  },
  annotations: (n, { metadata, owned }) => {
    for (const index of numbers(n)) metadata.annotations[`example.com/a${index}`] = 'x'
    owned['f:spec'] = { 'f:paused': {} }
  },
  'owner references': (n, { metadata, owned }) => {
    metadata.ownerReferences.push(...numbers(n).map((index) => ({ uid: `u${index}` })))
    owned['f:spec'] = { 'f:paused': {} }
  },
}

const strategies = ['dynamic-apply', 'server-side-apply'] as const
type Strategy = (typeof strategies)[number]

/** A request whose Deployment has a record of dynamic apply, or an entry of server-side apply. */
function requestWith(shape: string, n: number, strategy: Strategy): HookRequest {
  const request = recorded('sync-running')
  Object.assign(request.parent.spec as object, {
    volumes: [{ name: 'data', mountPath: '/data', emptyDir: {} }],
    nodeSelector: { disk: 'ssd' },
    resources: { limits: { memory: '1Gi' } },
  })
  const child = request.children['Deployment.apps/v1']['default/demo-app'] as Anything
  const pods = child.spec.template.spec
  const owned = {}
  shapes[shape]?.(n, { pods, app: pods.containers[0], metadata: child.metadata, owned })
  if (strategy === 'server-side-apply') {
    delete child.metadata.annotations[lastAppliedAnnotation]
    child.metadata.managedFields.push({
      manager: 'metacontroller',
      operation: 'Apply',
      fieldsV1: { ...owned, 'f:metadata': { 'f:ownerReferences': {} } },
    })
  } else {
    child.metadata.managedFields.push({
      manager: 'kubectl-edit',
      operation: 'Update',
      time: '2099-01-01T00:00:00Z',
      fieldsV1: owned,
    })
  }
  return request
}

type Hook<Request = HookRequest> = (request: Request) => unknown
const withSpec = (request: HookRequest, spec: unknown): HookRequest => ({
  ...request,
  parent: { ...request.parent, spec },
})
const hooks: Record<string, Hook> = {
  sync: (request) => sync(request, context),
  'sync of an invalid spec': (request) => sync(withSpec(request, {}), context),
  'sync of a paused spec': (request) =>
    sync(withSpec(request, { image: 'nginx', paused: true }), context),
  finalize: (request) => finalize({ ...request, finalizing: true }),
}

/**
 * Returns the processor time in ms of the shortest of several runs. Processor time does not depend
 * on other processes.
 */
function shortest<Request>(run: Hook<Request>, request: Request): number {
  const times = numbers(7).map(() => {
    const copy = structuredClone(request)
    const start = process.threadCpuUsage()
    run(copy)
    const { user, system } = process.threadCpuUsage(start)
    return (user + system) / 1000
  })
  return Math.min(...times)
}

/**
 * Each step is four times larger than the one before. Linear work then takes four times as long,
 * and quadratic work sixteen times. The lists of the first two steps are repaired. The list of the
 * last step is too long for a repair.
 */
const steps = [maxForeignItems / 10, maxForeignItems / 2.5, maxForeignItems * 1.6]
const maxGrowth = 12
/** Times below this many milliseconds are too short to show growth. */
const resolution = 4

for (const shape of Object.keys(shapes)) {
  for (const strategy of strategies) {
    t.test(`work grows linearly with ${shape}, ${strategy}`, async (t) => {
      for (const [name, run] of Object.entries(hooks)) {
        const growth = growthOf(run, (n) => requestWith(shape, n, strategy))
        t.ok(growth < maxGrowth, `${name}: ${growth.toFixed(1)} times as long`)
      }
    })
  }
}

/** Returns the largest growth between two steps. Repeats a measurement with too much growth. */
function growthOf<Request>(
  run: Hook<Request>,
  request: (n: number) => Request,
  attempts = 4,
): number {
  const times = steps.map((n) => shortest(run, request(n)))
  const growths = times
    .slice(1)
    .map((time, index) => time / Math.max(resolution, times[index] ?? 0))
  const growth = Math.max(...growths)
  return growth < maxGrowth || attempts === 1
    ? growth
    : Math.min(growth, growthOf(run, request, attempts - 1))
}

/** Pods whose size grows in proportion to n. */
const podShapes: Record<string, (n: number) => Anything> = {
  'containers of a pod': (n) => {
    const names = numbers(n * 10).map((index) => `c${index}`)
    return {
      spec: { containers: names.map((name) => ({ name })) },
      status: { containerStatuses: names.map((name) => ({ name, ready: true })) },
    }
  },
  'init containers of a pod': (n) => {
    const names = numbers(n * 10).map((index) => `c${index}`)
    const state = { running: {} }
    return {
      spec: { initContainers: names.map((name) => ({ name, restartPolicy: 'Always' })) },
      status: {
        initContainerStatuses: names.map((name) => ({ name, ready: true, started: true, state })),
      },
    }
  },
  ...Object.fromEntries(
    ['.', ' ', ' (pod: "', ': unknown', ':1->', 'failed to create '].map((text) => [
      `"${text}" in a message`,
      (n: number) => ({
        status: {
          phase: 'Failed',
          reason: 'Evicted',
          message: `failed to create ${text.repeat(n * 100)}`,
        },
      }),
    ]),
  ),
}

for (const [shape, podOf] of Object.entries(podShapes)) {
  t.test(`work grows linearly with ${shape}`, async (t) => {
    const metadata = {
      name: 'a',
      namespace: 'default',
      uid: 'a',
      ownerReferences: [{ uid: 'u', controller: true }],
    }
    const run = (pods: ObservedPod[]) => findingsOf(pods, '2026-01-01T00:00:00Z')
    const growth = growthOf(run, (n) => [{ ...podOf(n), metadata }])
    t.ok(growth < maxGrowth, `${growth.toFixed(1)} times as long`)
  })
}

/** Specs with strings whose length grows in proportion to n. */
const specShapes: Record<string, (n: number) => object> = {
  'folders of a path': (n) => ({ files: { ['/a'.repeat(n * 20)]: '' } }),
  'an unknown field': (n) => ({ ['a'.repeat(n * 100)]: '' }),
  'a host with many labels': (n) => ({ ingress: { host: 'a.'.repeat(n * 20) } }),
}

for (const [shape, specOf] of Object.entries(specShapes)) {
  t.test(`work grows linearly with ${shape}`, async (t) => {
    const running = recorded('sync-running')
    const growth = growthOf(
      (request: HookRequest) => sync(request, context),
      (n) => withSpec(running, { image: 'nginx', ...specOf(n) }),
    )
    t.ok(growth < maxGrowth, `${growth.toFixed(1)} times as long`)
  })
}

/** References to a ConfigMap whose size grows in proportion to n. */
const referenceShapes: Record<string, (n: number, keys: string[]) => object> = {
  'keys of a ConfigMap': (_n, keys) => {
    const items = keys.map((key) => ({ key, path: key }))
    return { volumes: [{ name: 'c', mountPath: '/c', configMap: { name: 'shop', items } }] }
  },
  'references to one ConfigMap': (n) => ({
    envFrom: numbers(n).map(() => ({ configMapRef: { name: 'shop' } })),
  }),
}

for (const [shape, specOf] of Object.entries(referenceShapes)) {
  t.test(`work grows linearly with ${shape}`, async (t) => {
    const growth = growthOf(
      (request: HookRequest) =>
        readReferencedConfig(request, request.parent.spec as MyAppSpec, context),
      (n) => {
        const keys = numbers(n * 4).map((index) => `k${index}`)
        const request = recorded('sync-running')
        Object.assign(request.related, {
          'ConfigMap.v1': {
            'default/shop': {
              metadata: { name: 'shop', namespace: 'default', uid: 'x' },
              data: Object.fromEntries(keys.map((key) => [key, 'x'])),
            },
          },
        })
        return withSpec(request, { image: 'nginx', ...specOf(n, keys) })
      },
    )
    t.ok(growth < maxGrowth, `${growth.toFixed(1)} times as long`)
  })
}

t.test('work grows linearly with the hosts of an Ingress', async (t) => {
  const growth = growthOf(
    (request: HookRequest) => addressesOf(request),
    (n) => {
      const request = recorded('sync-running')
      const hosts = numbers(n * 4).map((index) => `h${index}.example.com`)
      const ingress = {
        metadata: request.parent.metadata,
        spec: {
          rules: hosts.map((host) => ({ host, http: { paths: [{ path: '/' }] } })),
          tls: [{ hosts: hosts.toReversed() }],
        },
        status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } },
      }
      Object.assign(request.children, {
        'Ingress.networking.k8s.io/v1': { 'default/demo-app': ingress },
      })
      return request
    },
  )
  t.ok(growth < maxGrowth, `${growth.toFixed(1)} times as long`)
})

t.test('work grows linearly with the ports of a Service and of its record', async (t) => {
  const growth = growthOf(
    (request: HookRequest) => sync(request, context),
    (n) => {
      const request = recorded('sync-running')
      const { metadata, spec } = request.children['Service.v1']['default/demo-app'] as Anything
      for (const index of numbers(n * 0.6)) spec.ports.push({ name: `p${index}`, port: index + 1 })
      metadata.managedFields.push({
        manager: 'kubectl-edit',
        operation: 'Update',
        time: '2099-01-01T00:00:00Z',
        fieldsV1: { 'f:spec': { 'f:ports': {} } },
      })
      const record = JSON.parse(metadata.annotations[lastAppliedAnnotation])
      record.spec.ports.push(...numbers(n * 12).map(() => ({ port: 1 })))
      metadata.annotations[lastAppliedAnnotation] = JSON.stringify(record)
      return request
    },
  )
  t.ok(growth < maxGrowth, `${growth.toFixed(1)} times as long`)
})

/** A PodMonitor with n small endpoints, and one endpoint of the same port with n fields. */
function withEndpoints(n: number): HookRequest {
  const request = recorded('sync-running')
  Object.assign(request.parent.spec as object, { metrics: { port: 8080 } })
  const children = request.children as Record<string, Anything>
  const group = 'PodMonitor.monitoring.coreos.com/v1'
  children[group] = {}
  const desired = sync(request, context).children.find(({ kind }) => kind === 'PodMonitor')
  const monitor = structuredClone(desired) as Anything
  const annotations = { [lastAppliedAnnotation]: JSON.stringify(monitor) }
  const fieldsV1 = { 'f:metadata': { 'f:ownerReferences': {} } }
  const managedFields = [{ manager: 'metacontroller', operation: 'Update', fieldsV1 }]
  Object.assign(monitor.metadata, { uid: 'm', annotations, managedFields })
  const params = Object.fromEntries(numbers(n).map((index) => [`k${index}`, '']))
  monitor.spec.podMetricsEndpoints = [
    ...numbers(n).map(() => ({ port: 'metrics', params: {} })),
    { port: 'metrics', params },
  ]
  children[group] = { 'default/demo-app': monitor }
  return request
}

const endpointHooks: Record<string, Hook> = {
  sync: (request) => sync(request, context),
  'the changes of a sync': (request) => changesOf(request, sync(request, context).children),
}

for (const [name, run] of Object.entries(endpointHooks)) {
  t.test(`work of ${name} grows linearly with endpoints of one port`, async (t) => {
    const growth = growthOf(run, (n) => withEndpoints(n * 2))
    t.ok(growth < maxGrowth, `${growth.toFixed(1)} times as long`)
  })
}

t.test('work grows linearly with a variable that occurs often and has many fields', async (t) => {
  const growth = growthOf(
    (request: HookRequest) => sync(request, context),
    (n) => {
      const request = recorded('sync-running')
      const env = ['A', 'B'].map((name) => ({ name, value: 'x' }))
      Object.assign(request.parent.spec as object, { env })
      const { spec } = request.children['Deployment.apps/v1']['default/demo-app'] as Anything
      // After the merge each of them has all fields, because they have one name.
      const fields = Object.fromEntries(numbers(n * 4).map((index) => [`k${index}`, 1]))
      const variables = numbers(n * 0.6).map(() => ({ name: 'A' }))
      spec.template.spec.containers[0].env = [...variables, { name: 'A', ...fields }]
      return request
    },
  )
  t.ok(growth < maxGrowth, `${growth.toFixed(1)} times as long`)
})

t.test('work grows linearly with small items that have the name of a large item', async (t) => {
  const limits = { paths: 32, characters: 253, items: 256 }
  const growth = growthOf(
    ([observed, desired]: object[]) => differences(observed, desired, limits),
    (n) => {
      const env = numbers(n * 2).map((index) => ({ name: `V${index}` }))
      return [
        { containers: [{ name: 'app', env }] },
        { containers: numbers(n * 2).map(() => ({ name: 'app', env: env.slice(-1) })) },
      ]
    },
  )
  t.ok(growth < maxGrowth, `${growth.toFixed(1)} times as long`)
})

/** Children and statuses by which the URLs or the problems of a MyApp could multiply. */
const routeShapes: Record<string, (n: number) => Record<string, { spec: object; status: object }>> =
  {
    'addresses and paths of an Ingress': (n) => ({
      'Ingress.networking.k8s.io/v1': {
        spec: { rules: [{ http: { paths: numbers(n).map((index) => ({ path: `/${index}` })) } }] },
        status: { loadBalancer: { ingress: numbers(n).map((index) => ({ ip: `${index}` })) } },
      },
    }),
    'addresses and rules of an Ingress': (n) => ({
      'Ingress.networking.k8s.io/v1': {
        spec: { rules: numbers(n).map(() => ({ http: { paths: [{ path: '/' }] } })) },
        status: { loadBalancer: { ingress: numbers(n).map((index) => ({ ip: `${index}` })) } },
      },
    }),
    'Gateways and hosts of an HTTPRoute': (n) => ({
      'HTTPRoute.gateway.networking.k8s.io/v1': {
        spec: {
          parentRefs: numbers(n).map(() => ({ name: 'a', port: 80 })),
          hostnames: numbers(n).map((index) => `h${index}`),
        },
        status: {
          parents: [
            { parentRef: { name: 'a' }, conditions: [{ type: 'Accepted', status: 'True' }] },
          ],
        },
      },
    }),
    'Gateways and reports of an HTTPRoute': (n) => ({
      'HTTPRoute.gateway.networking.k8s.io/v1': {
        spec: {
          parentRefs: numbers(n * 4).map((index) => ({ name: 'a', sectionName: `s${index}` })),
        },
        status: {
          parents: numbers(n * 4).map((index) => ({
            parentRef: { name: 'a', sectionName: `s${index}` },
            conditions: [{ type: 'Accepted', status: 'True' }],
          })),
        },
      },
    }),
  }

for (const [shape, childrenOf] of Object.entries(routeShapes)) {
  t.test(`work grows linearly with the ${shape}`, async (t) => {
    const growth = growthOf(
      (request: HookRequest) => addressesOf(request),
      (n) => {
        const request = recorded('sync-running')
        const { metadata } = request.parent
        for (const [group, child] of Object.entries(childrenOf(n))) {
          Object.assign(request.children, {
            [group]: { 'default/demo-app': { metadata, ...child } },
          })
        }
        return request
      },
    )
    t.ok(growth < maxGrowth, `${growth.toFixed(1)} times as long`)
  })
}

t.test('work grows linearly with the problems of a spec', async (t) => {
  const growth = growthOf(
    (myApp: object) => validate(myApp, allProblemsValidator),
    (n) => ({
      metadata: { name: 'demo-app' },
      spec: {
        image: 'nginx',
        networkPolicy: { from: [{ ports: numbers(n * 10).map(() => -1) }] },
      },
    }),
  )
  t.ok(growth < maxGrowth, `${growth.toFixed(1)} times as long`)
})

/** Files that the command line reads. */
const yamlShapes: Record<string, (n: number) => string> = {
  aliases: (n) => `a: &a x\nb: [${'*a,'.repeat(n * 10)}]\n`,
  'open brackets': (n) => '['.repeat(n * 10),
  'aliases as keys': (n) => `a: &a x\nb: [${'*a: 1,'.repeat(n * 10)}]\n`,
}

for (const [shape, textOf] of Object.entries(yamlShapes)) {
  t.test(`work grows linearly with ${shape} in YAML`, async (t) => {
    const growth = growthOf<string>(readYaml, textOf)
    t.ok(growth < maxGrowth, `${growth.toFixed(1)} times as long`)
  })
}

t.test('the condition Unrepaired names a list that the operator does not repair', async (t) => {
  const { conditions = [] } = sync(
    requestWith('volumes', maxForeignItems + 2, 'dynamic-apply'),
    context,
  ).status
  t.match(
    conditions.find(({ type }) => type === 'Unrepaired'),
    {
      reason: 'TooManyForeignItems',
      message:
        'Deployment spec.template.spec.volumes has 1002 items. The operator removes nothing from ' +
        'a list with more than 1000 foreign items. Remove the foreign items by hand',
    },
  )
  const few = sync(requestWith('volumes', 2, 'dynamic-apply'), context).status.conditions ?? []
  t.notOk(few.some(({ type }) => type === 'Unrepaired'))
})

t.test('keeps and reports a list with too many foreign items', async (t) => {
  const answerFor = (n: number) => {
    const { children } = requestWith('volumes', n, 'dynamic-apply')
    const observed = children['Deployment.apps/v1']['default/demo-app'] as ObservedObject
    const desired = lastApplied(observed) as KubernetesObject
    const { answer, unrepaired } = repairChild(desired, observed, deployment.exactFields)
    return { isDesired: answer === desired, unrepaired }
  }
  t.strictSame(answerFor(maxForeignItems), { isDesired: false, unrepaired: [] })
  t.strictSame(answerFor(maxForeignItems + 1), {
    isDesired: true,
    unrepaired: [{ path: 'spec.template.spec.volumes', items: maxForeignItems + 1 }],
  })
})
