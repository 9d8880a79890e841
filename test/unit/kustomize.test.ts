import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'

const read = (path: string) =>
  readFileSync(new URL(`../../manifests/${path}`, import.meta.url), 'utf8')

interface Schema {
  properties?: Record<string, Schema>
  items?: Schema
  'x-kubernetes-list-map-keys'?: string[]
}

/** The paths of all fields of a schema, as kustomize writes them. */
function pathsOf({ properties = {}, items }: Schema, path: string): string[] {
  if (items !== undefined) return pathsOf(items, path)
  return Object.entries(properties).flatMap(([name, schema]) => [
    `${path}/${name}`,
    ...pathsOf(schema, `${path}/${name}`),
  ])
}

/** The fields that name an object or an image. */
const referenceEnds = [
  'image',
  '\\w+Ref/name',
  '(configMap|secret|imagePullSecrets|parentRefs)/name',
  '(secret|claim)Name',
  '\\w+(Class|Secret|Account)Name',
]
const isReference = new RegExp(`/(${referenceEnds.join('|')})$`)

t.test('kustomize knows every field of a MyApp that names an object or an image', async (t) => {
  const schema = parse(read('crd.yaml')).spec.versions[0].schema.openAPIV3Schema
  const references = pathsOf(schema.properties.spec, 'spec').filter((path) =>
    isReference.test(path),
  )
  const known = new Set(read('kustomize/kustomizeconfig.yaml').match(/(?<=path: )\S+/g))
  t.ok(references.length > 20)
  t.strictSame(
    references.filter((path) => !known.has(path)),
    [],
    'every field is in manifests/kustomize/kustomizeconfig.yaml',
  )
})

t.test('docs/kustomize.md describes how each list of a spec is merged', async (t) => {
  const schema = parse(read('crd.yaml')).spec.versions[0].schema.openAPIV3Schema.properties.spec
  const rows = read('../docs/kustomize.md').match(/^\| `patches` of .*$/gm) ?? []
  const lists = Object.entries((schema as Schema).properties ?? {}).flatMap(
    ([name, { 'x-kubernetes-list-map-keys': keys }]) =>
      keys === undefined ? [] : [{ name, key: keys.join() }],
  )
  t.ok(lists.length > 5)
  for (const { name, key } of lists) {
    const row = rows.find((row) => row.includes(`\`${name}\``))
    t.match(row, `by \`${key}\``, name)
  }
})
