import { type Document, isAlias, isMap, isPair, isScalar, isSeq, LineCounter, type Node, parseAllDocuments, type Tags } from 'yaml'
import type { Problem } from '../myapp/rules.ts'
import type { Source } from './source.ts'

/** A place in a source; lines and columns count from 1. */
export interface Place { source: string, line: number, column: number }

/** `demo.yaml:3:5`, as compilers and editors write it. */
export const placeText = ({ source, line, column }: Place) => `${source}:${line}:${column}`

/** A Kubernetes object from a source, and where its fields stand there. */
export interface Manifest {
  object: Record<string, unknown>
  /** Where a field stands, or the nearest thing that holds it. `stray` is the name of a field in it that is meant. */
  placeOf: (path: Problem['path'], stray?: string) => Place
}

/** What is wrong with a source, and where. */
export interface PlacedProblem { place: Place, message: string }

/**
 * Reads a source as kubectl does: by the rules of YAML 1.1, of which it leaves out sexagesimal numbers, dates and sets. So `on` is a
 * boolean here too, where the API server wants a string. Lists of objects are taken apart.
 */
export function readManifests ({ name, text }: Source): { manifests: Manifest[], syntaxProblems: PlacedProblem[] } {
  const lineCounter = new LineCounter()
  const at = (offset: number): Place => {
    const { line, col: column } = lineCounter.linePos(offset)
    return { source: name, line, column }
  }
  const documents = parseAllDocuments(text, { version: '1.1', schema: 'yaml-1.1', customTags: asInKubectl, lineCounter, prettyErrors: false, merge: true })
  const manifests: Manifest[] = []
  const syntaxProblems: PlacedProblem[] = []
  for (const document of 'empty' in documents ? [] : documents) {
    if (document.errors.length > 0) {
      // The first one brings about most of the others.
      syntaxProblems.push(...document.errors.slice(0, 1).map(({ pos, message }) => ({ place: at(pos[0]), message })))
    } else if (document.contents !== null && !(isScalar(document.contents) && document.contents.value === null)) {
      const value: unknown = document.toJS({ maxAliasCount: 1000 })
      if (isMap(document.contents)) manifests.push(...takenApart(value as Record<string, unknown>, (path, stray) => at(offsetOf(document, path, stray))))
      else syntaxProblems.push({ place: at(document.contents.range?.[0] ?? 0), message: 'this is not a Kubernetes object' })
    }
  }
  return { manifests, syntaxProblems }
}

const asInKubectl = (tags: Tags): Tags => tags.filter((tag) =>
  typeof tag === 'string' || !(tag.tag === 'tag:yaml.org,2002:timestamp' || ('format' in tag && tag.format === 'TIME') || /:(omap|pairs|set)$/.test(tag.tag)))

/** A list such as `kubectl get -o yaml` prints holds objects; anything else is one. */
function takenApart (object: Record<string, unknown>, placeOf: Manifest['placeOf']): Manifest[] {
  if (typeof object['kind'] !== 'string' || !object['kind'].endsWith('List') || !Array.isArray(object['items'])) return [{ object, placeOf }]
  return object['items'].map((item, index) => ({ object: item, placeOf: (path, stray) => placeOf(['items', index, ...path], stray) }))
}

function offsetOf (document: Document.Parsed, path: Problem['path'], stray?: string): number {
  let offset = document.contents?.range?.[0] ?? 0
  let node: unknown = document.contents
  const keys = stray === undefined ? path : [...path, stray]
  for (const [index, key] of keys.entries()) {
    const collection = isAlias(node) ? node.resolve(document) : node
    if (isSeq(collection)) {
      node = collection.items[Number(key)]
    } else if (isMap(collection)) {
      const pair = collection.items.find((pair) => isPair(pair) && String(isScalar(pair.key) ? pair.key.value : pair.key) === key)
      const keyNode = pair?.key as Node | undefined
      // Of a field its key is where one looks; of the one that is meant itself, its value, unless it is not to be there at all.
      offset = keyNode?.range?.[0] ?? offset
      if (pair !== undefined && index === keys.length - 1 && stray !== undefined) return offset
      node = pair?.value
    } else return offset
    if (node === undefined || node === null) return offset
    if (isScalar(node) || isSeq(collection)) offset = (node as Node).range?.[0] ?? offset
  }
  return offset
}
