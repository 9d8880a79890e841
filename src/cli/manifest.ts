import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type Tags,
  visit,
} from 'yaml'
import { isObject } from '../metacontroller/merge.ts'
import type { Path } from '../api/messages.ts'
import type { Source } from './source.ts'

/** A place in a source; lines and columns count from 1. */
export interface Place {
  source: string
  line: number
  column: number
}

/** `demo.yaml:3:5`, as compilers and editors write it. */
export const placeText = ({ source, line, column }: Place) => `${source}:${line}:${column}`

/** A Kubernetes object from a source, and where its fields stand there. */
export interface Manifest {
  object: Record<string, unknown>
  /** The line of a field, or of the nearest field that holds it. With `isKey` that of the key instead of its value. */
  placeOf: (path: Path, isKey?: boolean) => Place
}

/** What is wrong with a source, and where. */
export interface PlacedProblem {
  place: Place
  message: string
}

/**
 * Reads a source as kubectl does: by the rules of YAML 1.1, of which it leaves out sexagesimal numbers, dates and sets. So `on` is a
 * boolean here too, where the API server wants a string. Lists of objects are taken apart.
 */
export function readManifests({ name, text }: Source): {
  manifests: Manifest[]
  syntaxProblems: PlacedProblem[]
} {
  const lineCounter = new LineCounter()
  const at = (offset: number): Place => {
    const { line, col: column } = lineCounter.linePos(offset)
    return { source: name, line, column }
  }
  const documents = parseAllDocuments(text, {
    version: '1.1',
    schema: 'yaml-1.1',
    customTags: asInKubectl,
    lineCounter,
    prettyErrors: false,
    logLevel: 'error',
    merge: true,
  })
  const manifests: Manifest[] = []
  const syntaxProblems: PlacedProblem[] = []
  for (const document of 'empty' in documents ? [] : documents) {
    const content = contentOf(document)
    if ('message' in content) {
      syntaxProblems.push({ place: at(content.offset), message: content.message })
      continue
    }
    for (const { value, path } of takenApart(content.value)) {
      const placeOf: Manifest['placeOf'] = (inner, isKey) =>
        at(offsetOf(document, [...path, ...inner], isKey))
      if (isObject(value)) manifests.push({ object: value, placeOf })
      else syntaxProblems.push({ place: placeOf([]), message: 'this is not a Kubernetes object' })
    }
  }
  return { manifests, syntaxProblems }
}

const asInKubectl = (tags: Tags): Tags =>
  tags.filter(
    (tag) =>
      typeof tag === 'string' ||
      !(
        tag.tag === 'tag:yaml.org,2002:timestamp' ||
        ('format' in tag && tag.format === 'TIME') ||
        /:(omap|pairs|set)$/.test(tag.tag)
      ),
  )

/** What a document holds, or the first thing for which it can't be read: that brings about most of the others. */
function contentOf(
  document: Document.Parsed,
): { value: unknown } | { offset: number; message: string } {
  const [error] = document.errors
  if (error !== undefined) return { offset: error.pos[0], message: error.message }
  try {
    return strayAlias(document) ?? { value: document.toJS({ maxAliasCount: 1000 }) }
  } catch (error) {
    return { offset: document.contents?.range?.[0] ?? 0, message: (error as Error).message }
  }
}

/** The first alias that stands for nothing, as a text does that starts with "*", or for something that it is in itself. */
function strayAlias(document: Document.Parsed): { offset: number; message: string } | undefined {
  let stray: { offset: number; message: string } | undefined
  visit(document, {
    Alias(_key, alias, path) {
      const target = alias.resolve(document)
      if (target !== undefined && !path.includes(target)) return undefined
      const reason =
        target === undefined
          ? 'refers to no anchor: a text that starts with "*" needs quotes'
          : 'refers to something that it is in itself'
      stray = { offset: alias.range?.[0] ?? 0, message: `*${alias.source} ${reason}` }
      return visit.BREAK
    },
  })
  return stray
}

/** A list such as `kubectl get -o yaml` prints holds objects; anything else is one, but for an empty document, which is none. */
function takenApart(value: unknown, path: Path = []): Array<{ value: unknown; path: Path }> {
  if (value === null && path.length === 0) return []
  if (
    !isObject(value) ||
    typeof value['kind'] !== 'string' ||
    !value['kind'].endsWith('List') ||
    !Array.isArray(value['items'])
  ) {
    return [{ value, path }]
  }
  return value['items'].flatMap((item, index) => takenApart(item, [...path, 'items', index]))
}

function offsetOf(document: Document.Parsed, path: Path, isKey = false): number {
  let offset = document.contents?.range?.[0] ?? 0
  let node: unknown = document.contents
  for (const [index, key] of path.entries()) {
    const collection = isAlias(node) ? node.resolve(document) : node
    if (isSeq(collection)) {
      node = collection.items[Number(key)]
    } else if (isMap(collection)) {
      const pair = collection.items.find(
        (pair) => isPair(pair) && String(isScalar(pair.key) ? pair.key.value : pair.key) === key,
      )
      const keyNode = pair?.key as Node | undefined
      offset = keyNode?.range?.[0] ?? offset
      if (pair !== undefined && index === path.length - 1 && isKey) return offset
      node = pair?.value
    } else return offset
    if (node === undefined || node === null) return offset
    if (isScalar(node) || isSeq(collection)) offset = (node as Node).range?.[0] ?? offset
  }
  return offset
}
