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
