import { Ajv } from 'ajv'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { editorSchema } from '../../scripts/editor-schema.ts'
import { generated } from '../../scripts/generate.ts'
import { customResourceDefinition } from '../../src/api/crd.ts'
import { yamlFiles } from '../support/yaml-files.ts'

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')

for (const [file, text] of Object.entries(generated)) {
  t.test(`${file} is up to date (npm run generate)`, async (t) => {
    t.equal(read(file), text())
  })
}

t.test('the editor schema accepts every example and refuses misspelled fields', async (t) => {
  const isValid = new Ajv({
    formats: { 'date-time': true },
    keywords: ['patternErrorMessage'],
  }).compile(editorSchema())
  const examples = yamlFiles(new URL('../../manifests/examples', import.meta.url)).flatMap((name) =>
    parseAllDocuments(read(`manifests/examples/${name}`)).map((document) => document.toJS()),
  )
  const myApps = examples.filter(({ kind }) => kind === 'MyApp')
  t.ok(myApps.length > 10)
  for (const myApp of myApps) {
    t.ok(isValid(myApp), `${myApp.metadata.name} ${JSON.stringify(isValid.errors)}`)
  }
  const [{ spec, ...myApp }] = myApps
  for (const wrong of [
    { ...myApp, spec: { ...spec, prot: 80 } },
    { ...myApp, spec: {} },
    { ...myApp, kind: 'Myapp', spec },
    { ...myApp, spec, extra: 1 },
    { ...myApp, metadata: { name: '1' }, spec },
  ]) {
    t.notOk(isValid(wrong))
  }
})

t.test('every field of the CRD has a description for kubectl explain', async (t) => {
  const silent: string[] = []
  interface Schema {
    type?: string
    description?: string
    properties?: Record<string, Schema>
    items?: Schema
  }
  const walk = (schema: Schema, path: string) => {
    if (schema.description === undefined && !/^\.(apiVersion|kind|metadata)$/.test(path)) {
      silent.push(path)
    }
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      walk(property, `${path}.${name}`)
    }
    if (schema.items?.type === 'object') walk(schema.items, `${path}[]`)
  }
  const {
    spec: {
      versions: [version],
    },
  } = customResourceDefinition() as {
    spec: { versions: [{ schema: { openAPIV3Schema: object } }] }
  }
  walk(version.schema.openAPIV3Schema, '')
  t.strictSame(silent, [])
})
