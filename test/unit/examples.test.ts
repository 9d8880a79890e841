import { readFileSync } from 'node:fs'
import t from 'tap'
import { isDeepStrictEqual } from 'node:util'
import { MyAppSpec } from '../../src/api/myapp.ts'
import { validate } from '../../src/api/validate.ts'
import { childKinds } from '../../src/myapp/children/index.ts'
import { sync } from '../../src/myapp/sync.ts'
import { context } from '../support/fixtures/context.ts'
import { requestWith } from '../support/fixtures/every-child.ts'
import { exampleFolder, exampleSpecs } from '../support/fixtures/examples.ts'
import { yamlFiles } from '../support/yaml-files.ts'

interface Schema {
  properties?: Record<string, Schema>
  items?: Schema
}

interface Field {
  path: string
  id: string
}

/**
 * Every field of a schema, such as `volumes[].configMap.items[].key`. Types with the same fields,
 * such as the three probes, share the ids of their fields.
 */
function fieldsOf({ properties, items }: Schema, path: string): Field[] {
  if (items !== undefined) return fieldsOf(items, `${path}[]`)
  return Object.entries(properties ?? {}).flatMap(([name, property]) => [
    { path: `${path}.${name}`, id: idOf(properties, name) },
    ...fieldsOf(property, `${path}.${name}`),
  ])
}

/** The ids of the fields that a value sets. */
function setFields(value: unknown, { properties, items }: Schema): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => setFields(item, items ?? {}))
  return Object.entries(properties ?? {})
    .filter(([name]) => Object.hasOwn(value as object, name))
    .flatMap(([name, property]) => [
      idOf(properties, name),
      ...setFields((value as Record<string, unknown>)[name], property),
    ])
}

const idOf = (properties: Schema['properties'] = {}, name: string) =>
  `${Object.keys(properties).sort().join()}: ${name}`

t.test('an example shows every field of a MyApp', async (t) => {
  const shown = new Set(exampleSpecs.flatMap((spec) => setFields(spec, MyAppSpec as Schema)))
  const fields = fieldsOf(MyAppSpec as Schema, 'spec')
  t.ok(
    fields.length > 200 &&
      fields.some(({ path }) => path === 'spec.volumes[].configMap.items[].key'),
    'fields of any depth count',
  )
  t.strictSame(
    fields.filter(({ id }) => !shown.has(id)).map(({ path }) => path),
    [],
    'a new field needs an example in manifests/examples',
  )
})

type Steps = Array<string | number>

/**
 * The places of the fields with a value of their own: scalars, maps, lists of scalars and empty
 * objects. A place is a list such as `['volumes', 0, 'name']`.
 */
function places(value: unknown, { properties, items }: Schema): Steps[] {
  const parts: Array<[step: string | number, part: unknown, schema: Schema]> = Array.isArray(value)
    ? value.map((item, index) => [index, item, items ?? {}])
    : Object.entries(properties ?? {})
        .filter(([name]) => Object.hasOwn(Object(value) as object, name))
        .map(([name, schema]) => [name, (value as Record<string, unknown>)[name], schema])
  if (parts.length === 0 || (items?.properties === undefined && Array.isArray(value))) return [[]]
  return parts.flatMap(([step, part, schema]) =>
    places(part, schema).map((rest) => [step, ...rest]),
  )
}

const fieldAt = (steps: Steps) =>
  steps.map((step) => (typeof step === 'number' ? '[]' : `.${step}`)).join('')

/** Another value in place of a value; undefined in place of an empty object. */
function another(value: unknown): unknown {
  if (typeof value === 'boolean') return !value
  if (typeof value === 'number') return value + 1
  if (typeof value === 'string') return `${value}1`
  if (Array.isArray(value)) return [...(value as unknown[]), 'added']
  const fields = Object(value) as object
  return Object.keys(fields).length === 0 ? undefined : { ...fields, added: '1' }
}

/** A spec with a changed value at a place. Undefined removes the field. */
function changed(spec: MyAppSpec, steps: Steps, change: (value: unknown) => unknown): MyAppSpec {
  const copy = structuredClone(spec)
  const fields = steps
    .slice(0, -1)
    .reduce<unknown>(
      (part, step) => (part as Record<string | number, unknown>)[step],
      copy,
    ) as Record<string | number, unknown>
  const name = steps.at(-1) ?? ''
  const value = change(fields[name])
  if (value === undefined) Reflect.deleteProperty(fields, name)
  else fields[name] = value
  return copy
}

const isValid = (spec: MyAppSpec) => validate({ metadata: { name: 'shop' }, spec }).length === 0

/** The children of a spec, which may be invalid. */
const childrenOf = (spec: MyAppSpec) =>
  childKinds.flatMap(({ desired }) =>
    desired({ name: 'shop', namespace: 'shop', spec, configDigest: 'digest' }),
  )

const statusOf = (spec: MyAppSpec) => sync(requestWith([], { spec }), context).status

/** Whether another value at a place changes a child, or changes the status of a valid spec. */
function hasEffect(spec: MyAppSpec, steps: Steps): boolean {
  const other = changed(spec, steps, another)
  if (!isDeepStrictEqual(childrenOf(spec), childrenOf(other))) return true
  const valid = [other, changed(spec, steps, () => undefined)].filter(isValid)
  return valid.some(
    (other) =>
      !isDeepStrictEqual(childrenOf(spec), childrenOf(other)) ||
      !isDeepStrictEqual(statusOf(spec), statusOf(other)),
  )
}

t.test('every field of an example reaches a child or the status', async (t) => {
  const effective = new Map<string, boolean>()
  for (const spec of exampleSpecs) {
    for (const steps of places(spec, MyAppSpec as Schema)) {
      const field = fieldAt(steps)
      if (effective.get(field)) continue
      effective.set(field, hasEffect(spec, steps))
    }
  }
  t.ok(effective.size > 200)
  for (const [field, isEffective] of effective) {
    if (isEffective) continue
    t.fail(
      `spec${field} changes no child and no status of an example: set it in a child ` +
        '(src/myapp/children/pod-template.ts for pods, container.ts for containers)',
    )
  }
})

t.test('the index of the examples names every file, once', async (t) => {
  const index = readFileSync(new URL('README.md', exampleFolder), 'utf8')
  const named = [...index.matchAll(/^\| \[([^\]]+)\]\(([^)]+)\) \|/gm)]
  t.strictSame(named.map(([, text]) => text).sort(), yamlFiles(exampleFolder))
  t.ok(named.every(([, text, link]) => text === link))
})
