import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { customResourceDefinition } from '../../src/myapp/crd.ts'
import { type Crd, narrowings } from '../compatibility/crd-changes.ts'
import { childDifferences, explanations, goldenFolder, newestRelease, renderFile, unexplained } from '../compatibility/golden.ts'

const release = `${goldenFolder}/${newestRelease()}`
const read = (file: string) => readFileSync(file, 'utf8')

t.test('every MyApp that the CRD of the last release allows is allowed still', async (t) => {
  t.strictSame(narrowings(parse(read(`${release}/crd.yaml`)) as Crd, customResourceDefinition() as Crd), [])
})

t.test('the children of every example are those of the last release, or CHANGELOG.md says what differs', async (t) => {
  const differences = readdirSync(`${release}/examples`).flatMap((name) => childDifferences(read(`${release}/children/${name}`), renderFile(`${release}/examples/${name}`)))
  const changelog = read(`${goldenFolder}/../../../CHANGELOG.md`)
  t.strictSame(unexplained([...new Set(differences)], explanations(changelog)), [])
})

t.test('differences of children are told by kind and field', async (t) => {
  const child = (kind: string, spec: string) => `kind: ${kind}\nmetadata: {name: a}\nspec: ${spec}\n`
  t.strictSame(childDifferences(`${child('A', '{b: 1, c: 2}')}---\n${child('B', '{}')}`, `${child('A', '{b: 2, d: 2}')}---\n${child('C', '{}')}`), ['A spec.b', 'A spec.d', 'A spec.c', 'B', 'C'])
})

const changelog = `# Changelog

## [Unreleased]

### Added

- \`spec.x\`: something

### Children

- \`Deployment spec.template.spec.containers[app].lifecycle\`: the preStop sleep is longer.
  The pods of every app roll.
- \`Service\`: there is one for each app.

## [0.1.0]

### Children

- \`Deployment spec.replicas\`: old news
`

t.test('the changelog of the next release explains differences, by a field or what holds it', async (t) => {
  const explained = explanations(changelog)
  t.strictSame(explained.map(({ what }) => what), ['Deployment spec.template.spec.containers[app].lifecycle', 'Service'])
  const lifecycle = 'Deployment spec.template.spec.containers[app].lifecycle'
  t.strictSame(unexplained([`${lifecycle}.preStop`, 'Service spec.ports'], explained), [])
  t.strictSame(unexplained([lifecycle, `${lifecycle}s`, 'Service'], explained), [`${lifecycle}s differs from the last release, and CHANGELOG.md does not say so`])
  t.strictSame(unexplained([lifecycle], explained), ['Service does not differ from the last release, and CHANGELOG.md says so'])
  t.strictSame(unexplained([lifecycle], [{ what: lifecycle, says: 'longer' }]), [`${lifecycle}: CHANGELOG.md must say of which apps the pods roll`])
})
