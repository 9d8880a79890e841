import { isDeepStrictEqual } from 'node:util'
import { isObject, type JsonObject } from './json.ts'
import { ownedPart, owns } from './managed-fields.ts'
import { merge, observedPart } from './merge.ts'
import {
  type FieldsOwner,
  type KubernetesObject,
  lastAppliedAnnotation,
  type ObservedObject,
} from './protocol.ts'

/** Annotations with this prefix belong to Metacontroller. An answer never contains them. */
const metacontrollerPrefix = 'metacontroller.k8s.io/'

/**
 * Caches the parsed record on the child itself, since several rules read it in one request. A
 * WeakMap would keep short-lived objects alive until a full garbage collection.
 */
const parsed = Symbol('last applied')
interface Parsed {
  [parsed]?: { text: string; applied: KubernetesObject | undefined }
}

/**
 * Returns the child that Metacontroller last applied; do not change it. Returns undefined if there
 * is no usable record: under server-side apply, for a child that was just adopted, and for a record
 * that is malformed or belongs to another child (a manifest copied under a new name).
 *
 * Anyone who may edit the child can write the record. So only labels, annotations and spec come
 * from the record. All other fields, including the identity, come from the observed child.
 */
export function lastApplied(child: ObservedObject & Parsed): KubernetesObject | undefined {
  const text = child.metadata.annotations?.[lastAppliedAnnotation]
  if (text === undefined) return undefined
  const known = child[parsed]
  if (known?.text === text) return known.applied
  const applied = parse(text, child)
  // Not enumerable, so that comparing or cloning the child ignores it.
  Object.defineProperty(child, parsed, { value: { text, applied }, writable: true })
  return applied
}

function parse(text: string, child: ObservedObject): KubernetesObject | undefined {
  try {
    const record: unknown = JSON.parse(text)
    const isOfChild =
      isObject(record) &&
      record.kind === child.kind &&
      isObject(record.metadata) &&
      record.metadata.name === child.metadata.name &&
      isObject(record.spec) === isObject(child.spec) &&
      (isObject(record.spec) || record.spec === undefined)
    return isOfChild ? toAnswer(child, record, child) : undefined
  } catch {
    return undefined // Somebody edited the record. Metacontroller reports that.
  }
}

/**
 * Builds an answer for a child. Identity comes from the child; labels, annotations and spec come
 * from `source`. The other fields of `source`, such as `data` of a ConfigMap, get their observed
 * values, which `others` contains.
 */
function toAnswer(child: ObservedObject, source: JsonObject, others: object): KubernetesObject {
  const { apiVersion, kind } = child
  const { name, namespace } = child.metadata
  const metadata = isObject(source.metadata) ? source.metadata : {}
  const labels = strings(metadata.labels)
  const annotations = strings(metadata.annotations)
  const rest = Object.entries(others).filter(
    ([field]) => !ownFields.has(field) && Object.hasOwn(source, field),
  )
  return {
    ...Object.fromEntries(rest),
    apiVersion,
    kind,
    metadata: {
      name,
      namespace,
      ...(labels && { labels }),
      ...(annotations && { annotations }),
    },
    ...(source.spec !== undefined && { spec: source.spec }),
  }
}

/** Fields that `toAnswer` sets itself, and the status, which an answer never contains. */
const ownFields = new Set(['apiVersion', 'kind', 'metadata', 'spec', 'status', '__proto__'])

/** The strings of a map of labels or annotations; undefined if it is not a map. */
function strings(map: unknown): Record<string, string> | undefined {
  if (!isObject(map)) return undefined
  const entries = Object.entries(map).filter(
    (entry): entry is [string, string] =>
      typeof entry[1] === 'string' &&
      entry[0] !== '__proto__' &&
      !entry[0].startsWith(metacontrollerPrefix),
  )
  return Object.fromEntries(entries)
}

/**
 * Whether Metacontroller applies this child with server-side apply: an operation Apply set its
 * ownerReferences.
 */
export const isServerSideApplied = (child: ObservedObject) =>
  (child.metadata.managedFields ?? []).some(isServerSideApply)

const isServerSideApply = (owner: FieldsOwner) =>
  owner.operation === 'Apply' && owns(owner, 'f:metadata', 'f:ownerReferences')

/**
 * Returns the answer that keeps a child as last applied. Under server-side apply the answer
 * contains the fields that Metacontroller still owns: the API server removes owned fields that an
 * apply omits, and Metacontroller becomes an owner of all fields that an apply contains. Without
 * any record the answer has the observed labels and spec.
 */
export function asApplied(child: ObservedObject): KubernetesObject {
  const applied = lastApplied(child)
  if (applied !== undefined) return applied
  const fields = child.metadata.managedFields?.find(isServerSideApply)?.fieldsV1
  if (fields !== undefined) {
    const owned = ownedPart(child, fields) as JsonObject
    return toAnswer(child, owned, owned)
  }
  const { metadata, spec } = child
  return toAnswer(child, { metadata: { labels: metadata.labels }, spec }, {})
}

/**
 * Returns the answer that changes nothing: the last applied child, or the observed values of its
 * fields if applying it again would change the child.
 */
export function asObserved(child: ObservedObject): KubernetesObject {
  const applied = lastApplied(child)
  if (applied === undefined) return asApplied(child)
  return isDeepStrictEqual(merge(child, applied, applied), child)
    ? applied
    : (observedPart([applied], child) as KubernetesObject)
}
