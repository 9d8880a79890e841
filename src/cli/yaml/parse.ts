import { type Document, isCollection, isScalar, type Node, parseAllDocuments, visit } from 'yaml'

/** The first document of a text. go-yaml reads no other. */
export interface ParsedDocument {
  document: Document.Parsed | undefined
  /** The parsed text: the original with insertions. */
  text: string
  /** Returns the offset in the original text. */
  originalOffset: (offset: number) => number
  /** Whether another document follows. */
  isFollowed: boolean
}

const options = {
  version: '1.1',
  // Every scalar stays text.
  schema: 'failsafe',
  uniqueKeys: false,
  prettyErrors: false,
  logLevel: 'error',
  stringKeys: false,
} as const

/** A text to insert at an offset. */
interface Insertion {
  at: number
  text: string
}

/** The maximum number of repairs. Each takes another parse. */
const maxRepairs = 100

/**
 * Parses the first document of a text with the `yaml` package, which rejects some texts that
 * go-yaml accepts. Such a text is repaired by insertions and parsed again.
 */
export function parseDocument(original: string): ParsedDocument {
  let text = original
  const rounds: Inserted[][] = []
  for (let round = 0; ; round++) {
    const [document, ...others] = parseAllDocuments(text, options)
    const repair = document === undefined || round === maxRepairs ? [] : repairOf(document, text)
    if (repair.length === 0) {
      const originalOffset = (offset: number) => rounds.reduceRight(offsetBefore, offset)
      const isFollowed = others.some(({ contents }) => contents !== null)
      return { document, text, originalOffset, isFollowed }
    }
    const repaired = insertInto(text, repair)
    text = repaired.text
    rounds.push(repaired.inserted)
  }
}

/** The place of an insertion in the text that contains it. */
interface Inserted {
  at: number
  length: number
}

/** Applies insertions, which are in ascending order. */
function insertInto(text: string, insertions: Insertion[]): { text: string; inserted: Inserted[] } {
  let [result, from] = ['', 0]
  const inserted = insertions.map(({ at, text: added }) => {
    result += text.slice(from, at)
    from = at
    const place = { at: result.length, length: added.length }
    result += added
    return place
  })
  return { text: result + text.slice(from), inserted }
}

/** The offset in the text without the insertions. */
const offsetBefore = (offset: number, inserted: Inserted[]) =>
  offset - inserted.reduce((sum, { at, length }) => sum + clamp(offset - at, length), 0)

const clamp = (value: number, max: number) => Math.min(max, Math.max(0, value))

/** The next insertions that the document needs, in ascending order. */
function repairOf(document: Document.Parsed, text: string): Insertion[] {
  const aliases = aliasKeys(document)
  if (aliases.length > 0 || document.errors.length === 0) return aliases
  const blocks = document.errors.filter(({ code }) => code === 'BLOCK_IN_FLOW')
  const starts = [...new Set(blocks.map(({ pos: [at] }) => at))].sort((a, b) => a - b)
  const quotes = starts.flatMap((at) => quotesAround(text, at))
  return quotes.length > 0 ? quotes : missingIndentation(document, text)
}

/** In go-yaml a colon ends the name of an alias, so `*a: b` has the key `*a`. */
function aliasKeys(document: Document.Parsed): Insertion[] {
  const insertions: Insertion[] = []
  visit(document, {
    Alias: (_key, { source, range }) => {
      if (source.endsWith(':') && range) {
        insertions.push({ at: range[0] + source.length, text: ' ' })
      }
    },
  })
  return insertions
}

/** In brackets, go-yaml reads `-` and `a:` as text if a comma or a bracket follows. */
function quotesAround(text: string, at: number): Insertion[] {
  const plain = /^(?:-|[^\s,[\]{}"'&*!|>%@`#?:][^\s,[\]{}']*:)(?=[,\]}])/
  const source = plain.exec(text.slice(at, at + 300))?.[0]
  if (source === undefined) return []
  return [
    { at, text: "'" },
    { at: at + source.length, text: "'" },
  ]
}

/**
 * go-yaml needs no indentation in brackets and quotes. Returns the indentation that the lines of
 * the first such collection or string lack.
 */
function missingIndentation(document: Document.Parsed, text: string): Insertion[] {
  let insertions: Insertion[] = []
  visit(document, (_key, node) => {
    if (!isCollection(node) && !isScalar(node)) return undefined
    const start = node.range?.[0] ?? 0
    const isBracketed = isFlow(node, text)
    const isQuoted = isScalar(node) && /["']/.test(text[start] ?? '')
    if (!isBracketed && !isQuoted) return undefined
    const end = isBracketed ? endOfBrackets(text, start) : endOfQuotes(text, start)
    // Indentation cannot help. Without this stop, each inner bracket would cost another scan.
    if (end === undefined) return visit.BREAK
    const indent = start - text.lastIndexOf('\n', start - 1)
    // In brackets, comments and blank lines need no indentation.
    const lines = isBracketed ? /\n(?! *(?:\r?\n|#))/g : /\n(?! *\r?\n)/g
    insertions = [...text.slice(start, end).matchAll(lines)]
      .map(({ index }) => start + index + 1)
      .filter((at) => !/^\.\.\.(\s|$)/.test(text.slice(at, at + 4)) && !hasIndent(text, at, indent))
      .map((at) => ({ at, text: ' '.repeat(indent) }))
    return insertions.length > 0 ? visit.BREAK : undefined
  })
  return insertions
}

const hasIndent = (text: string, at: number, indent: number) =>
  text.startsWith(' '.repeat(indent), at)

/** Whether a node is a list or a map in brackets. */
export const isFlow = (node: unknown, text: string) =>
  isCollection(node) && /[[{]/.test(text[node.range?.[0] ?? 0] ?? '')

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
export function endOfBrackets(text: string, start: number): number | undefined {
  let depth = 0
  /** Whether a quote opens a string here, and whether a colon needs no blank to end a key. */
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

/**
 * The first tab where go-yaml requires spaces: at the start of a line, or after `-` or `?` there.
 * Tabs are allowed in quotes, brackets and block scalars. In a string without quotes a tab is
 * allowed if enough spaces precede it.
 */
export function misplacedTab(document: Document.Parsed, text: string): number | undefined {
  const end = Math.min(endOfDocument(document, text) ?? Infinity, document.range[2])
  const tabs = [...text.slice(0, end).matchAll(/^(?: |([-?])(?=[ \t]))*\t/gm)].map(
    ({ 0: { length }, 1: marker, index }) => ({ at: index + length - 1, marker }),
  )
  if (tabs.length === 0) return undefined
  const nodes: Node[] = []
  visit(document, {
    Node: (_key, node) => {
      if (isCollection(node) && !isFlow(node, text)) return undefined
      nodes.push(node)
      return visit.SKIP
    },
  })
  let last = -1
  return tabs.find(({ at, marker }) => {
    while ((nodes[last + 1]?.range?.[0] ?? Infinity) <= at) last++
    const node = nodes[last]
    const [start, end] = node?.range ?? [0, 0]
    const isPlain = isScalar(node) && node.type === 'PLAIN' && start < end
    // go-yaml reads blank lines after a string without quotes as a part of it.
    return isPlain && (at < end || marker === undefined)
      ? at - startOfLine(text, at) <= indentOfParent(text, start)
      : at >= end
  })?.at
}

const startOfLine = (text: string, at: number) => text.lastIndexOf('\n', at - 1) + 1

/** The column of the block collection that contains the scalar at `at`. -1 at the top level. */
function indentOfParent(text: string, at: number): number {
  const line = startOfLine(text, at)
  const markers = /^ *(?:[-?] +)*/.exec(text.slice(line, at))?.[0] ?? ''
  return line + markers.length === at ? markers.search(/[-?] +$/) : markers.length
}

/** The offset at which go-yaml stops: after the brackets of a document, or at its line `...`. */
export function endOfDocument({ contents }: Document.Parsed, text: string): number | undefined {
  if (contents === null) return undefined
  if (isFlow(contents, text)) return endOfBrackets(text, contents.range[0])
  const end = contents.range[1]
  const marker = /^\.\.\.(?!\S)/m.exec(text.slice(startOfLine(text, end)))
  return marker === null ? undefined : startOfLine(text, end) + marker.index
}
