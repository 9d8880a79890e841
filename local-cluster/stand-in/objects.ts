/** A JSON object whose fields are not known beforehand. */
export type Fields = Record<string, unknown>

/** An owner of an object, as `metadata.ownerReferences` lists it. */
export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

/** The part of `metadata` that the stand-in reads. */
export interface ObjectMeta extends Fields {
  name: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
  finalizers?: string[]
  ownerReferences?: OwnerReference[]
  deletionTimestamp?: string
}

/** Any Kubernetes object. */
export interface KubeObject extends Fields {
  apiVersion: string
  kind: string
  metadata: ObjectMeta
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
    [apiGroup(apiVersion), apiVersion, kind].join('\0')
  return Object.values(groups)
    .map((group) => Object.values(group))
    .filter(([first]) => first !== undefined)
    .sort(([a], [b]) => (sortKey(a as KubeObject) < sortKey(b as KubeObject) ? -1 : 1))
    .flat()
}

/** `namespace/name`, or the name of an object without a namespace. */
export const objectKey = ({ metadata: { namespace, name } }: KubeObject): string =>
  namespace ? `${namespace}/${name}` : name

/** `Kind namespace/name`, for messages. */
export const describe = (object: KubeObject): string => `${object.kind} ${objectKey(object)}`

/** The owner that controls the object, if it has one. */
export const controllerOf = (object: KubeObject): OwnerReference | undefined =>
  object.metadata.ownerReferences?.find((owner) => owner.controller === true)

/** The owner reference from a child to its parent. */
export const controllerReference = (parent: KubeObject): OwnerReference => ({
  apiVersion: parent.apiVersion,
  kind: parent.kind,
  name: parent.metadata.name,
  uid: parent.metadata.uid ?? '',
  controller: true,
  blockOwnerDeletion: true,
})

/** A copy of an object with other fields in `metadata`. */
export const withMetadata = (object: KubeObject, fields: Partial<ObjectMeta>): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, ...fields },
})

/** The API group of an `apiVersion`. The core group is empty. */
export const apiGroup = (apiVersion: string): string =>
  apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''

/** True for a JSON object: not null, not a list, not a scalar. */
export function isFields(value: unknown): value is Fields {
  return (
    typeof value === 'object' &&
    value !== null &&
    (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null)
  )
}

/** Writes one line of the log, with the time. */
export const log = (message: string): void => console.log(`${new Date().toISOString()} ${message}`)
