import { isObject, type JsonObject } from './json.ts'

/**
 * A model of how Metacontroller's default strategy (dynamic apply, v4.17) merges an answer into what
 * is on the server. The operator needs it because the merge keeps what it finds: see repair.ts. The
 * cluster tests compare it with the real program. The stand-in has a second model on purpose.
 */

type Json = unknown

/** The keys by which lists of objects are merged; the first that every item of all three lists has is taken. */
const mergeKeys = ['containerPort', 'port', 'mountPath', 'name', 'uid', 'ip', 'path']

/**
 * What the server is sent when `desired` is answered: `observed`, less what was `applied` last and is not desired any
 * more, plus what is desired. Nothing that is handed in is changed; parts of it are in the result.
 */
export function merge(observed: Json, applied: Json, desired: Json): Json {
  if (isObject(observed) && isObject(desired)) {
    return mergeObjects(observed, isObject(applied) ? applied : {}, desired)
  }
  if (Array.isArray(observed) && Array.isArray(desired)) {
    return mergeLists(observed, Array.isArray(applied) ? applied : [], desired)
  }
  return desired
}

function mergeObjects(observed: JsonObject, applied: JsonObject, desired: JsonObject): JsonObject {
  const merged = { ...observed }
  for (const key of Object.keys(applied)) if (!Object.hasOwn(desired, key)) delete merged[key]
  for (const key of Object.keys(desired)) {
    merged[key] = merge(observed[key], applied[key], desired[key])
  }
  return merged
}

function mergeLists(observed: Json[], applied: Json[], desired: Json[]): Json[] {
  const mergeKey = commonMergeKey([...observed, ...applied, ...desired])
  if (mergeKey === undefined) return desired
  const keyOf = (item: Json) => String((item as JsonObject)[mergeKey])
  const byKey = (list: Json[]) => {
    const items = new Map<string, Json>()
    list.forEach((item) => items.set(keyOf(item), item))
    return items
  }
  const [merged, appliedByKey, desiredByKey] = [byKey(observed), byKey(applied), byKey(desired)]
  appliedByKey.forEach((_item, key) => {
    if (!desiredByKey.has(key)) merged.delete(key)
  })
  desiredByKey.forEach((item, key) => {
    merged.set(key, merge(merged.get(key), appliedByKey.get(key), item))
  })
  // An item keeps the place that it has on the server, even one that is there twice; new ones go last.
  const places = observed.map(keyOf).filter((key) => merged.has(key))
  const placed = new Set(places)
  desiredByKey.forEach((_item, key) => {
    if (!placed.has(key)) places.push(key)
  })
  return places.map((key) => merged.get(key))
}

/**
 * The observed values of the fields and list items that any of the given objects has. If what was
 * applied last is one of these objects, answering the result changes nothing on the server, and makes
 * all of it count as applied.
 */
export function observedPart(known: Json[], observed: Json): Json {
  if (isObject(observed)) {
    const objects = known.filter(isObject)
    const fields = Object.keys(observed).filter((field) =>
      objects.some((object) => Object.hasOwn(object, field)),
    )
    return Object.fromEntries(
      fields.map((field) => {
        const values = objects.map((object) => object[field])
        return [field, observedPart(values, observed[field])]
      }),
    )
  }
  if (!Array.isArray(observed)) return observed
  const items: Json[] = known.filter(Array.isArray).flat()
  const key = commonMergeKey([...observed, ...items])
  if (key === undefined) return observed
  const itemsByKey = Map.groupBy(items as JsonObject[], (item) => item[key])
  return (observed as JsonObject[]).flatMap((item) => {
    const same = itemsByKey.get(item[key])
    return same === undefined ? [] : [observedPart(same, item)]
  })
}

/** The key that decides which items are the same one; without it a list is replaced as a whole. */
export function commonMergeKey(items: Json[]): string | undefined {
  if (!items.every(isObject)) return undefined
  return items.length === 0
    ? undefined
    : mergeKeys.find((key) => items.every((item) => Object.hasOwn(item, key)))
}
