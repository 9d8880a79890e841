import { _, Ajv, type Options } from 'ajv'
import { ajvFormats } from './formats.ts'

/**
 * Ajv with the project's options. It ignores keywords that only the CRD or editors use. The built
 * code of a validator takes its formats from the variable `ajvFormats`, which the build imports
 * from formats.ts.
 */
export function newAjv(options: Options = {}): Ajv {
  const ajv = new Ajv({
    inlineRefs: false,
    ...options,
    code: { source: true, esm: true, formats: _`ajvFormats` },
  })
  ajv.addVocabulary([
    'x-kubernetes-validations',
    'x-kubernetes-list-type',
    'x-kubernetes-list-map-keys',
    'x-kubernetes-int-or-string',
    'x-hook-only',
  ])
  for (const [name, format] of Object.entries(ajvFormats)) ajv.addFormat(name, format)
  return ajv
}

interface Schema {
  [keyword: string]: unknown
}

/**
 * The same schema with a separate definition for every object in it, because Ajv generates one
 * function per definition. Otherwise the schema of a MyApp becomes one function of hundreds of KB,
 * which V8 compiles slowly.
 */
export function inParts(schema: object): Schema {
  const names = new Map<object, string>()
  const definitions: Record<string, Schema> = {}
  const copy = (node: object): Schema =>
    Object.fromEntries(Object.entries(node).map(([key, value]) => [key, part(value)]))
  const part = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(part)
    if (!isSchema(node)) return node
    return isObjectSchema(node) ? { $ref: `#/$defs/${define(node)}` } : copy(node)
  }
  const define = (node: Schema): string => {
    const known = names.get(node)
    if (known !== undefined) return known
    const name = `part${names.size}`
    names.set(node, name)
    definitions[name] = copy(node)
    return name
  }
  return { ...copy(schema), $defs: definitions }
}

const isSchema = (node: unknown): node is Schema => typeof node === 'object' && node !== null

const isObjectSchema = (node: Schema) => node['type'] === 'object' && isSchema(node['properties'])
