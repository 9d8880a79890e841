import type { KubernetesObject } from '../metacontroller/protocol.ts'
import { configDigestAnnotation } from '../myapp/children/pod-template.ts'
import type { Children } from './settle.ts'

/**
 * The key by which digests of config are compared here. Only the hook has the real key, so a digest
 * with this key is never printed.
 */
export const comparisonKey = Buffer.from('compares digests, never printed')

/** Printed in place of a digest: only the hook, which has the key, can work it out. */
export const unknownDigest = '<known only in the cluster>'

/** The digest of config that the pods of an object have, if it has any. */
export const digestOf = (object: KubernetesObject | undefined): string | undefined =>
  annotationsOf(object)?.[configDigestAnnotation]

/** The same object with another digest of config, where it has one. */
export function withDigest<Item extends KubernetesObject>(object: Item, digest: string): Item {
  if (digestOf(object) === undefined) return object
  const copy = structuredClone(object)
  Object.assign(annotationsOf(copy) ?? {}, { [configDigestAnnotation]: digest })
  return copy
}

/** The same children with a digest of config replaced by another. */
export const replaceDigest = (children: Children, digest: string, by: string): Children =>
  mapped(children, (objects) =>
    mapped(objects, (object) => (digestOf(object) === digest ? withDigest(object, by) : object)),
  )

const annotationsOf = (object: KubernetesObject | undefined) =>
  (
    object?.spec as
      { template?: { metadata?: { annotations?: Record<string, string> } } } | undefined
  )?.template?.metadata?.annotations

const mapped = <Value>(
  all: Record<string, Value>,
  change: (value: Value) => Value,
): Record<string, Value> =>
  Object.fromEntries(Object.entries(all).map(([key, value]) => [key, change(value)]))
