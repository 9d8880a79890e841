import { canonicalJson, parseJson } from './json.ts'
import { type Fields, isFields, type KubeObject, withMetadata } from './objects.ts'

/** The annotation of the configuration that Metacontroller applied last. */
export const lastAppliedKey = 'metacontroller.k8s.io/last-applied-configuration'

/** The keys of list items. The first one that all items have is used. */
const mergeKeys = ['containerPort', 'port', 'mountPath', 'name', 'uid', 'ip', 'path']

/** Fields of metadata that only the API server sets. */
const systemFields = [
  'selfLink',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
]

/** The object to write for a desired child. It equals `observed` if nothing changes. */
export function applyUpdate(observed: KubeObject, desired: KubeObject): KubeObject {
  const update = withoutLastApplied(desired)
  const merged = mergeThreeWay(observed, lastApplied(observed), update) as KubeObject
  for (const field of systemFields) restore(merged.metadata, observed.metadata, field)
  restore(merged, observed, 'status')
  return withLastApplied(merged, update)
}

/** The object with the annotation of the applied configuration. */
export function withLastApplied(object: KubeObject, applied: KubeObject): KubeObject {
  const before: unknown = object.metadata.annotations
  // Metacontroller drops all annotations if one is not a string.
  const isValid =
    isFields(before) && Object.values(before).every((value) => typeof value === 'string')
  const annotations = { ...(isValid && before), [lastAppliedKey]: canonicalJson(applied) }
  return withMetadata(object, { annotations })
}

function withoutLastApplied(object: KubeObject): KubeObject {
  if (!isFields(object.metadata.annotations)) return object
  const { [lastAppliedKey]: dropped, ...annotations } = object.metadata.annotations
  return withMetadata(object, { annotations })
}

function lastApplied({ metadata }: KubeObject): Fields {
  const annotation = metadata.annotations?.[lastAppliedKey]
  try {
    return fieldsOf(annotation ? parseJson(annotation) : undefined)
  } catch (error) {
    throw new Error(`can't unmarshal "${lastAppliedKey}" annotation: ${(error as Error).message}`)
  }
}

function restore(merged: Fields, observed: Fields, field: string): void {
  if (Object.hasOwn(observed, field)) merged[field] = observed[field]
  else delete merged[field]
}

/**
 * Three-way merge: removes fields that were applied last and are no longer desired, sets desired
 * fields, and keeps all others. Does not change its arguments.
 */
export function mergeThreeWay(observed: Fields, last: Fields, desired: Fields): Fields {
  const merged = { ...observed }
  for (const field of Object.keys(last)) {
    if (!Object.hasOwn(desired, field)) delete merged[field]
  }
  for (const [field, value] of Object.entries(desired)) {
    merged[field] = mergeValue(observed[field], last[field], value)
  }
  return merged
}

function mergeValue(observed: unknown, last: unknown, desired: unknown): unknown {
  if (isFields(observed)) return mergeThreeWay(observed, fieldsOf(last), fieldsOf(desired))
  if (!Array.isArray(observed)) return desired
  const items = [...observed, ...listOf(last), ...listOf(desired)]
  const mergeKey =
    items.length > 0 && items.every(isFields)
      ? mergeKeys.find((key) => items.every((item) => Object.hasOwn(item, key)))
      : undefined
  if (mergeKey === undefined) return Array.isArray(desired) ? desired : null
  return mergeListMap(mergeKey, observed, listOf(last), listOf(desired))
}

/** Merges items with the same key. Keeps the observed order and adds new items at the end. */
function mergeListMap(key: string, observed: Fields[], last: Fields[], desired: Fields[]) {
  const keyOf = (item: Fields) => String(item[key])
  const byKey = (items: Fields[]) => new Map(items.map((item) => [keyOf(item), item]))
  const lastByKey = byKey(last)
  const desiredByKey = byKey(desired)
  const merged = byKey(observed)
  for (const name of lastByKey.keys()) if (!desiredByKey.has(name)) merged.delete(name)
  for (const [name, item] of desiredByKey) {
    merged.set(name, mergeValue(merged.get(name), lastByKey.get(name), item) as Fields)
  }
  // A key that occurs twice among the observed items keeps both places.
  const order = observed.map(keyOf).filter((name) => merged.has(name))
  const added = [...desiredByKey.keys()].filter((name) => !order.includes(name))
  return [...order, ...added].map((name) => merged.get(name))
}

const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {})
const listOf = (value: unknown): Fields[] => (Array.isArray(value) ? value : [])
