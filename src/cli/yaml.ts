import {
  type Alias,
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
 * Reads YAML as kubectl does. kubectl uses go-yaml 2, which mixes YAML 1.1 and 1.2. The `yaml`
 * package finds the structure and the positions, and returns every scalar as text. This module
 * resolves scalars and merge keys by the rules of go-yaml (resolve.go and decode.go).
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
 * values.
 */
export function readYaml(text: string): YamlDocument[] {
  const start = text.startsWith('\ufeff') ? 1 : 0
  const json = jsonValues(text, start)
  const documents = json.chunks.map((chunk) => readChunk(chunk, JSON.parse(chunk.text)))
  if (json.chunks.length < 2) {
    const restOfLine =
      json.chunks.length > 0 ? /^[^\S\n\r]*(\r?\n)?/.exec(text.slice(json.end)) : null
    const end = json.end + (restOfLine?.[0].length ?? 0)
    return [...documents, ...yamlChunks(text, end).map((chunk) => readChunk(chunk))]
  }
  const rest = /\S/.exec(text.slice(json.end))
  if (rest === null) return documents
  const offset = json.end + rest.index
  const fault = { offset, message: 'after two JSON objects only JSON objects may follow' }
  return [...documents, readChunk({ text: '', offset, fault })]
}

/** A part of a text and its offset. */
interface Chunk {
  text: string
  offset: number
  fault?: YamlFault
  /** The document starts with a line `---`, which kubectl keeps if nothing precedes it. */
  isMarked?: boolean
}

/**
 * The JSON objects at the start of a text. YAML may follow the first one. Only JSON may follow the
 * second one.
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
    // After a first `---` further lines may follow that another line break ends.
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

function readChunk(chunk: Chunk, json?: unknown): YamlDocument {
  const nowhere = { value: null, notes: [], offsetOf: () => chunk.offset }
  if (chunk.fault !== undefined) return { ...nowhere, faults: [chunk.fault] }
  const bom = chunk.text.startsWith('\ufeff') ? 1 : 0
  // go-yaml ends a line at these characters, too.
  const lines = chunk.text.slice(bom).replace(/\r(?!\n)|\u0085/g, '\n')
  const fault =
    bom === 1 && chunk.isMarked
      ? { offset: -1, message: byteOrderMark }
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
    // In go-yaml a comment may follow quotes and brackets immediately.
    ({ pos: [at], message }) =>
      (end === undefined || at < end) && !message.startsWith('Comments must be separated'),
  )
  const [error] = errors
  if (error !== undefined && json === undefined) report(error.pos[0], error.message)
  const value = error === undefined ? valueOf(document, text, report) : null
  const isCut = json === undefined && (isFollowed || errors.length < document.errors.length)
  return {
    value: json ?? value,
    // The first fault causes most of the others.
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

const byteOrderMark = 'remove this byte order mark'

const startOf = ({ contents }: Document.Parsed) => contents?.range[0] ?? 0

const isFlow = (node: unknown, text: string) =>
  isCollection(node) && /[[{]/.test(text[node.range?.[0] ?? 0] ?? '')

function characterFault(text: string, lines: string, isMarked = false): YamlFault | undefined {
  // kubectl splits the text at "---", so a directive is in a separate document.
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
  const mark = /^(?:[ \t]*(?:#.*)?\n)+\ufeff/.exec(lines)
  if (mark !== null) return { offset: mark[0].length - 1, message: byteOrderMark }
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
 * Characters that go-yaml refuses everywhere, and two line separators, which it does not read as
 * text.
 */
const forbiddenCharacter = /(?![\t\n\r\u0085])\p{Cc}|[\u2028\u2029\ufffe\uffff]/u

/** The most parts of a text that are indented. Each of them takes another parse. */
const maxMended = 100

/**
 * Parses the first document of a text. go-yaml reads no other. The `yaml` package needs indentation
 * inside brackets and quotes, and go-yaml does not, so such lines are indented and parsed again.
 */
function parsed(text: string): {
  document: Document.Parsed | undefined
  text: string
  originalOffset: (offset: number) => number
  /** Whether another document follows. */
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
    // From the end, so that earlier offsets stay valid.
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

/** The lines to indent in the first brackets or quotes that the parser ended too early. */
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
    // Nothing mends it, and each bracket inside would be followed to the end of the text again.
    if (end === undefined) return visit.BREAK
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

/** The offset after the quotes that open at `start`. Undefined if they do not close. */
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

/** The offset after the brackets that open at `start`. Undefined if they do not close. */
function endOfBrackets(text: string, start: number): number | undefined {
  let depth = 0
  /** Whether a quote opens a string here, and whether a colon ends a key without a blank. */
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

/**
 * The target of each alias: the last node before it that has its anchor. `alias.resolve` walks
 * through the whole document for each alias.
 */
function targetsOfAliases(document: Document.Parsed): Map<Alias, Node> {
  const anchors = new Map<string, Node>()
  const targets = new Map<Alias, Node>()
  visit(document, {
    Node: (_key, node) => {
      if (isAlias(node)) {
        const target = anchors.get(node.source)
        if (target !== undefined) targets.set(node, target)
      } else if (node.anchor !== undefined) anchors.set(node.anchor, node)
    },
  })
  return targets
}

/** Thrown if a document has no value, after the fault is reported. */
class NoValue extends Error {}

/** The value of a document, by the rules of go-yaml's decoder. */
function valueOf(document: Document.Parsed, text: string, report: Report): unknown {
  let [nodes, aliased, aliasDepth] = [0, 0, 0]
  const targets = targetsOfAliases(document)
  const open = new Set<unknown>()
  const fail = (node: unknown, message: string): never => {
    const [offset] = (node as ParsedNode | null)?.range ?? document.contents?.range ?? [0]
    report(offset, message)
    throw new NoValue()
  }

  function decode(node: unknown): unknown {
    nodes++
    if (aliasDepth > 0) aliased++
    // Aliases may enlarge a document, but not many times over.
    if (aliased > 100 && nodes > 1000 && aliased / nodes > 0.99) {
      fail(node, 'aliases make the document too large')
    }
    if (isAlias(node)) return through(node, decode)
    checkAnchor(node)
    if (isMap(node)) return Object.fromEntries(decodeMap(node, new Map()))
    if (isSeq(node)) {
      if (isFlow(node, text)) {
        node.items.forEach((item) => checkColon(isMap(item) ? item.items[0]?.key : item))
      }
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

  /** go-yaml supports neither `\/` nor a pair of escapes for one character. */
  function checkText(node: Scalar) {
    const [start = 0, end = 0] = node.range ?? []
    if (node.tag !== undefined && start === end && /[,[\]{}]/.test(text[end] ?? '')) {
      fail(node, 'a space is missing after the tag')
    }
    if (/^[|>][-+]?[ \t]*(?:#.*)?\n(?: *\n)* *\t/.test(text.slice(start, end))) {
      fail(node, 'the indentation needs spaces, not tabs')
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
   * In brackets, go-yaml reads `a:` before a comma or a bracket as text. The `yaml` package reads
   * it as a key. Returns what the text has after that key.
   */
  function colonAfter(key: unknown): string {
    if (!isScalar(key) || key.type !== 'PLAIN') return ''
    const end = key.range?.[1] ?? 0
    return /^([ \t]*:)[,\]}]/.exec(text.slice(end, end + 300))?.[1] ?? ''
  }

  function checkColon(node: unknown) {
    if (isScalar(node) && node.type === 'PLAIN' && /[:?]/.test(text[node.range?.[0] ?? 0] ?? '')) {
      fail(node, 'a string that starts with ":" or "?" needs quotes here')
    }
  }

  function decodeItem(item: unknown): unknown {
    const [pair] = isMap(item) && item.items.length === 1 ? item.items : []
    const colon = pair !== undefined && isFlowPair(item) ? colonAfter(pair.key) : ''
    return colon === '' ? decode(item) : `${String((pair?.key as Scalar).value)}${colon}`
  }

  const isFlowPair = (map: unknown) => isMap(map) && map.flow !== false && !isFlow(map, text)

  /** Calls a function with the target of an alias. */
  function through<Value>(alias: unknown, use: (target: unknown) => Value): Value {
    if (!isAlias(alias)) return use(alias)
    const target = targets.get(alias)
    if (target === undefined) {
      return fail(
        alias,
        `*${alias.source} refers to no anchor: a string that starts with "*" needs quotes`,
      )
    }
    if (open.has(target)) fail(alias, `*${alias.source} refers to a parent of itself`)
    open.add(target)
    aliasDepth++
    const value = use(target)
    aliasDepth--
    open.delete(target)
    return value
  }

  /**
   * The entries of a map. A merge key overrides keys before it and not those after it.
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
      const colon = isFlow(node, text) ? colonAfter(key) : ''
      const name = colon === '' ? keyOfEntry(key) : `${String((key as Scalar).value)}${colon}`
      if (own.has(name)) fail(key, `the key ${JSON.stringify(name)} is repeated`)
      own.add(name)
      entries.set(name, decode(value))
    }
    open.delete(node)
    return entries
  }

  /** A key without `?` must be on one line. In brackets a space must follow its colon. */
  function checkKey(key: unknown) {
    if (!isScalar(key) || key.range == null) return
    const [start, end] = key.range
    const isExplicit = /\?\s+$/.test(text.slice(Math.max(0, start - 100), start))
    if (!isExplicit && text.slice(start, end).includes('\n')) {
      fail(key, 'a key must be on one line')
    }
    if (key.type === 'PLAIN' && text[end] === ':' && /[[{]/.test(text[end + 1] ?? '')) {
      fail(key, 'a space is missing after the colon')
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
      if (isCollection(node)) fail(node, 'a key must be a string, not a list or a map')
      const { value = null, asKey } = isScalar(node)
        ? resolved(node, (message) => fail(node, message))
        : {}
      if (value === null || asKey === null) fail(key, `a key must be a string, not ${value}`)
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

/** The value of a scalar, and its text as a key if that differs from the value. */
function resolved(
  { value: source, type, tag }: Scalar,
  fail: (message: string) => never,
): Pick<PlainScalar, 'value' | 'asKey'> {
  const text = typeof source === 'string' ? source : ''
  if (tag === undefined && type !== 'PLAIN') return { value: text }
  const expected = tag?.replace(/^tag:yaml\.org,2002:/, '!!')
  switch (expected) {
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
        expected === undefined ||
        expected === `!!${kind}` ||
        (expected === '!!float' && kind === 'int' && asKey !== null) ||
        (expected === '!!timestamp' && isTimestamp(text))
      if (!isMeant) return fail(`${expected} does not fit the value`)
      return expected === '!!float' ? { value, asKey: floatKey(Number(value)) } : scalar
    }
    default:
      return { value: text }
  }
}

interface PlainScalar {
  kind: 'null' | 'bool' | 'int' | 'float' | 'str'
  value: unknown
  /** The text as a key. Null if it cannot be a key. */
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

/** The value of a text without quotes in go-yaml. */
export function plainScalar(text: string): PlainScalar {
  const word = words.get(text)
  if (word !== undefined) return word
  const asText: PlainScalar = { kind: 'str', value: text }
  if (/^\./.test(text)) {
    return /^\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+(_[0-9]+)*)?$/.test(text)
      ? float(text.replaceAll('_', ''), asText)
      : asText
  }
  // Times stay text.
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

/** A number that is too large is text. */
function float(text: string, asText: PlainScalar): PlainScalar {
  const value = Number(text)
  return Number.isFinite(value) ? { kind: 'float', value, asKey: floatKey(value) } : asText
}

/** Reads an integer like Go's strconv.ParseInt with base 0. */
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
/** A time after a T has a zone. A time after a blank has none. */
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

/** The text of a float as a key: Go's %g with a precision of 32 bits. */
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
      // An unknown field has the offset of its key, an invalid value its own.
      offset = keyNode?.range?.[0] ?? offset
      if (pair !== undefined && index === path.length - 1 && isKey) return offset
      node = pair?.value
    } else return offset
    if (node === undefined || node === null) return offset
    if (isScalar(node) || isSeq(collection)) offset = (node as Node).range?.[0] ?? offset
  }
  return offset
}

/** An object as YAML. kubectl reads the same object from it. */
export function yamlText(object: object, { sorted = false }: { sorted?: boolean } = {}): string {
  const document = new Document(object, {
    version: '1.1',
    schema: 'yaml-1.1',
    // No key is a merge key.
    customTags: (tags) =>
      tags.filter((tag) => typeof tag === 'string' || tag.tag !== 'tag:yaml.org,2002:merge'),
    aliasDuplicateObjects: false,
    sortMapEntries: sorted,
  })
  visit(document, {
    Scalar: (_key, scalar) => {
      if (typeof scalar.value !== 'string') return
      // UTF-8 cannot encode half of a surrogate pair.
      scalar.value = scalar.value.toWellFormed()
      if (needsQuotes(scalar.value as string)) scalar.type = Scalar.QUOTE_DOUBLE
    },
  })
  return document
    .toString({ lineWidth: 0 })
    .replace(unprintable, (character) => `\\u${hex(character)}`)
}

/** Whether kubectl would read the text without quotes as another value, or needs escapes. */
const needsQuotes = (text: string) =>
  plainScalar(text).kind !== 'str' ||
  text === '<<' ||
  text.search(unprintable) >= 0 ||
  // A block scalar cannot begin with a tab or consist of empty lines.
  /^\n[\n ]*\t|^ *\t|^\s+$/.test(text)

/**
 * Characters that go-yaml reads only as escapes: controls, other line ends, and the byte order
 * mark.
 */
const unprintable = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g

const hex = (character: string) =>
  character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')
