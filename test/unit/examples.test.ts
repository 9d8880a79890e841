import { readFileSync } from 'node:fs'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { MyAppSpec } from '../../src/api/myapp.ts'
import { yamlFiles } from '../support/yaml-files.ts'

interface Schema {
  properties?: Record<string, Schema>
  items?: Schema
}

const folder = new URL('../../manifests/examples/', import.meta.url)
const documents = yamlFiles(folder).flatMap((name) =>
  parseAllDocuments(readFileSync(new URL(name, folder), 'utf8')).map(
    (document) => document.toJS() as { kind: string; spec: unknown },
  ),
)

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
  const shown = new Set(
    documents
      .filter(({ kind }) => kind === 'MyApp')
      .flatMap(({ spec }) => setFields(spec, MyAppSpec as Schema)),
  )
  const fields = fieldsOf(MyAppSpec as Schema, 'spec')
  t.ok(
    fields.length > 200 &&
      fields.some(({ path }) => path === 'spec.volumes[].configMap.items[].key'),
    'fields of any depth count',
  )
  t.strictSame(
    fields.filter(({ id }) => !shown.has(id)).map(({ path }) => path),
    [],
  )
})

t.test('the index of the examples names every file, once', async (t) => {
  const index = readFileSync(new URL('README.md', folder), 'utf8')
  const named = [...index.matchAll(/^\| \[([^\]]+)\]\(([^)]+)\) \|/gm)]
  t.strictSame(named.map(([, text]) => text).sort(), yamlFiles(folder))
  t.ok(named.every(([, text, link]) => text === link))
})
