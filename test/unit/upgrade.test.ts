import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { customResourceDefinition } from '../../src/api/crd.ts'
import { celOf, formats } from '../../src/api/formats.ts'
import { lastAppliedAnnotation } from '../../src/metacontroller/protocol.ts'
import { lastApplied } from '../../src/metacontroller/last-applied.ts'
import type { KubernetesObject } from '../../src/metacontroller/protocol.ts'
import { sentChildren } from '../../src/myapp/request.ts'
import { type Crd, narrowings } from '../support/compatibility/crd-changes.ts'
import {
  childDifferences,
  explanations,
  goldenFolder,
  newestRelease,
  renderFile,
  unexplained,
  unforeseen,
} from '../support/compatibility/golden.ts'
import { storedChild, upgrade } from '../support/compatibility/stored-child.ts'
import { recorded } from '../support/fixtures/recorded.ts'
import { yamlFiles } from '../support/yaml-files.ts'

const release = `${goldenFolder}/${newestRelease()}`
const read = (file: string | URL) => readFileSync(file, 'utf8')
const explained = explanations(read(new URL('../../CHANGELOG.md', import.meta.url)))

/** Changes of the CRD since the last release that do not refuse any working MyApp. */
const permitted = [
  // Argo CD and kubectl apply see a default in a list item as a change.
  'spec.env[].value: default is not set, and was ""',
  // The same rule with a single regular expression.
  'the MyApp has a new rule with oldSelf, oldSelf.hasValue() || ' +
    `(${celOf(formats.myAppName, 'self.metadata.name')})`,
  // The last release refused any other value by a rule.
  ...['startup', 'liveness'].map(
    (probe) => `spec.probes.${probe}.successThreshold: maximum is 1, and was 86400`,
  ),
  // A port may also be a name.
  ...['startup', 'readiness', 'liveness'].flatMap((probe) =>
    ['httpGet', 'tcpSocket', 'grpc'].flatMap((handler) => [
      `spec.probes.${probe}.${handler}.port: anyOf is ` +
        '[{"type":"integer"},{"type":"string"}], and was not set',
      `spec.probes.${probe}.${handler}.port: type is not set, and was "integer"`,
      `spec.probes.${probe}.${handler}.port: x-kubernetes-int-or-string is true, and was not set`,
    ]),
  ),
]

t.test('the CRD accepts every MyApp that the last release accepts', async (t) => {
  const before = parse(read(`${release}/crd.yaml`)) as Crd
  t.strictSame(narrowings(before, customResourceDefinition() as Crd).sort(), permitted.sort())
})

t.test('CHANGELOG.md lists every difference of children from the last release', async (t) => {
  const differences = yamlFiles(`${release}/examples`).flatMap((name) =>
    childDifferences(
      read(`${release}/children/${name}`),
      renderFile(`${release}/examples/${name}`),
    ),
  )
  t.strictSame(unexplained([...new Set(differences)], explained), [])
})

t.test(
  'an upgrade changes and rolls children of an example only as CHANGELOG.md says',
  async (t) => {
    for (const name of yamlFiles(`${release}/examples`)) {
      const { differences, pausedOnTheWay } = upgrade(
        `${release}/examples/${name}`,
        read(`${release}/children/${name}`),
      )
      t.strictSame([unforeseen(differences, explained), pausedOnTheWay], [[], []], name)
    }
  },
)

t.test('the model of a stored child equals the child that a real API server stored', async (t) => {
  const request = recorded('sync-running')
  for (const { child } of sentChildren(request)) {
    const {
      kind,
      metadata: { labels, ownerReferences, annotations },
      spec,
    } = storedChild(asRendered(lastApplied(child)), request.parent)
    const [theirs, ours] = [child.spec, spec].map((spec) => ({
      ...(spec as object),
      ...(kind === 'Service' && { clusterIP: '', clusterIPs: [] }),
    }))
    t.strictSame(ours, theirs, kind)
    t.strictSame(
      { labels, ownerReferences },
      { labels: child.metadata.labels, ownerReferences: child.metadata.ownerReferences },
    )
    t.strictSame(JSON.parse(annotations?.[lastAppliedAnnotation] ?? ''), lastApplied(child))
  }
})

/** The applied child without the label that Metacontroller adds. */
function asRendered(applied?: KubernetesObject): KubernetesObject {
  if (applied === undefined) throw new Error('nothing was applied')
  const { 'controller-uid': _mark, ...labels } = applied.metadata.labels ?? {}
  return { ...applied, metadata: { ...applied.metadata, labels } }
}

t.test('detects an upgrade that changes a child or needs two answers', async (t) => {
  const example = `${release}/examples/demo-app.yaml`
  const children = renderFile(example)
  t.strictSame(upgrade(example, children), { differences: [], pausedOnTheWay: [] })
  t.strictSame(upgrade(example, children.replace('image: nginx:latest', 'image: nginx:1.29')), {
    differences: ['Deployment spec.template.spec.containers[app].image'],
    pausedOnTheWay: [],
  })
  t.match(upgrade(example, children.replace('LOG_LEVEL', 'LEVEL')), {
    differences: [/env/],
    pausedOnTheWay: ['demo-app'],
  })
  t.match(
    upgrade(
      example,
      children.replaceAll(/(kind: Service|kind: PodDisruptionBudget)$/gm, 'kind: ConfigMap'),
    ).differences.sort(),
    ['PodDisruptionBudget', 'Service'],
  )
})

t.test('lists differences of children by kind and field', async (t) => {
  const child = (kind: string, spec: string) =>
    `kind: ${kind}\nmetadata: {name: a}\nspec: ${spec}\n`
  t.strictSame(
    childDifferences(
      `${child('A', '{b: 1, c: 2}')}---\n${child('B', '{}')}`,
      `${child('A', '{b: 2, d: 2}')}---\n${child('C', '{}')}`,
    ),
    ['A spec.b', 'A spec.d', 'A spec.c', 'B', 'C'],
  )
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

t.test(
  'accepts a changelog entry of a field, of its parent, or of a kind that is new or gone',
  async (t) => {
    const explained = explanations(changelog)
    t.strictSame(
      explained.map(({ what }) => what),
      ['Deployment spec.template.spec.containers[app].lifecycle', 'Service'],
    )
    const lifecycle = 'Deployment spec.template.spec.containers[app].lifecycle'
    t.strictSame(unexplained([`${lifecycle}.preStop`, 'Service'], explained), [])
    t.strictSame(unexplained([lifecycle, `${lifecycle}s`, 'Service'], explained), [
      `${lifecycle}s differs from the last release, and CHANGELOG.md does not say so`,
    ])
    t.strictSame(unexplained([lifecycle], explained), [
      'Service does not differ from the last release, and CHANGELOG.md says so',
    ])
    for (const says of ['longer', 'It rolls up.', 'The pods of every app have it.']) {
      t.strictSame(unexplained([lifecycle], [{ what: lifecycle, says }]), [
        `${lifecycle}: CHANGELOG.md must say of which apps the pods roll`,
      ])
    }
  },
)

t.test('refuses a changelog entry about a whole kind, spec, metadata or container', async (t) => {
  for (const [difference, ...holders] of [
    [
      'Deployment spec.template.spec.x',
      'Deployment',
      'Deployment spec',
      'Deployment spec.template',
      'Deployment spec.template.spec',
    ],
    [
      'Deployment spec.template.spec.containers[app].image',
      'Deployment spec.template.spec.containers',
      'Deployment spec.template.spec.containers[app]',
    ],
    ['Deployment spec.template.metadata.labels', 'Deployment spec.template.metadata'],
    ['Service metadata.labels', 'Service', 'Service metadata'],
  ] as Array<[string, ...string[]]>) {
    for (const what of holders) {
      t.strictSame(unexplained([difference], [{ what, says: 'The pods of every app roll.' }]), [
        `${difference} differs from the last release, and CHANGELOG.md does not say so`,
        `${what}: CHANGELOG.md must name the field that differs`,
      ])
    }
    t.strictSame(
      unexplained([difference], [{ what: difference, says: 'The pods of every app roll.' }]),
      [],
    )
  }
})

t.test('CHANGELOG.md must list changed children and whether their pods roll', async (t) => {
  const [image, ports] = [
    'Deployment spec.template.spec.containers[app].image',
    'Service spec.ports',
  ]
  const entry = (what: string, says: string) => [{ what, says }]
  t.strictSame(unforeseen([image, ports], entry(image, 'The pods of every app roll.')), [ports])
  t.strictSame(unforeseen([image], entry(image, 'The pods of no app roll.')), [image])
  t.strictSame(unforeseen([image], entry('Deployment spec', 'The pods of every app roll.')), [
    image,
  ])
})
