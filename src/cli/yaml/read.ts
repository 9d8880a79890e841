import { type Document, isAlias, isMap, isPair, isScalar, isSeq, type Node } from 'yaml'
import { decode, repeatedKey } from './decode.ts'
import { endOfBrackets, endOfDocument, misplacedTab, parseDocument } from './parse.ts'
import { codePointText } from './scalars.ts'

/**
 * Reads YAML as kubectl does. kubectl splits the text itself, and reads each part with go-yaml 2,
 * which mixes YAML 1.1 and 1.2.
 */

/** One document: its value, its faults, and the positions of its fields. */
export interface YamlDocument {
  value: unknown
  faults: YamlFault[]
  /** Parts that kubectl ignores silently. */
  notes: YamlFault[]
  /** The offset of a field, or of its nearest parent. `isKey`: the offset of the key. */
  offsetOf: (path: Array<string | number>, isKey?: boolean) => number
}

/** A fault in a text. `offset` counts UTF-16 units from its start. */
export interface YamlFault {
  offset: number
  message: string
}

/**
 * Reads the documents in a text: YAML between lines that start with `---`, or a sequence of JSON
 * objects. YAML may follow a single JSON object.
 */
export function readYaml(text: string): YamlDocument[] {
  const start = text.startsWith('\ufeff') ? 1 : 0
  const { chunks, end } = jsonObjects(text, start)
  const json = chunks.map((chunk) => readChunk(chunk, JSON.parse(chunk.text)))
  const yaml = chunks.length === 0 ? yamlChunks(text, start) : afterJson(text, end, chunks.length)
  return [...json, ...yaml.map((chunk) => readChunk(chunk))]
}

/** A part of a text and its offset. */
interface Chunk {
  text: string
  offset: number
  fault?: YamlFault
  /** A line `---` precedes the chunk, and nothing precedes that line. kubectl keeps such a line. */
  isMarked?: boolean
}

/** The JSON objects at the start of a text, and the offset after them. */
function jsonObjects(text: string, start: number): { chunks: Chunk[]; end: number } {
  const chunks: Chunk[] = []
  let end = start
  for (;;) {
    const from = end + (/^[ \t\r\n]*/.exec(text.slice(end))?.[0].length ?? 0)
    const to = text[from] === '{' ? endOfBrackets(text, from) : undefined
    const chunk = { text: text.slice(from, to), offset: from }
    if (to === undefined || !isJson(chunk.text)) return { chunks, end }
    chunks.push(chunk)
    end = to
  }
}

/** The chunks after a number of JSON objects. */
function afterJson(text: string, end: number, count: number): Chunk[] {
  const rest = text.slice(end)
  const offset = end + rest.search(/[^ \t\r\n]/)
  if (offset < end) return []
  const message =
    count > 1
      ? 'after two JSON objects only JSON objects may follow'
      : 'kubectl cannot read this after a JSON object: remove it'
  const unreadable: Chunk = { text: '', offset, fault: { offset, message } }
  if (count > 1) return [unreadable]
  const restOfLine = /^(?:[^\S\n\ufeff]|\u0085)*\n?/.exec(rest)?.[0] ?? ''
  // After the blanks, kubectl reads ahead four bytes, including the line feed. It fails if fewer
  // bytes follow.
  const next = rest.slice(restOfLine.replace(/\n$/, '').length)
  return Buffer.byteLength(next.slice(0, 4)) < 4
    ? [unreadable]
    : yamlChunks(text, end + restOfLine.length)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/**
 * The documents in a text. As in kubectl, every line that starts with `---` starts a document, and
 * only a comment may follow on that line.
 */
function yamlChunks(text: string, start: number): Chunk[] {
  const chunks: Chunk[] = []
  let chunk: Chunk = { text: '', offset: start }
  for (const { 0: line, index } of text.slice(start).matchAll(/[^\n]*\n|[^\n]+$/g)) {
    const offset = start + index
    const isFirst = chunk.text === '' && !chunk.isMarked
    const extra = line.startsWith('---') ? line.slice(3).replace(/^[\s\u0085]+/, '') : undefined
    // kubectl splits at line feeds only, so go-yaml may read more lines after a first `---`.
    const isContent = isFirst && extra?.startsWith('#') && /^---#|\r(?!\n)|\u0085/.test(line)
    if (extra === undefined || isContent) {
      // kubectl ends the last line with a line feed, also if another line break ends it.
      chunk.text += line.endsWith('\n') ? line : `${line}\n`
      continue
    }
    if (extra !== '' && !extra.startsWith('#')) {
      const message = 'only a comment may follow "---": start the document on the next line'
      chunks.push(chunk, { text: '', offset, fault: { offset, message } })
      chunk = { text: '', offset: offset + line.length }
      continue
    }
    chunks.push(chunk)
    chunk = { text: '', offset: offset + line.length, isMarked: isFirst }
  }
  return [...chunks, chunk].filter(({ text, fault }) => text.trim() !== '' || fault !== undefined)
}

/** Reads one document. `json` is its value, if it is JSON. */
function readChunk(chunk: Chunk, json?: unknown): YamlDocument {
  const nothing = { value: null, faults: [], notes: [], offsetOf: () => chunk.offset }
  if (chunk.fault !== undefined) return { ...nothing, faults: [chunk.fault] }
  const bom = chunk.text.startsWith('\ufeff') ? 1 : 0
  const original = chunk.text.slice(bom)
  // go-yaml ends a line at these characters, too.
  const lines = original.replace(/\r(?!\n)|\u0085/g, '\n')
  const { document, text, originalOffset, isFollowed } = parseDocument(lines)
  const offset = (inner: number) => chunk.offset + bom + originalOffset(inner)
  const offsetOf: YamlDocument['offsetOf'] = (path, isKey) =>
    document === undefined ? chunk.offset : offset(nodeOffset(document, path, isKey))
  if (json !== undefined) {
    const fault = document && repeatedKey(document)
    const faults = fault === undefined ? [] : [{ ...fault, offset: offset(fault.offset) }]
    return { ...nothing, value: json, faults, offsetOf }
  }

  const rejected =
    bom === 1 && chunk.isMarked
      ? { offset: -1, message: byteOrderMark }
      : rejectedText(original, lines, chunk.isMarked)
  if (rejected !== undefined) {
    const fault = { ...rejected, offset: chunk.offset + bom + rejected.offset }
    return { ...nothing, faults: [fault] }
  }
  if (document === undefined) return nothing

  const end = endOfDocument(document, text)
  // The first error causes most of the others.
  const error = document.errors.find(
    ({ pos: [at], message }) =>
      (end === undefined || at < end || text.startsWith('...', at)) && !isAccepted(message),
  )
  if (error !== undefined) {
    const message = error.code === 'RESOURCE_EXHAUSTION' ? 'too deeply nested' : error.message
    const fault = { offset: offset(error.pos[0]), message }
    return { ...nothing, faults: [fault], offsetOf }
  }
  const tab = misplacedTab(document, text)
  if (tab !== undefined) {
    const fault = { offset: offset(tab), message: 'the indentation needs spaces, not tabs' }
    return { ...nothing, faults: [fault], offsetOf }
  }
  const { value, fault } = decode(document, text)
  if (fault !== undefined) {
    return { ...nothing, faults: [{ ...fault, offset: offset(fault.offset) }], offsetOf }
  }
  const isCut = isFollowed || document.errors.some(({ message }) => !isAccepted(message))
  const note = {
    offset: offset(end ?? document.range[1]),
    message: 'kubectl ignores the text after this point: put a line "---" before it',
  }
  return { ...nothing, value, notes: isCut ? [note] : [], offsetOf }
}

/** Whether go-yaml accepts the text that causes this error of the `yaml` package. */
const isAccepted = (message: string) => message.startsWith('Comments must be separated')

const byteOrderMark = 'remove this byte order mark'

/** Blank lines and comments, and then a directive, an end, or a byte order mark. */
const firstDirective = /^(?:[ \t]*(?:#.*)?\n)*%(?!(?:YAML 1\.1|TAG .*)\n(?:[^]*\n)?---)/
const firstEnd = /^(?:[ \t]*(?:#.*)?\n)*\.\.\.(?!\S)/
const laterByteOrderMark = /^(?:[ \t]*(?:#.*)?\n)+\ufeff/

/** The first part of a document that kubectl rejects and the `yaml` package accepts. */
function rejectedText(text: string, lines: string, isMarked = false): YamlFault | undefined {
  const directive = firstDirective.exec(lines)
  if (directive !== null) {
    const message = 'kubectl rejects a line that starts with "%": remove the line'
    return { offset: directive[0].length - 1, message }
  }
  const end = firstEnd.exec(lines)
  if (end !== null && !isMarked) {
    return { offset: end[0].length - 3, message: 'no document ends here: remove "..."' }
  }
  const mark = laterByteOrderMark.exec(lines)
  if (mark !== null) return { offset: mark[0].length - 1, message: byteOrderMark }
  const forbidden = forbiddenCharacter.exec(text)
  if (forbidden === null) return undefined
  return {
    offset: forbidden.index,
    message:
      `the character U+${codePointText(forbidden[0])} is not allowed: ` +
      'write it as an escape in double quotes',
  }
}

/**
 * Characters that go-yaml rejects: control characters and noncharacters. The pattern also contains
 * U+2028 and U+2029, which go-yaml reads as line breaks.
 */
const forbiddenCharacter = /(?![\t\n\r\u0085])\p{Cc}|[\u2028\u2029\ufffe\uffff]/u

/** The offset of a field in a document. */
function nodeOffset(
  document: Document.Parsed,
  path: Array<string | number>,
  isKey?: boolean,
): number {
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
