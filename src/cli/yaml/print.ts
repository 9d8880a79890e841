import { Document, Scalar, visit } from 'yaml'
import { codePointText, plainScalar } from './scalars.ts'

/** Objects as text: YAML documents, or a List in JSON. */
export const objectsText = (objects: object[], output: 'yaml' | 'json'): string =>
  output === 'json'
    ? `${JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }, null, 2)}\n`
    : objects.map((object) => yamlText(object)).join('---\n')

/** An object as YAML. kubectl reads the same object from it. */
export function yamlText(object: object, { sorted = false }: { sorted?: boolean } = {}): string {
  const document = new Document(object, {
    version: '1.1',
    schema: 'yaml-1.1',
    // A key "<<" is text.
    customTags: (tags) =>
      tags.filter((tag) => typeof tag === 'string' || tag.tag !== 'tag:yaml.org,2002:merge'),
    aliasDuplicateObjects: false,
    sortMapEntries: sorted,
  })
  visit(document, {
    Scalar: (_key, scalar) => {
      if (typeof scalar.value !== 'string') return
      // UTF-8 cannot encode half of a surrogate pair.
      const text = scalar.value.toWellFormed()
      scalar.value = text
      if (needsQuotes(text)) scalar.type = Scalar.QUOTE_DOUBLE
    },
  })
  return document
    .toString({ lineWidth: 0 })
    .replace(unprintable, (character) => `\\u${codePointText(character)}`)
}

/**
 * Whether a text needs double quotes. Without quotes kubectl would read another value, or the text
 * has characters that need escapes.
 */
const needsQuotes = (text: string) =>
  plainScalar(text).kind !== 'str' ||
  text === '<<' ||
  text.search(unprintable) >= 0 ||
  // A block scalar cannot start with a tab or consist of empty lines.
  /^\n[\n ]*\t|^ *\t|^\s+$/.test(text)

/**
 * Characters that go-yaml reads only as escapes: control characters, line separators of Unicode,
 * byte order marks, and noncharacters.
 */
const unprintable = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g
