/** The MyApps that the rules of the CRD accept and refuse. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { parse } from 'yaml'
import type { CelRule, ReferenceSchema } from '../../scripts/api-reference.ts'
import { filesOf, storedForm } from '../../src/cli/manifests.ts'
import { lastAppliedAnnotation } from '../../src/metacontroller/protocol.ts'
import type { KubernetesObject } from '../../src/metacontroller/protocol.ts'
import { childKinds } from '../../src/myapp/children/index.ts'
import { formatOf, type FormatName, formats, hasFormat } from '../../src/api/formats.ts'
import { MyAppSpec } from '../../src/api/myapp.ts'
import { validSpec } from '../../src/myapp/valid-spec.ts'
import { installMetacontrollerCrds } from '../../local-cluster/control-plane/boot.ts'
import { installOptionalKinds } from '../../local-cluster/control-plane/optional-kinds.ts'
import { cases, image } from '../support/cluster/admission-cases.ts'
import { type Api, openApi } from '../support/cluster/api.ts'
import { bootBare } from '../support/cluster/cluster.ts'
import { installMyAppCrd, manifest } from '../support/cluster/install.ts'
import { kindPath, type StoredKind } from '../support/cluster/kinds.ts'

const crd = parse(readFileSync(manifest('manifests/crd.yaml'), 'utf8')) as {
  spec: { versions: [{ schema: { openAPIV3Schema: ReferenceSchema } }] }
}
const myApp = crd.spec.versions[0].schema.openAPIV3Schema

t.setTimeout(600_000)
const controlPlane = await bootBare(t)
await Promise.all([installMetacontrollerCrds(controlPlane), installMyAppCrd(controlPlane)])
const api = openApi(controlPlane.kubeconfig)
t.teardown(() => api.close())
t.jobs = 8

t.test('the API server accepts valid MyApps and explains every refusal', async (t) => {
  const refusals: string[] = []
  for (const { what, name = 'shop', refused, ...rest } of cases) {
    const myApp = {
      apiVersion: 'example.com/v1',
      kind: 'MyApp',
      metadata: { name },
      spec: { image },
      ...rest,
    }
    const answer = await dryRun(api, myApp)
    if (refused === undefined) t.equal(answer, 'accepted', what)
    else {
      t.ok(
        [refused].flat().every((words) => answer.includes(words)),
        `${what}: ${answer.slice(0, 300)}`,
      )
    }
    if (refused !== undefined) t.notMatch(answer, /\*.*\n.*\*/, `${what}: one message`)
    if (refused !== undefined) refusals.push(answer)
  }
  const isShown = ([path, { message = '' }]: [string, CelRule]) =>
    refusals.some((refusal) =>
      refusal.replaceAll(/\[[^\]]*\]/g, '[]').includes(`${path}: Invalid value: ${message}`),
    )
  t.strictSame(
    rules(myApp).filter((rule) => !isFormat(rule[1]) && !isShown(rule)),
    [],
    'each rule of the CRD that is not a format refuses at least one case',
  )
  t.ok(rules(myApp).filter(([, rule]) => !isFormat(rule)).length > 30)
})

t.test('the hook agrees with the CRD, and Kubernetes accepts the children', async (t) => {
  await installOptionalKinds(controlPlane)
  for (const { what, name = 'shop', refused, ...rest } of cases) {
    const { spec } = { spec: { image }, ...rest }
    const judged = validSpec({
      apiVersion: 'example.com/v1',
      kind: 'MyApp',
      metadata: { name, namespace: 'default', uid: '' },
      spec: storedForm({ spec })['spec'],
    })
    t.equal('problem' in judged, refused !== undefined, what)
    if ('problem' in judged) continue
    for (const { kind, desired } of childKinds) {
      for (const child of desired({ name, namespace: 'default', spec: judged.spec })) {
        t.equal(
          await dryRun(api, asKept(child), kind as StoredKind),
          'accepted',
          `${what}: the ${kind}`,
        )
      }
    }
  }
})

t.test('the command line checks metadata as the API server does', async (t) => {
  const long = 'a'.repeat(64)
  const refused: object[] = [
    { labels: 'foo' },
    { labels: { a: 'b c' } },
    { labels: { a: long } },
    { labels: { 'a b': '' } },
    { labels: { 'A.b/c': '' } },
    { labels: { a: 5 } },
    { annotations: ['a'] },
    { annotations: { a: {} } },
    { annotations: { [long]: '' } },
    { lables: {} },
  ]
  const accepted: object[] = [
    { labels: null, annotations: null },
    { labels: { a: null, 'b.c/D_e': 'F-g.h_1' } },
    { annotations: { a: null, 'A.b/c': 'd e' } },
    {
      creationTimestamp: null,
      generateName: 'a',
      resourceVersion: '',
      managedFields: null,
      selfLink: 'a',
    },
  ]
  for (const metadata of [...refused, ...accepted]) {
    const myApp = {
      apiVersion: 'example.com/v1',
      kind: 'MyApp',
      metadata: { name: 'shop', ...metadata },
      spec: { image },
    }
    const what = JSON.stringify(metadata)
    t.equal((await dryRun(api, myApp)) === 'accepted', accepted.includes(metadata), what)
    t.equal(
      filesOf([{ name: 'shop.json', text: JSON.stringify(myApp) }], 'default').findings.filter(
        ({ severity }) => severity === 'error',
      ).length === 0,
      accepted.includes(metadata),
      what,
    )
  }
})

t.test('the API server enforces every bound of the schema', async (t) => {
  const all = beyond(MyAppSpec as unknown as ReferenceSchema)
  t.ok(all.length > 380, `${all.length} bounds`)
  for (const { path, spec } of all) {
    const answer = await dryRun(api, {
      apiVersion: 'example.com/v1',
      kind: 'MyApp',
      metadata: { name: 'shop' },
      spec: Object.assign({ image }, spec),
    })
    const places = answer.replaceAll(/\[\d+\]/g, '[]').replaceAll('[key]', '.key')
    if (!places.includes(`spec${path}: `)) {
      t.fail(`spec${path}: ${JSON.stringify(spec).slice(0, 200)}: ${answer.slice(0, 300)}`)
    }
  }
})

/** A child as Metacontroller stores it: with a label, and an annotation with its JSON from Go. */
function asKept(child: KubernetesObject): KubernetesObject {
  const copy = {
    ...child,
    metadata: {
      ...child.metadata,
      labels: {
        ...child.metadata.labels,
        'controller-uid': 'c1ad8088-3640-4702-a551-8421af493472',
      },
    },
  }
  const json = JSON.stringify(copy).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return {
    ...copy,
    metadata: {
      ...copy.metadata,
      annotations: { ...child.metadata.annotations, [lastAppliedAnnotation]: json },
    },
  }
}

/** Every rule of a schema, with its path. */
function rules(schema: ReferenceSchema, path = ''): Array<[path: string, rule: CelRule]> {
  return [
    ...(schema['x-kubernetes-validations'] ?? []).map((rule): [string, CelRule] => [
      path + (rule.fieldPath ?? '').slice(path === '' ? 1 : 0),
      rule,
    ]),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
      rules(property, path === '' ? name : `${path}.${name}`),
    ),
    ...(schema.items ? rules(schema.items, `${path}[]`) : []),
    ...(typeof schema.additionalProperties === 'object'
      ? rules(schema.additionalProperties, `${path}[]`)
      : []),
  ]
}

/** Whether a rule is the rule of a format. The test of bounds covers every field with a format. */
const isFormat = ({ message }: CelRule) =>
  Object.values(formats).some((format) => format.message === message)

/** For each bound of a schema a spec with one value beyond the bound. */
function beyond(
  schema: ReferenceSchema,
  path = '',
  wrap: (value: unknown) => unknown = (value) => value,
): Array<{ path: string; spec: unknown }> {
  const {
    properties = {},
    required = [],
    items,
    additionalProperties,
    format,
    'x-hook-only': isHookOnly,
    anyOf = [],
    minimum,
    maximum,
    minLength,
    maxLength,
    minItems,
    maxItems,
    maxProperties,
  } = schema
  const at = (value: unknown) => ({ path, spec: wrap(value) })
  const misfit = [' ', 'ä', '..'].find((text) => !fits(format, text))
  return [
    ...(minimum === undefined ? [] : [at(minimum - 1)]),
    ...(maximum === undefined ? [] : [at(maximum + 1)]),
    ...(minLength === undefined ? [] : [at('')]),
    ...(maxLength === undefined ? [] : [at('1'.repeat(maxLength + 1))]),
    ...(minItems === undefined ? [] : [at([])]),
    ...(maxItems === undefined
      ? []
      : [at(Array(maxItems + 1).fill(items?.type === 'object' ? {} : 'x'))]),
    ...(maxProperties === undefined
      ? []
      : [
          at(
            Object.fromEntries(
              Array.from({ length: maxProperties + 1 }, (_, index) => [`k${index}`, 'x']),
            ),
          ),
        ]),
    ...(misfit === undefined || isHookOnly ? [] : [at(misfit)]),
    ...(schema.enum === undefined ? [] : [at('something else')]),
    ...required.map((name) => ({
      path: `${path}.${name}`,
      spec: wrap({ ...(sampleOf(schema) as object), [name]: undefined }),
    })),
    ...Object.entries(properties).flatMap(([name, property]) =>
      beyond(property, `${path}.${name}`, (value) =>
        wrap({ ...(sampleOf(schema) as object), [name]: value }),
      ),
    ),
    ...(items ? beyond(items, `${path}[]`, (value) => wrap([value])) : []),
    ...(typeof additionalProperties === 'object'
      ? beyond(additionalProperties, `${path}.key`, (value) => wrap({ key: value }))
      : []),
    ...anyOf
      .filter(({ type }) => type !== undefined)
      .flatMap((alternative) => beyond(alternative, path, wrap)),
  ]
}

/**
 * A value within the bounds of a schema, with its required fields. The API server evaluates rules
 * only if no field is missing.
 */
function sampleOf({
  type,
  properties = {},
  required = [],
  items,
  minimum = 1,
  minItems = 0,
  enum: [choice] = [],
  format,
}: ReferenceSchema): unknown {
  if (choice !== undefined) return choice
  if (type === 'object') {
    return Object.fromEntries(required.map((name) => [name, sampleOf(properties[name] ?? {})]))
  }
  if (type === 'array') return Array.from({ length: minItems }, () => sampleOf(items ?? {}))
  return type === 'integer'
    ? minimum
    : ['x', '/x', 'cpu', 'limits.cpu', 'metadata.name', '::1'].find((text) => fits(format, text))
}

/** Whether a string has a format. A format outside src/api/formats.ts has no check here. */
function fits(format: string | undefined, text: string): boolean {
  return formatOf(format) === undefined || hasFormat(format as FormatName, text)
}

/** The answer of the API server to an object, without storing the object. */
async function dryRun(api: Api, object: object, kind: StoredKind = 'MyApp'): Promise<string> {
  return await api
    .request('POST', `${kindPath(kind, 'default')}?dryRun=All&fieldValidation=Strict`, object)
    .then(
      () => 'accepted',
      (error: Error) => error.message,
    )
}

t.test('the API server fills in defaults', async (t) => {
  const { spec } = await api.request<{ spec: object }>(
    'POST',
    `${kindPath('MyApp', 'default')}?dryRun=All`,
    {
      apiVersion: 'example.com/v1',
      kind: 'MyApp',
      metadata: { name: 'shop' },
      spec: { image, env: [{ name: 'A' }] },
    },
  )
  // List items have no defaults: kubectl apply and Argo CD would see a difference.
  t.strictSame(spec, { image, replicas: 1, port: 8080, env: [{ name: 'A' }] })
})

t.test('kubectl scale cannot exceed the bounds', async (t) => {
  await api.request('POST', kindPath('MyApp', 'default'), {
    apiVersion: 'example.com/v1',
    kind: 'MyApp',
    metadata: { name: 'scaled' },
    spec: { image },
  })
  await t.rejects(
    controlPlane.kubectl(['scale', 'ma', 'scaled', '--replicas=101']),
    /should be less than or equal to 100/,
  )
  await controlPlane.kubectl(['scale', 'ma', 'scaled', '--replicas=100'])
})

t.test('kubectl explain describes each field', async (t) => {
  t.match(await explained('ma.spec.replicas'), 'Number of pods, from 0 to 100')
  for (const part of ['spec', 'status'] as const) {
    const [, listed = ''] = (await explained(`ma.${part}`, '--recursive')).split('FIELDS:\n')
    t.strictSame(
      listed
        .split('\n')
        .map((line) => /^ +(?=\S+\t)[^\t]+/.exec(line)?.[0].slice(2))
        .filter((field) => field !== undefined),
      fields(myApp.properties?.[part] ?? {}),
      `${part}: lists every field`,
    )
  }
  t.strictSame(
    undescribed(myApp).filter((path) => !['.apiVersion', '.kind', '.metadata'].includes(path)),
    [],
    'every field of the CRD has a description',
  )
  for (const place of [
    'spec',
    'spec.probes.liveness.httpGet',
    'spec.volumes.configMap.items',
    'spec.autoscaling.metrics.object',
    'status',
    'status.conditions',
  ]) {
    t.notMatch(await explained(`ma.${place}`), '<no description>')
  }
})

/** The fields of a schema as kubectl lists them, with their depth. */
const fields = ({ properties = {}, items }: ReferenceSchema, depth = 0): string[] => [
  ...Object.entries(properties)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, property]) => [
      `${'  '.repeat(depth)}${name}`,
      ...fields(property, depth + 1),
    ]),
  ...(items ? fields(items, depth) : []),
]

const undescribed = ({ properties = {}, items }: ReferenceSchema, path = ''): string[] => [
  ...Object.entries(properties).flatMap(([name, property]) => [
    ...(property.description ? [] : [`${path}.${name}`]),
    ...undescribed(property, `${path}.${name}`),
  ]),
  ...(items ? undescribed(items, `${path}[]`) : []),
]

/** The API server publishes the descriptions of a new kind shortly after it serves the kind. */
async function explained(field: string, ...options: string[]): Promise<string> {
  for (const deadline = Date.now() + 30_000; ; await sleep(250)) {
    try {
      return await controlPlane.kubectl(['explain', field, ...options])
    } catch (error) {
      if (Date.now() > deadline) throw error
    }
  }
}
