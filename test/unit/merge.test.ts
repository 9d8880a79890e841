import t from 'tap'
import { merge } from '../../src/metacontroller/merge.ts'

const env = (...names: string[]) => names.map((name) => ({ name, value: name.toLowerCase() }))

const cases: Array<{
  name: string
  observed: unknown
  applied?: unknown
  desired: unknown
  merged: unknown
}> = [
  { name: 'a scalar becomes the desired scalar', observed: 1, applied: 2, desired: 3, merged: 3 },
  {
    name: 'a foreign field stays',
    observed: { a: 1, theirs: 2 },
    applied: { a: 1 },
    desired: { a: 3 },
    merged: { a: 3, theirs: 2 },
  },
  {
    name: 'an applied field that is no longer desired is removed',
    observed: { a: 1, b: 2 },
    applied: { a: 1, b: 2 },
    desired: { a: 1 },
    merged: { a: 1 },
  },
  {
    name: 'a list of scalars is replaced',
    observed: [1, 2],
    applied: [1],
    desired: [3],
    merged: [3],
  },
  {
    name: 'a merge key that is an object, as in a forged record, equals no other key',
    observed: [{ port: 80 }],
    applied: [{ port: { toString: 0 } }],
    desired: [{ port: 80 }],
    merged: [{ port: 80 }],
  },
  {
    name: 'a new variable is appended',
    observed: env('B', 'C'),
    applied: env('B', 'C'),
    desired: env('A', 'B', 'C'),
    merged: env('B', 'C', 'A'),
  },
  {
    name: 'the order of items does not change',
    observed: env('A', 'B'),
    applied: env('A', 'B'),
    desired: env('B', 'A'),
    merged: env('A', 'B'),
  },
  {
    name: 'a foreign variable stays',
    observed: env('X', 'A'),
    applied: env('A'),
    desired: env('A', 'B'),
    merged: env('X', 'A', 'B'),
  },
  {
    name: 'an applied variable that is no longer desired is removed',
    observed: env('A', 'B'),
    applied: env('A', 'B'),
    desired: env('B'),
    merged: env('B'),
  },
  {
    name: 'the number identifies a port, so a port with an edited number stays as another item',
    observed: [{ name: 'http', port: 1234 }],
    applied: [{ name: 'http', port: 8080 }],
    desired: [{ name: 'http', port: 8080 }],
    merged: [
      { name: 'http', port: 1234 },
      { name: 'http', port: 8080 },
    ],
  },
  {
    name: 'two observed items with the same key both become the desired item',
    observed: [
      { port: 53, protocol: 'TCP' },
      { port: 53, protocol: 'UDP' },
    ],
    applied: [],
    desired: [{ port: 53, protocol: 'TCP' }],
    merged: [
      { port: 53, protocol: 'TCP' },
      { port: 53, protocol: 'TCP' },
    ],
  },
  {
    name: 'a merge key must be in every item of all three lists',
    observed: [{ name: 'a', port: 1 }],
    applied: [],
    desired: [{ name: 'a' }],
    merged: [{ name: 'a', port: 1 }],
  },
  {
    name: 'items without a common key are replaced',
    observed: [{ name: 'a' }],
    applied: [],
    desired: [{ x: 1 }],
    merged: [{ x: 1 }],
  },
  {
    name: '__proto__ is an ordinary name',
    observed: env('__proto__'),
    applied: [],
    desired: env('A', '__proto__'),
    merged: env('__proto__', 'A'),
  },
]

for (const { name, observed, applied, desired, merged } of cases) {
  t.test(`Metacontroller's merge: ${name}`, async (t) => {
    const before = structuredClone({ observed, applied, desired })
    t.strictSame(merge(observed, applied, desired), merged)
    t.strictSame({ observed, applied, desired }, before, 'the arguments do not change')
  })
}
