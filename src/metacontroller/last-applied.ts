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
 * What Metacontroller applied last to a child, not to be changed; undefined where it keeps no copy (server-side apply, a
 * child just adopted) or that of another child (a manifest copied under a new name).
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
  try {
    const applied: unknown = JSON.parse(text)
    const isThisChild =
      isObject(applied) &&
      applied.kind === child.kind &&
      isObject(applied.metadata) &&
      applied.metadata.name === child.metadata.name
    return isThisChild ? (applied as unknown as KubernetesObject) : undefined
  } catch {
    return undefined // edited by hand; Metacontroller reports that itself
  }
}

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
  const {
    apiVersion,
    kind,
    metadata: { name, namespace, labels },
    spec,
  } = child
  const fields = child.metadata.managedFields?.find(isServerSideApply)?.fieldsV1
  if (fields !== undefined) {
    const { metadata, spec } = ownedPart(child, fields) as {
      metadata: Pick<KubernetesObject['metadata'], 'labels' | 'annotations'>
      spec?: unknown
    }
    const { labels, annotations } = metadata
    return {
      apiVersion,
      kind,
      metadata: { name, namespace, ...(labels && { labels }), ...(annotations && { annotations }) },
      ...(spec !== undefined && { spec }),
    }
  }
  return {
    apiVersion,
    kind,
    metadata: { name, namespace, ...(labels && { labels }) },
    ...(spec !== undefined && { spec }),
  }
}

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
