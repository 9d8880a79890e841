import { isDeepStrictEqual } from 'node:util'
import { isObject } from './merge.ts'

/**
 * The part of an object that a writer owns by its managedFields. A step of FieldsV1 is `f:` with the name of a field,
 * `k:` with the keys of a list item, `v:` with a list item itself, or `.` for what holds the others.
 */
export function ownedPart(observed: unknown, fields: unknown): unknown {
  if (!isObject(fields) || Object.keys(fields).length === 0) return observed
  const steps = Object.keys(fields).filter((step) => step !== '.')
  if (Array.isArray(observed)) return observed.flatMap((item) => ownedItem(item, fields, steps))
  if (!isObject(observed)) return observed
  return Object.fromEntries(
    steps
      .map((step) => [step.slice(2), fields[step]] as const)
      .filter(([name]) => Object.hasOwn(observed, name))
      .map(([name, inner]) => [name, ownedPart(observed[name], inner)]),
  )
}

/** The item of a list, less what is not owned of it; its keys it always has. */
function ownedItem(item: unknown, fields: Record<string, unknown>, steps: string[]): unknown[] {
  for (const step of steps) {
    const key: unknown = JSON.parse(step.slice(2))
    if (step.startsWith('v:') && isDeepStrictEqual(item, key)) return [item]
    if (
      !step.startsWith('k:') ||
      !isObject(item) ||
      !isObject(key) ||
      !Object.entries(key).every(([name, value]) => item[name] === value)
    ) {
      continue
    }
    return [
      {
        ...key,
        ...(ownedPart(item, {
          ...Object.fromEntries(Object.keys(key).map((name) => [`f:${name}`, {}])),
          ...(fields[step] as object),
        }) as object),
      },
    ]
  }
  return []
}
