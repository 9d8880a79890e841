import fc from 'fast-check'
import t from 'tap'
import { differences, contains } from '../../src/metacontroller/compare.ts'

const container = (image: string, env: object[] = []) => ({
  spec: { template: { spec: { containers: [{ name: 'app', image, env }] } } },
})

t.test('lists the paths of all differences', async (t) => {
  const cases: Array<[string, unknown, unknown, string[]]> = [
    ['nothing', { a: 1, b: 2 }, { a: 1 }, []],
    [
      'a field',
      container('nginx:1'),
      container('nginx:2'),
      ['spec.template.spec.containers[app].image'],
    ],
    [
      'a missing field',
      { spec: {} },
      { spec: { replicas: 1, paused: true } },
      ['spec.replicas', 'spec.paused'],
    ],
    [
      'a missing item',
      container('a'),
      container('a', [{ name: 'A', value: 'secret' }]),
      ['spec.template.spec.containers[app].env[A]'],
    ],
    [
      'a field of an item',
      container('a', [{ name: 'A', value: '1' }]),
      container('a', [{ name: 'A', value: '2' }]),
      ['spec.template.spec.containers[app].env[A].value'],
    ],
    [
      'the order of items',
      { env: [{ name: 'B' }, { name: 'A' }] },
      { env: [{ name: 'A' }, { name: 'B' }] },
      ['env'],
    ],
    ['an item without a name', { args: ['-a', '-b'] }, { args: ['-a', '-c'] }, ['args[1]']],
    ['another kind of value', { a: 'x' }, { a: { b: 1 } }, ['a']],
    ['a missing list', {}, { env: [{ name: 'A' }] }, ['env']],
    ['the whole', undefined, { a: 1 }, ['']],
  ]
  for (const [name, observed, desired, expected] of cases) {
    t.same(differences(observed, desired), expected, name)
  }
})

t.test('a missing list is the same as an empty list, also after other items', async (t) => {
  t.ok(contains([{ name: 'b' }], [{ name: 'b', env: [] }]))
  t.ok(contains([{ name: 'a' }, { name: 'b' }], [{ name: 'b', env: [] }]))
})

t.test('finds a difference exactly if the desired value is not contained', async () => {
  const names = fc.constantFrom('a', 'b', 'c')
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(1, 2, 'x', null, true),
      fc.dictionary(names, tie('value')),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.array(fc.record({ name: names, v: fc.constantFrom(1, 2) }), { maxLength: 3 }),
    ),
  }))
  fc.assert(
    fc.property(
      value,
      value,
      (observed, desired) =>
        contains(observed, desired) === (differences(observed, desired).length === 0),
    ),
  )
})
