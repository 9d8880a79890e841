import fc from 'fast-check'
import { fastify } from 'fastify'
import { pino } from 'pino'
import t from 'tap'
import type {
  KubernetesObject,
  ObservedObject,
  RelatedRule,
} from '../../src/metacontroller/protocol.ts'
import { childKinds } from '../../src/myapp/children/index.ts'
import { type CustomizeRequest, type HookRequest, sentChildren } from '../../src/myapp/request.ts'
import { instrument } from '../../src/telemetry/requests/fastify.ts'
import type { Anything } from '../support/fixtures/anything.ts'
import { everyKind, requestsFor, requestWith } from '../support/fixtures/every-child.ts'
import { recorded, recordedCustomize } from '../support/fixtures/recorded.ts'
import { serverFor } from '../support/server.ts'

const logged: string[] = []
const logger = pino({ level: 'debug' }, { write: (line: string) => logged.push(line) })
let ready = true
const server = await serverFor({ BODY_LIMIT: '100000' }, { logger, isReady: () => ready })
t.teardown(() => server.close())

const post = (url: string, payload: unknown, headers = { 'content-type': 'application/json' }) =>
  server.inject({
    method: 'POST',
    url,
    headers,
    payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
  })

t.test('each hook for MyApps answers Metacontroller with 200 and logs one line', async (t) => {
  logged.length = 0
  const sync = await post('/sync', recorded('sync-running'))
  t.equal(sync.statusCode, 200)
  t.match(sync.json(), {
    status: { phase: 'Running' },
    children: [{ kind: 'Deployment' }, { kind: 'Service' }],
  })
  const finalize = (await post('/finalize', recorded('finalize-all-gone'))).json()
  t.equal(finalize.finalized, true)
  t.strictSame(finalize.children, [])
  t.match((await post('/customize', recordedCustomize('customize-new'))).json(), {
    relatedResources: [{ resource: 'deployments' }, { resource: 'services' }],
  })
  const lines = logged.map((line) => JSON.parse(line))
  t.match(lines, [
    {
      hook: 'sync',
      namespace: 'default',
      name: 'demo-app',
      generation: 1,
      phase: 'Running',
      observedChildren: 3,
      desiredChildren: 3,
      durationMs: Number,
    },
    { hook: 'finalize', name: 'demo-app', finalized: true },
    { hook: 'customize', name: 'demo-app' },
  ])
  t.equal(lines.length, 3)
})

t.test('accepts a condition whose missing time the API server sends as null', async (t) => {
  const condition = {
    type: 'example.com/gate',
    status: 'True',
    lastTransitionTime: null,
    lastUpdateTime: null,
  }
  const body = changed('sync-running', (request) => {
    request.related['Pod.v1'] = {
      'default/p': {
        metadata: { name: 'p', namespace: 'default', uid: 'p' },
        status: { conditions: [condition] },
      },
    }
    request.children['Deployment.apps/v1']['default/demo-app'].status.conditions.push(condition)
  })
  const response = await post('/sync', body)
  t.equal(response.statusCode, 200, response.body)
  t.match(response.json(), { status: { phase: 'Running' } })
})

t.test('two servers answer a request with the same bytes', async (t) => {
  const other = await serverFor({}, { logger })
  t.teardown(() => other.close())
  const payload = JSON.stringify(recorded('sync-service-port-edited-by-hand'))
  const [a, b] = await Promise.all(
    [server, other].map((server) =>
      server.inject({
        method: 'POST',
        url: '/sync',
        headers: { 'content-type': 'application/json' },
        payload,
      }),
    ),
  )
  t.equal(a?.body, b?.body)
})

const changed = (name: string, change: (request: Anything) => void) => {
  const request = recorded(name)
  change(request)
  return request
}

const refused: Array<
  [what: string, url: string, payload: unknown, statusCode: number, error: RegExp, type?: string]
> = [
  [
    'half a body',
    '/sync',
    '{"parent":{"spec":{"env":[{"value":"secret"',
    400,
    /^the body is not JSON$/,
  ],
  ['no body', '/sync', '', 400, /^the body is empty$/],
  ['text', '/sync', 'secret', 415, /^the content type must be application\/json$/, 'text/plain'],
  ['null', '/sync', 'null', 422, /the body must be object/],
  ['a list', '/finalize', '[]', 422, /the body must be object/],
  ['an empty object', '/customize', {}, 422, /the body must have required property 'parent'/],
  [
    'a parent of another kind',
    '/sync',
    changed('sync-running', (request) => {
      request.parent.kind = 'YourApp'
    }),
    422,
    /parent.kind must be MyApp$/,
  ],
  [
    'a parent of another API version',
    '/sync',
    changed('sync-running', (request) => {
      request.parent.apiVersion = 'example.com/v2'
    }),
    422,
    /parent.apiVersion must be example.com\/v1$/,
  ],
  [
    'children that are null',
    '/sync',
    changed('sync-running', (request) => {
      request.children = null
    }),
    422,
    /children must be object/,
  ],
  [
    'a missing group of children',
    '/finalize',
    changed('finalize-all-gone', (request) => {
      delete request.children['Service.v1']
    }),
    422,
    /children must have required property 'Service.v1'/,
  ],
  [
    'a child that is null',
    '/sync',
    changed('sync-running', (request) => {
      request.children['Service.v1']['default/demo-app'] = null
    }),
    422,
    /children.Service.v1.default\/demo-app must be object/,
  ],
  [
    'a selector whose expressions are not a list',
    '/sync',
    changed('sync-running', (request) => {
      request.children['Deployment.apps/v1']['default/demo-app'].spec.selector = {
        matchExpressions: 'a',
      }
    }),
    422,
    /spec.selector.matchExpressions must be array/,
  ],
  [
    'a child in another namespace',
    '/sync',
    changed('sync-running', (request) => {
      request.parent.metadata.namespace = 'other'
    }),
    422,
    /^children Deployment.apps\/v1 default\/demo-app is not in the namespace of the MyApp$/,
  ],
  [
    'a child under the key of another name',
    '/sync',
    changed('sync-running', (request) => {
      request.children['Service.v1']['default/x'] =
        request.children['Service.v1']['default/demo-app']
    }),
    422,
    /default\/x is not the key of default\/demo-app/,
  ],
  [
    'a deletion sent to sync',
    '/sync',
    recorded('finalize-children-present'),
    422,
    /must lead to \/finalize/,
  ],
  [
    'a living MyApp sent to finalize',
    '/finalize',
    recorded('sync-running'),
    422,
    /must lead to \/sync/,
  ],
  [
    'a body over the limit',
    '/sync',
    changed('sync-running', (request) => {
      request.padding = 'x'.repeat(100_000)
    }),
    413,
    /^the body must be at most 100000 bytes \(see BODY_LIMIT\), got \d+$/,
  ],
  ['an unknown path', '/webhook', {}, 404, /^not found: the routes are POST .*, GET \/readyz$/],
  ['a malformed path', '/%zz', {}, 400, /^the URL is malformed$/],
]

for (const [what, url, payload, statusCode, error, type = 'application/json'] of refused) {
  t.test(`answers ${what} with ${statusCode} and a short message`, async (t) => {
    const response = await post(url, payload, { 'content-type': type })
    t.equal(response.statusCode, statusCode)
    const body = response.json()
    t.strictSame(Object.keys(body), ['error'])
    t.match(body.error, error)
    t.notMatch(body.error, /secret|\n|at .*\.ts/)
    t.ok(body.error.length < 200)
  })
}

t.test('logs a refused request on one line with its MyApp and no values', async (t) => {
  logged.length = 0
  await post('/finalize', recorded('sync-running'))
  await post(
    '/sync',
    changed('sync-running', (request) => {
      request.parent.metadata = {
        name: 'two words',
        namespace: 'default',
        generation: 'secret',
        uid: null,
      }
    }),
  )
  await post('/sync', '{"parent":{"metadata":{"name":"secret"')
  const lines = logged.map((line) => JSON.parse(line))
  t.match(lines, [
    {
      level: 40,
      msg: 'hook call refused',
      hook: 'finalize',
      namespace: 'default',
      name: 'demo-app',
      generation: 1,
      phase: 'Pending',
      observedChildren: 3,
      statusCode: 422,
      reason: /must lead to/,
      durationMs: Number,
    },
    { level: 40, hook: 'sync', namespace: 'default', statusCode: 422, durationMs: Number },
    {
      level: 40,
      hook: 'sync',
      statusCode: 400,
      reason: 'the body is not JSON',
      durationMs: Number,
    },
  ])
  t.equal(lines.length, 3)
  t.notMatch(logged.join(''), /secret|two words/)
})

t.test('answers a bug with 500 and refers to the log', async (t) => {
  for (const createServer of [fastify, instrument(fastify, { ended: () => {} })]) {
    const broken = await serverFor({}, { logger, createServer })
    t.teardown(() => broken.close())
    broken.addHook('preHandler', async () => {
      throw new TypeError('secret')
    })
    for (const [url, fields] of [
      ['/sync', { hook: 'sync', namespace: 'default', name: 'demo-app', generation: 1 }],
      ['/admission/validate', {}],
    ] as const) {
      logged.length = 0
      const response = await broken.inject({
        method: 'POST',
        url,
        payload: recorded('sync-running'),
      })
      t.equal(response.statusCode, 500)
      const { error } = response.json() as { error: string }
      const [, reqId] = /^internal error; the log has details under reqId (\S+)$/.exec(error) ?? []
      t.ok(reqId, error)
      t.match(
        logged.map((line) => JSON.parse(line)),
        [{ level: 50, msg: 'hook call failed', reqId, ...fields, err: { type: 'TypeError' } }],
      )
      t.notMatch(logged.join(''), /secret/)
    }
  }
})

t.test('an overloaded process responds with 429 and Retry-After, but not to probes', async (t) => {
  const slow = await serverFor({ MAX_EVENT_LOOP_DELAY_MS: '20' }, { logger })
  t.teardown(() => slow.close())
  await slow.ready()
  // The delay is sampled once a second. Block the loop until a sample shows it.
  const until = Date.now() + 10_000
  let response
  do {
    for (let turn = 0; turn < 5; turn++) {
      const end = Date.now() + 60
      while (Date.now() < end);
      await new Promise((resolve) => setImmediate(resolve))
    }
    response = await slow.inject({
      method: 'POST',
      url: '/sync',
      payload: recorded('sync-running'),
    })
  } while (response.statusCode === 200 && Date.now() < until)
  t.equal(response.statusCode, 429)
  t.equal(response.headers['retry-after'], '1')
  t.match(response.json(), { error: /overloaded/ })
  t.equal((await slow.inject('/healthz')).statusCode, 200)
  t.equal((await slow.inject('/readyz')).statusCode, 200)
})

t.test('readyz fails while the process stops, and healthz does not', async (t) => {
  t.equal((await server.inject('/readyz')).statusCode, 200)
  ready = false
  t.equal((await server.inject('/readyz')).statusCode, 503)
  t.equal((await server.inject('/healthz')).statusCode, 200)
  ready = true
})

/** The path of every part of a value. */
const places = (value: unknown, path: string[] = []): string[][] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([key, item]) => [
        [...path, key],
        ...places(item, [...path, key]),
      ])
    : []

/** Requests with a few parts removed or replaced, and sometimes an arbitrary JSON value. */
const damaged = (requests: unknown[]) =>
  fc.oneof(
    { weight: 1, arbitrary: fc.jsonValue() as fc.Arbitrary<unknown> },
    {
      weight: 20,
      arbitrary: fc
        .constantFrom(
          ...requests.map((request) => ({ request, place: fc.constantFrom(...places(request)) })),
        )
        .chain(({ request, place }) =>
          fc
            .array(fc.tuple(place, fc.oneof(fc.constant(undefined), fc.jsonValue())), {
              minLength: 1,
              maxLength: 3,
            })
            .map((damages) => {
              const damaged = structuredClone(request)
              for (const [path, value] of damages) {
                const holder = path.slice(0, -1).reduce<Anything>((at, key) => at?.[key], damaged)
                const [key = ''] = path.slice(-1)
                if (typeof holder !== 'object' || holder === null) continue
                if (value === undefined) delete holder[key]
                else holder[key] = value
              }
              return damaged
            }),
        ),
    },
  )

/** Sends a body. Returns the answer of a 200, and undefined for a 400 or 422. Throws otherwise. */
async function accepted(url: string, body: unknown): Promise<Anything> {
  const response = await post(url, body)
  if (response.statusCode === 200) return response.json()
  if (response.statusCode !== 422 && response.statusCode !== 400) {
    throw new Error(`${response.statusCode} ${response.body}`)
  }
  return undefined
}

/** Returns the list of objects under a key of an answer. Throws if there is none. */
function listIn(answer: Anything, key: string): Anything[] {
  const list = answer[key]
  if (!Array.isArray(list) || list.some((item) => typeof item !== 'object' || item === null)) {
    throw new Error(`${key} is not a list of objects`)
  }
  return list
}

const idOf = ({ apiVersion, kind, metadata }: KubernetesObject | ObservedObject) =>
  `${apiVersion} ${kind} ${metadata.namespace}/${metadata.name}`

/** The field of a spec that requests a child of a kind: `image` for the kinds of every MyApp. */
const fieldRequesting = (kind: string) => Object.keys(requestsFor[kind] ?? {})[0] ?? 'image'

const living = ['sync-running', 'sync-rolling-out', 'sync-new', 'sync-names-taken-by-others'].map(
  recorded,
)

t.test('for any body, a 200 from /sync omits no child that must stay', async () => {
  await fc.assert(
    fc.asyncProperty(damaged([...living, requestWith(everyKind)]), async (body) => {
      const answer = await accepted('/sync', body)
      if (answer === undefined) return
      const answered = new Set(listIn(answer, 'children').map(idOf))
      const {
        parent: { spec },
      } = body as Anything
      const isInvalid = answer.status.conditions[0].reason === 'InvalidSpec'
      for (const { child } of sentChildren(body as HookRequest)) {
        // A changed number of replicas can make the PodDisruptionBudget unnecessary.
        if (!isInvalid && child.kind === 'PodDisruptionBudget') continue
        // The spec may be missing, or lack the field that requests the child.
        const requested = spec?.[fieldRequesting(child.kind)] ?? {}
        if (!isInvalid && Object.keys(requested).length === 0) continue
        if (!answered.has(idOf(child))) throw new Error(`${idOf(child)} is omitted`)
      }
    }),
    { numRuns: 400 },
  )
})

const deleted = [
  ...['finalize-children-present', 'finalize-deployment-gone', 'finalize-all-gone'].map(recorded),
  requestWith(everyKind, { finalizing: true }),
  ...[
    ['Service', 'Ingress'],
    ['NetworkPolicy', 'Later'],
  ].map((kinds) => requestWith(kinds, { finalizing: true })),
]

t.test(
  'for any body, a 200 from /finalize does not delete a child or the MyApp too early',
  async () => {
    await fc.assert(
      fc.asyncProperty(damaged(deleted), async (body) => {
        const answer = await accepted('/finalize', body)
        if (answer === undefined) return
        const answered = new Set(listIn(answer, 'children').map(idOf))
        const sent = sentChildren(body as HookRequest).map(({ child }) => child)
        if ((body as HookRequest).parent.metadata.deletionTimestamp === undefined) {
          // Without deletionTimestamp the MyApp moves to another CompositeController. Its children
          // must stay.
          if (answered.size < sent.length) throw new Error('a child of a living MyApp is deleted')
          return
        }
        if (answer.finalized !== (sent.length === 0)) {
          throw new Error(`finalized: ${answer.finalized} with ${sent.length} children`)
        }
        const isThere = (...kinds: string[]) => sent.some(({ kind }) => kinds.includes(kind))
        const stay = (...kinds: string[]) =>
          sent
            .filter(({ kind }) => kinds.includes(kind))
            .every((child) => answered.has(idOf(child)))
        if (
          isThere('Ingress', 'HTTPRoute', 'HorizontalPodAutoscaler', 'Later') &&
          !stay('Deployment', 'PodDisruptionBudget')
        ) {
          throw new Error('the pods are deleted before the objects that lead to them')
        }
        const isHeld = sent.some(
          ({ kind, metadata }) =>
            ['Deployment', 'PodDisruptionBudget'].includes(kind) &&
            ('deletionTimestamp' in metadata ||
              ((metadata as { finalizers?: string[] }).finalizers ?? []).length > 0),
        )
        if (
          (isHeld || isThere('Ingress', 'HTTPRoute', 'HorizontalPodAutoscaler', 'Later')) &&
          !stay('Service', 'NetworkPolicy')
        ) {
          throw new Error('the Service is deleted before the pods')
        }
        if (answered.size >= Math.max(1, sent.length)) throw new Error('no child is deleted')
      }),
      { numRuns: 200 },
    )
  },
)

const customizeRequests = [
  recordedCustomize('customize-new'),
  { ...recordedCustomize('customize-new'), parent: requestWith([]).parent },
]

t.test(
  'for any body, a 200 from /customize requests every child, in one namespace only',
  async () => {
    await fc.assert(
      fc.asyncProperty(damaged(customizeRequests), async (body) => {
        const answer = await accepted('/customize', body)
        if (answer === undefined) return
        const rules: RelatedRule[] = listIn(answer, 'relatedResources')
        const { controller, parent } = body as CustomizeRequest
        const { namespace, name } = parent.metadata
        if (
          !rules.every(
            (rule) =>
              rule.namespace === namespace &&
              (rule.names ?? Object.keys(rule.labelSelector?.matchLabels ?? {})).length > 0,
          )
        ) {
          throw new Error('a rule requests too much')
        }
        if (!rules.some(({ resource }) => resource === 'pods')) throw new Error('pods are omitted')
        const declared = controller?.spec?.childResources
        const noChildren = childKinds
          .filter(
            (kind) =>
              declared?.some(
                ({ apiVersion, resource }) =>
                  kind.apiVersion === apiVersion && kind.resource === resource,
              ) ?? true,
          )
          .map(({ gvk }) => [gvk, {}])
        const first = await accepted('/sync', {
          controller,
          parent,
          children: Object.fromEntries(noChildren),
          related: {},
          finalizing: false,
        })
        for (const { kind } of (first?.children ?? []) as KubernetesObject[]) {
          const { resource } = childKinds.find((known) => known.kind === kind) ?? {}
          if (!rules.some((rule) => rule.resource === resource && rule.names?.includes(name))) {
            throw new Error(`${kind} is omitted`)
          }
        }
      }),
      { numRuns: 200 },
    )
  },
)
