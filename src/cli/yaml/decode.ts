import {
  type Alias,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Scalar,
  visit,
} from 'yaml'
import { quoted } from '../../api/messages.ts'
import { isFlow } from './parse.ts'
import { plainScalar, type PlainScalar, taggedScalar } from './scalars.ts'

interface Fault {
  offset: number
  message: string
}

/** Decodes a parsed document by the rules of go-yaml's decoder (decode.go). */
export function decode(document: Document.Parsed, text: string): { value: unknown; fault?: Fault } {
  try {
    return { value: new Decoder(document, text).value(document.contents) }
  } catch (error) {
    if (!(error instanceof Rejection)) throw error
    const offset = error.node?.range?.[0] ?? document.contents?.range?.[0] ?? 0
    return { value: null, fault: { offset, message: error.message } }
  }
}

/** The first key that a JSON object has twice. kubectl silently uses the last value. */
export function repeatedKey(document: Document.Parsed): Fault | undefined {
  let fault: Fault | undefined
  visit(document, {
    Map: (_key, { items }) => {
      const keys = new Set<unknown>()
      for (const { key } of items) {
        const { value, range } = key as Scalar.Parsed
        if (keys.has(value)) {
          fault = { offset: range[0], message: repeated(value) }
          return visit.BREAK
        }
        keys.add(value)
      }
      return undefined
    },
  })
  return fault
}

const repeated = (key: unknown) => `the key ${JSON.stringify(key)} is repeated`

/** Thrown for the node that makes the document invalid. */
class Rejection extends Error {
  node: Node | null

  constructor(node: unknown, message: string) {
    super(message)
    this.node = node as Node | null
  }
}

class Decoder {
  readonly #text: string
  readonly #targets: Map<Alias, Node>
  /** The maps, and the targets of aliases, that are being decoded. */
  readonly #open = new Set<unknown>()
  #nodes = 0
  #nodesOfAliases = 0
  #aliasDepth = 0

  constructor(document: Document.Parsed, text: string) {
    this.#text = text
    this.#targets = targetsOfAliases(document)
  }

  /** go-yaml refuses a document that consists almost only of expanded aliases. */
  #count(node: unknown): void {
    this.#nodes++
    if (this.#aliasDepth > 0) this.#nodesOfAliases++
    const share = this.#nodesOfAliases / this.#nodes
    if (this.#nodesOfAliases > 100 && this.#nodes > 1000 && share > 0.99) {
      throw new Rejection(node, 'aliases make the document too large')
    }
  }

  value(node: unknown): unknown {
    this.#count(node)
    if (isAlias(node)) return this.#resolve(node, (target) => this.value(target))
    checkAnchor(node)
    if (isMap(node)) return Object.fromEntries(this.#entries(node, new Map()))
    if (isSeq(node)) {
      if (isFlow(node, this.#text)) {
        for (const item of node.items) this.#checkPlain(isMap(item) ? item.items[0]?.key : item)
      }
      return node.items.map((item) => this.#item(item))
    }
    if (!isScalar(node)) return null
    this.#checkScalar(node)
    const { value } = scalarValue(node)
    if (typeof value === 'number' && !Number.isFinite(value)) {
      throw new Rejection(node, `must be a finite number, got ${String(node.value)}`)
    }
    return value
  }

  /** Calls a function with a node, or with the target of an alias. */
  #resolve<Value>(node: unknown, use: (target: unknown) => Value): Value {
    if (!isAlias(node)) return use(node)
    const target = this.#targets.get(node)
    if (target === undefined) {
      const message = `*${node.source} refers to no anchor`
      throw new Rejection(node, `${message}: a string that starts with "*" needs quotes`)
    }
    if (this.#open.has(target)) {
      throw new Rejection(node, `*${node.source} refers to a parent of itself`)
    }
    this.#open.add(target)
    this.#aliasDepth++
    const value = use(target)
    this.#aliasDepth--
    this.#open.delete(target)
    return value
  }

  /** Adds the entries of a map. A merge key overrides keys before it and not those after it. */
  #entries(node: unknown, entries: Map<string, unknown>): Map<string, unknown> {
    if (!isMap(node)) return entries
    const inBrackets = isFlow(node, this.#text)
    const own = new Set<string>()
    this.#open.add(node)
    const named = node.items.map(({ key, value }) => {
      if (value !== null) this.#checkKey(key)
      const colon = inBrackets ? this.#colonAfter(key) : ''
      if (isScalar(key) && isMergeKey(key) && colon === '') return { key, value }
      if (inBrackets) for (const part of [key, value]) this.#checkPlain(part)
      const name = colon === '' ? this.#key(key) : `${String((key as Scalar).value)}${colon}`
      if (own.has(name)) throw new Rejection(key, repeated(name))
      own.add(name)
      return { key, value, name }
    })
    for (const { key, value, name } of named) {
      if (name === undefined) this.#merge(key, value, entries)
      else entries.set(name, this.value(value))
    }
    this.#open.delete(node)
    return entries
  }

  #merge(key: unknown, value: unknown, entries: Map<string, unknown>) {
    const sources = isSeq(value) ? [...value.items].reverse() : [value]
    for (const source of sources) {
      if (isAlias(source)) this.#count(source)
      this.#resolve(source, (target) => {
        if (!isMap(target)) throw new Rejection(key, '<< needs a map, or a list of maps')
        this.#count(target)
        this.#entries(target, entries)
      })
    }
  }

  #key(key: unknown): string {
    checkAnchor(key)
    return this.#resolve(key, (node) => {
      if (isCollection(node)) {
        throw new Rejection(node, 'a key must be a string, not a list or a map')
      }
      if (isScalar(node)) this.#checkScalar(node)
      const { value = null, asKey } = isScalar(node) ? scalarValue(node) : {}
      if (value === null || asKey === null) {
        throw new Rejection(key, `a key must be a string, not ${value}`)
      }
      return asKey ?? String(value)
    })
  }

  /** An item of a list. In brackets, `a:` before a comma is text and not a map. */
  #item(item: unknown): unknown {
    const isPair =
      isMap(item) && item.items.length === 1 && item.flow !== false && !isFlow(item, this.#text)
    const key = isPair ? item.items[0]?.key : undefined
    const colon = this.#colonAfter(key)
    return colon === '' ? this.value(item) : `${String((key as Scalar).value)}${colon}`
  }

  /**
   * In brackets, go-yaml reads `a:` before a comma or a bracket as text. The `yaml` package reads
   * it as a key. Returns the colon after such a key, with the blanks before it. Returns an empty
   * string for any other key.
   */
  #colonAfter(key: unknown): string {
    if (!isScalar(key) || key.type !== 'PLAIN') return ''
    const [start = 0, end = 0] = key.range ?? []
    if (start === end) return ''
    return /^([ \t]*:)[,\]}]/.exec(this.#text.slice(end, end + 300))?.[1] ?? ''
  }

  /** In brackets, no string without quotes starts with a colon or has a question mark. */
  #checkPlain(node: unknown) {
    if (!isScalar(node) || node.type !== 'PLAIN' || node.range == null) return
    const [start, end] = node.range
    const source = this.#text.slice(start, end)
    const startsWithColon = this.#text[start] === ':' && node.tag === undefined
    if ((startsWithColon && node.anchor === undefined) || source.includes('?')) {
      throw new Rejection(node, 'a string that has a "?" or starts with ":" needs quotes here')
    }
  }

  /**
   * A key without `?` must be on one line. In brackets, a space must separate the colon of a key
   * without quotes from `[` or `{`.
   */
  #checkKey(key: unknown) {
    if (!isScalar(key) || key.range == null) return
    const [start, end] = key.range
    const isExplicit = /\?\s+$/.test(this.#text.slice(Math.max(0, start - 100), start))
    if (!isExplicit && this.#text.slice(start, end).includes('\n')) {
      throw new Rejection(key, 'a key must be on one line')
    }
    if (key.type === 'PLAIN' && this.#text[end] === ':' && /[[{]/.test(this.#text[end + 1] ?? '')) {
      throw new Rejection(key, 'a space is missing after the colon')
    }
  }

  /**
   * go-yaml is stricter than the `yaml` package about tags, indentation of block scalars, and
   * escapes. It reads `[!!str, a]` as a list of one item. That is an error here.
   */
  #checkScalar(node: Scalar) {
    const [start = 0, end = 0] = node.range ?? []
    if (node.tag !== undefined && !/^[\w\-;/?:@&=+$,.!~*'()[\]%]+$/.test(node.tag)) {
      throw new Rejection(node, `invalid tag ${quoted(node.tag)}`)
    }
    if (
      node.tag !== undefined &&
      start === end &&
      /\S[,[\]{}]/.test(this.#text.slice(end - 1, end + 1))
    ) {
      throw new Rejection(node, 'a space is missing after the tag')
    }
    const source = this.#text.slice(start, end)
    if (/^[|>][-+]?[ \t]*(?:#.*)?\r?\n(?: *\r?\n)* *\t/.test(source)) {
      throw new Rejection(node, 'the indentation needs spaces, not tabs')
    }
    if (node.type !== 'QUOTE_DOUBLE') return
    for (const { 0: escape, 1: four, 2: eight } of source.matchAll(/\\(?:u(....)|U(.{8})|[^])/g)) {
      const code = parseInt(four ?? eight ?? '0', 16)
      // Neither an escaped slash nor half of a surrogate pair is an escape in go-yaml.
      if (escape === '\\/' || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) {
        const message = `kubectl does not read the escape ${escape}`
        throw new Rejection(node, `${message}: write the character itself`)
      }
    }
  }
}

/**
 * The target of each alias: the last earlier node with the anchor of that name. `alias.resolve` is
 * not used, because it walks through the whole document for each alias.
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

function checkAnchor(node: unknown) {
  const { anchor } = (node ?? {}) as { anchor?: string }
  if (anchor !== undefined && !/^[\w-]+$/.test(anchor)) {
    const message = `the anchor &${anchor} may have only letters, digits, "_" and "-"`
    throw new Rejection(node, message)
  }
}

const isMergeKey = ({ value, type, tag }: Scalar) =>
  value === '<<' && (tag === undefined ? type === 'PLAIN' : tag === 'tag:yaml.org,2002:merge')

/** The value of a scalar by its tag and its text. */
function scalarValue(node: Scalar): Pick<PlainScalar, 'value' | 'asKey'> {
  const text = typeof node.value === 'string' ? node.value : ''
  if (node.tag === undefined) return node.type === 'PLAIN' ? plainScalar(text) : { value: text }
  const tag = node.tag.replace(/^tag:yaml\.org,2002:/, '!!')
  if (tag === '!!binary') {
    const data = text.replace(/[\r\n]/g, '')
    if (!/^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(data)) {
      throw new Rejection(node, '!!binary needs base64')
    }
    return { value: Buffer.from(data, 'base64').toString('utf8') }
  }
  if (!resolvedTags.includes(tag)) return { value: text }
  const scalar = taggedScalar(tag, text)
  if (scalar === undefined) throw new Rejection(node, `${tag} does not fit the value`)
  return scalar
}

/** The text of a scalar must fit these tags. A scalar with any other tag is a string. */
const resolvedTags = ['!!bool', '!!int', '!!float', '!!null', '!!timestamp']
