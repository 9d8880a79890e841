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

const doubleQuote = 0x22
const comma = 0x2c
const colon = 0x3a
const openingBracket = 0x5b
const backslash = 0x5c
const closingBracket = 0x5d
const openingBrace = 0x7b
const closingBrace = 0x7d

/** Objects of Kubernetes have about 20 levels. Some thousand levels would exhaust the stack. */
export const maxLevels = 100

/**
 * Counts the levels of a JSON text, and the characters `{ [ , :` outside its strings. The memory of
 * the parsed value is proportional to the number of these characters.
 */
export function structureOf(json: Uint8Array): { characters: number; levels: number } {
  let [characters, level, levels] = [0, 0, 0]
  for (let index = 0; index < json.length; index++) {
    switch (json[index]) {
      case doubleQuote:
        for (index++; index < json.length && json[index] !== doubleQuote; index++) {
          if (json[index] === backslash) index++
        }
        break
      case openingBrace:
      case openingBracket:
        characters++
        level++
        if (level > levels) levels = level
        break
      case closingBrace:
      case closingBracket:
        level--
        break
      case comma:
      case colon:
        characters++
    }
  }
  return { characters, levels }
}
