import { isObject } from '../metacontroller/merge.ts'
import { MyAppSpec } from '../api/myapp.ts'

interface Schema {
  default?: unknown
  properties?: Record<string, Schema>
  items?: Schema
}

/** A spec as the API server stores it: fields that are null are gone, and those that are left out have their defaults. */
export function storedForm(spec: unknown): unknown {
  return fillIn(spec, MyAppSpec as Schema)
}

function fillIn(value: unknown, { properties, items }: Schema): unknown {
  if (Array.isArray(value)) {
    return items === undefined ? value : value.map((item) => fillIn(item, items))
  }
  if (!isObject(value) || properties === undefined) return value
  const given = Object.entries(value).filter(([, field]) => field !== null)
  const missing = Object.entries(properties).filter(
    ([name, { default: fallback }]) => fallback !== undefined && (value[name] ?? null) === null,
  )
  return Object.fromEntries([
    ...given.map(([name, field]) => [name, fillIn(field, properties[name] ?? {})]),
    ...missing.map(([name, { default: fallback }]) => [name, fallback]),
  ])
}
