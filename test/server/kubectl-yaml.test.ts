import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { isObject } from '../../src/metacontroller/json.ts'
import { yamlText } from '../../src/cli/yaml/print.ts'
import { readYaml } from '../../src/cli/yaml/read.ts'
import { openReference } from '../support/reference.ts'
import { plainText, yamlFile } from '../support/yaml-texts.ts'

const kubectl = await openReference()
const numRuns = 10_000

/** Makes -0 and 0 equal: JSON.stringify writes both as 0. */
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

function reading(text: string) {
  const documents = readYaml(text)
  return {
    faults: documents.flatMap(({ faults }) => faults.map(({ message }) => message)),
    values: documents.map(({ value }) => value).filter((value) => value !== null),
  }
}

t.test('reads more than 5000 plain scalars as kubectl does', async (t) => {
  const texts = fc
    .sample(plainText, { numRuns, seed: 1 })
    .filter((text) => /^[^\s'"#,[\]{}&*!|>%@`?:-]|^[-+.]?[\w.]/.test(text))
    .filter((text) => !/: |:$| #|[^\x20-\x7e]|\s$/.test(text))
  t.ok(texts.length > numRuns / 2)
  const files = texts.flatMap((text) => [`a: ${text}`, `? ${text}\n: b`])
  for (const [index, { documents, error }] of kubectl.read(files).entries()) {
    const text = files[index] ?? ''
    const { faults, values } = reading(text)
    if (
      (error !== '') !== faults.length > 0 ||
      (error === '' && !isDeepStrictEqual(asJson(values), asJson(documents)))
    ) {
      t.fail('the scalar has another value', { text, error, documents, faults, values })
    }
  }
})

/**
 * Errors that only `readYaml` reports. kubectl reads these texts, but not as the author means:
 * `{a: 1, a: 2}` with a repeated key, `[!!str, a]` as a list of one item, `[?a]` as a list with a
 * map, and a byte order mark in the middle of a text.
 */
const stricter = /is repeated|missing after the tag|has a "\?"|byte order mark/

t.test('reads 10,000 files as kubectl does', async (t) => {
  const texts = fc.sample(yamlFile, { numRuns, seed: 2 })
  const unlike: object[] = []
  let alike = 0
  for (const [index, { documents, error }] of kubectl.read(texts).entries()) {
    const text = (texts[index] ?? '').toWellFormed()
    const { faults, values } = reading(text)
    if (error === '' && faults.length === 0) {
      alike++
      if (!documents.every(isObject)) continue
      if (!isDeepStrictEqual(asJson(values), asJson(documents))) {
        t.fail('the file has another value', { text, documents, values })
      }
      continue
    }
    // Only `readYaml` refuses a document that is not a Kubernetes object.
    const isOurs = faults.some((fault) => stricter.test(fault)) || !documents.every(isObject)
    if ((error !== '') !== faults.length > 0 && !isOurs) unlike.push({ text, error, faults })
  }
  t.ok(alike > numRuns / 5, `${alike} were read`)
  // Some damaged files are readable for one of the two parsers only.
  t.ok(unlike.length < numRuns / 400, `${unlike.length} were read by one only`, {
    unlike: unlike.slice(0, 5),
  })
})

/** Files that users reported, and that kubectl reads. */
const files: Array<[name: string, text: string]> = [
  ['a dot', 'args:\n- serve\n- .\nworkingDir: .\n'],
  [
    'values that look like exponents',
    'nodeSelector: {cloud.google.com/machine-family: e2, b: .e3}\n',
  ],
  ['octal and hexadecimal numbers', 'a: 0o17\nb: 0X1F\nc: 0b1\nd: 1e_3\ne: -_9\nf: 0777\ng: 08\n'],
  ['tags', 'a: !!float 1\nb: !!binary aGk=\nc: !!str 1\nd: !!int "2"\ne: !x 3\nf: ! 4\n'],
  ['brackets without indentation', 'a:\n  b: {c: 1,\nd: "2"\n}\n  e: [\n"x y",\n# z\n!!str 3\n]\n'],
  ['quotes without indentation', 'a:\n  b: "c\nd"\n  e: \'f\n\ng\'\n'],
  [
    'a late merge',
    'a: &a {b: 1, c: 2}\nd: {b: 3, <<: *a}\ne: {<<: *a, b: 3}\nf: {<<: [{b: 4}, *a]}\n',
  ],
  ['keys of all kinds', 'n: 1\n1: 2\n1.5: 3\n1e6: 4\n0x10: 5\n2001-12-14: 6\n"q": 7\n'],
  ['JSON objects', '{"a": 1} {"b": [1.0, "\\u00e4"]}\n{"c": null}'],
  ['JSON, then YAML', '{"a": 1}\n---\nb: 2\n'],
  ['a document with an end marker', 'a: 1\n...\nb: 2\n'],
  ['content after brackets', '{a: 1}\nb: 2\n'],
  ['a byte order mark', '\ufeffa: 1\n---\n\ufeffb: 2\n'],
  ['other line breaks', 'a: 1\rb: 2\u0085c: 3\r\nd: |\r\n  e\r\n'],
  ['a first key with three dashes', '---#a:\n  b: c\nd: e\n'],
  ['a first line with several line breaks', '--- # c\ra: 1\rb: 2\r'],
  ['JSON, then YAML with other line breaks', '{"a": 1}\r--- # c\rb: 2\r'],
  ['a separator with a comment', 'a: 1\n---# c\nb: 2\n'],
  ['a last line break of another kind', 'a: |+\u0085  b\u0085c: >+\u0085  d\u0085\u0085'],
  ['signs after 0b', 'a: 0b+0\nb: 0b-0\nc: 0b-11\nd: -0b+1\n0b+1: e\n'],
  ['tags and anchors in brackets', 'a: [b,!!str 1,&x c, !!str , *x]\n'],
  ['anchors and aliases on keys', '&a b: *a\nc: &d e\n*d: f\n!!str g: h\n'],
  ['JSON before a last separator', '{"a": 1}\n---\n'],
  ['JSON before a separator at the end', '{"a": 1}\n---'],
  ['JSON with an escaped slash', '{"a": "\\/", "b": "\\ud83d\\ude00"}'],
  ['a dash in brackets', 'a: [cat, -]\nb: [-, -]\nc: {d: -, e: f:}\n'],
  ['tabs beside values', 'a:\tb\t# c\nd: [\n\te]\nf: g\n  \th\n'],
  ['a number sign in quotes', 'a: "b\n#c"\nd: \'e\n# f\'\n'],
  ['text like a merge key', 'a: {<<:, b: c}\n'],
  ['a map merged many times', `a: &a {b: 1}\nc: {${'<<: *a, '.repeat(2000)}d: 2}\n`],
  ['a bracket after column 1000', `a: [${'x'.repeat(1100)}, [\nb\n]]\n`],
  ['a time', 'a: 2001-12-14\nb: 10:20:30\nc: 2001-12-14T21:59:43Z\n'],
]

t.test('reads files that users reported as kubectl does', async (t) => {
  const readings = kubectl.read(files.map(([, text]) => text))
  for (const [index, [name, text]] of files.entries()) {
    const { documents, error } = readings[index] ?? {}
    t.equal(error, '', name)
    t.strictSame(asJson(reading(text)), asJson({ faults: [], values: documents }), name)
  }
})

/** Files that kubectl does not read. */
const refused = [
  '%YAML 1.2\n---\na: 1\n',
  '%YAML 1.1\n---\na: 1\n',
  '--- {a: 1}\n',
  'null: 1\n',
  '{~: 1}',
  '[a]: 1',
  'a: !!int x\n',
  'a: !!binary x\n',
  'a: .inf\n',
  'a: "\\/"\n',
  'a: "\\ud83d\\ude00"\n',
  'a: \u007f\n',
  'a: \u0080\n',
  'a: b\u2028c\n',
  'a: {<<: 1}\n',
  'a: *b\n',
  'a: &a [*a]\n',
  'a: |\n\tb\n',
  'a: b\n\t\nc: d\n',
  'a: "b"\n \t\nc: d\n',
  '\t# b\na: c\n',
  '-\ta\n',
  'a: [http://b/?c]\n',
  'a: {<<:{b: c}}\n',
  '"\\/": a\n',
  'a: !b# c\n',
  '{"a": 1}\n#',
  '{"a": 1}---',
  '{"a": 1}{"b": 2}\nc: 3\n',
]

t.test('reports one error in each file that kubectl cannot read', async (t) => {
  for (const [index, { error }] of kubectl.read(refused).entries()) {
    const text = refused[index] ?? ''
    t.not(error, '', `${index}`)
    t.equal(reading(text).faults.length, 1, `${index}`)
  }
})

const value = fc.oneof(
  { weight: 3, arbitrary: plainText },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }) },
  {
    weight: 2,
    arbitrary: fc
      .array(
        fc.constantFrom(
          ...[
            '\u0085',
            '\u2028',
            '\u2029',
            '\u007f',
            '\u009f',
            '\ufeff',
            '\ufffe',
            '\r',
            '\n',
            '\t',
          ],
          ...[
            ' ',
            'a',
            ':',
            '#',
            '-',
            '"',
            "'",
            '\\',
            '|',
            '\u0000',
            '\ud800',
            '😀',
            '%',
            '@',
            '<<',
          ],
        ),
        { maxLength: 6 },
      )
      .map((all) => all.join('')),
  },
  fc.double({ noDefaultInfinity: true, noNaN: true }),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
)

t.test('prints 10,000 objects that kubectl reads unchanged', async (t) => {
  const object = fc.record({
    text: value,
    list: fc.array(value, { maxLength: 2 }),
    map: fc.dictionary(
      fc
        .oneof(plainText, fc.string({ unit: 'binary', maxLength: 4 }))
        .filter((key) => key.isWellFormed()),
      value,
      { maxKeys: 2 },
    ),
  })
  const objects = fc.sample(object, { numRuns, seed: 3 })
  const texts = objects.map((object) => yamlText(object))
  const wellFormed = (_key: string, value: unknown) =>
    typeof value === 'string' ? value.toWellFormed() : value
  for (const [index, { documents, error }] of kubectl.read(texts).entries()) {
    const meant: unknown = JSON.parse(JSON.stringify(objects[index], wellFormed))
    if (error !== '' || !isDeepStrictEqual(asJson(documents), [meant])) {
      t.fail('kubectl reads another value', { text: texts[index], error, documents, meant })
    }
    const again = reading(texts[index] ?? '')
    if (!isDeepStrictEqual(asJson(again), { faults: [], values: [meant] })) {
      t.fail('render reads another value', { text: texts[index], again, meant })
    }
  }
})
