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

/** `namespace/name`, or the name alone where there is no namespace. */
export function objectKey(object: KubeObject): string {
  const { namespace, name } = object.metadata
  return namespace ? `${namespace}/${name}` : name
}

/** `Kind namespace/name`, for messages. */
export function describe(object: KubeObject): string {
  return `${object.kind} ${objectKey(object)}`
}

/** The owner that controls the object, if it has one. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true)
}

/** The owner reference by which the parent controls its children. */
export function controllerReference(parent: KubeObject): OwnerReference {
  return {
    apiVersion: parent.apiVersion,
    kind: parent.kind,
    name: parent.metadata.name,
    uid: parent.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  }
}

/** The API group of an `apiVersion`; empty for the core group. */
export function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
}

/** True for a JSON object: not null, not a list, not a scalar. */
export function isFields(value: unknown): value is Fields {
  return (
    typeof value === 'object' &&
    value !== null &&
    (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null)
  )
}
