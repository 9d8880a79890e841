import { isObject, nameOf } from './json.ts'

/**
 * Whether `observed` contains everything that is desired: every field, and every item of a list in
 * the same order. Further fields and items, from the API server or from others, do not matter.
 */
export function contains(observed: unknown, desired: unknown): boolean {
  if (desired === undefined) return true
  if (isObject(desired)) {
    if (!isObject(observed)) return false
    for (const key in desired) {
      // A name such as constructor is not a field of every object.
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
 * The paths of the fields that `observed` lacks, or has with another value. A list item is named by
 * its name if it has one, as in `spec.template.spec.containers[app].image`. Empty exactly if
 * `contains`. The result never has a value in it.
 */
export function differences(observed: unknown, desired: unknown): string[] {
  if (contains(observed, desired)) return [] // nearly always
  const found: string[] = []
  collect(observed, desired, [], found)
  return found
}

/** `path` holds the steps to the value. They are joined only for what differs. */
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
