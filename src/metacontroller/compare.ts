import { isObject, type JsonObject, nameOf } from './json.ts'

/**
 * Whether `observed` contains everything that is desired: every field, and every item of a list in
 * the same order. Additional fields and items of the API server or of others do not matter.
 */
export const contains = (observed: unknown, desired: unknown) => includes(observed, desired)

/** The number of fields of objects, by object. */
type Sizes = Map<object, number>

/**
 * `sizes` is set for the items of a list of which one did not match. One item with many fields may
 * be compared with thousands of small items, and listing its fields each time would take quadratic
 * time. A merged list can contain one observed item thousands of times: see merge.ts.
 */
function includes(observed: unknown, desired: unknown, sizes?: Sizes): boolean {
  if (desired === undefined) return true
  if (isObject(desired)) {
    if (!isObject(observed)) return false
    if (sizes !== undefined && sizeOf(desired, sizes) > sizeOf(observed, sizes)) return false
    for (const key in desired) {
      // Own fields only: every object inherits a name such as constructor.
      const value = Object.hasOwn(observed, key) ? observed[key] : undefined
      if (!includes(value, desired[key], sizes)) return false
    }
    return true
  }
  if (!Array.isArray(desired)) return Object.is(observed, desired)
  if (!Array.isArray(observed)) return desired.length === 0
  let from = 0
  for (const item of desired) {
    while (from < observed.length && !includes(observed[from], item, sizes)) {
      sizes ??= new Map()
      from += 1
    }
    if (from === observed.length) return false
    from += 1
  }
  return true
}

/** The number of fields that an object has for `contains`. A missing list counts as empty. */
function sizeOf(object: JsonObject, sizes: Sizes): number {
  const known = sizes.get(object)
  if (known !== undefined) return known
  const isThere = (value: unknown) =>
    Array.isArray(value) ? value.length > 0 : value !== undefined
  const size = Object.values(object).filter(isThere).length
  sizes.set(object, size)
  return size
}

/** Bounds of a list of paths. A tenant can write thousands of fields with long names. */
export interface PathLimits {
  /** The largest number of paths. */
  paths: number
  /** The longest path, in characters. */
  characters: number
  /** The largest number of compared items of a list: all of them can have one large counterpart. */
  items: number
}
const unlimited: PathLimits = { paths: Infinity, characters: Infinity, items: Infinity }

/**
 * The paths of the fields that `observed` lacks or has with a different value. A list item with a
 * name has its name in the path, as in `spec.template.spec.containers[app].image`. Empty if
 * `contains` returns true. The result contains no values.
 */
export function differences(
  observed: unknown,
  desired: unknown,
  limits: PathLimits = unlimited,
): string[] {
  if (contains(observed, desired)) return [] // The usual case.
  const found: string[] = []
  collect(observed, desired, [], found, limits)
  return found
}

/** `path` contains the steps to the value. They are joined only for differences. */
function collect(
  observed: unknown,
  desired: unknown,
  path: string[],
  found: string[],
  limits: PathLimits,
): void {
  const visit = (step: string, observed: unknown, desired: unknown) => {
    path.push(step.slice(0, limits.characters + 1))
    collect(observed, desired, path, found, limits)
    path.pop()
  }
  if (found.length >= limits.paths) return
  if (isObject(desired) && isObject(observed)) {
    for (const key in desired) visit(`.${key}`, observed[key], desired[key])
    return
  }
  if (contains(observed, desired)) return
  const before = found.length
  if (Array.isArray(desired) && Array.isArray(observed)) {
    const byName = new Map(observed.toReversed().map((item) => [nameOf(item), item]))
    // Items with the same merge key are one object after the merge: see merge.ts.
    const compared = new Set<object>()
    for (const [index, item] of desired.slice(0, limits.items).entries()) {
      if (isObject(item) && compared.size === compared.add(item).size) continue
      const name = nameOf(item)
      visit(`[${name ?? index}]`, name === undefined ? observed[index] : byName.get(name), item)
    }
  }
  if (found.length === before) found.push(path.join('').slice(1, limits.characters + 1))
}
