import { commonMergeKey, isObject } from './merge.ts'
import { below, type Fields } from './other-writers.ts'

/**
 * What of a part of a child, as it comes out of a merge, others have put beside what is desired of it: all those members at
 * any depth, with the way to them; undefined where there is none. What the API server fills in, so that it comes back
 * whenever it is left out, is named in `filledIn` by field and value.
 */
export function strayMembers(
  outcome: unknown,
  desired: unknown,
  written: Fields[],
  filledIn: Record<string, unknown> = {},
): unknown {
  if (written.length === 0) return undefined
  if (isObject(outcome) && isObject(desired)) {
    const found = Object.entries(outcome).flatMap(([field, value]) => {
      const theirs = below(written, field)
      if (Object.hasOwn(desired, field)) {
        return entry(field, strayMembers(value, desired[field], theirs, filledIn))
      }
      return theirs.length === 0 || Object.is(filledIn[field], value) ? [] : entry(field, value)
    })
    return found.length > 0 ? Object.fromEntries(found) : undefined
  }
  if (!Array.isArray(outcome) || !Array.isArray(desired)) return undefined
  const key = commonMergeKey([...outcome, ...desired])
  if (key === undefined) return undefined // replaced as a whole
  const found = (outcome as Fields[]).flatMap((item) => {
    const theirs = below(written, item)
    const wanted = (desired as Fields[]).find((other) => other[key] === item[key])
    if (wanted === undefined) return theirs.length > 0 ? [item] : []
    const stray = strayMembers(item, wanted, theirs, filledIn) as Fields | undefined
    return stray === undefined ? [] : [{ [key]: item[key], ...stray }]
  })
  return found.length > 0 ? found : undefined
}

const entry = (field: string, value: unknown): Array<[string, unknown]> =>
  value === undefined ? [] : [[field, value]]
