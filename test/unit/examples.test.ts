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
  'x-kubernetes-list-map-keys'?: string[]
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

t.test('every field of a MyApp is in some example', async (t) => {
  const shown = new Set(exampleSpecs.flatMap((spec) => setFields(spec, MyAppSpec as Schema)))
  const fields = fieldsOf(MyAppSpec as Schema, 'spec')
  t.ok(
    fields.length > 200 &&
      fields.some(({ path }) => path === 'spec.volumes[].configMap.items[].key'),
    'fieldsOf also finds nested fields',
  )
  t.strictSame(
    fields.filter(({ id }) => !shown.has(id)).map(({ path }) => path),
    [],
    'a new field needs an example in manifests/examples',
  )
})

type Steps = Array<string | number>

/**
 * The places of the fields that contain no other fields: scalars, maps, lists of scalars and empty
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

/** A value that differs from the given value. Undefined for an empty object. */
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

const problemsOf = (spec: MyAppSpec) => validate({ metadata: { name: 'shop' }, spec })
const isValid = (spec: MyAppSpec) => problemsOf(spec).length === 0

/** The children of a spec, which may be invalid. */
const childrenOf = (spec: MyAppSpec) =>
  childKinds.flatMap(({ desired }) =>
    desired({ name: 'shop', namespace: 'shop', spec, configDigest: 'digest' }),
  )

const statusOf = (spec: MyAppSpec) => sync(requestWith([], { spec }), context).status

/**
 * Whether a field has an effect. Either another value changes a child, even if it makes the spec
 * invalid. Or another value, or the removal of the field, gives a valid spec with other children or
 * another status.
 */
function hasEffect(spec: MyAppSpec, steps: Steps): boolean {
  const other = changed(spec, steps, another)
  if (!isDeepStrictEqual(childrenOf(spec), childrenOf(other))) return true
  const validVariants = [other, changed(spec, steps, () => undefined)].filter(isValid)
  return validVariants.some(
    (variant) =>
      !isDeepStrictEqual(childrenOf(spec), childrenOf(variant)) ||
      !isDeepStrictEqual(statusOf(spec), statusOf(variant)),
  )
}

interface KeyedList {
  steps: Steps
  key: string
}

/** The lists of a value that the API server merges by a key. */
function keyedLists(value: unknown, schema: Schema, steps: Steps = []): KeyedList[] {
  if (Array.isArray(value)) {
    const deeper = value.flatMap((item, index) =>
      keyedLists(item, schema.items ?? {}, [...steps, index]),
    )
    const [key] = schema['x-kubernetes-list-map-keys'] ?? []
    return key === undefined || value.length === 0 ? deeper : [{ steps, key }, ...deeper]
  }
  return Object.entries(schema.properties ?? {})
    .filter(([name]) => Object.hasOwn(Object(value) as object, name))
    .flatMap(([name, property]) =>
      keyedLists((value as Record<string, unknown>)[name], property, [...steps, name]),
    )
}

t.test('two list items with the same key are refused', async (t) => {
  const lists = exampleSpecs.flatMap((spec) =>
    keyedLists(spec, MyAppSpec as Schema).map((list) => ({ spec, ...list })),
  )
  t.ok(new Set(lists.map(({ steps }) => fieldAt(steps))).size > 5, 'lists of any depth')
  const accepted = lists.filter(({ spec, steps, key }) => {
    const twice = changed(spec, steps, (items) => {
      const [first, ...others] = items as unknown[]
      return [first, first, ...others]
    })
    return !problemsOf(twice).some(
      ({ field, message }) => field.endsWith(`[1].${key}`) && message.startsWith('duplicate'),
    )
  })
  t.strictSame(
    [...new Set(accepted.map(({ steps }) => fieldAt(steps)))],
    [],
    'add duplicatesIn to src/api/cross-field.ts',
  )
})

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
