import t from 'tap'
import { type Resource } from '../../local-cluster/stand-in/client.ts'
import { type KubeObject } from '../../local-cluster/stand-in/objects.ts'
import {
  type RelatedResourceRule,
  checkRule,
  matchesRule,
} from '../../local-cluster/stand-in/related.ts'
import { selects } from '../../local-cluster/stand-in/selector.ts'

const pods: Resource = {
  apiVersion: 'v1',
  name: 'pods',
  kind: 'Pod',
  namespaced: true,
}
const pod: KubeObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'shop', labels: { app: 'web', tier: 'front' } },
}
const about = (rule: Partial<RelatedResourceRule>): RelatedResourceRule => ({
  apiVersion: 'v1',
  resource: 'pods',
  ...rule,
})

const exists = (key: string) => ({ key, operator: 'Exists' })

const cases: Array<[string, Partial<RelatedResourceRule>, boolean]> = [
  ['no condition', {}, true],
  ['an empty selector', { labelSelector: {} }, true],
  ['the labels of the object', { labelSelector: { matchLabels: { app: 'web' } } }, true],
  ['other labels', { labelSelector: { matchLabels: { app: 'web', tier: 'back' } } }, false],
  ['a label key of the object', { labelSelector: { matchExpressions: [exists('app')] } }, true],
  ['a missing label key', { labelSelector: { matchExpressions: [exists('zone')] } }, false],
  ['the name of the object and no namespace', { names: ['web', 'other'] }, true],
  ['another name', { names: ['other'] }, false],
  ['the name and namespace of the object', { names: ['web'], namespace: 'shop' }, true],
  ['the name of the object in another namespace', { names: ['web'], namespace: 'bank' }, false],
  ['the namespace of the object', { namespace: 'shop' }, true],
  ['an empty list of names', { names: [], namespace: 'shop' }, true],
  [
    'the labels of the object in another namespace',
    { namespace: 'bank', labelSelector: { matchLabels: { app: 'web' } } },
    false,
  ],
]

for (const [name, rule, expected] of cases) {
  t.test(`a rule with ${name} ${expected ? 'matches' : 'does not match'}`, async (t) => {
    checkRule(about(rule))
    t.equal(matchesRule(about(rule), pods, pod), expected)
  })
}

t.test('a rule matches one kind only', async (t) => {
  t.notOk(matchesRule(about({}), pods, { ...pod, kind: 'Node' }))
})

t.test('a rule cannot have both names and a selector', async (t) => {
  t.throws(
    () => checkRule(about({ names: ['web'], labelSelector: {} })),
    /cannot have both names and/,
  )
  t.throws(
    () => checkRule(about({ names: ['web'], namespaceSelector: {} })),
    /cannot have both names and/,
  )
})

t.test('an invalid operator is an error, even if no label matches', async (t) => {
  const matchExpressions = [exists('zone'), { key: 'app', operator: 'Equals' }]
  t.throws(() => selects({ matchLabels: { tier: 'front' }, matchExpressions }), /"Equals" is not/)
})
