import fc from 'fast-check'
import fastify from 'fastify'
import t from 'tap'
import { asApplied } from '../../src/metacontroller/last-applied.ts'
import { lastAppliedAnnotation } from '../../src/metacontroller/protocol.ts'
import type { KubernetesObject, ObservedObject } from '../../src/metacontroller/protocol.ts'
import { answerErrors } from '../../src/plugins/errors.ts'
import { childKinds } from '../../src/myapp/children/index.ts'
import { finalize } from '../../src/myapp/finalize.ts'
import { type HookRequest, sentChildren } from '../../src/myapp/request.ts'
import { safeAnswer } from '../../src/myapp/safe-answer.ts'
import { sync } from '../../src/myapp/sync.ts'
import type { Anything } from '../support/fixtures/anything.ts'
import { context } from '../support/fixtures/context.ts'
import { recorded } from '../support/fixtures/recorded.ts'

/** The spec of a Deployment that a tenant would like Metacontroller to create in kube-system. */
const rootPod = {
  selector: { matchLabels: { app: 'helper' } },
  template: {
    metadata: { labels: { app: 'helper' } },
    spec: { hostPID: true, containers: [{ name: 'app', securityContext: { runAsUser: 0 } }] },
  },
}

/** Metadata of a forged record. The hook may answer only the fields in `allowed`. */
const forgedMetadata = fc.record(
  {
    name: fc.constantFrom('demo-app', 'coredns', '__proto__'),
    namespace: fc.constantFrom('kube-system', '', 'default'),
    generateName: fc.constant('helper-'),
    finalizers: fc.constant(['example.com/stays']),
    ownerReferences: fc.constant([{ apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'u' }]),
    uid: fc.constant('00000000-0000-0000-0000-000000000000'),
    resourceVersion: fc.constant('1'),
    deletionTimestamp: fc.constant('2026-01-01T00:00:00Z'),
    managedFields: fc.constant([]),
    labels: fc.constantFrom<unknown>({ app: 'x' }, { app: 1 }, ['a'], null),
    annotations: fc.constantFrom<unknown>(
      { 'example.com/a': 'x' },
      { a: {} },
      'text',
      { [lastAppliedAnnotation]: '{"kind":"Pod"}' },
      JSON.parse('{"__proto__": "x", "constructor": "y"}'),
    ),
  },
  { requiredKeys: [] },
)

const forgedRecord = fc.record({
  apiVersion: fc.constantFrom('apps/v1', 'v1', 'rbac.authorization.k8s.io/v1'),
  kind: fc.constantFrom('Deployment', 'Service', 'ClusterRoleBinding'),
  metadata: forgedMetadata,
  spec: fc.constantFrom<unknown>(rootPod, null, 'text', ['a']),
  status: fc.constant({ replicas: 1 }),
  rules: fc.constant([{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }]),
  constructor: fc.constant('x'),
})

/** Forges a record of dynamic apply. If `matching`, it has the kind and name of the child. */
function forgeAnnotation(child: ObservedObject, record: Anything, matching: boolean): void {
  const forged = matching
    ? {
        ...record,
        kind: child.kind,
        metadata: { ...record.metadata, name: child.metadata.name },
      }
    : record
  child.metadata.annotations = { [lastAppliedAnnotation]: JSON.stringify(forged) }
}

/** Forges managedFields: as if Metacontroller had applied every metadata field of the record. */
function forgeManagedFields(child: ObservedObject, record: Anything): void {
  delete child.metadata.annotations?.[lastAppliedAnnotation]
  const fields = Object.keys(record.metadata).map((name) => [`f:${name}`, {}])
  const fieldsV1 = {
    'f:apiVersion': {},
    'f:kind': {},
    'f:status': {},
    'f:metadata': { ...Object.fromEntries(fields), 'f:ownerReferences': {}, 'f:namespace': {} },
    'f:spec': {},
  }
  child.metadata.managedFields = [{ manager: 'metacontroller', operation: 'Apply', fieldsV1 }]
  Object.assign(child.metadata, { finalizers: ['example.com/stays'], generateName: 'helper-' })
}

type Answer = (request: HookRequest) => KubernetesObject[]
const synced: Answer = (request) => sync(request, context).children

/** Situations in which the record of an observed child can reach the answer. */
const paths: Record<string, { prepare: (request: Anything) => void; answer: Answer }> = {
  'a valid spec': { prepare: () => {}, answer: synced },
  'blocked by missing config': {
    prepare: ({ parent }) => {
      parent.spec.envFrom = [{ configMapRef: { name: 'missing' } }]
    },
    answer: synced,
  },
  'an invalid spec': {
    prepare: ({ parent }) => {
      parent.spec.replicas = -1
    },
    answer: synced,
  },
  'an invalid spec, paused': {
    prepare: ({ parent }) => {
      Object.assign(parent.spec, { replicas: -1, paused: true })
    },
    answer: synced,
  },
  paused: {
    prepare: ({ parent }) => {
      parent.spec.paused = true
    },
    answer: synced,
  },
  'a copy under another name': {
    prepare: ({ children }) => {
      const [key, child] = Object.entries<Anything>(children['Deployment.apps/v1'])[0] ?? []
      const copy = structuredClone(child)
      copy.metadata.name = 'demo-app-copy'
      children['Deployment.apps/v1'][`${key}-copy`] = copy
    },
    answer: synced,
  },
  'a kind that this version does not know': {
    prepare: ({ parent, children }) => {
      const { name, namespace } = parent.metadata
      children['Thing.example.com/v9'] = {
        [`${namespace}/${name}`]: {
          apiVersion: 'example.com/v9',
          kind: 'Thing',
          metadata: { name, namespace, uid: 'u', annotations: {} },
          spec: {},
        },
      }
    },
    answer: synced,
  },
  finalize: {
    prepare: (request) => {
      request.finalizing = true
      // While this child of the first stage exists, the answer contains the other children.
      request.children['Ingress.networking.k8s.io/v1'] = {
        'default/demo-app': {
          apiVersion: 'networking.k8s.io/v1',
          kind: 'Ingress',
          metadata: { name: 'demo-app', namespace: 'default', uid: 'ingress', annotations: {} },
          spec: {},
        },
      }
      request.parent.metadata.deletionTimestamp = '2026-01-01T00:00:00Z'
    },
    answer: (request) => finalize(request).children,
  },
}

const allowed = ['name', 'namespace', 'labels', 'annotations']
const ownKinds = new Set(childKinds.map(({ gvk }) => gvk))

for (const [path, { prepare, answer }] of Object.entries(paths)) {
  t.test(`a forged record cannot change the identity of a child: ${path}`, async (t) => {
    let answered = 0
    fc.assert(
      fc.property(forgedRecord, fc.boolean(), fc.boolean(), (record, serverSide, matching) => {
        const request = recorded('sync-running')
        prepare(request)
        for (const { child } of sentChildren(request)) {
          if (serverSide) forgeManagedFields(child, record)
          else forgeAnnotation(child, record, matching)
        }
        const identities = new Set(
          sentChildren(request).map(({ child: { apiVersion, kind, metadata } }) =>
            [apiVersion, kind, metadata.namespace, metadata.name].join(' '),
          ),
        )
        for (const { apiVersion, kind, metadata, ...content } of answer(request)) {
          answered += 1
          const { namespace, name, labels = {}, annotations = {} } = metadata
          const identity = [apiVersion, kind, namespace, name].join(' ')
          const isOwn = name === 'demo-app' && ownKinds.has(`${kind}.${apiVersion}`)
          if (!identities.has(identity) && !isOwn) throw new Error(identity)
          if (namespace !== request.parent.metadata.namespace) throw new Error(identity)
          if (Object.keys(content).some((field) => field !== 'spec')) {
            throw new Error(`fields ${Object.keys(content)}`)
          }
          if (typeof content.spec !== 'object' || content.spec === null) throw new Error('spec')
          if (lastAppliedAnnotation in (metadata.annotations ?? {})) throw new Error('record')
          const foreign = Object.keys(metadata).filter((field) => !allowed.includes(field))
          if (foreign.length > 0) throw new Error(`metadata ${foreign}`)
          for (const text of [...Object.values(labels), ...Object.values(annotations)]) {
            if (typeof text !== 'string') throw new Error(`a label or annotation is ${text}`)
          }
        }
      }),
    )
    t.ok(answered > 0, 'children are answered')
  })
}

const child = (metadata: object, kind = 'Deployment', apiVersion = 'apps/v1') =>
  ({
    apiVersion,
    kind,
    metadata: { name: 'demo-app', namespace: 'default', ...metadata },
  }) as KubernetesObject

t.test('a forged record cannot give a spec to a child without one', async (t) => {
  for (const spec of [null, 'text', ['a'], {}]) {
    const child = {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'demo-app', namespace: 'default', uid: 'uid' },
    }
    const record = { ...child, metadata: { name: 'demo-app' }, spec }
    const annotations = { [lastAppliedAnnotation]: JSON.stringify(record) }
    const observed = { ...child, metadata: { ...child.metadata, annotations } }
    t.notOk('spec' in asApplied(observed), JSON.stringify(spec))
  }
})

t.test('keeps the observed data of an unknown kind', async (t) => {
  const metadata = { name: 'demo-app', namespace: 'default', uid: 'u' }
  const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { a: 'observed' } }
  const record = { ...config, data: { a: 'forged' }, rules: ['forged'] }
  const request = recorded('sync-running')
  const answered = (child: Anything) => {
    Object.assign(request.children, { 'ConfigMap.v1': { 'default/demo-app': child } })
    return sync(request, context).children.find(({ kind }) => kind === 'ConfigMap')
  }
  const annotations = { [lastAppliedAnnotation]: JSON.stringify(record) }
  t.match(answered({ ...config, metadata: { ...metadata, annotations } }), {
    data: { a: 'observed' },
    rules: undefined,
  })
  const fieldsV1 = { 'f:metadata': { 'f:ownerReferences': {} }, 'f:data': { 'f:a': {} } }
  const managedFields = [{ manager: 'metacontroller', operation: 'Apply', fieldsV1 }]
  t.match(answered({ ...config, metadata: { ...metadata, managedFields } }), {
    data: { a: 'observed' },
  })
})

t.test('refuses an answer that Metacontroller must not apply', async (t) => {
  const request = recorded('sync-running')
  const namespace = request.parent.metadata.namespace
  const own = child({ namespace })
  t.same(safeAnswer(request, [own]), [own])
  const unsafe: Array<[string, KubernetesObject[]]> = [
    ['is not in the namespace of the MyApp', [child({ namespace: 'kube-system' })]],
    ['is not in the namespace of the MyApp', [child({ namespace: undefined })]],
    ['has metadata that a child may not have', [child({ namespace, finalizers: [] })]],
    ['has metadata that a child may not have', [child({ namespace, ownerReferences: [] })]],
    ['is of an unknown kind', [child({ namespace }, 'ClusterRoleBinding', 'rbac/v1')]],
    ['is of an unknown kind', [child({ namespace }, 'toString', 'v1')]],
    ['occurs twice', [own, own]],
    ['has no name', [child({ namespace, name: undefined })]],
    ['is null', [null as unknown as KubernetesObject]],
    ['has no metadata', [{ ...own, metadata: undefined } as unknown as KubernetesObject]],
  ]
  for (const [why, children] of unsafe) {
    t.throws(() => safeAnswer(request, children), new RegExp(`^internal error: .*${why}$`), why)
  }
  try {
    safeAnswer(request, [child({ namespace: 'other', name: 'x'.repeat(1e6) })])
    t.fail('must be refused')
  } catch (error) {
    t.ok((error as Error).message.length < 700, 'the message is short')
  }
})

t.test('an unsafe answer becomes a 500 with one short sentence', async (t) => {
  const server = fastify()
  answerErrors(server, server.log)
  server.get('/', () =>
    safeAnswer(recorded('sync-running'), [
      child({ namespace: 'kube-system', name: 'x'.repeat(1e5) }),
    ]),
  )
  const { statusCode, body } = await server.inject('/')
  t.equal(statusCode, 500)
  t.match(
    JSON.parse(body).error,
    /^internal error: child Deployment x+ is not in the namespace of the MyApp; the log/,
  )
  t.ok(body.length < 400)
})
