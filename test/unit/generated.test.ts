import { readFileSync } from 'node:fs'
import t from 'tap'
import { crdYaml } from '../../scripts/generate.ts'
import { customResourceDefinition } from '../../src/myapp/crd.ts'

t.test('manifests/crd.yaml is what the schema says (npm run generate writes it)', async (t) => {
  t.equal(readFileSync(new URL('../../manifests/crd.yaml', import.meta.url), 'utf8'), crdYaml())
})

t.test('every field of the CRD has a description for kubectl explain', async (t) => {
  const silent: string[] = []
  interface Schema { type?: string, description?: string, properties?: Record<string, Schema>, items?: Schema }
  const walk = (schema: Schema, path: string) => {
    if (schema.description === undefined && !/^\.(apiVersion|kind|metadata)$/.test(path)) silent.push(path)
    for (const [name, property] of Object.entries(schema.properties ?? {})) walk(property, `${path}.${name}`)
    if (schema.items?.type === 'object') walk(schema.items, `${path}[]`)
  }
  const { spec: { versions: [version] } } = customResourceDefinition() as { spec: { versions: [{ schema: { openAPIV3Schema: object } }] } }
  walk(version.schema.openAPIV3Schema, '')
  t.strictSame(silent, [])
})
