import t from 'tap'
import { keepingForeignAnnotations } from '../../src/metacontroller/foreign-annotations.ts'
import { lastAppliedAnnotation } from '../../src/metacontroller/protocol.ts'

type Strings = Record<string, string>

const child = (metadata?: Strings, template?: Strings) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'a', namespace: 'b', ...(metadata && { annotations: metadata }) },
  spec: { template: { metadata: { ...(template && { annotations: template }) } } },
})
const observed = (applied: object, metadata: Strings, template?: Strings) => {
  const it = child({ ...metadata, [lastAppliedAnnotation]: JSON.stringify(applied) }, template)
  return { ...it, metadata: { ...it.metadata, uid: 'c' } }
}
const ours = { ours: '1' }
const both = { ours: '1', theirs: '2' }

t.test(
  'where our annotations leave and others have some, an empty map stands for ours',
  async (t) => {
    t.strictSame(
      keepingForeignAnnotations(child(), observed(child(ours, ours), both, both)),
      child({}, {}),
    )
    t.strictSame(
      keepingForeignAnnotations(child(), observed(child({}, {}), { theirs: '2' }, { theirs: '2' })),
      child({}, {}),
      'and stays there',
    )
  },
)

t.test('an answer is left as it is otherwise', async (t) => {
  t.strictSame(keepingForeignAnnotations(child(), undefined), child(), 'there is no child yet')
  t.strictSame(
    keepingForeignAnnotations(child(), { ...child(), metadata: { ...child().metadata, uid: 'c' } }),
    child(),
    'nothing tells what was applied',
  )
  t.strictSame(
    keepingForeignAnnotations(child(), observed(child(), both, both)),
    child(),
    'there were none of ours',
  )
  t.strictSame(
    keepingForeignAnnotations(child(ours, ours), observed(child(ours, ours), both, both)),
    child(ours, ours),
    'ours stay',
  )
  t.strictSame(
    keepingForeignAnnotations(child(ours), observed(child(ours, ours), both, ours)),
    child(ours),
    'there are none of others in the template',
  )
})
