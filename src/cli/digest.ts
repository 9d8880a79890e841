import type { KubernetesObject } from '../metacontroller/protocol.ts'
import { configDigestAnnotation } from '../myapp/children/pod-template.ts'
import type { Children } from './settle.ts'

/**
 * Printed in place of a digest of config that can't be told: it is salted with the uid of the MyApp, which only the
 * cluster gives. With a salt that everybody knows it would tell which secrets are equal, and whether a guess at one is right.
 */
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

/** The same children with another digest of config. */
export const withDigests = (children: Children, digest: string): Children =>
  mapped(children, (objects) => mapped(objects, (object) => withDigest(object, digest)))

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
