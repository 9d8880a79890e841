import { _, Ajv, type Options } from 'ajv'
import { ajvFormats } from './formats.ts'

/**
 * Ajv with the project's options, for schemas of `inParts`. The built code of a validator takes its
 * formats from the variable `ajvFormats`, which the build imports from formats.ts.
 */
export function newAjv(options: Options = {}): Ajv {
  const ajv = new Ajv({
    inlineRefs: false,
    ...options,
    code: { source: true, esm: true, formats: _`ajvFormats` },
  })
  for (const [name, format] of Object.entries(ajvFormats)) ajv.addFormat(name, format)
  return ajv
}

interface Schema {
  [keyword: string]: unknown
}

/**
 * The same schema with a separate definition for every object in it, because Ajv generates one
 * function per definition. Otherwise the schema of a MyApp becomes one function of hundreds of KB,
 * which V8 compiles slowly. Equal objects share a definition. Keywords that only the CRD or editors
 * use are left out.
 */
export function inParts(schema: object): Schema {
  const names = new Map<string, string>()
  const definitions: Record<string, Schema> = {}
  const copy = (node: object): Schema =>
    Object.fromEntries(
      Object.entries(node)
        .filter(([key, value]) => !isAnnotation(key, value))
        .map(([key, value]) => [key, part(value)]),
    )
  const part = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(part)
    if (!isSchema(node)) return node
    return isObjectSchema(node) ? { $ref: `#/$defs/${define(copy(node))}` } : copy(node)
  }
  const define = (definition: Schema): string => {
    const text = JSON.stringify(definition)
    const name = names.get(text) ?? `part${names.size}`
    names.set(text, name)
    definitions[name] = definition
    return name
  }
  return { ...copy(schema), $defs: definitions }
}

/** Whether a keyword is only for the CRD or editors. A field can also be named `description`. */
const isAnnotation = (keyword: string, value: unknown) =>
  keyword.startsWith('x-') || (keyword === 'description' && typeof value === 'string')

const isSchema = (node: unknown): node is Schema => typeof node === 'object' && node !== null

const isObjectSchema = (node: Schema) => node['type'] === 'object' && isSchema(node['properties'])
