import { isDeepStrictEqual } from 'node:util'
import { contains } from './compare.ts'
import { at, isObject, nameOf, type ObjectPath, pathText, set } from './json.ts'
import { isServerSideApplied, lastApplied } from './last-applied.ts'
import { below, type FieldsV1, itemsOf, ownedByOthers } from './managed-fields.ts'
import { commonMergeKey, merge, observedPart } from './merge.ts'
import type { KubernetesObject, ObservedObject } from './protocol.ts'

/**
 * A field of a child from which the operator removes foreign entries. docs/repair.md has an
 * example.
 *
 * Metacontroller's merge keeps foreign entries and the order of a list. Where that is harmful, the
 * definition of the child lists the field in `exact`.
 */
export type ExactField = ExactValue | ExactPart

/** A list or map that must be exactly as desired: no foreign entries, and in order. */
export interface ExactValue {
  path: ObjectPath
  /**
   * How an intermediate answer removes foreign entries.
   * `by omission`: the answer omits the field, which removes everything in it. The next answer sets
   * the field again.
   * `by adoption`: the answer keeps the field, and also contains the foreign entries. They then
   * count as applied by the operator, so the next answer can remove them.
   */
  restore: 'by omission' | 'by adoption'
  /** The API server adds fields to each item: only the set of names is exact. */
  namesOnly?: boolean
  /**
   * With `namesOnly`: the order of the operator's items is exact. To restore it, an intermediate
   * answer omits the field, because the merge never moves an item.
   */
  ordered?: boolean
  /**
   * The order of the items has no meaning. The merge appends an item with a new merge key, so their
   * order can differ from the desired order.
   */
  anyOrder?: boolean
  /** Keys with this prefix refer to the items. They are omitted together with the field. */
  references?: { path: ObjectPath; prefix: string }
}

/** A step in the path of an exact field: every item of the desired list. */
export const each = { name: '*' }

/** The exact fields of a child. The names of the desired items replace the step `each`. */
const expand = (fields: ExactField[], desired: KubernetesObject): ExactField[] =>
  fields.flatMap((field) => {
    const step = field.path.indexOf(each)
    if (step < 0) return [field]
    const list = at(desired, field.path.slice(0, step))
    return names(list).flatMap((name) =>
      name === undefined ? [] : [{ ...field, path: field.path.with(step, { name }) }],
    )
  })

/**
 * A part of a child to which nobody but the API server may add a field at any depth. For example,
 * if a probe has a second handler, the API server refuses every later change of the Deployment.
 */
export interface ExactPart {
  path: ObjectPath
  /** `if set`: the part is exact only if the MyApp sets something in it. */
  exact: 'if set' | 'always'
  /** Defaults of the API server, by field. Such a value counts as unowned. */
  serverDefaults?: Record<string, unknown>
}

const isExactPart = (field: ExactField): field is ExactPart => 'exact' in field
const isExactValue = (field: ExactField): field is ExactValue => 'restore' in field

/** The data for the repair of one child. */
interface Repair {
  desired: KubernetesObject
  observed: ObservedObject
  applied: KubernetesObject | undefined
  /** The object on the server after `desired` is applied. */
  merged: unknown
  foreign: FieldsV1 | undefined
}

/** The largest number of foreign items that the operator removes from one list. */
export const maxForeignItems = 1000

/** A list that is not repaired. */
export interface UnrepairedList {
  /** As in `spec.template.spec.containers[app].env`. */
  path: string
  /** The number of its items. */
  items: number
}

/** The answer of one sync for a child. */
export interface Repaired {
  /**
   * Usually `desired`. If Metacontroller's merge would keep foreign entries, one or two
   * intermediate answers come first, so that the merge removes the entries. A Deployment is paused
   * meanwhile, so that its pods roll once. Under server-side apply this is always `desired`.
   */
  answer: KubernetesObject
  /**
   * The exact lists with more than `maxForeignItems` foreign items. The answer removes none of
   * these items. Condition Unrepaired reports the lists.
   */
  unrepaired: UnrepairedList[]
}

/** Returns the next answer on the way to the desired child. */
export function repairChild(
  desired: KubernetesObject,
  observed: ObservedObject | undefined,
  exactFields: ExactField[],
): Repaired {
  if (observed === undefined) return { answer: desired, unrepaired: [] }
  const repaired: ExactField[] = []
  const flooded = new Map<string, UnrepairedList>()
  for (const field of expand(exactFields, desired)) {
    const items = floodOf(field.path, desired, observed)
    if (items === undefined) {
      repaired.push(field)
      continue
    }
    const path = pathText(field.path)
    flooded.set(path, { path, items })
  }
  return { answer: answerNow(desired, observed, repaired), unrepaired: [...flooded.values()] }
}

/** The number of items of a list with too many foreign items; undefined if there are few. */
function floodOf(path: ObjectPath, desired: unknown, observed: unknown): number | undefined {
  const found = at(observed, path)
  if (!Array.isArray(found) || found.length <= maxForeignItems) return undefined
  const expected = at(desired, path)
  const own = Array.isArray(expected) ? expected.length : 0
  return found.length - own > maxForeignItems ? found.length : undefined
}

function answerNow(
  desired: KubernetesObject,
  observed: ObservedObject,
  repaired: ExactField[],
): KubernetesObject {
  const applied = lastApplied(observed)
  if (applied === undefined && isServerSideApplied(observed)) return desired
  const repair: Repair = {
    desired,
    observed,
    applied,
    merged: merge(observed, applied, desired),
    foreign: ownedByOthers(observed, applied, desired),
  }
  const values = repaired.filter(isExactValue)
  const additions = repaired.filter(isExactPart).flatMap((part) => additionsTo(part, repair))
  const inexact = values.filter((field) => !isExact(field, repair))
  if (inexact.length === 0 && additions.length === 0) return desired
  const answer =
    additions.length === 0 ? structuredClone(desired) : adoptAdditions(additions, values, repair)
  pauseRollout(answer, repair)
  for (const field of inexact) {
    const value = intermediateValue(field, answer, repair)
    set(answer, field.path, value)
    if (value === undefined) omitReferences(field, answer)
  }
  return answer
}

/** The API server refuses a reference to an omitted item. */
function omitReferences({ references }: ExactValue, answer: KubernetesObject): void {
  if (references === undefined) return
  const { path, prefix } = references
  const holder = at(answer, path)
  if (!isObject(holder)) return
  for (const key of Object.keys(holder)) if (key.startsWith(prefix)) delete holder[key]
}

/**
 * Whether a field is as desired after the merge. An admission webhook may add to the field after
 * each apply, and its additions have no manager of their own. To remove them would start an endless
 * exchange of writes. So additions count only if another manager has written the field.
 */
function isExact(
  { path, namesOnly, ordered, anyOrder }: ExactValue,
  { desired, merged, foreign }: Repair,
): boolean {
  const expected = at(desired, path)
  const outcome = anyOrder ? inOrderOf(expected, at(merged, path)) : at(merged, path)
  if (ordered && !isInOrder(outcome, expected)) return false
  const isForeign = path.reduce(below, foreign) !== undefined
  if (namesOnly) {
    return !isForeign || isDeepStrictEqual(names(outcome).toSorted(), names(expected).toSorted())
  }
  if (!isForeign) return contains(outcome, expected)
  return isDeepStrictEqual(undefinedIfEmpty(outcome), undefinedIfEmpty(expected))
}

/** A list with its items in the order of the desired list, by name. Other items come last. */
function inOrderOf(expected: unknown, outcome: unknown): unknown {
  if (!Array.isArray(outcome)) return outcome
  const places = new Map(names(expected).map((name, place) => [name, place]))
  const placeOf = (item: unknown) => places.get(nameOf(item)) ?? places.size
  return outcome.toSorted((a, b) => placeOf(a) - placeOf(b))
}

/** Whether the desired items are in the desired order. Foreign items may be between them. */
function isInOrder(outcome: unknown, expected: unknown): boolean {
  const order = names(expected)
  const own = new Set(order)
  return isDeepStrictEqual(
    names(outcome).filter((name) => own.has(name)),
    order,
  )
}

/** The value of an inexact field in an intermediate answer; undefined omits the field. */
function intermediateValue(
  { path, restore, namesOnly, ordered }: ExactValue,
  answer: KubernetesObject,
  { desired, observed, applied, merged }: Repair,
): unknown {
  const [expected, found] = [at(answer, path), at(observed, path)]
  const isOutOfOrder = ordered && !isInOrder(at(merged, path), at(desired, path))
  const isOmitted = restore === 'by omission' || isOutOfOrder
  if (isOmitted && at(applied, path) !== undefined) return undefined
  if (!Array.isArray(found)) return found
  const desiredNames = new Set(names(expected))
  const isDesired = (item: unknown) => desiredNames.has(nameOf(item))
  const adopt = adopterOf(at(applied, path))
  if (isOutOfOrder) return adopt(found)
  if (namesOnly) {
    const foreign = found.filter((item) => !isDesired(item))
    return [...(Array.isArray(expected) ? expected : []), ...adopt(foreign)]
  }
  if (restore === 'by omission') return adopt(found)
  return found.map((item) => (isDesired(item) ? item : adopt([item])[0]))
}

/**
 * Returns the function that converts observed items to the items by which the operator adopts them.
 * If every item has a distinct name, only the names are returned: the merge then uses the name as
 * the key and keeps the other fields. With the port number as the key, two ports with one number
 * (TCP and UDP) would be one item. Otherwise the whole items are returned: mounts of one volume
 * share a name, so the merge uses the path as the key.
 *
 * An item that was applied before also has the applied fields, with their observed values.
 * Otherwise the merge would remove these fields, such as the number of a port.
 */
function adopterOf(applied: unknown): (items: unknown[]) => unknown[] {
  const known = new Map(Array.isArray(applied) ? applied.map((item) => [nameOf(item), item]) : [])
  return (items) => {
    const all = names(items)
    const isNamed = !all.includes(undefined) && new Set(all).size === all.length
    if (!isNamed) return items
    return items.map((item) => observedPart([known.get(nameOf(item)), { name: '' }], item))
  }
}

/** Foreign fields in an exact part. */
interface Addition {
  path: ObjectPath
  value: unknown
}

/** Foreign additions to an exact part that the merge would keep. */
function additionsTo(
  { path, exact, serverDefaults }: ExactPart,
  { desired, merged, foreign }: Repair,
): Addition[] {
  if (foreign === undefined) return []
  const [holder, field] = [path.slice(0, -1), path.at(-1) as string]
  const [expected, outcome] = [at(desired, path), at(merged, path)]
  if (outcome === undefined || (expected === undefined && exact === 'if set')) return []
  const found = foreignMembers(
    { [field]: outcome },
    expected === undefined ? {} : { [field]: expected },
    holder.reduce(below, foreign),
    serverDefaults,
  )
  return isObject(found) ? [{ path, value: found[field] }] : []
}

/**
 * The foreign members of a merged value that are not desired, at any depth, with their parents.
 * Undefined if there are none.
 */
function foreignMembers(
  merged: unknown,
  desired: unknown,
  foreign: FieldsV1 | undefined,
  serverDefaults: Record<string, unknown> = {},
): unknown {
  if (foreign === undefined) return undefined
  if (isObject(merged) && isObject(desired)) {
    const found = Object.entries(merged).flatMap(([field, value]): Array<[string, unknown]> => {
      const theirs = below(foreign, field)
      const member = Object.hasOwn(desired, field)
        ? foreignMembers(value, desired[field], theirs, serverDefaults)
        : theirs === undefined || Object.is(serverDefaults[field], value)
          ? undefined
          : value
      return member === undefined ? [] : [[field, member]]
    })
    return found.length > 0 ? Object.fromEntries(found) : undefined
  }
  if (!Array.isArray(merged) || !Array.isArray(desired)) return undefined
  const key = commonMergeKey([...merged, ...desired])
  if (key === undefined) return undefined // the merge replaces the list as a whole
  const ownedOf = itemsOf(foreign)
  const desiredByKey = new Map(desired.map((item) => [item[key], item]))
  // Items with the same key are one object after the merge, so that each is compared once.
  const found = [...new Set(merged)].flatMap((item) => {
    const theirs = ownedOf(item)?.fields
    if (!desiredByKey.has(item[key])) return theirs === undefined ? [] : [item]
    const members = foreignMembers(item, desiredByKey.get(item[key]), theirs, serverDefaults)
    return isObject(members) ? [{ [key]: item[key], ...members }] : []
  })
  return found.length > 0 ? found : undefined
}

/**
 * The answer that adopts foreign additions to exact parts. It does not change the rest of the
 * child, because the API server might refuse an intermediate state. Fields with the restore
 * `by omission` are omitted. Otherwise the merge would treat two ports of one number (TCP and UDP)
 * as one item.
 */
function adoptAdditions(
  additions: Addition[],
  values: ExactValue[],
  { desired, observed, applied }: Repair,
): KubernetesObject {
  const { annotations: _annotations, ...metadata } = desired.metadata
  // An annotation can describe the spec, such as its digest. So both keep their observed values.
  const annotations = observedPart(
    [applied?.metadata.annotations, desired.metadata.annotations],
    observed.metadata.annotations,
  ) as Record<string, string> | undefined
  const answer = structuredClone({
    ...desired,
    metadata: Object.keys(annotations ?? {}).length === 0 ? metadata : { ...metadata, annotations },
    spec: observedPart([applied?.spec, desired.spec], observed.spec),
  } as KubernetesObject)
  for (const { path, value } of additions) {
    const known = [at(applied, path), at(desired, path), value]
    set(answer, path, structuredClone(observedPart(known, at(observed, path))))
  }
  for (const { path, restore } of values) {
    if (restore === 'by omission') set(answer, path, undefined)
  }
  return answer
}

/** Pauses a Deployment, unless somebody else has paused it and so owns the field. */
function pauseRollout({ spec }: KubernetesObject, { observed, applied }: Repair): void {
  const paused: ObjectPath = ['spec', 'paused']
  const isPausedByOthers = at(observed, paused) === true && at(applied, paused) === undefined
  if (isObject(spec) && isObject(spec.template) && !isPausedByOthers) spec.paused = true
}

const names = (list: unknown) => (Array.isArray(list) ? list.map(nameOf) : [])

/** The API server drops an empty list. */
const undefinedIfEmpty = (value: unknown) =>
  Array.isArray(value) && value.length === 0 ? undefined : value
