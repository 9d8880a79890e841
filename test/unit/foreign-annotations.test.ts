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

t.test('returns an empty map of annotations if only foreign annotations remain', async (t) => {
  t.strictSame(
    keepingForeignAnnotations(child(), observed(child(ours, ours), both, both)),
    child({}, {}),
  )
  t.strictSame(
    keepingForeignAnnotations(child(), observed(child({}, {}), { theirs: '2' }, { theirs: '2' })),
    child({}, {}),
    'the next answer keeps the empty map',
  )
})

t.test('does not change an answer that would remove no foreign annotations', async (t) => {
  t.strictSame(
    keepingForeignAnnotations(child(), undefined),
    child(),
    'the child does not exist yet',
  )
  t.strictSame(
    keepingForeignAnnotations(child(), { ...child(), metadata: { ...child().metadata, uid: 'c' } }),
    child(),
    'there is no record of the last apply',
  )
  t.strictSame(
    keepingForeignAnnotations(child(), observed(child(), both, both)),
    child(),
    'the last apply had no annotations',
  )
  t.strictSame(
    keepingForeignAnnotations(child(ours, ours), observed(child(ours, ours), both, both)),
    child(ours, ours),
    'ours stay',
  )
  t.strictSame(
    keepingForeignAnnotations(child(ours), observed(child(ours, ours), both, ours)),
    child(ours),
    'the template has no foreign annotations',
  )
})
