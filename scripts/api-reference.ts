import { formatOf, formats } from '../src/api/formats.ts'
import { apiVersion, kind, MyAppSpec, MyAppStatus } from '../src/api/myapp.ts'

/** The message of a rule in CEL, and its field. */
export interface CelRule {
  message?: string
  messageExpression?: string
  fieldPath?: string
}

/** The keywords of a schema that the reference and test/cluster/admission.test.ts read. */
export interface ReferenceSchema {
  type?: string
  description?: string
  default?: unknown
  enum?: unknown[]
  format?: string
  'x-hook-only'?: boolean
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  maxProperties?: number
  required?: string[]
  properties?: Record<string, ReferenceSchema>
  additionalProperties?: ReferenceSchema | boolean
  propertyNames?: ReferenceSchema
  items?: ReferenceSchema
  anyOf?: ReferenceSchema[]
  'x-kubernetes-validations'?: CelRule[]
}

/** The text of docs/api.md: every field of a MyApp. */
export function apiReference(): string {
  const { properties = {}, required = [], ...spec } = MyAppSpec as unknown as ReferenceSchema
  const status = MyAppStatus as unknown as ReferenceSchema
  const fields = Object.entries(properties)
  return (
    [
      '<!-- Generated from src/api/myapp.ts by `npm run generate`. -->',
      `# ${kind} (${apiVersion})`,
      wrapped(
        `\`metadata.name\` is the name of the Deployment and of the Service. It ` +
          `${formats.myAppName.message}. Each field of spec with subfields has its own table.`,
      ),
      '## spec',
      intro(spec),
      table(
        fields.map(([name, schema]) =>
          row(
            isLarge(schema) ? `[${name}](#spec${name.toLowerCase()})` : `\`${name}\``,
            schema,
            required.includes(name),
          ),
        ),
      ),
      ...fields
        .filter(([, schema]) => isLarge(schema))
        .flatMap(([name, schema]) => [
          `### spec.${name}`,
          intro(schema),
          table(rows(schema, name, new Map())),
        ]),
      '## status',
      intro(status),
      table(rows(status, '', new Map())),
      '[status.md](status.md) lists the conditions and their reasons.',
    ].join('\n\n') + '\n'
  )
}

const isLarge = ({ properties, items }: ReferenceSchema) =>
  properties !== undefined || items?.properties !== undefined

/** The description of a field, and the messages of its rules. */
function intro(schema: ReferenceSchema): string {
  const messages = rules(schema).map((message) => wrapped(`- ${message}`, '  '))
  return [
    wrapped(schema.description ?? ''),
    ...(messages.length === 0 ? [] : ['Messages when a rule is broken:', messages.join('\n')]),
  ].join('\n\n')
}

/** Breaks a text into lines of at most 100 columns. */
function wrapped(text: string, indent = ''): string {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const line = lines.at(-1)
    if (line !== undefined && line.length + 1 + word.length <= 100) {
      lines.splice(-1, 1, `${line} ${word}`)
    } else {
      lines.push(line === undefined ? word : `${indent}${word}`)
    }
  }
  return lines.join('\n')
}

/** The messages of the rules for a field, and for each item of a list. */
const rules = (schema: ReferenceSchema) => [
  ...new Set(
    [schema, schema.items ?? {}].flatMap(({ 'x-kubernetes-validations': validations = [] }) =>
      validations.flatMap(({ message }) => message ?? []),
    ),
  ),
]
const table = (rows: string[]) =>
  ['| field | type | default | bounds | |', '| --- | --- | --- | --- | --- |', ...rows].join('\n')

/**
 * The rows for the fields of an object or of a list's items. The rows of subfields follow the row
 * of their parent. If an earlier field has the same subfields, the row names that field instead.
 */
function rows(schema: ReferenceSchema, path: string, known: Map<string, string>): string[] {
  const { properties = {}, required = [] } = schema.items ?? schema
  const prefix = path === '' ? '' : `${path}${schema.items === undefined ? '' : '[]'}.`
  return Object.entries(properties).flatMap(([name, field]) => {
    const fields = field.properties ?? field.items?.properties
    const shape = JSON.stringify(fields)
    const before = fields && known.get(shape)
    const here = `${prefix}${name}`
    if (fields !== undefined && before === undefined) known.set(shape, here)
    return [
      row(`\`${here}\``, field, required.includes(name), before),
      ...(fields !== undefined && before === undefined ? rows(field, here, known) : []),
    ]
  })
}

function row(name: string, schema: ReferenceSchema, isRequired: boolean, sameAs?: string): string {
  const { description = '' } = schema
  const like = sameAs === undefined ? '' : ` Has the fields of \`${sameAs}\`.`
  const cells = [
    name,
    typeOf(schema),
    isRequired ? 'required' : 'default' in schema ? code(schema.default) : '',
    bounds(schema),
    `${description}${like}`,
  ]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

function typeOf({ type, items, anyOf, additionalProperties }: ReferenceSchema): string {
  if (anyOf !== undefined && type === undefined) return 'integer or string'
  if (items !== undefined) return `list of ${typeOf(items).replace('integer or', 'integers or')}s`
  return typeof additionalProperties === 'object' ? 'map of strings' : (type ?? 'any')
}

function bounds(schema: ReferenceSchema): string {
  const {
    minimum,
    maximum,
    minLength,
    maxLength,
    minItems,
    maxItems,
    maxProperties,
    format,
    propertyNames,
    additionalProperties,
    items,
    anyOf = [],
  } = schema
  const range = (from: number | undefined, to: number | undefined, of = '') =>
    from !== undefined && to !== undefined
      ? `${from} to ${to}${of}`
      : to !== undefined
        ? `at most ${to}${of}`
        : from !== undefined
          ? `at least ${from}${of}`
          : undefined
  return [
    schema.enum?.map(code).join(', '),
    range(minimum, maximum),
    range(minLength, maxLength, ' characters'),
    range(minItems, maxItems, ' items'),
    range(undefined, maxProperties, ' entries'),
    formatOf(format)?.message,
    formatOf(propertyNames?.format)?.message,
    ...(typeof additionalProperties === 'object' ? [bounds(additionalProperties)] : []),
    ...anyOf.map(bounds),
    items === undefined || items.properties !== undefined
      ? undefined
      : bounds(items) && `each ${bounds(items)}`,
    ...rules(schema),
  ]
    .filter((text) => text !== undefined && text !== '')
    .join('; ')
}

const code = (value: unknown) =>
  `\`${typeof value === 'string' ? value || '""' : JSON.stringify(value)}\``
