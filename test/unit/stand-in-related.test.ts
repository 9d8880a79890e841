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
  ['no condition matches every object', {}, true],
  ['an empty selector matches every object', { labelSelector: {} }, true],
  ['its labels', { labelSelector: { matchLabels: { app: 'web' } } }, true],
  ['other labels', { labelSelector: { matchLabels: { app: 'web', tier: 'back' } } }, false],
  ['a label key', { labelSelector: { matchExpressions: [exists('app')] } }, true],
  ['an absent label key', { labelSelector: { matchExpressions: [exists('zone')] } }, false],
  ['its name, in any namespace', { names: ['web', 'other'] }, true],
  ['another name', { names: ['other'] }, false],
  ['its name and namespace', { names: ['web'], namespace: 'shop' }, true],
  ['its name in another namespace', { names: ['web'], namespace: 'bank' }, false],
  ['every object of its namespace', { namespace: 'shop' }, true],
  ['an empty list of names matches any name', { names: [], namespace: 'shop' }, true],
  [
    'labels in another namespace',
    { namespace: 'bank', labelSelector: { matchLabels: { app: 'web' } } },
    false,
  ],
]

for (const [name, rule, expected] of cases) {
  t.test(`a rule with ${name}`, async (t) => {
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
