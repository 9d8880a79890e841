import Type from 'typebox'
import {
  Identifier,
  lastAppliedAnnotation,
  ObjectMap,
  Observed,
  ObservedMetadata,
  type ObservedObject,
  Strings,
} from '../metacontroller/protocol.ts'
import { apiVersion, kind } from '../api/myapp.ts'
import { isObject, maxLevels, structureOf } from '../metacontroller/json.ts'
import { truncated } from '../text.ts'

/** The requests of Metacontroller, with the fields that the hooks read. */

const opt = Type.Optional
const count = opt(Type.Integer())
const text = opt(Type.String())

/** The API server sends null for an unset time. */
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

const port = Type.Union([Type.Integer(), Type.String()])
const Probe = opt(
  Type.Object({
    httpGet: opt(Type.Object({ path: text, port, scheme: text })),
    tcpSocket: opt(Type.Object({ port })),
    grpc: opt(Type.Object({ port })),
  }),
)
const Container = Type.Object({
  name: Type.String(),
  restartPolicy: text,
  resources: opt(Type.Object({ limits: opt(Type.Object({ memory: opt(Type.Unknown()) })) })),
  startupProbe: Probe,
  readinessProbe: Probe,
  livenessProbe: Probe,
})

/** A Deployment as observed. */
export const ObservedDeployment = Observed(
  Type.Object({
    replicas: count,
    minReadySeconds: count,
    paused: opt(Type.Boolean()),
    strategy: opt(Type.Object({ type: text })),
    selector: opt(
      Type.Object({
        matchLabels: opt(Strings),
        matchExpressions: opt(Type.Array(Type.Object({}))),
      }),
    ),
    template: Type.Object({
      metadata: opt(Type.Object({ annotations: opt(Strings) })),
      spec: Type.Object({ containers: Type.Array(Container), serviceAccountName: text }),
    }),
  }),
  Type.Object({
    observedGeneration: count,
    replicas: count,
    readyReplicas: count,
    updatedReplicas: count,
    availableReplicas: count,
    terminatingReplicas: count,
    conditions: Conditions,
  }),
)

/** A Service as observed. */
export const ObservedService = Observed(
  Type.Object({
    selector: opt(Strings),
    ports: opt(
      Type.Array(
        Type.Object({
          port: Type.Integer(),
          name: text,
          appProtocol: text,
          targetPort: opt(port),
        }),
      ),
    ),
  }),
  Type.Object({}),
)

/** A HorizontalPodAutoscaler as observed. */
export const ObservedAutoscaler = Observed(
  Type.Unknown(),
  Type.Object({ desiredReplicas: count, currentReplicas: count, conditions: Conditions }),
)

const Address = Type.Object({ hostname: text, ip: text })
/** An Ingress as observed. */
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

const GatewayRef = Type.Object({ name: text, namespace: text, sectionName: text, port: count })
/** An HTTPRoute as observed. */
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
    running: opt(Type.Object({ startedAt: time })),
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
/** A pod as observed. */
export const ObservedPod = Type.Object({
  metadata: ObservedMetadata,
  spec: opt(
    Type.Object({
      nodeName: text,
      schedulingGates: opt(Type.Array(Type.Object({ name: Type.String() }))),
      containers: opt(Type.Array(Container)),
      initContainers: opt(Type.Array(Container)),
      volumes: opt(Type.Array(Type.Object({ persistentVolumeClaim: opt(Type.Object({})) }))),
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
  metadata: Type.Object({ ...ObservedMetadata.properties, resourceVersion: text }),
  data: opt(Strings),
  binaryData: opt(Strings),
})

/** The CompositeController, with the kinds of children that it lists. */
const Controller = opt(
  Type.Object({
    metadata: opt(
      Type.Object({
        name: opt(Identifier),
        annotations: opt(Type.Record(Type.String(), Type.String())),
      }),
    ),
    spec: opt(
      Type.Object({
        childResources: opt(
          Type.Array(Type.Object({ apiVersion: Type.String(), resource: Type.String() })),
        ),
      }),
    ),
  }),
)

/** The MyApp. Its spec can be any value here, because the status reports an invalid spec. */
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

/**
 * The body of /sync and /finalize. The keys of Deployments and Services are required: without a key
 * its children would seem to be gone.
 */
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

/** The body of /customize. */
export const CustomizeRequest = Type.Object({ controller: Controller, parent: Parent })

export type ObservedDeployment = Type.Static<typeof ObservedDeployment>
export type ObservedService = Type.Static<typeof ObservedService>
export type ObservedPod = Type.Static<typeof ObservedPod>
export type ObservedConfig = Type.Static<typeof ObservedConfig>
export type Parent = Type.Static<typeof Parent>
export type HookRequest = Type.Static<typeof HookRequest>
export type CustomizeRequest = Type.Static<typeof CustomizeRequest>

/** A child in a request. */
export interface SentChild {
  /** The key of its kind in `children`, such as `Deployment.apps/v1`. */
  gvk: string
  /** The key of the child among the objects of its kind: `namespace/name`. */
  key: string
  child: ObservedObject
}

/** All children of a request, also those of kinds that this version does not know. */
export const sentChildren = ({ children }: HookRequest): SentChild[] =>
  Object.entries<Record<string, ObservedObject>>(children).flatMap(([gvk, objects]) =>
    Object.entries(objects).map(([key, child]) => ({ gvk, key, child })),
  )

/** The number of objects in the groups of a request, such as `children`. */
export const countOf = (groups: Record<string, unknown>): number =>
  Object.values(groups)
    .filter(isObject)
    .reduce((sum, objects) => sum + Object.keys(objects).length, 0)

/** `namespace/name`, the key of an object among the objects of its kind. */
export const keyOf = ({ namespace, name }: { namespace: string; name: string }) =>
  `${namespace}/${name}`

type Children = HookRequest['children']

/** The keys in `children` of the kinds whose fields the hooks read. */
const gvks = {
  Deployment: 'Deployment.apps/v1',
  Service: 'Service.v1',
  HorizontalPodAutoscaler: 'HorizontalPodAutoscaler.autoscaling/v2',
  Ingress: 'Ingress.networking.k8s.io/v1',
  HTTPRoute: 'HTTPRoute.gateway.networking.k8s.io/v1',
} as const satisfies Record<string, keyof Children>

type ObservedChild<Kind extends keyof typeof gvks> = NonNullable<
  Children[(typeof gvks)[Kind]]
>[string]

/** The child of a kind that has the name of the MyApp; undefined if it does not exist. */
export function childOf<Kind extends keyof typeof gvks>(
  { children, parent }: HookRequest,
  kind: Kind,
): ObservedChild<Kind> | undefined {
  const objects = children[gvks[kind]] as Record<string, ObservedChild<Kind>> | undefined
  return objects?.[keyOf(parent.metadata)]
}

/** The children of a kind by key; undefined if the CompositeController does not list the kind. */
export const childrenIn = (
  { children }: HookRequest,
  gvk: string,
): Record<string, ObservedObject> | undefined =>
  (children as Record<string, Record<string, ObservedObject>>)[gvk]

/** The related objects of a kind by key. */
export const relatedIn = (
  { related }: HookRequest,
  gvk: string,
): Record<string, { metadata: ObservedMetadata }> =>
  (related as Record<string, Record<string, { metadata: ObservedMetadata }>>)[gvk] ?? {}

/** Whether the CompositeController lists a kind of children; undefined if its list is unknown. */
export const isListed = (
  controller: HookRequest['controller'],
  { apiVersion, resource }: { apiVersion: string; resource: string },
): boolean | undefined =>
  controller?.spec?.childResources?.some(
    (listed) => listed.apiVersion === apiVersion && listed.resource === resource,
  )

/**
 * The maximum number of structural characters in the last-applied annotations of all children. They
 * are JSON in a string, so the limit of the body (plugins/request-body.ts) does not count them.
 */
const maxRecordCharacters = 131_072

/**
 * Checks rules that a schema cannot express:
 * - each child is in the namespace of the MyApp, and under the keys of its kind and name
 * - the last-applied annotations, which a tenant can write, fit into memory when they are parsed
 *
 * Returns the message for one wrong child; undefined if all are right.
 */
export function inconsistency(request: HookRequest): string | undefined {
  let characters = 0
  let largest = { name: '', characters: 0 }
  for (const { gvk, key, child } of sentChildren(request)) {
    const { apiVersion, kind, metadata } = child
    const place = `children ${quoted(gvk)} ${quoted(key)}`
    if (gvk !== `${kind}.${apiVersion}`) return `${place} is of another kind`
    if (metadata.namespace !== request.parent.metadata.namespace) {
      return `${place} is not in the namespace of the MyApp`
    }
    if (key !== keyOf(metadata)) return `${place} is not the key of ${quoted(keyOf(metadata))}`
    const record = metadata.annotations?.[lastAppliedAnnotation]
    if (record === undefined) continue
    const structure = structureOf(Buffer.from(record))
    const name = `${kind} ${quoted(metadata.name)}`
    if (structure.levels > maxLevels) {
      return `${removeRecord(name)}: it must have at most ${maxLevels} levels`
    }
    characters += structure.characters
    if (structure.characters > largest.characters) largest = { name, ...structure }
  }
  return characters <= maxRecordCharacters
    ? undefined
    : `${removeRecord(largest.name)}: in all children together it must have at most ` +
        `${maxRecordCharacters} of the characters "{[,:" outside strings, got ${characters}`
}

const removeRecord = (name: string) => `remove the annotation ${lastAppliedAnnotation} of ${name}`

/** The longest quoted key. Every valid name of Kubernetes fits. */
const maxQuotedLength = 253

const quoted = (text: string) => truncated(text, maxQuotedLength)

/**
 * Whether an object belongs to the MyApp with the given uid: the MyApp is its controller, or the
 * object has no controller, but has the label by which Metacontroller will adopt the object.
 */
export function isOurs(uid: string, { ownerReferences = [], labels }: ObservedMetadata): boolean {
  const controller = ownerReferences.find((owner) => owner.controller)
  return controller === undefined ? labels?.['controller-uid'] === uid : controller.uid === uid
}
