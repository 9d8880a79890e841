import { isDeepStrictEqual } from 'node:util'
import { isObject, merge, observedOf } from './merge.ts'
import { ownedPart } from './owned-fields.ts'
import type { FieldsOwner, KubernetesObject, ObservedObject } from './protocol.ts'

/** Where Metacontroller's default strategy keeps its copy of what it applied last. */
export const lastAppliedAnnotation = 'metacontroller.k8s.io/last-applied-configuration'

/** Where a child keeps its copy once it is parsed: several rules ask for it in a call. (A WeakMap would keep what is short-lived until a full garbage collection.) */
const parsed = Symbol('last applied')
interface Parsed {
  [parsed]?: { text: string; applied: KubernetesObject | undefined }
}

/**
 * What Metacontroller applied last to a child; must not be changed. Undefined if there is no record
 * (server-side apply, or a child just adopted) or if it is the record of another child (a manifest
 * copied under a new name).
 *
 * Everybody who may edit the child can write the annotation. So the record decides the content, the
 * labels and the annotations of an answer, and nothing else: the identity is that of the child.
 */
export function lastApplied(child: ObservedObject & Parsed): KubernetesObject | undefined {
  const text = child.metadata.annotations?.[lastAppliedAnnotation]
  if (text === undefined) return undefined
  const known = child[parsed]
  if (known?.text === text) return known.applied
  const applied = parse(text, child)
  Object.defineProperty(child, parsed, { value: { text, applied }, writable: true }) // hidden from those who compare
  return applied
}

function parse(text: string, child: ObservedObject): KubernetesObject | undefined {
  let record: unknown
  try {
    record = JSON.parse(text)
  } catch {
    return undefined // edited by hand; Metacontroller reports that itself
  }
  if (!isObject(record) || !isObject(record.metadata)) return undefined
  if (record.kind !== child.kind || record.metadata.name !== child.metadata.name) return undefined
  const { apiVersion: _apiVersion, kind: _kind, status: _status, metadata, ...content } = record
  return { ...content, ...identityOf(child, metadata as Labelled) }
}

interface Labelled {
  labels?: unknown
  annotations?: unknown
}

/** The identity of the child, with the labels and annotations of a record where they are texts. */
function identityOf(
  { apiVersion, kind, metadata: { name, namespace } }: ObservedObject,
  { labels, annotations }: Labelled,
): KubernetesObject {
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace,
      ...(isTexts(labels) && { labels }),
      ...(isTexts(annotations) && { annotations }),
    },
  }
}

const isTexts = (value: unknown): value is Record<string, string> =>
  isObject(value) && Object.values(value).every((text) => typeof text === 'string')

/** Whether Metacontroller applies this child with server-side apply: somebody's apply set its owner. */
export const isServerSideApplied = (child: ObservedObject) =>
  (child.metadata.managedFields ?? []).some(isServerSideApply)

const isServerSideApply = ({ operation, fieldsV1 }: FieldsOwner) =>
  operation === 'Apply' && ownedAt(fieldsV1, ['f:metadata', 'f:ownerReferences']) !== undefined

/**
 * An answer that leaves a child as it is: what was applied last; under server-side apply what is still Metacontroller's
 * of it, since what an answer leaves out is removed, and what it has is taken from others; or without a record of either
 * the child itself less what the server keeps in it.
 */
export function asItIs(child: ObservedObject): KubernetesObject {
  const applied = lastApplied(child)
  if (applied !== undefined) return applied
  const fields = child.metadata.managedFields?.find(isServerSideApply)?.fieldsV1
  const { metadata, spec } = (
    fields === undefined ? withoutAnnotations(child) : ownedPart(child, fields)
  ) as { metadata?: Labelled; spec?: unknown }
  return { ...identityOf(child, metadata ?? {}), ...(spec !== undefined && { spec }) }
}

const withoutAnnotations = ({ metadata: { labels }, spec }: ObservedObject) => ({
  metadata: { labels },
  spec,
})

/**
 * An answer that leaves a child alone altogether: what was applied last, where that changes nothing; or else, of its fields,
 * what is there now, drift and all.
 */
export function leftAlone(child: ObservedObject): KubernetesObject {
  const applied = lastApplied(child)
  if (applied === undefined) return asItIs(child)
  return isDeepStrictEqual(merge(child, applied, applied), child)
    ? applied
    : (observedOf([applied], child) as KubernetesObject)
}

const ownedAt = (fields: unknown, path: string[]): unknown =>
  path.reduce<unknown>((at, step) => (isObject(at) ? at[step] : undefined), fields)
