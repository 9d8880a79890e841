import { isObject } from './merge.ts'

/**
 * Whether `observed` has all that is `desired`: every field, and every item of a list in the same order. What observed has
 * besides (what the API server filled in, what others added) does not matter.
 */
export function holds(observed: unknown, desired: unknown): boolean {
  if (desired === undefined) return true
  if (isObject(desired)) {
    if (!isObject(observed)) return false
    for (const key in desired) if (!holds(observed[key], desired[key])) return false
    return true
  }
  if (!Array.isArray(desired)) return Object.is(observed, desired)
  if (!Array.isArray(observed)) return desired.length === 0
  let from = 0
  for (const item of desired) {
    while (from < observed.length && !holds(observed[from], item)) from += 1
    if (from === observed.length) return false
    from += 1
  }
  return true
}

/**
 * Where `observed` lacks something that is `desired`: the paths of the fields, never what is in them. A list item is named
 * by its name where it has one, as in `spec.template.spec.containers[app].image`. Empty exactly if `holds`.
 */
export function differences(observed: unknown, desired: unknown): string[] {
  if (holds(observed, desired)) return [] // as nearly always
  const found: string[] = []
  collect(observed, desired, [], found)
  return found
}

/** `place` is where it is in the object, step by step; it is written out only for what differs. */
function collect(observed: unknown, desired: unknown, place: string[], found: string[]): void {
  const visit = (step: string, observed: unknown, desired: unknown) => {
    place.push(step)
    collect(observed, desired, place, found)
    place.pop()
  }
  if (isObject(desired) && isObject(observed)) {
    for (const key in desired) visit(`.${key}`, observed[key], desired[key])
    return
  }
  if (holds(observed, desired)) return
  const before = found.length
  if (Array.isArray(desired) && Array.isArray(observed)) {
    for (const [index, item] of desired.entries()) {
      const name = nameOf(item)
      visit(
        `[${name ?? index}]`,
        name === undefined
          ? observed[index]
          : observed.find((candidate) => nameOf(candidate) === name),
        item,
      )
    }
  }
  if (found.length === before) found.push(place.join('').slice(1))
}

const nameOf = (item: unknown) =>
  isObject(item) && typeof item.name === 'string' ? item.name : undefined
