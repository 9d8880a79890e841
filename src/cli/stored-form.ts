import { isObject } from '../metacontroller/merge.ts'
import { MyApp } from '../api/myapp.ts'

interface Schema {
  default?: unknown
  properties?: Record<string, Schema>
  additionalProperties?: unknown
  items?: Schema
}

type Fields = Record<string, unknown>

/** A MyApp as the API server stores it: without fields that are null, and with the defaults of fields that are left out. */
export const storedForm = (myApp: Fields): Fields => fillIn(myApp, MyApp as Schema) as Fields

function fillIn(value: unknown, { properties, additionalProperties, items }: Schema): unknown {
  if (Array.isArray(value)) {
    return items === undefined ? value : value.map((item) => fillIn(item, items))
  }
  const isMap = isObject(additionalProperties)
  if (!isObject(value) || (properties === undefined && !isMap)) return value
  const given = Object.entries(value).filter(([, field]) => field !== null)
  const missing = Object.entries(properties ?? {}).filter(
    ([name, { default: fallback }]) => fallback !== undefined && (value[name] ?? null) === null,
  )
  return Object.fromEntries([
    ...given.map(([name, field]) => [name, fillIn(field, properties?.[name] ?? {})]),
    ...missing.map(([name, { default: fallback }]) => [name, fallback]),
  ])
}
