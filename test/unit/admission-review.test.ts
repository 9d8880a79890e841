import fc from 'fast-check'
import t from 'tap'
import { allProblemsValidator } from '../../src/api/compiled-all.ts'
import type { PlatformDefaults } from '../../src/api/platform-defaults.ts'
import { warningMaxLength } from '../../src/api/warnings.ts'
import { type AdmissionReview, review } from '../../src/myapp/admission-review.ts'
import type { Anything } from '../support/fixtures/anything.ts'

const load = async () => allProblemsValidator

const myApp = (spec: unknown, metadata: object = {}) => ({
  apiVersion: 'example.com/v1',
  kind: 'MyApp',
  metadata: { name: 'demo-app', namespace: 'default', ...metadata },
  spec,
})

type Request = AdmissionReview['request']
const decide = (request: Partial<Request>, defaults?: PlatformDefaults) =>
  review({ uid: 'a-uid', operation: 'CREATE', ...request }, load, defaults)

const create = (spec: unknown, metadata?: object) => decide({ object: myApp(spec, metadata) })
const update = (before: unknown, after: unknown) =>
  decide({ operation: 'UPDATE', object: myApp(after), oldObject: myApp(before) })

const valid = { image: 'nginx:1.29.1', replicas: 2 }

t.test('allows a valid MyApp and returns the uid of the request', async (t) => {
  t.same(
    await create({
      image: `nginx@sha256:${'0'.repeat(64)}`,
      resources: { limits: { memory: '64Mi' } },
    }),
    {
      uid: 'a-uid',
      allowed: true,
    },
  )
})

t.test('refuses an invalid MyApp with field, bound and value', async (t) => {
  t.match(await create({ ...valid, replicas: 500 }), {
    uid: 'a-uid',
    allowed: false,
    status: {
      status: 'Failure',
      reason: 'Invalid',
      code: 422,
      message: /^spec\.replicas: must be at most 100, got 500$/,
    },
  })
})

t.test('refuses children that are too large, which the CRD cannot check', async (t) => {
  const args = Array.from({ length: 16 }, () => '<'.repeat(4000))
  const { allowed, status } = await create({ ...valid, args })
  t.equal(allowed, false)
  t.match(status?.message, /^spec\.args: the Deployment must have at most \d+ bytes, got \d+/)
})

t.test('warns of a risky spec, in at most 120 characters', async (t) => {
  const { allowed, warnings } = await create({ image: 'nginx:latest' })
  t.equal(allowed, true)
  t.ok(warnings?.some((warning) => warning.startsWith('spec.image: ')))
  for (const warning of warnings ?? []) t.ok(warning.length <= warningMaxLength, warning)
})

t.test('applies the defaults of the platform before it looks for warnings', async (t) => {
  const object = myApp({ image: 'nginx:1.29.1', ingress: {}, autoscaling: { maxReplicas: 3 } })
  const fields = async (defaults?: PlatformDefaults) =>
    (await decide({ object }, defaults)).warnings?.map((warning) => warning.split(':')[0])
  t.strictSame(await fields(), [
    'spec.resources.limits.memory',
    'spec.autoscaling',
    'spec.ingress.ingressClassName',
  ])
  const limits = { memory: '64Mi' }
  t.strictSame(
    await fields({ resources: { limits }, ingress: { className: 'nginx' } }),
    ['spec.autoscaling'],
    'the default has no request for the CPU',
  )
  const requests = { cpu: '50m' }
  t.strictSame(
    await fields({ resources: { requests, limits }, ingress: { className: 'nginx' } }),
    undefined,
  )
})

const bad = { ...valid, replicas: 500 }

const updates: Array<[what: string, before: Anything, after: Anything, allowed: boolean]> = [
  ['the invalid spec does not change', bad, bad, true],
  ['another field of an invalid spec changes', bad, { ...bad, image: 'nginx:1.30' }, true],
  ['the invalid field gets another invalid value', bad, { ...bad, replicas: 501 }, false],
  ['the invalid field is fixed', bad, valid, true],
  ['another field becomes invalid as well', bad, { ...bad, port: 0 }, false],
  ['a valid spec becomes invalid', valid, bad, false],
  [
    'a valid item is inserted before an invalid one',
    { ...valid, env: [{ name: '1 BAD', value: '' }] },
    {
      ...valid,
      env: [
        { name: 'GOOD', value: '' },
        { name: '1 BAD', value: '' },
      ],
    },
    true,
  ],
  [
    'a second invalid item is added',
    { ...valid, env: [{ name: '1 BAD', value: '' }] },
    {
      ...valid,
      env: [
        { name: '1 BAD', value: '' },
        { name: '2 BAD', value: '' },
      ],
    },
    false,
  ],
  ['there was no spec', undefined, valid, true],
  [
    'another field makes oversized children larger',
    { ...valid, args: Array(16).fill('<'.repeat(4000)) },
    { ...valid, args: Array(16).fill('<'.repeat(4000)), podLabels: { team: 'red' } },
    true,
  ],
  [
    'the largest field makes oversized children larger',
    { ...valid, args: Array(16).fill('<'.repeat(4000)) },
    { ...valid, args: Array(17).fill('<'.repeat(4000)) },
    false,
  ],
]

for (const [what, before, after, allowed] of updates) {
  t.test(`${allowed ? 'allows' : 'refuses'} an update where ${what}`, async (t) => {
    const response = await update(before, after)
    t.equal(response.allowed, allowed, response.status?.message ?? 'no message')
  })
}

t.test('compares at most 100 problems of an update, and beyond 100 only the first', async (t) => {
  const unknown = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`unknown${index}`, 1]))
  const before = { ...valid, ...unknown(99) }
  const few = await update(before, { ...before, replicas: 500 })
  t.match(few, { allowed: false, status: { message: /^spec\.replicas: must be at most 100/ } })
  const kept = await update(before, { ...before, image: 'nginx:1.30' })
  t.equal(kept.warnings?.length, 21, 'the first 20, and the number of the others')
  const many = { ...valid, ...unknown(101) }
  const { allowed, warnings } = await update(many, { ...many, image: 'nginx:1.30' })
  t.equal(allowed, true)
  t.match(warnings, [/^spec\.unknown0: unknown field/])
  t.equal(warnings?.length, 1)
})

t.test('warns of a problem that an update keeps', async (t) => {
  const { warnings } = await update(bad, { ...bad, image: 'nginx:1.30' })
  t.match(warnings, [/^spec\.replicas: must be at most 100, got 500$/])
})

const neverBlocked: Array<[what: string, request: Partial<Request>]> = [
  ['a deletion', { operation: 'DELETE', oldObject: myApp(bad) }],
  ['a connection', { operation: 'CONNECT', object: myApp(bad) }],
  [
    'a write of the status',
    { operation: 'UPDATE', subResource: 'status', object: myApp(bad), oldObject: myApp(valid) },
  ],
  [
    'the removal of the finalizer of a MyApp that is being deleted',
    {
      operation: 'UPDATE',
      object: myApp(bad, { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: [] }),
      oldObject: myApp(valid),
    },
  ],
  [
    'a change of labels alone',
    { operation: 'UPDATE', object: myApp(bad, { labels: { a: 'b' } }), oldObject: myApp(bad) },
  ],
  ['an object of another kind', { object: { ...myApp(bad), kind: 'YourApp' } }],
  ['a request without an object', {}],
]

for (const [what, request] of neverBlocked) {
  t.test(`${what} is allowed`, async (t) => {
    t.same(await decide(request), { uid: 'a-uid', allowed: true })
    t.same(await decide({ ...request, dryRun: true }), { uid: 'a-uid', allowed: true })
  })
}

t.test('checks a MyApp with generateName by its prefix', async (t) => {
  const object = (generateName: string) => ({
    ...myApp(valid),
    metadata: { generateName, namespace: 'default' },
  })
  t.equal((await decide({ object: object('demo-') })).allowed, true)
  t.match((await decide({ object: object('Demo-') })).status?.message, /^metadata\.name: /)
})

t.test('allows any update that keeps the spec, and answers any update briefly', async (t) => {
  const anySpec = fc.oneof(
    fc.jsonValue(),
    fc
      .tuple(fc.constantFrom('env', 'replicas', 'port', 'volumes', 'ingress'), fc.jsonValue())
      .map(([field, value]) => ({ ...valid, [field]: value })),
    fc.integer({ min: 1, max: 3000 }).map((length) => ({ ...valid, env: Array(length).fill({}) })),
  )
  await fc.assert(
    fc.asyncProperty(anySpec, anySpec, async (before, after) => {
      t.equal((await update(before, before)).allowed, true)
      const { status, warnings } = await update(before, after)
      t.ok((status?.message.length ?? 0) < 3000)
      t.ok((warnings ?? []).join('').length < 10_000)
    }),
    { numRuns: 100 },
  )
})

t.test('does not look for all problems of a spec with thousands of values', async (t) => {
  const specOf = (values: number, replicas: number) => ({
    image: 'nginx',
    replicas,
    env: Array.from({ length: values }, () => 0),
  })
  const isLoaded = async (values: number) => {
    let loaded = false
    const request: Request = {
      uid: 'a-uid',
      operation: 'UPDATE',
      object: myApp(specOf(values, 500)),
      oldObject: myApp(specOf(values, 501)),
    }
    const { allowed } = await review(
      request,
      async () => {
        loaded = true
        return allProblemsValidator
      },
      undefined,
    )
    t.equal(allowed, false)
    return loaded
  }
  t.equal(await isLoaded(50), true)
  t.equal(await isLoaded(30_000), false)
})
