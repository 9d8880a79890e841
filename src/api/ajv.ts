import { Ajv, type Options } from 'ajv'

/** Ajv as the project uses it. The CRD's own keywords mean nothing to it. */
export function newAjv(options: Options): Ajv {
  const ajv = new Ajv(options)
  ajv.addVocabulary([
    'x-kubernetes-validations',
    'x-kubernetes-list-type',
    'x-kubernetes-list-map-keys',
    'x-kubernetes-int-or-string',
    'patternErrorMessage',
  ])
  for (const format of ['int32', 'int64', 'date-time']) ajv.addFormat(format, true)
  return ajv
}

interface Schema {
  [keyword: string]: unknown
}

/**
 * The same schema with a definition of its own for every object in it. Ajv makes a function of each; without, all of a
 * pod's schema becomes a single one of hundreds of KB, which V8 is slow to start and takes tens of MB to optimise.
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
