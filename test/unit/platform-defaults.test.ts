import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { parse } from 'yaml'
import type { MyAppSpec } from '../../src/api/myapp.ts'
import {
  checkPlatformDefaults,
  copiedLabels,
  type PlatformDefaults,
  withPlatformDefaults,
} from '../../src/api/platform-defaults.ts'
import { validate } from '../../src/api/validate.ts'
import { sync } from '../../src/myapp/sync.ts'
import * as arbitrary from '../support/fixtures/arbitrary.ts'
import { context } from '../support/fixtures/context.ts'
import { recorded } from '../support/fixtures/recorded.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const file = 'manifests/platform-defaults/defaults.yaml'
const defaults = checkPlatformDefaults(parse(read(file)))
const app = { name: 'shop', namespace: 'web' }

const cases: Array<{
  name: string
  spec: MyAppSpec
  want: Record<string, unknown>
  defaulted: string[]
}> = [
  {
    name: 'every unset field gets its default',
    spec: { image: 'nginx', ingress: {} },
    want: {
      podSecurity: 'Restricted',
      imagePullSecrets: [{ name: 'registry' }],
      ingress: { ingressClassName: 'nginx', host: 'shop.web.apps.example.com' },
    },
    defaulted: [
      'podSecurity',
      'resources',
      'imagePullSecrets',
      'drainSeconds',
      'terminationGracePeriodSeconds',
      'ingress.ingressClassName',
      'ingress.host',
    ],
  },
  {
    name: 'a MyApp without an Ingress gets no Ingress',
    spec: { image: 'nginx', expose: false },
    want: { ingress: undefined, drainSeconds: undefined },
    defaulted: ['podSecurity', 'resources', 'imagePullSecrets'],
  },
  {
    name: 'a default that contradicts the MyApp is not applied, or only in part',
    spec: {
      image: 'nginx',
      runAsUser: 0,
      terminationGracePeriodSeconds: 20,
      ingress: {
        hosts: ['own.example.com'],
        annotations: { 'kubernetes.io/ingress.class': 'other' },
      },
    },
    want: { podSecurity: undefined, drainSeconds: 10, terminationGracePeriodSeconds: 20 },
    defaulted: ['resources', 'imagePullSecrets', 'drainSeconds'],
  },
  {
    name: 'a field of the MyApp replaces the whole default',
    spec: {
      image: 'nginx',
      podSecurity: 'Baseline',
      resources: { limits: { memory: '1Gi' } },
      imagePullSecrets: [],
      drainSeconds: 0,
      ingress: { host: 'own.example.com' },
    },
    want: {
      podSecurity: 'Baseline',
      resources: { limits: { memory: '1Gi' } },
      imagePullSecrets: [],
      ingress: { host: 'own.example.com', ingressClassName: 'nginx' },
    },
    defaulted: ['ingress.ingressClassName'],
  },
]

for (const { name, spec, want, defaulted } of cases) {
  t.test(name, async (t) => {
    const result = withPlatformDefaults(app, spec, defaults)
    const found: Record<string, unknown> = result.spec
    for (const [field, value] of Object.entries(want)) t.strictSame(found[field], value, field)
    t.strictSame(result.defaulted, defaulted)
    t.strictSame(validate({ metadata: app, spec: result.spec }), [], 'the result is valid')
  })
}

t.test('with all defaults a valid spec stays valid and keeps its own fields', async () => {
  const classAnnotation = 'kubernetes.io/ingress.class'
  const more = fc.constantFrom<Partial<MyAppSpec>>(
    {},
    { runAsUser: 0 },
    { terminationGracePeriodSeconds: 1 },
    { terminationGracePeriodSeconds: 20 },
    { ingress: { annotations: { [classAnnotation]: 'other' } }, expose: true },
    { ingress: { hosts: ['a.example.com'] }, expose: true },
  )
  fc.assert(
    fc.property(
      arbitrary.grownSpec,
      more,
      fc.constantFrom(0, 15, 3600),
      (grown, more, drainSeconds) => {
        const spec = { ...grown, ...more }
        fc.pre(validate({ metadata: app, spec }).length === 0)
        const { spec: result } = withPlatformDefaults(app, spec, { ...defaults, drainSeconds })
        const problems = validate({ metadata: app, spec: result })
        if (problems.length > 0) throw new Error(JSON.stringify(problems))
        for (const [field, value] of Object.entries(spec)) {
          if (field === 'ingress') continue
          if (result[field as keyof MyAppSpec] !== value) throw new Error(`${field} is changed`)
        }
      },
    ),
  )
})

t.test('without defaults a spec does not change', async (t) => {
  const spec = { image: 'nginx', ingress: {} }
  t.strictSame(withPlatformDefaults(app, spec), { spec, defaulted: [] })
})

t.test('copies only listed labels, and never a selector label', async (t) => {
  const labels = {
    team: 'a',
    'example.com/x': 'b',
    'example.community/x': 'c',
    other: 'd',
    app: 'e',
    'controller-uid': 'f',
  }
  const listed = { labels: ['team', 'example.com/', 'app', 'controller-uid'] }
  t.strictSame(copiedLabels(labels, listed), { team: 'a', 'example.com/x': 'b' })
  t.strictSame(copiedLabels(labels), {})
})

t.test('children, pods and status show the defaults of the platform', async (t) => {
  const request = recorded('sync-new')
  request.parent.metadata.labels = { team: 'orders', secret: 'no' }
  const { children, status } = sync(request, { ...context, platformDefaults: defaults })
  for (const { kind, metadata } of children) {
    t.match(metadata.labels, { team: 'orders', app: request.parent.metadata.name }, kind)
    t.notOk(metadata.labels && 'secret' in metadata.labels)
  }
  const deployment = children.find(({ kind }) => kind === 'Deployment')
  t.match(deployment?.spec, {
    template: {
      metadata: { labels: { team: 'orders' } },
      spec: {
        imagePullSecrets: [{ name: 'registry' }],
        containers: [{ resources: { requests: { cpu: '50m' } } }],
      },
    },
  })
  t.strictSame(status.platformDefaults, [
    'podSecurity',
    'resources',
    'imagePullSecrets',
    'drainSeconds',
    'terminationGracePeriodSeconds',
  ])
})

const wrong: Array<[value: unknown, message: RegExp]> = [
  [{ podSecurty: 'Baseline' }, /unknown field "podSecurty"; did you mean "podSecurity"\?/],
  [{ podSecurity: 'Open' }, /^podSecurity: /],
  [{ ingress: { host: '{name}-{namespace}.example.com' } }, /^ingress.host: .*whole labels/],
  [{ labels: ['a b'] }, /^labels\[0\]: /],
  [{ resources: { requests: { cpu: 0.5 } } }, /^resources.requests.cpu: /],
  [
    { resources: { requests: { memory: '1Gi' }, limits: { memory: '512Mi' } } },
    /^resources.requests.memory: must be at most limits.memory, 512Mi, got 1Gi$/,
  ],
  ['text', /^must be an object, got a string$/],
]
for (const [value, message] of wrong) {
  t.test(`refuses the defaults ${JSON.stringify(value)}`, async (t) => {
    t.throws(() => checkPlatformDefaults(value as PlatformDefaults), message)
  })
}

t.test('docs/platform-defaults.md shows the file of the component', async (t) => {
  t.ok(read('docs/platform-defaults.md').includes(read(file)))
})
