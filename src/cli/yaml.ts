import {
  Document,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Node,
  parseAllDocuments,
  type ParsedNode,
  Scalar,
  visit,
} from 'yaml'

/**
 * YAML as kubectl reads it. kubectl uses go-yaml 2, which keeps its own mixture of YAML 1.1 and
 * 1.2.
 * The `yaml` package finds the structure and the places; every scalar comes out of it as text.
 * What such a text means, and what a merge does, is decided here by go-yaml's rules (resolve.go
 * and decode.go).
 */

/** One document: its value, what is wrong with it, and where its parts stand. */
export interface YamlDocument {
  value: unknown
  faults: YamlFault[]
  /** What kubectl leaves out without saying so. */
  notes: YamlFault[]
  /**
   * The offset in the text of a field, or of the nearest thing that holds it. `isKey`: of its
   * key.
   */
  offsetOf: (path: Array<string | number>, isKey?: boolean) => number
}

/** What is wrong with a text; `offset` counts UTF-16 units from its start. */
export interface YamlFault {
  offset: number
  message: string
}

/**
 * Reads the documents of a text: YAML between lines that start with `---`, or JSON values one
 * after another.
 */
export function readYaml(text: string): YamlDocument[] {
  const start = text.startsWith('\ufeff') ? 1 : 0
  const json = jsonValues(text, start)
  const documents = json.chunks.map((chunk) => readChunk(chunk, JSON.parse(chunk.text)))
  if (json.chunks.length < 2) {
    const restOfLine = json.chunks.length > 0 ? /^[^\S\n]*\n?/.exec(text.slice(json.end)) : null
    const end = json.end + (restOfLine?.[0].length ?? 0)
    return [...documents, ...yamlChunks(text, end).map((chunk) => readChunk(chunk))]
  }
  const rest = /\S/.exec(text.slice(json.end))
  if (rest === null) return documents
  const offset = json.end + rest.index
  const fault = { offset, message: 'after two JSON objects only JSON objects may follow' }
  return [...documents, readChunk({ text: '', offset, fault })]
}

/** A part of a text and where it starts. */
interface Chunk {
  text: string
  offset: number
  fault?: YamlFault
  /** kubectl leaves a line with `---` in a document where nothing stands before it. */
  isMarked?: boolean
}

/**
 * The JSON objects at the start of a text. After the first one YAML may follow, after the second
 * only JSON.
 */
function jsonValues(text: string, start: number): { chunks: Chunk[]; end: number } {
  const chunks: Chunk[] = []
  let end = start
  for (;;) {
    const from = end + (/^\s*/.exec(text.slice(end))?.[0].length ?? 0)
    const to = text[from] === '{' ? endOfBrackets(text, from) : undefined
    const chunk = { text: text.slice(from, to), offset: from }
    if (to === undefined || !isJson(chunk.text)) return { chunks, end }
    chunks.push(chunk)
    end = to
  }
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
 * The documents of a text. As in kubectl, `---` starts one wherever it starts a line, and only a
 * comment may follow it.
 */
function yamlChunks(text: string, start: number): Chunk[] {
  const chunks: Chunk[] = []
  let chunk: Chunk = { text: '', offset: start }
  for (const { 0: line, index } of text.slice(start).matchAll(/[^\n]*\n|[^\n]+$/g)) {
    if (!line.startsWith('---')) {
      chunk.text += line
      continue
    }
    const offset = start + index
    const extra = line.slice(3).trim()
    if (extra !== '' && !extra.startsWith('#')) {
      const message = 'only a comment may follow "---": start the document on the next line'
      chunks.push(chunk, { text: '', offset, fault: { offset, message } })
      chunk = { text: '', offset: offset + line.length }
      continue
    }
    const isMarked = chunk.text === '' && !chunk.isMarked
    chunks.push(chunk)
    chunk = { text: '', offset: offset + line.length, isMarked }
  }
  return [...chunks, chunk].filter(({ text, fault }) => text.trim() !== '' || fault !== undefined)
}

function readChunk(chunk: Chunk, json?: unknown): YamlDocument {
  const nowhere = { value: null, notes: [], offsetOf: () => chunk.offset }
  if (chunk.fault !== undefined) return { ...nowhere, faults: [chunk.fault] }
  const bom = chunk.text.startsWith('\ufeff') ? 1 : 0
  // go-yaml ends a line at these too.
  const lines = chunk.text.slice(bom).replace(/\r(?!\n)|\u0085/g, '\n')
  const fault =
    bom === 1 && chunk.isMarked
      ? { offset: -1, message: 'remove the byte order mark that stands here' }
      : json === undefined
        ? characterFault(chunk.text.slice(bom), lines, chunk.isMarked)
        : undefined
  if (fault !== undefined) {
    return { ...nowhere, faults: [{ ...fault, offset: chunk.offset + bom + fault.offset }] }
  }
  const { document, text, originalOffset, isFollowed } = parsed(lines)
  if (document === undefined) return { ...nowhere, faults: [] }
  const offset = (inner: number) => chunk.offset + bom + originalOffset(inner)
  const faults: YamlFault[] = []
  const report = (inner: number, message: string) => {
    faults.push({ offset: offset(inner), message })
  }
  const end = isFlow(document.contents, text) ? endOfBrackets(text, startOf(document)) : undefined
  const errors = document.errors.filter(
    // After quotes and brackets go-yaml lets a comment begin at once.
    ({ pos: [at], message }) =>
      (end === undefined || at < end) && !message.startsWith('Comments must be separated'),
  )
  const [error] = errors
  if (error !== undefined && json === undefined) report(error.pos[0], error.message)
  const value = error === undefined ? valueOf(document, text, report) : null
  const isCut = json === undefined && (isFollowed || errors.length < document.errors.length)
  return {
    value: json ?? value,
    // The first fault brings about most of the others.
    faults: faults.slice(0, 1),
    notes:
      isCut && faults.length === 0
        ? [
            {
              offset: offset(end ?? document.range[1]),
              message: 'kubectl does not read what follows: start it with a line "---"',
            },
          ]
        : [],
    offsetOf: (path, isKey) => offset(nodeOffset(document, path, isKey)),
  }
}

const startOf = ({ contents }: Document.Parsed) => contents?.range[0] ?? 0

const isFlow = (node: unknown, text: string) =>
  isCollection(node) && /[[{]/.test(text[node.range?.[0] ?? 0] ?? '')

function characterFault(text: string, lines: string, isMarked = false): YamlFault | undefined {
  // kubectl splits the text at "---", so that a directive stands in a document of its own.
  const directive = /^(?:[ \t]*(?:#.*)?\n)*%(?!(?:YAML 1\.1|TAG .*)\n(?:[^]*\n)?---)/.exec(lines)
  if (directive !== null) {
    return {
      offset: directive[0].length - 1,
      message: 'kubectl reads no file with a line that starts with "%": remove it',
    }
  }
  const end = /^(?:[ \t]*(?:#.*)?\n)*\.\.\.(?!\S)/.exec(lines)
  if (end !== null && !isMarked) {
    return { offset: end[0].length - 3, message: 'no document ends here: remove "..."' }
  }
  const forbidden = forbiddenCharacter.exec(text)
  if (forbidden === null) return undefined
  return {
    offset: forbidden.index,
    message:
      `the character U+${hex(forbidden[0])} is not allowed: ` +
      'write it as an escape in double quotes',
  }
}

/**
 * What go-yaml refuses wherever it stands, and the two separators of lines, which it does not
 * read as text.
 */
const forbiddenCharacter = /(?![\t\n\r\u0085])\p{Cc}|[\u2028\u2029\ufffe\uffff]/u

/** The most parts of a text that are indented again, each of which takes another parse. */
const maxMended = 100

/**
 * The first document of a text; go-yaml reads no other. It does not ask for an indentation
 * inside of brackets and quotes,
 * where the `yaml` package does: lines there are indented before they are parsed again.
 */
function parsed(text: string): {
  document: Document.Parsed | undefined
  text: string
  originalOffset: (offset: number) => number
  /** Whether there is another document after it. */
  isFollowed: boolean
} {
  let mended = text
  const inserted: Array<{ at: number; count: number }> = []
  for (let round = 0; ; round++) {
    const [document, ...others] = parseAllDocuments(mended, options)
    const isSound = document === undefined || document.errors.length === 0
    const broken = isSound || round === maxMended ? undefined : brokenOff(document, mended)
    if (broken === undefined) {
      const originalOffset = (offset: number) =>
        offset -
        inserted.reduce((sum, { at, count }) => sum + Math.min(count, Math.max(0, offset - at)), 0)
      const isFollowed = others.some(({ contents }) => contents !== null)
      return { document, text: mended, originalOffset, isFollowed }
    }
    const { lines, indent } = broken
    // From the end, so that what comes before keeps its offset.
    for (const at of lines.reverse()) {
      mended = mended.slice(0, at) + ' '.repeat(indent) + mended.slice(at)
      for (const earlier of inserted) if (earlier.at >= at) earlier.at += indent
      inserted.push({ at, count: indent })
    }
  }
}

const options = {
  version: '1.1',
  schema: 'failsafe',
  uniqueKeys: false,
  prettyErrors: false,
  logLevel: 'error',
  stringKeys: false,
} as const

/** The lines to indent of the first brackets or quotes that the parser has broken off too early. */
function brokenOff(
  document: Document.Parsed,
  text: string,
): { lines: number[]; indent: number } | undefined {
  let broken: { lines: number[]; indent: number } | undefined
  visit(document, (_key, node) => {
    if (!isCollection(node) && !isScalar(node)) return undefined
    const start = node.range?.[0] ?? 0
    const isBracketed = isFlow(node, text)
    const isQuoted = isScalar(node) && /["']/.test(text[start] ?? '')
    if (!isBracketed && !isQuoted) return undefined
    const end = isBracketed ? endOfBrackets(text, start) : endOfQuotes(text, start)
    if (end === undefined) return undefined
    const indent = start - text.lastIndexOf('\n', start - 1)
    const lines = [...text.slice(start, end).matchAll(/\n(?! *(?:\r?\n|#))/g)]
      .map(({ index }) => start + index + 1)
      .filter((at) => !/^\.\.\.(\s|$)/.test(text.slice(at, at + 4)) && spacesAt(text, at) < indent)
    if (lines.length === 0) return undefined
    broken = { lines, indent }
    return visit.BREAK
  })
  return broken
}

const spacesAt = (text: string, at: number) =>
  /^ */.exec(text.slice(at, at + 1000))?.[0].length ?? 0

/** The offset after the quotes that open at `start`; undefined where they do not close. */
function endOfQuotes(text: string, start: number): number | undefined {
  const quote = text[start]
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\' && quote === '"') at++
    else if (text[at] === quote) {
      if (quote !== "'" || text[at + 1] !== "'") return at + 1
      at++
    }
  }
  return undefined
}

/** The offset after the brackets that open at `start`; undefined where they do not close. */
function endOfBrackets(text: string, start: number): number | undefined {
  let depth = 0
  /**
   * Whether a quote opens here, or only stands in a text, and whether a colon ends a key without
   * a blank.
   */
  let [startsToken, endsToken] = [true, false]
  for (let at = start; at < text.length; at++) {
    const character = text[at] ?? ''
    const isBlank = /\s/.test(character)
    if (startsToken && /["']/.test(character)) {
      const end = endOfQuotes(text, at)
      if (end === undefined) return undefined
      at = end - 1
      ;[startsToken, endsToken] = [false, true]
    } else if (startsToken && /[!&]/.test(character)) {
      // A quote may open after a tag or an anchor.
      at += (/^[^\s,[\]{}]*/.exec(text.slice(at, at + 300))?.[0].length ?? 1) - 1
    } else if (character === '#' && (endsToken || /[\s,[{]/.test(text[at - 1] ?? ''))) {
      const end = text.indexOf('\n', at)
      if (end < 0) return undefined
      at = end
    } else if (/[[{]/.test(character)) {
      depth++
      ;[startsToken, endsToken] = [true, false]
    } else if (/[\]}]/.test(character)) {
      if (--depth === 0) return at + 1
      ;[startsToken, endsToken] = [false, true]
    } else if (!isBlank) {
      const next = text[at + 1] ?? ''
      startsToken = character === ',' || (/[:?]/.test(character) && (endsToken || /\s/.test(next)))
      endsToken = false
    }
  }
  return undefined
}

type Report = (offset: number, message: string) => void

/** Thrown where a document has no value; the fault is reported before. */
class NoValue extends Error {}

/** The value of a document, by the rules of go-yaml's decoder. */
function valueOf(document: Document.Parsed, text: string, report: Report): unknown {
  let [nodes, aliased, aliasDepth] = [0, 0, 0]
  const open = new Set<unknown>()
  const fail = (node: unknown, message: string): never => {
    const [offset] = (node as ParsedNode | null)?.range ?? document.contents?.range ?? [0]
    report(offset, message)
    throw new NoValue()
  }

  function decode(node: unknown): unknown {
    nodes++
    if (aliasDepth > 0) aliased++
    // A document may grow by its aliases, but not to many times its size.
    if (aliased > 100 && nodes > 1000 && aliased / nodes > 0.99) {
      fail(node, 'aliases make the document too large')
    }
    if (isAlias(node)) return through(node, decode)
    checkAnchor(node)
    if (isMap(node)) return Object.fromEntries(decodeMap(node, new Map()))
    if (isSeq(node)) {
      if (isFlow(node, text)) node.items.forEach(checkColon)
      return node.items.map(decodeItem)
    }
    if (!isScalar(node)) return null
    checkText(node)
    const { value } = resolved(node, (message) => fail(node, message))
    if (typeof value === 'number' && !Number.isFinite(value)) {
      fail(node, `${String(node.value)} is not a number that an object can hold`)
    }
    return value
  }

  function checkAnchor(node: unknown) {
    const { anchor } = (node ?? {}) as { anchor?: string }
    if (anchor !== undefined && !/^[\w-]+$/.test(anchor)) {
      fail(node, `the anchor &${anchor} may have only letters, digits, "_" and "-"`)
    }
  }

  /** go-yaml does not know `\/`, nor a pair of escapes for one character. */
  function checkText(node: Scalar) {
    const [start = 0, end = 0] = node.range ?? []
    if (node.tag !== undefined && start === end && /[,[\]{}]/.test(text[end] ?? '')) {
      fail(node, 'a blank is missing after the tag')
    }
    if (/^[|>][-+]?[ \t]*(?:#.*)?\n(?: *\n)* *\t/.test(text.slice(start, end))) {
      fail(node, 'the indentation needs blanks, not tabs')
    }
    if (node.type !== 'QUOTE_DOUBLE') return
    const escapes = text.slice(start, end).matchAll(/\\(?:u(....)|U(.{8})|[^])/g)
    for (const { 0: escape, 1: four, 2: eight } of escapes) {
      const code = parseInt(four ?? eight ?? '0', 16)
      if (escape === '\\/' || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) {
        fail(node, `kubectl does not read the escape ${escape}: write the character itself`)
      }
    }
  }

  /**
   * In brackets `a:` before a comma or a bracket is a text for go-yaml, and a key for the `yaml`
   * package.
   */
  function colonAfter(key: unknown): boolean {
    if (!isScalar(key) || key.type !== 'PLAIN') return false
    const end = key.range?.[1] ?? 0
    return text[end] === ':' && /[,\]}]/.test(text[end + 1] ?? '')
  }

  function checkColon(node: unknown) {
    if (isScalar(node) && node.type === 'PLAIN' && /[:?]/.test(text[node.range?.[0] ?? 0] ?? '')) {
      fail(node, 'a text that starts with ":" or "?" needs quotes here')
    }
  }

  function decodeItem(item: unknown): unknown {
    const [pair] = isMap(item) && item.items.length === 1 ? item.items : []
    return pair !== undefined && item !== null && isFlowPair(item) && colonAfter(pair.key)
      ? `${String((pair.key as Scalar).value)}:`
      : decode(item)
  }

  const isFlowPair = (map: unknown) => isMap(map) && map.flow !== false && !isFlow(map, text)

  /** What an alias stands for, handed to a function. */
  function through<Value>(alias: unknown, use: (target: unknown) => Value): Value {
    if (!isAlias(alias)) return use(alias)
    const target = alias.resolve(document)
    if (target === undefined) {
      return fail(
        alias,
        `*${alias.source} refers to no anchor: a text that starts with "*" needs quotes`,
      )
    }
    if (open.has(target)) fail(alias, `*${alias.source} refers to something that it is in itself`)
    open.add(target)
    aliasDepth++
    const value = use(target)
    aliasDepth--
    open.delete(target)
    return value
  }

  /**
   * The entries of a map. A merge key counts where it stands: after a key of the same name it
   * wins.
   */
  function decodeMap(node: unknown, entries: Map<string, unknown>): Map<string, unknown> {
    if (!isMap(node)) return entries
    const own = new Set<string>()
    open.add(node)
    for (const { key, value } of node.items) {
      if (isScalar(key) && isMergeKey(key)) {
        merge(key, value, entries)
        continue
      }
      if (value !== null) checkKey(key)
      if (isFlow(node, text)) [key, value].forEach(checkColon)
      const name = `${keyOfEntry(key)}${isFlow(node, text) && colonAfter(key) ? ':' : ''}`
      if (own.has(name)) fail(key, `the key ${JSON.stringify(name)} is repeated`)
      own.add(name)
      entries.set(name, decode(value))
    }
    open.delete(node)
    return entries
  }

  /** A key without `?` stands on one line, and in brackets a blank follows its colon. */
  function checkKey(key: unknown) {
    if (!isScalar(key) || key.range == null) return
    const [start, end] = key.range
    const isExplicit = /\?\s+$/.test(text.slice(Math.max(0, start - 100), start))
    if (!isExplicit && text.slice(start, end).includes('\n')) {
      fail(key, 'a key must stand on one line')
    }
    if (key.type === 'PLAIN' && text[end] === ':' && /[[{]/.test(text[end + 1] ?? '')) {
      fail(key, 'a blank is missing after the colon')
    }
  }

  function merge(key: unknown, value: unknown, entries: Map<string, unknown>) {
    const sources = isSeq(value) ? [...value.items].reverse() : [value]
    for (const source of sources) {
      through(source, (target) => {
        if (!isMap(target)) fail(key, '<< needs a map, or a list of maps')
        decodeMap(target, entries)
      })
    }
  }

  function keyOfEntry(key: unknown): string {
    checkAnchor(key)
    return through(key, (node) => {
      if (isCollection(node)) fail(node, 'a key must be a text, not a list or a map')
      const { value = null, asKey } = isScalar(node)
        ? resolved(node, (message) => fail(node, message))
        : {}
      if (value === null || asKey === null) fail(key, `a key must be a text, not ${value}`)
      return asKey ?? String(value)
    })
  }

  try {
    return decode(document.contents)
  } catch (error) {
    if (error instanceof NoValue) return null
    throw error
  }
}

const isMergeKey = ({ value, type, tag }: Scalar) =>
  value === '<<' && (tag === undefined ? type === 'PLAIN' : tag === 'tag:yaml.org,2002:merge')

/** What a scalar stands for, and what as a key, where that is not just its value as text. */
function resolved(
  { value: source, type, tag }: Scalar,
  fail: (message: string) => never,
): Pick<PlainScalar, 'value' | 'asKey'> {
  const text = typeof source === 'string' ? source : ''
  if (tag === undefined && type !== 'PLAIN') return { value: text }
  const wanted = tag?.replace(/^tag:yaml\.org,2002:/, '!!')
  switch (wanted) {
    case '!!binary': {
      const data = text.replace(/[\r\n]/g, '')
      if (!/^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(data)) {
        fail('!!binary needs base64')
      }
      return { value: Buffer.from(data, 'base64').toString('utf8') }
    }
    case undefined:
    case '!!bool':
    case '!!int':
    case '!!float':
    case '!!null':
    case '!!timestamp': {
      const scalar = plainScalar(text)
      const { kind, value, asKey } = scalar
      const isMeant =
        wanted === undefined ||
        wanted === `!!${kind}` ||
        (wanted === '!!float' && kind === 'int' && asKey !== null) ||
        (wanted === '!!timestamp' && isTimestamp(text))
      if (!isMeant) return fail(`${wanted} does not fit the text`)
      return wanted === '!!float' ? { value, asKey: floatKey(Number(value)) } : scalar
    }
    default:
      return { value: text }
  }
}

interface PlainScalar {
  kind: 'null' | 'bool' | 'int' | 'float' | 'str'
  value: unknown
  /** The key that it makes; null where it can't be one. */
  asKey?: string | null
}

const words = new Map<string, PlainScalar>([
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => entry(word, 'null', null)),
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map((word) =>
    entry(word, 'bool', true),
  ),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map((word) =>
    entry(word, 'bool', false),
  ),
  ...['.nan', '.NaN', '.NAN'].map((word) => entry(word, 'float', NaN)),
  ...['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'].map((word) =>
    entry(word, 'float', Infinity),
  ),
  ...['-.inf', '-.Inf', '-.INF'].map((word) => entry(word, 'float', -Infinity)),
])

function entry(
  word: string,
  kind: PlainScalar['kind'],
  value: unknown,
): [word: string, scalar: PlainScalar] {
  return [word, { kind, value, ...(typeof value === 'number' && { asKey: floatKey(value) }) }]
}

/** What go-yaml takes a text without quotes for. */
export function plainScalar(text: string): PlainScalar {
  const word = words.get(text)
  if (word !== undefined) return word
  const asText: PlainScalar = { kind: 'str', value: text }
  if (/^\./.test(text)) {
    return /^\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+(_[0-9]+)*)?$/.test(text)
      ? float(text.replaceAll('_', ''), asText)
      : asText
  }
  // A time stays text.
  if (!/^[-+0-9]/.test(text) || isTimestamp(text)) return asText
  const digits = text.replaceAll('_', '')
  const integer = goInteger(digits)
  if (integer !== undefined && integer >= -(2n ** 63n) && integer < 2n ** 63n) {
    return { kind: 'int', value: Number(integer), asKey: String(integer) }
  }
  if (integer !== undefined && /^\d/.test(digits) && integer < 2n ** 64n) {
    return { kind: 'int', value: Number(integer), asKey: null }
  }
  return /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/.test(digits)
    ? float(digits, asText)
    : asText
}

/** A number too large to be one is text. */
function float(text: string, asText: PlainScalar): PlainScalar {
  const value = Number(text)
  return Number.isFinite(value) ? { kind: 'float', value, asKey: floatKey(value) } : asText
}

/** An integer as Go's strconv.ParseInt reads it with base 0. */
function goInteger(text: string): bigint | undefined {
  const [, sign, prefix = '', digits = ''] =
    /^([-+]?)(0[xX]|0[bB]|0[oO]?(?=[0-9a-zA-Z]))?(\w+)$/.exec(text) ?? []
  const base = { x: '[0-9a-fA-F]', b: '[01]', o: '[0-7]', '0': '[0-7]' }[
    prefix.slice(-1).toLowerCase()
  ]
  if (!new RegExp(`^${base ?? '[0-9]'}+$`).test(digits)) return undefined
  const radix = /^0[oO]?$/.test(prefix) ? '0o' : prefix.toLowerCase()
  const size = BigInt(`${radix}${digits}`)
  return sign === '-' ? -size : size
}

const day = '(\\d{4})-(\\d{1,2})-(\\d{1,2})'
const timeOfDay = '(\\d{1,2}):(\\d{1,2}):(\\d{1,2})(?:[.,]\\d+)?'
/** A zone follows a time after a T, and none follows a time after a blank. */
const timestamps = [
  `^${day}$`,
  `^${day} ${timeOfDay}$`,
  `^${day}[Tt]${timeOfDay}(?:Z|[-+]\\d\\d:\\d\\d)$`,
].map((pattern) => new RegExp(pattern))

const isTimestamp = (text: string) => {
  const [, year, month, day, hour = '0', minute = '0', second = '0'] =
    timestamps.map((pattern) => pattern.exec(text)).find((match) => match !== null) ?? []
  if (year === undefined) return false
  const date = new Date(Date.UTC(2000, Number(month) - 1, Number(day)))
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  return (
    date.getUTCMonth() === Number(month) - 1 &&
    date.getUTCDate() === Number(day) &&
    Number(hour) < 24 &&
    Number(minute) < 60 &&
    Number(second) < 60
  )
}

/** A floating-point number as a key: Go's %g with the precision of 32 bits. */
function floatKey(value: number): string {
  const single = Math.fround(value)
  if (Number.isNaN(single)) return '.nan'
  if (!Number.isFinite(single)) return single > 0 ? '.inf' : '-.inf'
  const precisions = [0, 1, 2, 3, 4, 5, 6, 7, 8]
  const digits = precisions.find(
    (digits) => Math.fround(Number(single.toExponential(digits))) === single,
  )
  const [mantissa = '', exponent = ''] = single.toExponential(digits).split('e')
  const power = Number(exponent)
  if (power >= -4 && power < 6) {
    const sign = Object.is(single, -0) ? '-' : ''
    return sign + single.toFixed(Math.max(0, (digits ?? 8) - power))
  }
  const sign = power < 0 ? '-' : '+'
  return `${mantissa}e${sign}${String(Math.abs(power)).padStart(2, '0')}`
}

/** Where a field of a document stands. */
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
      // An unknown field is found by its key, a wrong value where the value stands.
      offset = keyNode?.range?.[0] ?? offset
      if (pair !== undefined && index === path.length - 1 && isKey) return offset
      node = pair?.value
    } else return offset
    if (node === undefined || node === null) return offset
    if (isScalar(node) || isSeq(collection)) offset = (node as Node).range?.[0] ?? offset
  }
  return offset
}

/** An object as YAML that kubectl reads back as the same object. */
export function yamlText(object: object, { sorted = false }: { sorted?: boolean } = {}): string {
  const document = new Document(object, {
    version: '1.1',
    schema: 'yaml-1.1',
    // Nothing here is a merge key.
    customTags: (tags) =>
      tags.filter((tag) => typeof tag === 'string' || tag.tag !== 'tag:yaml.org,2002:merge'),
    aliasDuplicateObjects: false,
    sortMapEntries: sorted,
  })
  visit(document, {
    Scalar: (_key, scalar) => {
      if (typeof scalar.value !== 'string') return
      // Half of a pair has no form in UTF-8.
      scalar.value = scalar.value.toWellFormed()
      if (needsQuotes(scalar.value as string)) scalar.type = Scalar.QUOTE_DOUBLE
    },
  })
  return document
    .toString({ lineWidth: 0 })
    .replace(unprintable, (character) => `\\u${hex(character)}`)
}

/**
 * Whether a text without quotes would be something else to kubectl, or would have to be escaped.
 */
const needsQuotes = (text: string) =>
  plainScalar(text).kind !== 'str' ||
  text === '<<' ||
  text.search(unprintable) >= 0 ||
  // A block scalar cannot begin with a tab, nor consist of empty lines.
  /^\n[\n ]*\t|^ *\t|^\s+$/.test(text)

/**
 * What go-yaml does not read as it stands: controls, ends of lines of other kinds, and the byte
 * order mark.
 */
const unprintable = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g

const hex = (character: string) =>
  character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')
