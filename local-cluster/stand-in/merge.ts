import { canonicalJson, clone, parseJson } from './json.ts'
import { type Fields, type KubeObject, isFields } from './kube-object.ts'

/** Where Metacontroller keeps what it applied last. */
export const lastAppliedKey = 'metacontroller.k8s.io/last-applied-configuration'

/** The keys that identify items of a list. The first key that all items have is used. */
const mergeKeys = ['containerPort', 'port', 'mountPath', 'name', 'uid', 'ip', 'path']

/** Fields of metadata that belong to the server: a child can't change them. */
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

/**
 * Three-way merge: what was applied last and is no longer desired goes, what is desired is set,
 * everything else stays as observed.
 */
export function mergeThreeWay(
  observed: Fields,
  lastApplied: Fields | undefined,
  desired: Fields,
): Fields {
  return mergeFields(clone(observed), lastApplied, desired)
}

/** Returns the whole object to write, or an equal one if nothing must change. */
export function applyUpdate(observed: KubeObject, desired: KubeObject): KubeObject {
  const update = withoutLastApplied(desired)
  const merged = mergeThreeWay(observed, lastApplied(observed), update) as KubeObject
  for (const field of systemFields) revert(merged.metadata, observed.metadata, field)
  revert(merged, observed, 'status')
  return withLastApplied(merged, update)
}

/** The object with the annotation that says what was applied. */
export function withLastApplied(object: KubeObject, applied: KubeObject): KubeObject {
  const annotations = stringMap(object.metadata.annotations)
  annotations[lastAppliedKey] = canonicalJson(applied)
  return { ...object, metadata: { ...object.metadata, annotations } }
}

function withoutLastApplied(desired: KubeObject): KubeObject {
  const copy = clone(desired)
  const annotations = copy.metadata.annotations
  if (isFields(annotations)) delete annotations[lastAppliedKey]
  return copy
}

function lastApplied(observed: KubeObject): Fields | undefined {
  const annotation = observed.metadata.annotations?.[lastAppliedKey]
  if (!annotation) return undefined
  try {
    return asFields(parseJson(annotation))
  } catch (error) {
    throw new Error(`can't unmarshal "${lastAppliedKey}" annotation: ${(error as Error).message}`)
  }
}

/** Metacontroller reads annotations as strings; one that is not makes it forget them all. */
function stringMap(value: unknown): Record<string, string> {
  if (!isFields(value) || Object.values(value).some((item) => typeof item !== 'string')) return {}
  return { ...value } as Record<string, string>
}

function revert(merged: Fields, observed: Fields, field: string): void {
  if (Object.hasOwn(observed, field)) merged[field] = observed[field]
  else delete merged[field]
}

function mergeValue(observed: unknown, last: unknown, desired: unknown): unknown {
  if (isFields(observed)) return mergeFields(observed, asFields(last), asFields(desired) ?? {})
  if (Array.isArray(observed)) return mergeList(observed, asList(last) ?? [], asList(desired))
  return desired
}

function mergeFields(observed: Fields, last: Fields | undefined, desired: Fields): Fields {
  for (const field of Object.keys(last ?? {})) {
    if (!Object.hasOwn(desired, field)) delete observed[field]
  }
  for (const [field, value] of Object.entries(desired)) {
    observed[field] = mergeValue(observed[field], last?.[field], value)
  }
  return observed
}

function mergeList(observed: unknown[], last: unknown[], desired: unknown[] | undefined): unknown {
  const items = [...observed, ...last, ...(desired ?? [])]
  const mergeKey = items.every(isFields) ? commonMergeKey(items) : undefined
  if (mergeKey === undefined) return desired ?? null
  return mergeListMap(mergeKey, observed as Fields[], last as Fields[], (desired ?? []) as Fields[])
}

function commonMergeKey(items: Fields[]): string | undefined {
  if (items.length === 0) return undefined
  return mergeKeys.find((key) => items.every((item) => Object.hasOwn(item, key)))
}

/** Merges items with the same key. The observed order stays, and new items follow in theirs. */
function mergeListMap(
  mergeKey: string,
  observed: Fields[],
  last: Fields[],
  desired: Fields[],
): Fields[] {
  const keyOf = (item: Fields): string => String(item[mergeKey])
  const byKey = (items: Fields[]): Map<string, Fields> =>
    new Map(items.map((item) => [keyOf(item), item]))
  const lastByKey = byKey(last)
  const desiredByKey = byKey(desired)
  const merged = byKey(observed)

  for (const key of lastByKey.keys()) {
    if (!desiredByKey.has(key)) merged.delete(key)
  }
  for (const [key, item] of desiredByKey) {
    merged.set(key, mergeValue(merged.get(key), lastByKey.get(key), item) as Fields)
  }
  // An observed key that occurs twice keeps both places, and both get the same item.
  const order = observed.map(keyOf).filter((key) => merged.has(key))
  const added = [...desiredByKey.keys()].filter((key) => !order.includes(key))
  return [...order, ...added].map((key) => merged.get(key) as Fields)
}

function asFields(value: unknown): Fields | undefined {
  return isFields(value) ? value : undefined
}

function asList(value: unknown): unknown[] | undefined {
  return Array.isArray(value) ? value : undefined
}
