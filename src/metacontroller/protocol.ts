import Type, { type TSchema } from 'typebox'

/**
 * The hook protocol of Metacontroller's composite controllers, version v2: requests and answers.
 * The schemas check only what the hook relies on. Kubernetes adds fields, which are accepted.
 */

/** The hooks that Metacontroller calls. */
export type HookName = 'sync' | 'finalize' | 'customize' | 'inspect' | 'inspect-customize'

/** Any JSON object of Kubernetes, such as a desired child. */
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

/** An object with any keys. TypeBox' default pattern `^.*$` skips keys with a line break. */
export const Dictionary = <Item extends TSchema>(item: Item) =>
  Type.Record(Type.String({ pattern: '^[\\s\\S]*$' }), item)

export const Strings = Dictionary(Type.String())

/** A name, namespace or uid. Kubernetes' longest names have 253 characters. */
export const Identifier = Type.String({ minLength: 1, maxLength: 253 })

/** The annotation in which Metacontroller's dynamic apply records the last apply. */
export const lastAppliedAnnotation = 'metacontroller.k8s.io/last-applied-configuration'

const FieldsOwner = Type.Object({
  manager: Type.Optional(Type.String()),
  operation: Type.Optional(Type.String()),
  subresource: Type.Optional(Type.String()),
  time: Type.Optional(Type.String()),
  fieldsV1: Type.Optional(Type.Object({})),
})

/** The metadata of a stored object. */
export const ObservedMetadata = Type.Object({
  name: Identifier,
  namespace: Identifier,
  uid: Identifier,
  resourceVersion: Type.Optional(Identifier),
  generation: Type.Optional(Type.Integer({ minimum: 0 })),
  creationTimestamp: Type.Optional(Type.String()),
  deletionTimestamp: Type.Optional(Type.String()),
  deletionGracePeriodSeconds: Type.Optional(Type.Integer()),
  finalizers: Type.Optional(Type.Array(Type.String())),
  labels: Type.Optional(Strings),
  annotations: Type.Optional(Strings),
  ownerReferences: Type.Optional(
    Type.Array(Type.Object({ uid: Identifier, controller: Type.Optional(Type.Boolean()) })),
  ),
  managedFields: Type.Optional(Type.Array(FieldsOwner)),
})

/** A stored object with a spec and status of the given types. */
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

/** Objects by `namespace/name`: a group of children or related objects. */
export const ObjectMap = <Item extends TSchema>(item: Item) => Dictionary(item)

export type ObservedMetadata = Type.Static<typeof ObservedMetadata>
export type FieldsOwner = Type.Static<typeof FieldsOwner>
/** A stored object of any kind. */
export interface ObservedObject {
  apiVersion: string
  kind: string
  metadata: ObservedMetadata
  spec?: unknown
  status?: unknown
}

/** The answer of a sync hook. Metacontroller deletes every child that `children` omits. */
export interface SyncResponse<Status> {
  status: Status
  children: KubernetesObject[]
  /** Seconds, above 0, after which Metacontroller syncs once more, even if an event comes first. */
  resyncAfterSeconds?: number
}

/** The answer of a finalize hook. `finalized: true` makes Metacontroller remove its finalizer. */
export interface FinalizeResponse<Status> extends SyncResponse<Status> {
  finalized: boolean
}

/** Other objects that a sync reads, by name or label. A change of one of them causes a sync. */
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
