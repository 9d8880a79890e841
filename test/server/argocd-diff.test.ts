import { readFileSync } from 'node:fs'
import t from 'tap'
import { storedForm } from '../../src/cli/manifests.ts'
import { readYaml } from '../../src/cli/yaml/read.ts'
import { openReference } from '../support/reference.ts'
import { yamlFiles } from '../support/yaml-files.ts'

const argo = await openReference()

type Fields = Record<string, unknown>
interface MyApp extends Fields {
  metadata: { name: string }
  spec: Fields
}

/** Compares the file of each MyApp with the object that the API server stores. */
function compare(myApps: MyApp[], stored: (myApp: MyApp) => Fields = storedForm) {
  const comparisons = myApps.map((myApp) => ({
    original: myApp,
    config: myApp,
    live: { ...stored(myApp), status: { phase: 'Running' } },
  }))
  return argo.compare(comparisons)
}

const folder = new URL('../../manifests/examples/', import.meta.url)
const examples = yamlFiles(folder)
  .flatMap((name) => readYaml(readFileSync(new URL(name, folder), 'utf8')))
  .map(({ value }) => value as MyApp)
  .filter(({ kind }) => kind === 'MyApp')

const secretKeyRef = { name: 'db', key: 'password' }
/** MyApps whose stored form could differ from the file: by defaults, or by escapes in JSON. */
const myApps = Object.entries({
  'a variable from a Secret': { env: [{ name: 'PASSWORD', valueFrom: { secretKeyRef } }] },
  'a variable without a value': { env: [{ name: 'EMPTY' }] },
  'a variable from a field': {
    env: [{ name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }],
  },
  'characters of HTML': { args: ['<a href="b">&amp;</a>', '1 < 2 && 3 > 2'] },
  'characters of HTML in keys': { podAnnotations: { 'example.com/a': '<&>\u2028\u2029' } },
  'characters of HTML in files': { files: { '/etc/app.conf': 'if (a < b && c > d) {}\n' } },
}).map(([name, spec]) => ({
  apiVersion: 'example.com/v1',
  kind: 'MyApp',
  metadata: { name },
  spec: { image: 'nginx:1.29', ...spec },
}))

t.test('Argo CD finds no difference between a file and its stored form', async (t) => {
  t.ok(examples.length > 40, `${examples.length} examples`)
  const all = [...examples, ...myApps]
  for (const [index, result] of compare(all).entries()) {
    t.match(result, { outOfSync: false, error: '' }, `${all[index]?.metadata.name}`)
  }
})

t.test('Argo CD finds a changed image, and a default in a list item', async (t) => {
  const changed = compare([...examples, ...myApps], (myApp) => ({
    ...storedForm(myApp),
    spec: { ...myApp.spec, image: 'other:1' },
  }))
  t.ok(changed.every(({ outOfSync }) => outOfSync))
  const withDefault = compare(myApps.slice(0, 3), (myApp) => {
    const stored = structuredClone(storedForm(myApp)) as MyApp
    Object.assign((stored.spec['env'] as Fields[])[0] ?? {}, { value: '' })
    return stored
  })
  t.ok(withDefault.every(({ outOfSync }) => outOfSync))
})
