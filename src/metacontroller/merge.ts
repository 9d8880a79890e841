import { isObject, type JsonObject } from './json.ts'
import { type KubernetesObject, lastAppliedAnnotation, type ObservedObject } from './protocol.ts'

/**
 * A model of Metacontroller's default strategy (dynamic apply, v4.17), which merges an answer into
 * the object on the server. The operator needs it because the merge keeps foreign entries: see
 * repair.ts. The cluster tests compare the model with the real program. The stand-in for
 * Metacontroller in local-cluster/ has its own model, so that tests find errors in this model.
 */

type Json = unknown

/** The merge keys of lists of objects. The merge uses the first key that all items have. */
const mergeKeys = ['containerPort', 'port', 'mountPath', 'name', 'uid', 'ip', 'path']

/**
 * Returns the object that Metacontroller sends for the answer `desired`: `observed` without applied
 * fields that are no longer desired, and with all desired fields. It does not change its arguments,
 * and the result shares parts with them.
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
    // An assignment to this name would set the prototype. Kubernetes has no such field.
    if (key === '__proto__') continue
    merged[key] = merge(own(observed, key), own(applied, key), desired[key])
  }
  return merged
}

/** An own field of the object, so that `constructor` is a name like any other. */
const own = (object: JsonObject, key: string) =>
  Object.hasOwn(object, key) ? object[key] : undefined

function mergeLists(observed: Json[], applied: Json[], desired: Json[]): Json[] {
  const mergeKey = commonMergeKey([...observed, ...applied, ...desired])
  if (mergeKey === undefined) return desired
  const keyOf = (item: Json) => keyText((item as JsonObject)[mergeKey])
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
  // An item keeps its place on the server, even if it is a duplicate. New items are appended.
  const places = observed.map(keyOf).filter((key) => merged.has(key))
  const placed = new Set(places)
  desiredByKey.forEach((_item, key) => {
    if (!placed.has(key)) places.push(key)
  })
  return places.map((key) => merged.get(key))
}

/** A merge key as text. Only a forged record has an object there, and String() of it can throw. */
const keyText = (key: Json) => (typeof key === 'object' ? JSON.stringify(key) : String(key))

/** Returns the object that the server stores after Metacontroller applied an answer once. */
export function applyOnce(
  answer: KubernetesObject,
  observed: ObservedObject | undefined,
): ObservedObject {
  const merged = (
    observed === undefined ? answer : merge(observed, recordOf(observed), answer)
  ) as ObservedObject
  const record = { [lastAppliedAnnotation]: JSON.stringify(answer) }
  return {
    ...merged,
    metadata: { ...merged.metadata, annotations: { ...merged.metadata.annotations, ...record } },
  }
}

/** The unchecked record. Anyone can write it, so answers use lastApplied() instead. */
function recordOf({ metadata }: ObservedObject): unknown {
  const text = metadata.annotations?.[lastAppliedAnnotation]
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * The observed values of the fields and list items that any of the `known` objects has. If `known`
 * contains the last applied child, applying the result changes nothing on the server. Then the
 * whole result counts as applied.
 */
export const observedPart = (known: Json[], observed: Json): Json =>
  partOf(known, observed, new Map())

/** A list of known items, indexed by their merge keys. */
interface ListIndex {
  /** The merge keys that every item has. */
  keys: string[]
  /** The items by the values of a merge key. */
  by: (key: string) => Map<unknown, Json>
}

/**
 * Thousands of observed items can have the same merge key, and so the same known item. `indexes`
 * contains the index of each known list, so that the lists of that item are read only once.
 */
function partOf(known: Json[], observed: Json, indexes: Map<Json[], ListIndex>): Json {
  if (isObject(observed)) {
    const objects = known.filter(isObject)
    const fields = Object.keys(observed).filter((field) =>
      objects.some((object) => Object.hasOwn(object, field)),
    )
    return Object.fromEntries(
      fields.map((field) => {
        const values = objects.map((object) => own(object, field))
        return [field, partOf(values, observed[field], indexes)]
      }),
    )
  }
  if (!Array.isArray(observed)) return observed
  const lists = known.filter(Array.isArray).map((list: Json[]) => {
    const index = indexes.get(list) ?? indexOf(list)
    indexes.set(list, index)
    return index
  })
  const key = keysOfAll(observed).find((key) => lists.every(({ keys }) => keys.includes(key)))
  if (key === undefined) return observed
  const items = lists.map(({ by }) => by(key))
  return (observed as JsonObject[]).flatMap((item) => {
    const same = items.flatMap((byKey) => byKey.get(item[key]) ?? [])
    return same.length > 0 ? [partOf(same, item, indexes)] : []
  })
}

function indexOf(list: Json[]): ListIndex {
  const known = new Map<string, Map<unknown, Json>>()
  return {
    keys: keysOfAll(list),
    by: (key) => {
      const items =
        known.get(key) ?? new Map((list as JsonObject[]).map((item) => [item[key], item]))
      known.set(key, items)
      return items
    },
  }
}

/** The merge keys that every item has. */
const keysOfAll = (items: Json[]): string[] =>
  items.every(isObject)
    ? mergeKeys.filter((key) => items.every((item) => Object.hasOwn(item, key)))
    : []

/** The key by which lists are merged. Without one, the list is replaced as a whole. */
export function commonMergeKey(items: Json[]): string | undefined {
  return items.length === 0 ? undefined : keysOfAll(items)[0]
}
