import { isDeepStrictEqual } from 'node:util'
import { isObject, type JsonObject } from './json.ts'
import {
  type FieldsOwner,
  type KubernetesObject,
  lastAppliedAnnotation,
  type ObservedObject,
} from './protocol.ts'

/**
 * The owners of the fields of a child, read from its managedFields. Anyone who may edit the child
 * can write managedFields. So all work here is linear in their size, and a malformed entry owns
 * nothing.
 *
 * A step of the format FieldsV1 is `f:` with the name of a field, `k:` with the keys of a list
 * item, `v:` with a scalar list item, or `.` for the parent itself. An empty node stands for a
 * field with everything in it.
 */
export type FieldsV1 = JsonObject

/**
 * The fields that managers other than Metacontroller own; undefined if there are none. Without
 * managedFields, or without a record of the last apply, every field counts as foreign.
 *
 * An admission webhook has no manager of its own. If Metacontroller applied `desired` after the
 * last write of a manager, and a value of the manager still exists, a webhook has added the value
 * again. Such a value counts as unowned, because otherwise each sync would remove the value.
 */
export function ownedByOthers(
  child: ObservedObject,
  applied: KubernetesObject | undefined,
  desired: KubernetesObject,
): FieldsV1 | undefined {
  const owners = (child.metadata.managedFields ?? []).filter(
    ({ subresource }) => subresource === undefined,
  )
  if (owners.length === 0 || applied === undefined) return {}
  const metacontroller = owners.find(setsOwner) ?? owners.find(keepsRecord)
  const others = owners.filter((owner) => owner !== metacontroller && owns(owner, 'f:spec'))
  const appliedAt = isDeepStrictEqual(applied.spec, desired.spec) ? metacontroller?.time : undefined
  const newer = others.filter(
    ({ time }) => appliedAt === undefined || time === undefined || time >= appliedAt,
  )
  return newer.length === 0
    ? undefined
    : union(newer.map(({ fieldsV1 = {} }) => fieldsV1 as FieldsV1))
}

/**
 * The fields of a child that Metacontroller owns, under either apply strategy, and the fields that
 * others own. Undefined if there are none.
 */
export function fieldsByOwner(
  child: ObservedObject,
): Record<'ours' | 'theirs', FieldsV1 | undefined> {
  const isOurs = (owner: FieldsOwner) =>
    owns(owner, 'f:metadata', 'f:ownerReferences') || keepsRecord(owner)
  const all = child.metadata.managedFields ?? []
  const fieldsOf = (owners: FieldsOwner[]) =>
    owners.length === 0 ? undefined : union(owners.map(({ fieldsV1 = {} }) => fieldsV1 as FieldsV1))
  return {
    ours: fieldsOf(all.filter(isOurs)),
    theirs: fieldsOf(all.filter((owner) => !isOurs(owner))),
  }
}

const setsOwner = (owner: FieldsOwner) =>
  owner.operation === 'Update' && owns(owner, 'f:metadata', 'f:ownerReferences')

const keepsRecord = (owner: FieldsOwner) =>
  owns(owner, 'f:metadata', 'f:annotations', `f:${lastAppliedAnnotation}`)

/** Whether the manager of an entry owns the field at a path of FieldsV1 steps. */
export const owns = ({ fieldsV1 }: FieldsOwner, ...path: string[]): boolean =>
  path.reduce<unknown>((node, step) => (isObject(node) ? node[step] : undefined), fieldsV1) !==
  undefined

/** The union of the fields of several managers. */
function union(nodes: FieldsV1[]): FieldsV1 {
  const [first = {}, ...rest] = nodes
  if (rest.length === 0) return first
  if (nodes.some(isLeaf)) return {}
  const nodesByStep = new Map<string, FieldsV1[]>()
  for (const [step, node] of nodes.flatMap(Object.entries<unknown>)) {
    if (!isObject(node)) continue
    const known = nodesByStep.get(step)
    if (known === undefined) nodesByStep.set(step, [node])
    else known.push(node)
  }
  return Object.fromEntries([...nodesByStep].map(([step, nodes]) => [step, union(nodes)]))
}

/**
 * Facts about a node, kept on the node. A repair looks at a node once for each exact field, and a
 * tenant can write a node with thousands of steps.
 */
interface Facts {
  isLeaf: boolean
  find?: (item: unknown) => OwnedItem | undefined
}
const facts = Symbol('facts')

function factsOf(node: FieldsV1 & { [facts]?: Facts }): Facts {
  const known = node[facts]
  if (known !== undefined) return known
  const found: Facts = { isLeaf: Object.keys(node).length === 0 }
  // Not enumerable, so that comparing or copying the node ignores it.
  Object.defineProperty(node, facts, { value: found })
  return found
}

const isLeaf = (node: FieldsV1) => factsOf(node).isLeaf

/** The part of the fields below a field, or below the list item with a name. */
export function below(
  fields: FieldsV1 | undefined,
  step: string | { name: string },
): FieldsV1 | undefined {
  if (fields === undefined || isLeaf(fields)) return fields
  if (typeof step !== 'string') return itemsOf(fields)(step)?.fields
  const inner = Object.hasOwn(fields, `f:${step}`) ? fields[`f:${step}`] : undefined
  return isObject(inner) ? inner : undefined
}

/**
 * The part of a list item that a manager owns, and the names of the keys that identify the item.
 */
interface OwnedItem {
  fields: FieldsV1
  keys: string[]
}

/** A list of a child has one set of at most three keys. With larger numbers, a node is forged. */
const maxKeySets = 4
const maxKeys = 4
/**
 * A longer step is ignored. A forged step of 1 MB can need 20 MB when it is parsed. The longest key
 * that a MyApp can set is a mountPath of 1024 characters.
 */
const maxStepLength = 8192

/** Returns the function that finds the owned part of an item in a list node. */
export function itemsOf(node: FieldsV1): (item: unknown) => OwnedItem | undefined {
  const known = factsOf(node)
  return (known.find ??= readItems(node))
}

function readItems(node: FieldsV1): (item: unknown) => OwnedItem | undefined {
  if (isLeaf(node)) return () => ({ fields: node, keys: [] })
  const values = new Set<string>()
  const keySets = new Map<string, { keys: string[]; items: Map<string, OwnedItem> }>()
  for (const [step, fields] of Object.entries(node)) {
    if (step.length > maxStepLength) continue
    if (step.startsWith('v:')) values.add(step.slice(2))
    const item = step.startsWith('k:') ? parsed(step.slice(2)) : undefined
    if (!isObject(item) || !isObject(fields)) continue
    const keys = Object.keys(item)
    if (keys.length === 0 || keys.length > maxKeys) continue
    const id = JSON.stringify(keys)
    const keySet = keySets.get(id) ?? { keys, items: new Map<string, OwnedItem>() }
    if (keySets.size === maxKeySets && !keySets.has(id)) continue
    keySet.items.set(valuesOf(item, keys), { fields, keys })
    keySets.set(id, keySet)
  }
  return (item) => {
    if (values.size > 0 && values.has(JSON.stringify(item))) return { fields: {}, keys: [] }
    if (!isObject(item)) return undefined
    for (const { keys, items } of keySets.values()) {
      const found = items.get(valuesOf(item, keys))
      if (found !== undefined) return found
    }
    return undefined
  }
}

const valuesOf = (item: JsonObject, keys: string[]) =>
  JSON.stringify(keys.map((key) => (Object.hasOwn(item, key) ? item[key] : undefined)))

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The part of an object that a manager owns. A list item always keeps its `keys`. */
export function ownedPart(observed: unknown, fields: unknown, keys: string[] = []): unknown {
  if (!isObject(fields) || (isLeaf(fields) && keys.length === 0)) return observed
  if (Array.isArray(observed)) {
    const find = itemsOf(fields)
    return observed.flatMap((item) => {
      const owned = find(item)
      return owned === undefined ? [] : [ownedPart(item, owned.fields, owned.keys)]
    })
  }
  if (!isObject(observed)) return observed
  return Object.fromEntries(
    Object.entries(observed).flatMap(([field, value]) => {
      if (Object.hasOwn(fields, `f:${field}`)) {
        return [[field, ownedPart(value, fields[`f:${field}`])]]
      }
      return keys.includes(field) ? [[field, value]] : []
    }),
  )
}
