import t from 'tap'
import { type Crd, narrowings, type CrdSchema } from '../support/compatibility/crd-changes.ts'

const crd = (spec: CrdSchema, change: Partial<Crd['spec']> = {}): Crd => ({
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'myapps', kind: 'MyApp' },
    versions: [
      {
        name: 'v1',
        served: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', properties: { spec } } },
      },
    ],
    ...change,
  },
})
const field = (schema: CrdSchema): CrdSchema => ({ type: 'object', properties: { field: schema } })
const text = { type: 'string' }
const rule = (rule: string, more = {}) => ({
  type: 'string',
  'x-kubernetes-validations': [{ rule, ...more }],
})
const either = (...types: string[]) => ({
  anyOf: types.map((type) => ({ type })),
  'x-kubernetes-int-or-string': true,
})

const allowed: Array<[says: string, before: CrdSchema, after: CrdSchema]> = [
  ['nothing', field(text), field(text)],
  ['a new field', field(text), { type: 'object', properties: { field: text, more: text } }],
  [
    'a new field that is required and has a default',
    field(text),
    {
      type: 'object',
      required: ['more'],
      properties: { field: text, more: { ...text, default: 'x' } },
    },
  ],
  ['a new rule on a new field', { type: 'object' }, field(rule('self != ""'))],
  ['a field that is no longer required', { ...field(text), required: ['field'] }, field(text)],
  [
    'a larger maximum',
    field({ type: 'integer', maximum: 1 }),
    field({ type: 'integer', maximum: 2 }),
  ],
  [
    'a smaller minimum',
    field({ type: 'integer', minimum: 2 }),
    field({ type: 'integer', minimum: 1 }),
  ],
  ['a maximum that is removed', field({ type: 'integer', maximum: 1 }), field({ type: 'integer' })],
  ['a pattern that is removed', field({ ...text, pattern: '^a' }), field(text)],
  ['an additional value', field({ ...text, enum: ['a'] }), field({ ...text, enum: ['a', 'b'] })],
  [
    'another description',
    field({ ...text, description: 'a' }),
    field({ ...text, description: 'b' }),
  ],
  ['a new rule', field(text), field(rule('self != ""'))],
  ['a first maximum', field({ type: 'integer' }), field({ type: 'integer', maximum: 1 })],
  ['a first minLength', field(text), field({ ...text, minLength: 1 })],
  [
    'a rule with another message',
    field(rule('self != ""', { message: 'a' })),
    field(rule('self != ""', { message: 'b' })),
  ],
  ['alternatives that are removed', field({ anyOf: [text] }), field({})],
  ['a rule that is removed', field(rule('self != ""')), field(text)],
]

for (const [says, before, after] of allowed) {
  t.test(`the CRD may change by ${says}`, async (t) => {
    t.strictSame(narrowings(crd(before), crd(after)), [])
  })
}

const refused: Array<[says: string, before: CrdSchema, after: CrdSchema, sentence: string]> = [
  [
    'a field that is removed',
    field(text),
    { type: 'object', properties: {} },
    'spec.field is gone',
  ],
  [
    'a field that is renamed',
    field(text),
    { type: 'object', properties: { fields: text } },
    'spec.field is gone',
  ],
  [
    'another type',
    field(text),
    field({ type: 'integer' }),
    'spec.field: type is "integer", and was "string"',
  ],
  [
    'a field that becomes required',
    field(text),
    { ...field(text), required: ['field'] },
    'spec.field is required now',
  ],
  [
    'a new field that is required',
    field(text),
    { type: 'object', required: ['more'], properties: { field: text, more: text } },
    'spec.more is required now',
  ],
  [
    'a smaller maximum',
    field({ type: 'integer', maximum: 2 }),
    field({ type: 'integer', maximum: 1 }),
    'spec.field: maximum is 1, and was 2',
  ],
  [
    'a larger minimum',
    field({ type: 'integer', minimum: 0 }),
    field({ type: 'integer', minimum: 1 }),
    'spec.field: minimum is 1, and was 0',
  ],
  [
    'a smaller maxLength',
    field({ ...text, maxLength: 2 }),
    field({ ...text, maxLength: 1 }),
    'spec.field: maxLength is 1, and was 2',
  ],
  [
    'a larger minLength',
    field({ ...text, minLength: 1 }),
    field({ ...text, minLength: 2 }),
    'spec.field: minLength is 2, and was 1',
  ],
  [
    'a smaller maxItems',
    field({ type: 'array', maxItems: 2, items: text }),
    field({ type: 'array', maxItems: 1, items: text }),
    'spec.field: maxItems is 1, and was 2',
  ],
  [
    'a smaller maxProperties',
    field({ type: 'object', maxProperties: 2 }),
    field({ type: 'object', maxProperties: 1 }),
    'spec.field: maxProperties is 1, and was 2',
  ],
  [
    'a narrower type of items',
    field({ type: 'array', items: { ...text, maxLength: 2 } }),
    field({ type: 'array', items: { ...text, maxLength: 1 } }),
    'spec.field[]: maxLength is 1, and was 2',
  ],
  [
    'a narrower type of map values',
    field({ type: 'object', additionalProperties: { ...text, maxLength: 2 } }),
    field({ type: 'object', additionalProperties: { ...text, maxLength: 1 } }),
    'spec.field{}: maxLength is 1, and was 2',
  ],
  [
    'a value that is removed',
    field({ ...text, enum: ['a', 'b'] }),
    field({ ...text, enum: ['a'] }),
    'spec.field: "b" is no longer allowed',
  ],
  [
    'an enum where any value was allowed',
    field(text),
    field({ ...text, enum: ['a', 'b'] }),
    'spec.field: only a, b are allowed now',
  ],
  [
    'another pattern',
    field({ ...text, pattern: '^a' }),
    field({ ...text, pattern: '^ab' }),
    'spec.field: pattern is "^ab", and was "^a"',
  ],
  [
    'a new pattern',
    field(text),
    field({ ...text, pattern: '^a' }),
    'spec.field: pattern is "^a", and was not set',
  ],
  [
    'another default',
    field({ ...text, default: 'a' }),
    field({ ...text, default: 'b' }),
    'spec.field: default is "b", and was "a"',
  ],
  [
    'null that is no longer allowed',
    field({ ...text, nullable: true }),
    field(text),
    'spec.field: null is no longer allowed',
  ],
  [
    'unknown fields that are no longer kept',
    field({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true }),
    field({ type: 'object' }),
    'spec.field: unknown fields are no longer kept',
  ],
  [
    'different keys of a list',
    field({ type: 'array', 'x-kubernetes-list-map-keys': ['a'] }),
    field({ type: 'array', 'x-kubernetes-list-map-keys': ['b'] }),
    'spec.field: x-kubernetes-list-map-keys is ["b"], and was ["a"]',
  ],
  [
    'a rule that forbids any change',
    field(text),
    field(rule('self == oldSelf')),
    'spec.field has a new rule with oldSelf, self == oldSelf',
  ],
  [
    'a rule that is now evaluated for new objects',
    field(rule('oldSelf != self')),
    field(rule('oldSelf != self', { optionalOldSelf: true })),
    'spec.field has a new rule with oldSelf, oldSelf != self',
  ],
  [
    'an alternative that is removed',
    field(either('integer', 'string')),
    field(either('integer')),
    'spec.field: anyOf is [{"type":"integer"}], and was [{"type":"integer"},{"type":"string"}]',
  ],
  [
    'an additional allOf',
    field(text),
    field({ ...text, allOf: [{ maxLength: 1 }] }),
    'spec.field: allOf is [{"maxLength":1}], and was not set',
  ],
  [
    'a new oneOf',
    field(text),
    field({ ...text, oneOf: [{ required: ['a'] }] }),
    'spec.field: oneOf is [{"required":["a"]}], and was not set',
  ],
  [
    'a new not',
    field(text),
    field({ ...text, not: { maxLength: 1 } }),
    'spec.field: not is {"maxLength":1}, and was not set',
  ],
  [
    'an unknown keyword',
    field(text),
    field({ ...text, const: 'a' }),
    'spec.field: const is "a", and was not set',
  ],
]

for (const [says, before, after, sentence] of refused) {
  t.test(`the CRD may not change by ${says}`, async (t) => {
    t.strictSame(narrowings(crd(before), crd(after)), [sentence])
  })
}

t.test('the CRD may not lose versions or subresources, or change its names or scope', async (t) => {
  const before = crd(field(text))
  const [version] = before.spec.versions
  if (version === undefined) throw new Error('no version')
  const { subresources: _, ...plain } = version
  t.strictSame(narrowings(before, crd({}, { versions: [] })), ['version v1 is no longer served'])
  t.strictSame(narrowings(before, crd({}, { versions: [{ ...version, served: false }] })), [
    'version v1 is no longer served',
  ])
  t.strictSame(narrowings(before, crd({}, { versions: [plain] })), [
    'version v1 no longer has the subresource status',
  ])
  t.strictSame(narrowings(before, { spec: { ...before.spec, scope: 'Cluster' } }), [
    'the group, the scope, the plural or the kind changed',
  ])
  t.strictSame(
    narrowings(before, {
      spec: { ...before.spec, versions: [{ ...version, name: 'v2' }, version] },
    }),
    [],
  )
})
