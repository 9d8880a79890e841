import Type from 'typebox'
import {
  ObjectMap,
  Observed,
  ObservedMetadata,
  type ObservedObject,
} from '../metacontroller/protocol.ts'
import { apiVersion, kind } from '../api/myapp.ts'

/** What the hooks rely on in the requests that they are sent. A request that differs is refused, never guessed at. */

const opt = Type.Optional
const count = opt(Type.Integer())
const text = opt(Type.String())

/** A time that its writer left out is null in what the API server sends. */
const time = opt(Type.Union([Type.String(), Type.Null()]))

const Conditions = opt(
  Type.Array(
    Type.Object({
      type: Type.String(),
      status: Type.String(),
      reason: text,
      message: text,
      observedGeneration: count,
      lastTransitionTime: time,
      lastUpdateTime: time,
    }),
  ),
)

/** A Deployment as observed, as far as the hooks read it. */
export const ObservedDeployment = Observed(
  Type.Object({
    replicas: count,
    paused: opt(Type.Boolean()),
    selector: opt(Type.Object({ matchLabels: opt(Type.Record(Type.String(), Type.String())) })),
    template: Type.Object({
      metadata: opt(Type.Object({ annotations: opt(Type.Record(Type.String(), Type.String())) })),
      spec: Type.Object({ containers: Type.Array(Type.Object({ name: Type.String() })) }),
    }),
  }),
  Type.Object({
    observedGeneration: count,
    replicas: count,
    readyReplicas: count,
    updatedReplicas: count,
    availableReplicas: count,
    conditions: Conditions,
  }),
)

/** A Service as observed, as far as the hooks read it. */
export const ObservedService = Observed(
  Type.Object({
    selector: opt(Type.Record(Type.String(), Type.String())),
    ports: opt(Type.Array(Type.Object({ port: Type.Integer(), name: text }))),
  }),
  Type.Object({}),
)

/** A HorizontalPodAutoscaler as observed, as far as the hooks read it. */
export const ObservedAutoscaler = Observed(
  Type.Unknown(),
  Type.Object({ desiredReplicas: count, currentReplicas: count, conditions: Conditions }),
)

const Address = Type.Object({ hostname: text, ip: text })
/** An Ingress as observed, as far as the hooks read it. */
export const ObservedIngress = Observed(
  Type.Object({
    rules: opt(
      Type.Array(
        Type.Object({
          host: text,
          http: opt(Type.Object({ paths: Type.Array(Type.Object({ path: text })) })),
        }),
      ),
    ),
    tls: opt(Type.Array(Type.Object({ hosts: opt(Type.Array(Type.String())) }))),
  }),
  Type.Object({ loadBalancer: opt(Type.Object({ ingress: opt(Type.Array(Address)) })) }),
)

const GatewayRef = Type.Object({ name: text, namespace: text, sectionName: text })
/** An HTTPRoute as observed, as far as the hooks read it. */
export const ObservedRoute = Observed(
  Type.Object({
    parentRefs: opt(Type.Array(GatewayRef)),
    hostnames: opt(Type.Array(Type.String())),
  }),
  Type.Object({
    parents: opt(Type.Array(Type.Object({ parentRef: opt(GatewayRef), conditions: Conditions }))),
  }),
)

const State = opt(
  Type.Object({
    waiting: opt(Type.Object({ reason: text, message: text })),
    running: opt(Type.Object({})),
    terminated: opt(Type.Object({ exitCode: count, reason: text, message: text })),
  }),
)
const ContainerStatuses = opt(
  Type.Array(
    Type.Object({
      name: Type.String(),
      ready: opt(Type.Boolean()),
      started: opt(Type.Boolean()),
      restartCount: count,
      state: State,
      lastState: State,
    }),
  ),
)
const port = Type.Union([Type.Integer(), Type.String()])
const Probe = opt(
  Type.Object({
    httpGet: opt(Type.Object({ path: text, port, scheme: text })),
    tcpSocket: opt(Type.Object({ port })),
    grpc: opt(Type.Object({ port })),
  }),
)
/** A pod as observed, as far as the hooks read it. */
export const ObservedPod = Type.Object({
  metadata: ObservedMetadata,
  spec: opt(
    Type.Object({
      containers: opt(
        Type.Array(
          Type.Object({
            name: Type.String(),
            startupProbe: Probe,
            readinessProbe: Probe,
            livenessProbe: Probe,
          }),
        ),
      ),
    }),
  ),
  status: opt(
    Type.Object({
      phase: text,
      reason: text,
      message: text,
      conditions: Conditions,
      containerStatuses: ContainerStatuses,
      initContainerStatuses: ContainerStatuses,
    }),
  ),
})

/** A ConfigMap or a Secret as observed. */
export const ObservedConfig = Type.Object({
  metadata: ObservedMetadata,
  data: opt(Type.Record(Type.String(), Type.String())),
  binaryData: opt(Type.Record(Type.String(), Type.String())),
})

/** The CompositeController, as far as the hooks read it: which kinds of children it declares. */
const Controller = opt(
  Type.Object({
    metadata: opt(Type.Object({ name: text })),
    spec: opt(
      Type.Object({
        childResources: opt(
          Type.Array(Type.Object({ apiVersion: Type.String(), resource: Type.String() })),
        ),
      }),
    ),
  }),
)

/** The MyApp itself. Its spec can be anything here: validation.ts judges it, and a bad one is an answer, not an error. */
export const Parent = Type.Object({
  apiVersion: Type.Literal(apiVersion),
  kind: Type.Literal(kind),
  metadata: ObservedMetadata,
  spec: opt(Type.Unknown()),
  status: opt(
    Type.Object({
      conditions: opt(
        Type.Array(
          Type.Object({
            type: Type.String(),
            status: Type.String(),
            lastTransitionTime: Type.String(),
          }),
        ),
      ),
    }),
  ),
})

const anyChild = ObjectMap(Observed(opt(Type.Unknown()), Type.Unknown()))

/** What /sync and /finalize are sent. The groups of Deployment and Service must be there: one that is missing would pass for children that are gone. */
export const HookRequest = Type.Object({
  controller: Controller,
  parent: Parent,
  children: Type.Object(
    {
      'Deployment.apps/v1': ObjectMap(ObservedDeployment),
      'Service.v1': ObjectMap(ObservedService),
      'HorizontalPodAutoscaler.autoscaling/v2': opt(ObjectMap(ObservedAutoscaler)),
      'Ingress.networking.k8s.io/v1': opt(ObjectMap(ObservedIngress)),
      'HTTPRoute.gateway.networking.k8s.io/v1': opt(ObjectMap(ObservedRoute)),
    },
    { additionalProperties: anyChild },
  ),
  related: Type.Object(
    {
      'Pod.v1': opt(ObjectMap(ObservedPod)),
      'ConfigMap.v1': opt(ObjectMap(ObservedConfig)),
      'Secret.v1': opt(ObjectMap(ObservedConfig)),
    },
    { additionalProperties: ObjectMap(Type.Object({ metadata: ObservedMetadata })) },
  ),
  finalizing: Type.Boolean(),
})

/** What /customize is sent. */
export const CustomizeRequest = Type.Object({ controller: Controller, parent: Parent })

export type ObservedDeployment = Type.Static<typeof ObservedDeployment>
export type ObservedService = Type.Static<typeof ObservedService>
export type ObservedPod = Type.Static<typeof ObservedPod>
export type ObservedConfig = Type.Static<typeof ObservedConfig>
export type Parent = Type.Static<typeof Parent>
export type HookRequest = Type.Static<typeof HookRequest>
export type CustomizeRequest = Type.Static<typeof CustomizeRequest>

/** A child as Metacontroller sent it: its group, its key in the group, and the object. */
export interface SentChild {
  group: string
  key: string
  child: ObservedObject
}

/** All children of a request, those of kinds that this version does not know too. */
export const sentChildren = ({ children }: HookRequest): SentChild[] =>
  Object.entries<Record<string, ObservedObject>>(children).flatMap(([group, objects]) =>
    Object.entries(objects).map(([key, child]) => ({ group, key, child })),
  )

/** `namespace/name`, the key of an object in its group. */
export const keyOf = ({ namespace, name }: { namespace: string; name: string }) =>
  `${namespace}/${name}`

/**
 * What a schema can't say of a request: that its children belong to the MyApp's own namespace and stand under their own
 * kinds and names. The sentence for what does not fit; undefined where all does.
 */
export function inconsistency(request: HookRequest): string | undefined {
  for (const {
    group,
    key,
    child: { apiVersion, kind, metadata },
  } of sentChildren(request)) {
    if (group !== `${kind}.${apiVersion}`) return `children ${group} ${key} is of another kind`
    if (metadata.namespace !== request.parent.metadata.namespace) {
      return `children ${group} ${key} is not in the namespace of the MyApp`
    }
    if (key !== keyOf(metadata)) {
      return `children ${group} ${key} is not the key of ${keyOf(metadata)}`
    }
  }
  return undefined
}
