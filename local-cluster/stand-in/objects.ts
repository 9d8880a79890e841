import type { V1ObjectMeta, V1OwnerReference } from '@kubernetes/client-node'

/** A JSON object whose fields are not known beforehand. */
export type Fields = Record<string, unknown>

/** Any Kubernetes object. */
export interface KubeObject extends Fields {
  apiVersion: string
  kind: string
  metadata: V1ObjectMeta & Fields & { name: string }
}

/** Objects by `Kind.apiVersion` and key, as requests to the hooks contain them. */
export type GroupedObjects = Record<string, Record<string, KubeObject>>

/** The group of a kind in `GroupedObjects`. */
export const groupName = ({ apiVersion, kind }: { apiVersion: string; kind: string }): string =>
  `${kind}.${apiVersion}`

/** Adds an object to its group. It replaces an object with the same name. */
export function insert(groups: GroupedObjects, object: KubeObject): void {
  ;(groups[groupName(object)] ??= {})[objectKey(object)] = object
}

/** All objects in the order of Metacontroller: by API group, version and kind. */
export function inOrder(groups: GroupedObjects): KubeObject[] {
  const sortKey = ({ apiVersion, kind }: KubeObject) =>
    `${apiVersion.includes('/') ? '' : '/'}${apiVersion}/${kind}`
  return Object.values(groups)
    .flatMap((group) => Object.values(group))
    .sort((a, b) => sortKey(a).localeCompare(sortKey(b)))
}

/** `namespace/name`, or the name of an object without a namespace. */
export const objectKey = ({ metadata: { namespace, name } }: KubeObject): string =>
  namespace ? `${namespace}/${name}` : name

/** `Kind namespace/name`, for messages. */
export const describe = (object: KubeObject): string => `${object.kind} ${objectKey(object)}`

/** Whether the object is being deleted. */
export const isTerminating = ({ metadata }: KubeObject): boolean =>
  metadata.deletionTimestamp !== undefined

/** The owner that controls the object, if it has one. */
export const controllerOf = (object: KubeObject): V1OwnerReference | undefined =>
  object.metadata.ownerReferences?.find((owner) => owner.controller === true)

/** A copy of an object with other fields in `metadata`. */
export const withMetadata = (object: KubeObject, fields: V1ObjectMeta): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, ...fields },
})

/** True for a JSON object: not null, not a list, not a scalar. */
export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
