import { isObject, nameOf } from './json.ts'

/**
 * Whether `observed` contains everything that is desired: every field, and every item of a list in
 * the same order. Additional fields and items of the API server or of others do not matter.
 */
export function contains(observed: unknown, desired: unknown): boolean {
  if (desired === undefined) return true
  if (isObject(desired)) {
    if (!isObject(observed)) return false
    for (const key in desired) {
      // Own fields only: every object inherits a name such as constructor.
      const value = Object.hasOwn(observed, key) ? observed[key] : undefined
      if (!contains(value, desired[key])) return false
    }
    return true
  }
  if (!Array.isArray(desired)) return Object.is(observed, desired)
  if (!Array.isArray(observed)) return desired.length === 0
  let from = 0
  for (const item of desired) {
    while (from < observed.length && !contains(observed[from], item)) from += 1
    if (from === observed.length) return false
    from += 1
  }
  return true
}

/**
 * The paths of the fields that `observed` lacks or has with a different value. A list item with a
 * name has its name in the path, as in `spec.template.spec.containers[app].image`. Empty if
 * `contains` returns true. The result contains no values.
 */
export function differences(observed: unknown, desired: unknown): string[] {
  if (contains(observed, desired)) return [] // The usual case.
  const found: string[] = []
  collect(observed, desired, [], found)
  return found
}

/** `path` contains the steps to the value. They are joined only for differences. */
function collect(observed: unknown, desired: unknown, path: string[], found: string[]): void {
  const visit = (step: string, observed: unknown, desired: unknown) => {
    path.push(step)
    collect(observed, desired, path, found)
    path.pop()
  }
  if (isObject(desired) && isObject(observed)) {
    for (const key in desired) visit(`.${key}`, observed[key], desired[key])
    return
  }
  if (contains(observed, desired)) return
  const before = found.length
  if (Array.isArray(desired) && Array.isArray(observed)) {
    const byName = new Map(observed.toReversed().map((item) => [nameOf(item), item]))
    for (const [index, item] of desired.entries()) {
      const name = nameOf(item)
      visit(`[${name ?? index}]`, name === undefined ? observed[index] : byName.get(name), item)
    }
  }
  if (found.length === before) found.push(path.join('').slice(1))
}
