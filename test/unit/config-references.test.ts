import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { lastApplied } from '../../src/metacontroller/last-applied.ts'
import { readReferencedConfig } from '../../src/myapp/config-references.ts'
import type { Context } from '../../src/myapp/context.ts'
import { customize } from '../../src/myapp/customize.ts'
import { scaleDownTo } from '../../src/myapp/replicas.ts'
import type { HookRequest } from '../../src/myapp/request.ts'
import type { MyAppSpec } from '../../src/api/myapp.ts'
import { sync } from '../../src/myapp/sync.ts'
import { recorded, recordedCustomize } from '../support/fixtures/recorded.ts'
import { context } from '../support/fixtures/context.ts'

type Strings = Record<string, string>

const reading: MyAppSpec = {
  image: 'nginx',
  env: [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'shop', key: 'token' } } }],
  envFrom: [{ configMapRef: { name: 'shop' } }],
}

/**
 * A request with the given data in the ConfigMap and the Secret of the pods. If `configMap` is
 * undefined, there is no ConfigMap. If `secret` is undefined, the Secret has the key `token`.
 */
function holding(
  configMap: Strings | undefined,
  secret: Strings | undefined = { token: 'dA==' },
  metadata: object = {},
  spec = reading,
): HookRequest {
  const request = recorded('sync-running')
  const object = (data: Strings | undefined) =>
    data === undefined
      ? {}
      : {
          'default/shop': {
            metadata: { name: 'shop', namespace: 'default', uid: 'x', ...metadata },
            data,
          },
        }
  request.parent.spec = spec
  Object.assign(request.related, { 'ConfigMap.v1': object(configMap), 'Secret.v1': object(secret) })
  return request
}
const keyed: Context = { configDigestKey: Buffer.alloc(32, 'k') }
const digestWith = (context: Context) => (request: HookRequest) =>
  readReferencedConfig(request, request.parent.spec as MyAppSpec, context).digest
const [digest, digestWithoutKey] = [digestWith(keyed), digestWith({})]
const missing = (request: HookRequest) =>
  readReferencedConfig(request, request.parent.spec as MyAppSpec, context).missing
const data = fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__'), fc.string(), {
  noNullPrototype: true,
})

t.test('finds the config of init containers and sidecars', async (t) => {
  const { env = [], envFrom = [] } = reading
  const specs: MyAppSpec[] = [
    { image: 'nginx', init: [{ name: 'a', env, envFrom }] },
    { image: 'nginx', sidecars: [{ name: 'a', env, envFrom }] },
  ]
  for (const spec of specs) {
    t.strictSame(missing(holding(undefined, {}, {}, spec)), [
      'key token of Secret shop',
      'ConfigMap shop',
    ])
    t.not(
      digest(holding({ a: '1' }, undefined, {}, spec)),
      digest(holding({ a: '2' }, undefined, {}, spec)),
    )
    t.equal(digest(holding({ a: '1' }, undefined, {}, { image: 'nginx' })), undefined)
  }
})

t.test('ignores metadata and the order of keys in the digest', async () => {
  fc.assert(
    fc.property(
      data,
      fc.record({ resourceVersion: fc.string(), labels: fc.dictionary(fc.string(), fc.string()) }),
      (data, metadata) => {
        const reversed = Object.fromEntries(Object.entries(data).toReversed())
        if (digest(holding(data)) !== digest(holding(reversed, undefined, metadata))) {
          throw new Error('another digest')
        }
      },
    ),
  )
})

t.test('the digest changes with used keys of a Secret, not with unused keys', async () => {
  fc.assert(
    fc.property(data, data, (one, other) => {
      const isSame =
        JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort())
      if ((digest(holding(one)) === digest(holding(other))) !== isSame) {
        throw new Error('the digests of two ConfigMaps must differ exactly if their data differ')
      }
      if (digest(holding(one, { ...other, token: 'dA==' })) !== digest(holding(one))) {
        throw new Error('an unused key changes the digest')
      }
      if (digest(holding(one, { token: 'eA==' })) === digest(holding(one))) {
        throw new Error('a used key does not change the digest')
      }
    }),
  )
})

t.test('the digest depends on the MyApp and on the key of the hook', async (t) => {
  const other = holding({ a: '1' })
  other.parent.metadata.uid = 'other'
  t.not(digest(other), digest(holding({ a: '1' })))
  t.not(
    digestWith({ configDigestKey: Buffer.alloc(32, 'l') })(holding({ a: '1' })),
    digest(holding({ a: '1' })),
  )
  t.match(digest(other), /^[0-9a-f]{32}$/)
})

t.test('readers of the MyApp and its pods cannot test a guess of a Secret', async (t) => {
  const pins = Array.from({ length: 100 }, (_, pin) => btoa(String(pin).padStart(2, '0')))
  const published = [digest, digestWithoutKey].map((digest) =>
    digest(holding({}, { token: pins[42] ?? '' })),
  )
  for (const token of pins) {
    const guess = holding({}, { token })
    const { uid } = guess.parent.metadata
    // The digest of release 0.1.0, and the digest with a key that anybody can guess.
    const tested = [
      createHash('sha256')
        .update(uid)
        .update(JSON.stringify(['Secret', 'shop', true, [['token', token]]]))
        .update(JSON.stringify(['ConfigMap', 'shop', true, []]))
        .digest('hex')
        .slice(0, 32),
      digestWith({ configDigestKey: Buffer.alloc(0) })(guess),
      digestWith({ configDigestKey: Buffer.from(uid) })(guess),
    ]
    t.notOk(tested.some((digest) => published.includes(digest)))
  }
})

t.test(
  'without a key the digest depends on the version of a Secret, not on its data',
  async (t) => {
    const at = (metadata: object, token = 'dA==') =>
      digestWithoutKey(holding({ a: '1' }, { token }, metadata))
    const first = at({ uid: 's', resourceVersion: '1' })
    t.equal(at({ uid: 's', resourceVersion: '1' }, 'eA=='), first)
    t.not(at({ uid: 's', resourceVersion: '2' }), first)
    t.not(at({ uid: 'recreated', resourceVersion: '1' }), first)
    t.not(
      digestWithoutKey(holding({ a: '2' }, undefined, { uid: 's', resourceVersion: '1' })),
      first,
    )
  },
)

t.test('names each missing object or key once', async (t) => {
  t.strictSame(missing(holding({})), [])
  t.strictSame(missing(holding(undefined, undefined)), ['ConfigMap shop'])
  t.strictSame(missing(holding({}, {})), ['key token of Secret shop'])
  t.strictSame(
    missing(
      holding(
        {},
        {},
        {},
        {
          image: 'nginx',
          env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'shop', key: 'constructor' } } }],
        },
      ),
    ),
    ['key constructor of Secret shop'],
    'inherited properties are not keys',
  )
  t.strictSame(
    missing(
      holding(
        {},
        {},
        {},
        {
          ...reading,
          env: [
            ...(reading.env ?? []),
            { name: 'AGAIN', valueFrom: { secretKeyRef: { name: 'shop', key: 'token' } } },
          ],
        },
      ),
    ),
    ['key token of Secret shop'],
  )
})

t.test('only the first 16 equal references count in the digest', async (t) => {
  const digestOf = (count: number) =>
    digest(
      holding(
        { a: '1' },
        {},
        {},
        {
          image: 'nginx',
          envFrom: Array(count).fill({ configMapRef: { name: 'shop' } }),
        },
      ),
    )
  t.not(digestOf(15), digestOf(16))
  t.equal(digestOf(16), digestOf(17))
})

t.test('optional config is never missing, and its used data are in the digest', async (t) => {
  const spec = {
    image: 'nginx',
    envFrom: [{ configMapRef: { name: 'shop', optional: true } }],
    env: [
      { name: 'A', valueFrom: { secretKeyRef: { name: 'shop', key: 'token', optional: true } } },
    ],
  }
  const [none, empty] = [holding(undefined, {}, {}, spec), holding({}, { other: 'x' }, {}, spec)]
  delete none.related['Secret.v1']
  t.strictSame([missing(none), missing(empty)], [[], []])
  t.equal(digest(none), digest(empty))
  t.not(digest(none), digest(holding({ a: '' }, {}, {}, spec)))
})

t.test(
  'keeps the applied Deployment while config is missing, but allows fewer replicas',
  async (t) => {
    const sentWith = (spec: object) => {
      const request = holding(undefined, undefined, {}, { ...reading, image: 'nginx:2', ...spec })
      const deployment = request.children['Deployment.apps/v1']['default/demo-app']
      return {
        applied: deployment && lastApplied(deployment),
        sent: sync(request, context).children[0],
      }
    }
    for (const replicas of [3, 5]) {
      const { applied, sent } = sentWith({ replicas })
      t.strictSame(sent, applied, `${replicas} replicas desired, 3 applied`)
    }
    const { applied, sent } = sentWith({ replicas: 1 })
    t.strictSame(sent, { ...applied, spec: { ...(applied?.spec as object), replicas: 1 } })
    for (const none of [{ replicas: 0 }, { suspend: true }]) {
      t.match(sentWith(none).sent, {
        kind: 'Deployment',
        spec: { replicas: 0, template: { spec: { containers: [{ image: 'nginx:2' }] } } },
      })
    }
  },
)

t.test('deletes an autoscaler that the spec drops while config is missing', async (t) => {
  const request = holding(undefined, undefined, {}, { ...reading, replicas: 10 })
  const gvk = 'HorizontalPodAutoscaler.autoscaling/v2'
  Object.assign(request.children, {
    [gvk]: {
      'default/demo-app': {
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        metadata: request.parent.metadata,
        spec: { minReplicas: 2, maxReplicas: 20 },
      },
    },
  })
  const { children } = sync(request, context)
  t.notOk(children.some(({ kind }) => kind === 'HorizontalPodAutoscaler'))
  t.match(children.find(({ kind }) => kind === 'Deployment')?.spec, { replicas: 3 }, 'as observed')
})

t.test('an answer without replicas scales down from the observed number', async (t) => {
  const app = { name: 'a', namespace: '', spec: { image: 'nginx', replicas: 7 } }
  const object = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' } }
  const scaledFrom = (replicas: number) =>
    scaleDownTo(app, { ...object, spec: {} }, { ...object, spec: { replicas } } as never).spec
  t.match(scaledFrom(10), { replicas: 7 })
  t.match(scaledFrom(5), { replicas: 5 })
})

t.test('keeps the Service while config is missing, even if the spec drops it', async (t) => {
  for (const spec of [{ port: 9090 }, { expose: false }]) {
    const request = holding(undefined, undefined, {}, { ...reading, ...spec })
    const service = request.children['Service.v1']['default/demo-app']
    t.strictSame(
      sync(request, context).children.find(({ kind }) => kind === 'Service'),
      service && lastApplied(service),
      JSON.stringify(spec),
    )
    Object.assign(request.parent.spec as object, { replicas: 0 })
    t.notSame(
      sync(request, context).children.find(({ kind }) => kind === 'Service'),
      service && lastApplied(service),
      'without pods the Service follows the spec',
    )
  }
})

t.test(
  'keeps the replicas of the autoscaler while config is missing or the spec invalid',
  async (t) => {
    for (const spec of [{ ...reading, autoscaling: { maxReplicas: 9 } }, { image: '' }]) {
      const request = holding(undefined, undefined, {}, spec)
      const deployment = request.children['Deployment.apps/v1']['default/demo-app']
      if (deployment === undefined) throw new Error('the recording has no Deployment')
      deployment.spec.replicas = 7
      Object.assign(request.children, {
        'HorizontalPodAutoscaler.autoscaling/v2': {
          'default/demo-app': {
            ...deployment,
            apiVersion: 'autoscaling/v2',
            kind: 'HorizontalPodAutoscaler',
            spec: {},
          },
        },
      })
      t.match(sync(request, context).children.find(({ kind }) => kind === 'Deployment')?.spec, {
        replicas: 7,
      })
    }
  },
)

t.test('names at most ten missing keys, which fit into the status', async (t) => {
  const env = Array.from({ length: 256 }, (_, index) => ({
    name: `V${index}`,
    valueFrom: { secretKeyRef: { name: 'shop', key: `${index}`.padStart(250, 'k') } },
  }))
  const { message = '', conditions = [] } = sync(
    holding({}, {}, {}, { image: 'nginx', env }),
    context,
  ).status
  t.match(
    message,
    new RegExp(
      '^key k+0 of Secret shop, .*, key k+9 of Secret shop and 246 more not found: ' +
        'running pods are not changed until they exist$',
    ),
  )
  t.match(
    conditions.find(({ type }) => type === 'ConfigReady')?.message,
    /^Not found: key k+0 of Secret shop, .*, key k+9 of Secret shop and 246 more$/,
  )
})

t.test(
  'a paused MyApp keeps untouched children as applied and edited children as they are',
  async (t) => {
    const request = holding({}, {}, {}, { image: 'other', paused: true })
    const deployment = request.children['Deployment.apps/v1']['default/demo-app']
    if (deployment === undefined) throw new Error('the recording has no Deployment')
    t.strictSame(sync(request, context).children[0], lastApplied(deployment))
    deployment.spec.replicas = 7
    t.match(sync(request, context).children[0], { spec: { replicas: 7 } })
    request.parent.spec = { image: '', paused: true }
    t.match(
      sync(request, context).children[0],
      { spec: { replicas: 7 } },
      'also with an invalid spec',
    )
  },
)

t.test('without watchSecrets, Secrets count as present and unchanged', async (t) => {
  const blind: Context = { ...keyed, watchSecrets: false }
  const request = holding({ a: '1' }, {})
  t.strictSame(readReferencedConfig(request, reading, blind).missing, [])
  t.equal(
    digestWith(blind)(request),
    digestWith(blind)(holding({ a: '1' }, { token: 'eA==' })),
    'Secrets in the request do not count',
  )
  t.not(digestWith(blind)(request), digestWith(blind)(holding({ a: '2' })), 'ConfigMaps count')
  const requestedKinds = (context: Context) =>
    customize({ ...recordedCustomize('customize-new'), parent: request.parent }, context)
      .relatedResources.map(({ resource }) => resource)
      .filter((resource) => ['configmaps', 'secrets'].includes(resource))
  t.strictSame(requestedKinds({}), ['configmaps', 'secrets'])
  t.strictSame(requestedKinds(blind), ['configmaps'])
})
