/** The types of an object without the fields that are undefined. */
type Compact<Fields> = { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> }

/**
 * An object without the fields that the API server would not store: those that are undefined, empty lists, and empty
 * objects and texts. A false or a zero stays; whether the server keeps it depends on the field.
 */
export function compact<Fields extends object>(fields: Fields): Compact<Fields> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => !isNothing(value)),
  ) as Compact<Fields>
}

const isNothing = (value: unknown) =>
  value === undefined ||
  value === '' ||
  (typeof value === 'object' && value !== null && Object.keys(value).length === 0)

/** A value without the empty lists and objects in it, at any depth. A selector stays: an empty one selects everything. */
export function withoutEmptyParts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmptyParts)
  if (typeof value !== 'object' || value === null) return value
  const parts = Object.entries(value).map(([key, part]) => [key, withoutEmptyParts(part)] as const)
  return Object.fromEntries(
    parts.filter(([key, part]) => selects(key) || typeof part !== 'object' || !isNothing(part)),
  )
}

const selects = (key: string) => key.endsWith('elector') || key === 'preference'
