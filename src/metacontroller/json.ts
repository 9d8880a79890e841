/** A JSON object with unknown fields. */
export type JsonObject = Record<string, unknown>

/** Distinguishes a JSON object from lists, scalars and null. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The path of a field. A step `{ name }` selects the list item with that name. */
export type ObjectPath = Array<string | { name: string }>

/** A path in a message, as in `spec.template.spec.containers[app].env`. */
export const pathText = (path: ObjectPath): string =>
  path
    .map((step) => (typeof step === 'string' ? `.${step}` : `[${step.name}]`))
    .join('')
    .slice(1)

/** The value at a path; undefined if it does not exist. */
export const at = (root: unknown, path: ObjectPath): unknown => path.reduce(step, root)

/** Sets the value at a path, or deletes the field if the value is undefined. */
export function set(root: unknown, path: ObjectPath, value: unknown): void {
  const holder = at(root, path.slice(0, -1))
  const field = path.at(-1)
  if (!isObject(holder) || typeof field !== 'string') return
  if (value === undefined) delete holder[field]
  else holder[field] = value
}

/** The name of a list item; undefined if it has none. */
export const nameOf = (item: unknown): string | undefined =>
  isObject(item) && typeof item.name === 'string' ? item.name : undefined

function step(from: unknown, key: string | { name: string }): unknown {
  if (typeof key !== 'string') {
    if (!Array.isArray(from)) return undefined
    for (const item of from) if (nameOf(item) === key.name) return item
    return undefined
  }
  return isObject(from) && Object.hasOwn(from, key) ? from[key] : undefined
}
