import Type from 'typebox'
import { ObjectMap, Observed, ObservedMetadata } from '../metacontroller/protocol.ts'
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
  }),
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
