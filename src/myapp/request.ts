import Type from 'typebox'
import { ObjectMap, Observed, ObservedMetadata, type ObservedObject } from '../metacontroller/protocol.ts'
import { apiVersion, kind } from './schema.ts'

/** What the hooks rely on in the requests that they are sent. A request that differs is refused, never guessed at. */

const count = Type.Optional(Type.Integer())

/** A Deployment as observed, as far as the hooks read it. */
export const ObservedDeployment = Observed(
  Type.Object({
    replicas: count,
    paused: Type.Optional(Type.Boolean()),
    selector: Type.Optional(Type.Object({ matchLabels: Type.Optional(Type.Record(Type.String(), Type.String())) })),
    template: Type.Object({
      spec: Type.Object({ containers: Type.Array(Type.Object({ name: Type.String() })) }),
    }),
  }),
  Type.Object({
    observedGeneration: count,
    replicas: count,
    readyReplicas: count,
    updatedReplicas: count,
    availableReplicas: count,
    conditions: Type.Optional(Type.Array(Type.Object({
      type: Type.String(),
      status: Type.String(),
      reason: Type.Optional(Type.String()),
      message: Type.Optional(Type.String()),
      lastTransitionTime: Type.Optional(Type.String()),
      lastUpdateTime: Type.Optional(Type.String()),
    }))),
  })
)

/** A Service as observed, as far as the hooks read it. */
export const ObservedService = Observed(
  Type.Object({
    selector: Type.Optional(Type.Record(Type.String(), Type.String())),
    ports: Type.Optional(Type.Array(Type.Object({ port: Type.Integer(), name: Type.Optional(Type.String()) }))),
  }),
  Type.Object({})
)

const Related = Type.Object({ metadata: ObservedMetadata })

/** The MyApp itself. Its spec can be anything here: validation.ts judges it, and a bad one is an answer, not an error. */
export const Parent = Type.Object({
  apiVersion: Type.Literal(apiVersion),
  kind: Type.Literal(kind),
  metadata: ObservedMetadata,
  spec: Type.Optional(Type.Unknown()),
  status: Type.Optional(Type.Object({
    conditions: Type.Optional(Type.Array(Type.Object({ type: Type.String(), status: Type.String(), lastTransitionTime: Type.String() }))),
  })),
})

/** What /sync and /finalize are sent. Every group must be there: one that is missing would pass for children that are gone. */
export const HookRequest = Type.Object({
  parent: Parent,
  children: Type.Object({
    'Deployment.apps/v1': ObjectMap(ObservedDeployment),
    'Service.v1': ObjectMap(ObservedService),
  }, { additionalProperties: ObjectMap(Observed(Type.Unknown(), Type.Unknown())) }),
  related: Type.Object({
    'Deployment.apps/v1': Type.Optional(ObjectMap(Related)),
    'Service.v1': Type.Optional(ObjectMap(Related)),
  }),
  finalizing: Type.Boolean(),
})

/** What /customize is sent. */
export const CustomizeRequest = Type.Object({ parent: Parent })

export type ObservedDeployment = Type.Static<typeof ObservedDeployment>
export type ObservedService = Type.Static<typeof ObservedService>
export type Parent = Type.Static<typeof Parent>
export type HookRequest = Type.Static<typeof HookRequest>
export type CustomizeRequest = Type.Static<typeof CustomizeRequest>

/** A child as Metacontroller sent it: its group, its key in the group, and the object. */
export interface SentChild { group: string, key: string, child: ObservedObject }

/** All children of a request, those of kinds that this version does not know too. */
export const sentChildren = ({ children }: HookRequest): SentChild[] =>
  Object.entries<Record<string, ObservedObject>>(children).flatMap(([group, objects]) => Object.entries(objects).map(([key, child]) => ({ group, key, child })))

/** `namespace/name`, the key of an object in its group. */
export const keyOf = ({ namespace, name }: { namespace: string, name: string }) => `${namespace}/${name}`

/**
 * What a schema can't say of a request: that its children belong to the MyApp's own namespace and stand under their own
 * kinds and names. The sentence for what does not fit; undefined where all does.
 */
export function inconsistency (request: HookRequest): string | undefined {
  for (const { group, key, child: { apiVersion, kind, metadata } } of sentChildren(request)) {
    if (group !== `${kind}.${apiVersion}`) return `children ${group} ${key} is of another kind`
    if (metadata.namespace !== request.parent.metadata.namespace) return `children ${group} ${key} is not in the namespace of the MyApp`
    if (key !== keyOf(metadata)) return `children ${group} ${key} is not the key of ${keyOf(metadata)}`
  }
  return undefined
}
