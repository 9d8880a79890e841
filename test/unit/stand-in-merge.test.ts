import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { Float, canonicalJson, parseJson } from '../../local-cluster/stand-in/json.ts'
import { type Fields, type KubeObject } from '../../local-cluster/stand-in/objects.ts'
import {
  applyUpdate,
  lastAppliedKey,
  mergeThreeWay,
  withLastApplied,
} from '../../local-cluster/stand-in/merge.ts'

interface Case {
  name: string
  observed: Fields
  last?: Fields
  desired: Fields
  merged: Fields
}

const env = (...names: string[]): Fields => ({
  env: names.map((name) => ({ name, value: name.toLowerCase() })),
})

const cases: Case[] = [
  {
    name: 'sets desired fields and keeps other fields',
    observed: { a: 1, b: 2 },
    desired: { a: 3 },
    merged: { a: 3, b: 2 },
  },
  {
    name: 'removes an applied field that is no longer desired',
    observed: { a: 1, b: 2 },
    last: { a: 1 },
    desired: {},
    merged: { b: 2 },
  },
  { name: 'keeps a null as null', observed: {}, desired: { a: null }, merged: { a: null } },
  {
    name: 'a null over an object removes its applied fields',
    observed: { a: { x: 1, y: 2 } },
    last: { a: { x: 1 } },
    desired: { a: null },
    merged: { a: { y: 2 } },
  },
  {
    name: 'replaces a scalar with an object',
    observed: { a: 1 },
    desired: { a: { x: 1 } },
    merged: { a: { x: 1 } },
  },
  {
    name: 'replaces a list of scalars',
    observed: { a: ['x', 'y'] },
    desired: { a: ['y'] },
    merged: { a: ['y'] },
  },
  {
    name: 'appends a list item',
    observed: env('B'),
    last: env('B'),
    desired: env('B', 'C'),
    merged: env('B', 'C'),
  },
  {
    name: 'appends a prepended list item',
    observed: env('B', 'C'),
    last: env('B', 'C'),
    desired: env('A', 'B', 'C'),
    merged: env('B', 'C', 'A'),
  },
  {
    name: 'does not reorder list items',
    observed: env('A', 'B'),
    last: env('A', 'B'),
    desired: env('B', 'A'),
    merged: env('A', 'B'),
  },
  {
    name: 'removes a list item',
    observed: env('A', 'B', 'C'),
    last: env('A', 'B', 'C'),
    desired: env('A', 'C'),
    merged: env('A', 'C'),
  },
  {
    name: 'keeps a foreign list item',
    observed: env('A', 'X'),
    last: env('A'),
    desired: env('A'),
    merged: env('A', 'X'),
  },
  {
    name: 'removes a foreign item once it was applied',
    observed: env('A', 'X'),
    last: env('A', 'X'),
    desired: env('A'),
    merged: env('A'),
  },
  {
    name: 'sets the last value in both places of a duplicate item',
    observed: {
      env: [
        { name: 'A', value: '1' },
        { name: 'B', value: '2' },
        { name: 'A', value: '3' },
      ],
    },
    desired: {
      env: [
        { name: 'A', value: '4' },
        { name: 'B', value: '2' },
        { name: 'A', value: '5' },
      ],
    },
    merged: {
      env: [
        { name: 'A', value: '5' },
        { name: 'B', value: '2' },
        { name: 'A', value: '5' },
      ],
    },
  },
  {
    name: 'identifies ports by number before name, so an edited number is a second port',
    observed: { ports: [{ name: 'http', port: 1234, protocol: 'TCP' }] },
    last: { ports: [{ name: 'http', port: 8080 }] },
    desired: { ports: [{ name: 'http', port: 8080 }] },
    merged: {
      ports: [
        { name: 'http', port: 1234, protocol: 'TCP' },
        { name: 'http', port: 8080 },
      ],
    },
  },
  {
    name: 'merges an item with defaults of the server',
    observed: { ports: [{ containerPort: 80, protocol: 'TCP' }] },
    last: { ports: [{ containerPort: 80 }] },
    desired: { ports: [{ containerPort: 80, name: 'http' }] },
    merged: { ports: [{ containerPort: 80, name: 'http', protocol: 'TCP' }] },
  },
  {
    name: 'removes value when valueFrom is set',
    observed: { env: [{ name: 'A', value: '1' }] },
    last: { env: [{ name: 'A', value: '1' }] },
    desired: { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'x' } } }] },
    merged: { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'x' } } }] },
  },
  {
    name: 'replaces a list whose items share no key',
    observed: { a: [{ x: 1 }] },
    desired: { a: [{ y: 1 }] },
    merged: { a: [{ y: 1 }] },
  },
  {
    name: 'replaces a list if the applied items lack the key',
    observed: { a: [{ name: 'x', v: 1 }] },
    last: { a: [{ v: 1 }] },
    desired: { a: [{ name: 'x' }] },
    merged: { a: [{ name: 'x' }] },
  },
  {
    name: 'an empty list removes the applied items',
    observed: env('A', 'X'),
    last: env('A'),
    desired: { env: [] },
    merged: env('X'),
  },
  {
    name: 'an empty list stays if the server has no list',
    observed: {},
    desired: { env: [] },
    merged: { env: [] },
  },
  {
    name: 'null replaces a list of scalars',
    observed: { a: ['x'] },
    last: { a: ['x'] },
    desired: { a: null },
    merged: { a: null },
  },
]

for (const { name, observed, last = {}, desired, merged } of cases) {
  t.test(name, async (t) => {
    const before = structuredClone({ observed, last, desired })
    t.same(mergeThreeWay(observed, last, desired), merged)
    t.same({ observed, last, desired }, before, 'the arguments do not change')
  })
}

const desired: KubeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'a', labels: { b: '<&>' } },
  spec: { ports: [{ port: 80 }] },
}

t.test('an update that changes nothing equals the observed object', async (t) => {
  const applied = withLastApplied(desired, desired)
  const observed = {
    ...applied,
    metadata: { ...applied.metadata, uid: 'u', resourceVersion: '1' },
    status: { x: 1 },
  }
  t.ok(isDeepStrictEqual(applyUpdate(observed, desired), observed))
  t.notOk(
    isDeepStrictEqual(
      applyUpdate(observed, { ...desired, spec: { ports: [{ port: new Float(80) }] } }),
      observed,
    ),
    '80.0 is not 80',
  )
  t.notOk(
    isDeepStrictEqual(
      applyUpdate(observed, { ...desired, spec: { ports: [{ port: 80 }], x: null } }),
      observed,
    ),
    'null is not absent',
  )
})

t.test('keeps status and server fields as observed', async (t) => {
  const observed: KubeObject = {
    ...desired,
    metadata: { name: 'a', uid: 'u', generation: 3 },
    status: { x: 1 },
  }
  const updated = applyUpdate(observed, {
    ...desired,
    metadata: { name: 'a', uid: 'other', generation: 1, resourceVersion: '7' },
    status: {},
  })
  t.match(updated, { metadata: { uid: 'u', generation: 3 }, status: { x: 1 } })
  t.notOk('resourceVersion' in updated.metadata)
})

t.test('writes the annotation as Metacontroller does', async (t) => {
  t.equal(
    canonicalJson({ b: [1, 'x'], 10: null, 9: '<a&b>', a: { c: new Float(3) } }),
    '{"10":null,"9":"\\u003ca\\u0026b\\u003e","a":{"c":3},"b":[1,"x"]}',
  )
  t.equal(canonicalJson(parseJson('{"é": "\u2028", "z": 1.50}')), '{"z":1.5,"é":"\\u2028"}')
})

t.test('refuses an annotation that is not JSON', async (t) => {
  const observed = {
    ...desired,
    metadata: { name: 'a', annotations: { [lastAppliedKey]: '{' } },
  }
  t.throws(() => applyUpdate(observed, desired), /can't unmarshal/)
})

t.test('distinguishes integers from floats', async (t) => {
  t.same(parseJson('{"a": 1, "b": "1.5", "c": [10]}'), { a: 1, b: '1.5', c: [10] })
  t.ok(isDeepStrictEqual(parseJson('[1.0, 2e3]'), [new Float(1), new Float(2000)]))
  t.notOk(isDeepStrictEqual(parseJson('[1.0]'), [1]))
})

t.test('round-trips an annotation of Metacontroller', async (t) => {
  const annotation =
    '{"apiVersion":"v1","kind":"Service",' +
    '"metadata":{"labels":{"app":"demo-app","controller-uid":"b74230be"},' +
    '"name":"demo-app","namespace":"default"},' +
    '"spec":{"ports":[{"name":"http","port":80,"targetPort":80}],"selector":{"app":"demo-app"}}}'
  t.equal(canonicalJson(parseJson(annotation)), annotation)
})
