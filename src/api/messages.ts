import type { ErrorObject } from 'ajv'
import { atLeastOneMessage, exactlyOneMessage } from './fields.ts'
import { formatOf } from './formats.ts'
import { canonicalQuantity } from './quantity.ts'
import { charactersOf, truncated } from '../text.ts'

/** The keys from the root of a MyApp to a field. */
export type Path = Array<string | number>

/** A problem of a MyApp. */
export interface Problem {
  /** The field as Kubernetes writes it, such as `spec.env[0].name`. Empty for the whole object. */
  field: string
  /** The same path as keys, to look up the line. */
  path: Path
  /**
   * Whether the last key of `path` is itself wrong: an unknown field, or an invalid key of a map.
   */
  isKey?: true
  /** One sentence of a bounded length. It contains no value of an environment variable. */
  message: string
}

/** The longest message, in characters. */
export const messageMaxLength = 400
const quotedMaxLength = 64

/** A problem at a path. */
export const problem = (path: Path, message: string, isKey = false): Problem => ({
  field: fieldOf(path),
  path,
  message: truncated(message, messageMaxLength),
  ...(isKey && { isKey }),
})

/** The whole sentence: `spec.replicas: must be at most 100, got 500`. */
export const sentence = ({ field, message }: Problem) =>
  field === '' ? message : `${field}: ${message}`

const fieldOf = (path: Path) =>
  path
    .map((key, index) =>
      typeof key === 'number'
        ? `[${key}]`
        : /^[\w-]{1,64}$/.test(key)
          ? `${index === 0 ? '' : '.'}${key}`
          : `[${quoted(key)}]`,
    )
    .join('')

/** A string in quotes, cut to a bounded length. It contains no control character. */
export const quoted = (text: string) =>
  // JSON allows these control characters, and a terminal obeys them.
  JSON.stringify(truncated(text, quotedMaxLength)).replace(
    /[\x7f-\x9f]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  )

/**
 * The names of the fields of a schema. Messages need them for suggestions, and in the built hook
 * the schemas are empty. A list has the fields of its items.
 */
export interface Outline {
  fields?: Record<string, Outline>
  /** The fields of which exactly one must be set. */
  exactlyOne?: string[]
  /** The fields of which at least one must be set. */
  atLeastOne?: string[]
}

interface Schema {
  properties?: Record<string, Schema>
  items?: Schema
  oneOf?: Array<{ required?: string[] }>
  anyOf?: Array<{ required?: string[] }>
}

/** The outline of a schema. */
export function outlineOf(schema: object): Outline {
  const { properties, items, oneOf, anyOf } = schema as Schema
  if (items !== undefined) return outlineOf(items)
  const names = (alternatives: Schema['oneOf'] = []) =>
    alternatives.flatMap(({ required = [] }) => required)
  const [exactlyOne, atLeastOne] = [names(oneOf), names(anyOf)]
  return {
    ...(properties && {
      fields: Object.fromEntries(
        Object.entries(properties).map(([name, schema]) => [name, outlineOf(schema)]),
      ),
    }),
    ...(exactlyOne.length > 0 && { exactlyOne }),
    ...(atLeastOne.length > 0 && { atLeastOne }),
  }
}

/** Converts Ajv's errors about a value to problems. `outline` is the outline of the schema. */
export function problemsOf(errors: ErrorObject[], value: unknown, outline: Outline): Problem[] {
  // For an int-or-string and for alternatives Ajv reports every branch. One message is enough.
  const isOfBranch = ({ schemaPath }: ErrorObject) => /\/(anyOf|oneOf)\/\d+\//.test(schemaPath)
  // The first error that says more than the wrong type, by the path of the value.
  const branches = new Map<string, ErrorObject>()
  for (const error of errors) {
    const { instancePath, keyword } = error
    const saysMore = isOfBranch(error) && !['type', 'required'].includes(keyword)
    if (saysMore && !branches.has(instancePath)) branches.set(instancePath, error)
  }
  const others = errors.filter((error) => !isOfBranch(error))
  const wrongTypes = new Set(
    others.flatMap(({ instancePath, keyword }) => (keyword === 'type' ? [instancePath] : [])),
  )
  return others
    .filter(
      ({ keyword, instancePath }) =>
        keyword !== 'propertyNames' &&
        !(['enum', 'const'].includes(keyword) && wrongTypes.has(instancePath)),
    )
    .map((error) => {
      const branch = error.keyword === 'anyOf' ? branches.get(error.instancePath) : undefined
      return problemOf(branch ?? error, value, outline)
    })
}

function problemOf(error: ErrorObject, root: unknown, outline: Outline): Problem {
  const path: Path = []
  let value = root
  let fields: Outline = outline
  for (const step of error.instancePath.split('/').slice(1)) {
    const key = Array.isArray(value)
      ? Number(step)
      : step.replaceAll('~1', '/').replaceAll('~0', '~')
    path.push(key)
    value = (value as Record<string | number, unknown>)[key]
    if (typeof key === 'string') fields = fieldOfOutline(fields, key) ?? {}
  }
  if (error.propertyName !== undefined) {
    return problem(
      [...path, error.propertyName],
      formatOf(error.params['format'])?.message ?? 'invalid key',
      true,
    )
  }
  switch (error.keyword) {
    case 'required': {
      const name = error.params['missingProperty'] as string
      return problem([...path, name], `${name} is required`)
    }
    case 'additionalProperties': {
      const name = error.params['additionalProperty'] as string
      return problem(
        [...path, name],
        `unknown field ${quoted(name)}${suggestion(name, path, fields)}`,
        true,
      )
    }
    default:
      return problem(path, messageOf(error, path, value, fields))
  }
}

const fieldOfOutline = ({ fields = {} }: Outline, name: string) =>
  Object.hasOwn(fields, name) ? fields[name] : undefined

function messageOf(
  { keyword, params, message = 'is invalid' }: ErrorObject,
  path: Path,
  value: unknown,
  { fields = {}, exactlyOne = [], atLeastOne = [] }: Outline,
): string {
  const shown = shownValue(path, value, keyword)
  const got = `, got ${shown ?? typeName(value)}`
  const limit = params['limit'] as number
  switch (keyword) {
    case 'oneOf':
      return exactlyOneMessage(exactlyOne)
    case 'anyOf':
      return atLeastOne.length > 0
        ? atLeastOneMessage(atLeastOne)
        : `must be an integer or a string${got}${fractionHint(path, value)}`
    case 'enum':
    case 'const': {
      const allowed = ((params['allowedValues'] ?? [params['allowedValue']]) as unknown[]).map(
        String,
      )
      const hint = typeof value === 'string' ? didYouMean(value, allowed) : ''
      return `must be ${either(allowed)}${got}${hint}`
    }
    case 'type': {
      const type = params['type'] as string
      const hint = typeHint(type, path, value, Object.keys(fields))
      return `must be ${typeNames[type] ?? type}${got}${hint}`
    }
    case 'minimum':
      return `must be at least ${limit}${got}`
    case 'maximum':
      return `must be at most ${limit}${got}`
    case 'minLength':
    case 'minItems':
    case 'minProperties':
      return 'must not be empty'
    case 'maxLength':
      return `must have at most ${limit} characters, got ${charactersOf(String(value))}`
    case 'maxItems':
      return `must have at most ${limit} items, got ${(value as unknown[]).length}`
    case 'maxProperties':
      return `must have at most ${limit} entries, got ${Object.keys(value as object).length}`
    case 'format': {
      const description = formatOf(params['format'])?.message ?? message
      if (value === '') return 'must not be empty'
      return shown === undefined ? description : `invalid value ${shown}: ${description}`
    }
    default:
      return `${message}${got}`
  }
}

const typeNames: Record<string, string> = {
  string: 'a string',
  integer: 'an integer',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
}

/** The type of a value, with its article. */
export const typeName = (value: unknown) =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'a list'
      : typeof value === 'object'
        ? 'an object'
        : `a ${typeof value}`

/** The remedy for a value of the wrong type. */
function typeHint(expected: string, path: Path, value: unknown, fields: string[]): string {
  const isScalar = ['string', 'number', 'boolean'].includes(typeof value)
  if (expected === 'string' && isScalar) return '; put the value in quotes'
  if ((expected === 'integer' || expected === 'boolean') && typeof value === 'string') {
    const isPlain = expected === 'integer' ? /^\d{1,10}$/.test(value) : /^(true|false)$/.test(value)
    if (isPlain) return '; remove the quotes'
    const isDuration = String(path.at(-1)).endsWith('Seconds') && /^\d+(s|m|h)$/.test(value)
    return isDuration ? '; write seconds without a unit' : ''
  }
  if (
    expected === 'array' &&
    path.at(-1) === 'env' &&
    value !== null &&
    typeof value === 'object'
  ) {
    return '; write a list of name and value: "- name: KEY" and "value: VALUE" for each variable'
  }
  if (expected === 'array' && isScalar) return '; write it as a list'
  if (expected === 'object' && path.at(-2) === 'ports') {
    return '; write name and port: "- name: metrics" and "port: 9090"'
  }
  if (expected === 'object' && typeof value === 'string') {
    if (path.join() === 'spec,serviceAccount') {
      return '; to use an existing ServiceAccount, set serviceAccountName'
    }
    const field = ['claimName', 'secretName', 'name', 'type'].find((name) => fields.includes(name))
    return field === undefined ? '' : `; set it as ${field}`
  }
  return ''
}

const quantityFields = [
  'cpu',
  'memory',
  'ephemeral-storage',
  'sizeLimit',
  'divisor',
  'averageValue',
  'value',
]

const podCountFields = ['maxSurge', 'maxUnavailable', 'minAvailable']

/** The remedy for a fraction in place of a quantity, a number of pods or a port. */
function fractionHint(path: Path, value: unknown): string {
  if (typeof value !== 'number' || value < 0) return ''
  const text = String(value)
  const field = String(path.at(-1))
  if (podCountFields.includes(field)) return '; use an integer or a percentage such as "25%"'
  if (!quantityFields.includes(field)) return '; use an integer'
  return /^\d{1,15}\.\d{1,3}$/.test(text)
    ? `; write "${canonicalQuantity(text)}" or put it in quotes`
    : '; put it in quotes'
}

/** Names that people know from Kubernetes, and the fields of spec that replace them. */
const renamed: Record<string, string> = {
  readinessProbe: 'probes.readiness',
  livenessProbe: 'probes.liveness',
  startupProbe: 'probes.startup',
  containerPort: 'port',
  volumeMounts: 'volumes[].mountPath',
  initContainers: 'init',
  containers: 'sidecars',
  labels: 'podLabels',
  annotations: 'podAnnotations',
  hpa: 'autoscaling',
}

/**
 * The field that an unknown field probably stands for: a field of a similar name, or of the same
 * name one level below.
 */
function suggestion(name: string, path: Path, { fields = {} }: Outline): string {
  const alias = path.join() === 'spec' && Object.hasOwn(renamed, name) ? renamed[name] : undefined
  if (alias !== undefined) return question([alias])
  const similar = didYouMean(name, Object.keys(fields))
  if (similar !== '') return similar
  const extended = Object.keys(fields).filter((field) => isExtension(name, field))
  if (extended.length === 1) return question(extended)
  if (path.at(-2) === 'ports' && name === 'containerPort') return question(['port'])
  return question(
    Object.entries(fields)
      .filter(([, inner]) => fieldOfOutline(inner, name) !== undefined)
      .map(([outer]) => `${outer}.${name}`)
      .slice(0, 3),
  )
}

/** Whether one of two names is the start of the other, as in `min` and `minReplicas`. */
const isExtension = (name: string, field: string) =>
  Math.min(name.length, field.length) > 2 && (field.startsWith(name) || name.startsWith(field))

/** The candidate that a word probably stands for, as the end of a message. Otherwise empty. */
export function didYouMean(word: string, candidates: string[]): string {
  const meant = closest(word, candidates)
  return meant === undefined ? '' : question([meant])
}

const question = (names: string[]) =>
  names.length === 0 ? '' : `; did you mean ${names.map((name) => quoted(name)).join(' or ')}?`

const either = (words: string[]) =>
  words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`

/**
 * The candidate closest to a word, if at most a third of the letters differ, or one letter.
 * Otherwise undefined.
 */
function closest(word: string, candidates: string[]): string | undefined {
  if (word.length > quotedMaxLength) return undefined
  const ranked = candidates
    .map((candidate) => ({
      candidate,
      distance: distance(word.toLowerCase(), candidate.toLowerCase()),
    }))
    .sort((a, b) => a.distance - b.distance)
  const [best] = ranked
  return best !== undefined && best.distance <= Math.max(1, Math.floor(word.length / 3))
    ? best.candidate
    : undefined
}

/**
 * The number of letters to insert, delete, replace or swap with the next (optimal string
 * alignment).
 */
function distance(from: string, to: string): number {
  const rows = [Array.from({ length: to.length + 1 }, (_, column) => column)]
  const at = (row: number, column: number) => rows[row]?.[column] ?? Infinity
  for (let row = 1; row <= from.length; row++) {
    rows.push([row])
    for (let column = 1; column <= to.length; column++) {
      const isSwap = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      rows[row]?.push(
        Math.min(
          at(row - 1, column) + 1,
          at(row, column - 1) + 1,
          at(row - 1, column - 1) + (from[row - 1] === to[column - 1] ? 0 : 1),
          isSwap ? at(row - 2, column - 2) + 1 : Infinity,
        ),
      )
    }
  }
  return at(from.length, to.length)
}

/**
 * Fields whose values can be secrets. Messages never quote a value in them, whatever its type. An
 * exception is `value` in spec.autoscaling.
 */
const secretFields: Path = [
  'value',
  'command',
  'args',
  'labels',
  'annotations',
  'podAnnotations',
  'podLabels',
  'nodeSelector',
  'matchLabels',
]

/**
 * Fields whose strings `problemsOf` quotes. For other fields it quotes a string only where the
 * value must be from a fixed set.
 */
const quotedFields: Path = [
  'apiVersion',
  'kind',
  'image',
  'replicas',
  'port',
  'servicePort',
  'endPort',
  'protocol',
  'cidr',
  'name',
  'namespace',
  'minReplicas',
  'maxReplicas',
  ...quantityFields,
  'maxSurge',
  'maxUnavailable',
  'minAvailable',
]

/** Whether a key is the `value` of a metric's target or of a scaling policy. */
const isTarget = (key: string | number, path: Path) => key === 'value' && path[1] === 'autoscaling'

function shownValue(path: Path, value: unknown, keyword: string): string | undefined {
  if (path.some((key) => secretFields.includes(key) && !isTarget(key, path))) return undefined
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  const isShown =
    quotedFields.includes(path.at(-1) ?? '') || keyword === 'enum' || keyword === 'const'
  return typeof value === 'string' && isShown ? quoted(value) : undefined
}
