import Type, { type TSchema } from 'typebox'

/**
 * The hook protocol of Metacontroller's composite controllers, version v2: what arrives and what is answered.
 * A schema here asks only for what the hook relies on; Kubernetes adds fields, and they pass.
 */

/** Any JSON object of Kubernetes: desired children are built as these. */
export interface KubernetesObject {
  apiVersion: string
  kind: string
  metadata: {
    name: string
    namespace?: string
    labels?: Record<string, string>
    annotations?: Record<string, string>
  }
  spec?: unknown
}

const Strings = Type.Record(Type.String(), Type.String())

const FieldsOwner = Type.Object({
  manager: Type.Optional(Type.String()),
  operation: Type.Optional(Type.String()),
  subresource: Type.Optional(Type.String()),
  time: Type.Optional(Type.String()),
  fieldsV1: Type.Optional(Type.Object({})),
})

/** The metadata of an object that the API server holds. */
export const ObservedMetadata = Type.Object({
  name: Type.String({ minLength: 1 }),
  namespace: Type.String({ minLength: 1 }),
  uid: Type.String({ minLength: 1 }),
  generation: Type.Optional(Type.Integer({ minimum: 0 })),
  creationTimestamp: Type.Optional(Type.String()),
  deletionTimestamp: Type.Optional(Type.String()),
  labels: Type.Optional(Strings),
  annotations: Type.Optional(Strings),
  ownerReferences: Type.Optional(
    Type.Array(Type.Object({ uid: Type.String(), controller: Type.Optional(Type.Boolean()) })),
  ),
  managedFields: Type.Optional(Type.Array(FieldsOwner)),
})

/** An object that the API server holds, with a spec and status of the given kinds. */
export const Observed = <Spec extends TSchema, Status extends TSchema>(
  spec: Spec,
  status: Status,
) =>
  Type.Object({
    apiVersion: Type.String(),
    kind: Type.String(),
    metadata: ObservedMetadata,
    spec,
    status: Type.Optional(status),
  })

/** Objects by `namespace/name`, as a group of children or related objects holds them. */
export const ObjectMap = <Item extends TSchema>(item: Item) => Type.Record(Type.String(), item)

export type ObservedMetadata = Type.Static<typeof ObservedMetadata>
export type FieldsOwner = Type.Static<typeof FieldsOwner>
/** An object that the API server holds, whatever its kind. */
export interface ObservedObject {
  apiVersion: string
  kind: string
  metadata: ObservedMetadata
  spec?: unknown
  status?: unknown
}

/** The answer of a sync hook. `children` is the whole of what shall exist: what it leaves out is deleted. */
export interface SyncResponse<Status> {
  status: Status
  children: KubernetesObject[]
}

/** The answer of a finalize hook. `finalized: true` lets the parent go, so it may only follow the last child. */
export interface FinalizeResponse<Status> extends SyncResponse<Status> {
  finalized: boolean
}

/** Which other objects a sync needs to see, by name or by label; a change of any of them calls it again. */
export interface RelatedRule {
  apiVersion: string
  resource: string
  namespace: string
  names?: string[]
  labelSelector?: { matchLabels: Record<string, string> }
}

/** The answer of a customize hook. */
export interface CustomizeResponse {
  relatedResources: RelatedRule[]
}
