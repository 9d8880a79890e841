import { isObject } from './merge.ts'

/**
 * Whether `observed` has all that is `desired`: every field, and every item of a list in the same order. What observed has
 * besides (what the API server filled in, what others added) does not matter.
 */
export function holds (observed: unknown, desired: unknown): boolean {
  if (desired === undefined) return true
  if (isObject(desired)) return isObject(observed) && Object.entries(desired).every(([key, value]) => holds(observed[key], value))
  if (!Array.isArray(desired)) return Object.is(observed, desired)
  if (!Array.isArray(observed)) return desired.length === 0
  let from = 0
  return desired.every((item) => {
    const found = observed.findIndex((candidate, index) => index >= from && holds(candidate, item))
    from = found + 1
    return found >= 0
  })
}

/**
 * Where `observed` lacks something that is `desired`: the paths of the fields, never what is in them. A list item is named
 * by its name where it has one, as in `spec.template.spec.containers[app].image`. Empty exactly if `holds`.
 */
export function differences (observed: unknown, desired: unknown, path = ''): string[] {
  if (holds(observed, desired)) return []
  const deeper = isObject(desired) && isObject(observed)
    ? Object.entries(desired).flatMap(([key, value]) => differences(observed[key], value, path === '' ? key : `${path}.${key}`))
    : Array.isArray(desired) && Array.isArray(observed) ? itemDifferences(observed, desired, path) : []
  return deeper.length > 0 ? deeper : [path]
}

function itemDifferences (observed: unknown[], desired: unknown[], path: string): string[] {
  return desired.flatMap((item, index) => {
    const name = nameOf(item)
    const counterpart = name === undefined ? observed[index] : observed.find((candidate) => nameOf(candidate) === name)
    return differences(counterpart, item, `${path}[${name ?? index}]`)
  })
}

const nameOf = (item: unknown) => isObject(item) && typeof item.name === 'string' ? item.name : undefined
