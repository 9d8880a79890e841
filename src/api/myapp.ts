import Type from 'typebox'
import { appArmorRule, podAnnotationRules, seccompRules } from './annotations.ts'
import { conditions } from './conditions.ts'
import {
  annotations,
  childMaxBytes,
  choice,
  distinct,
  flag,
  formatted,
  integer,
  labels,
  list,
  map,
  object,
  objectName,
  opt,
  portNumber,
  rule,
  rules,
  text,
} from './fields.ts'
import { env, words } from './environment.ts'
import { containerRules, Init, Sidecars } from './more-containers.ts'
import { Gateway, Ingress, NetworkPolicy } from './network.ts'
import { DnsConfig, DnsPolicy, dnsPolicyRule, HostAliases } from './name-resolution.ts'
import * as pod from './pod.ts'
import { Metrics, portRules, Ports, protocol } from './ports.ts'
import { Autoscaling, Disruption } from './scaling.ts'
import { ServiceAccount, serviceAccountRule } from './service-account.ts'
import { claimRules, Files, filesRule, Volumes } from './volumes.ts'

/**
 * The schema of a MyApp. It is the source of the TypeScript types, the validators (compiled.ts),
 * the CRD (crd.ts), the editor schema and docs/api.md. `kubectl explain` prints the descriptions.
 */

export const group = 'example.com'
export const version = 'v1'
export const apiVersion = `${group}/${version}`
export const kind = 'MyApp'

/** Defaults of optional fields. The API server fills them in. */
export const defaults = { replicas: 1, port: 8080 } as const

/** The time that Kubernetes gives a pod to terminate by default, in seconds. */
export const defaultGracePeriodSeconds = 30

/** Messages for rules that span fields. cross-field.ts checks the same rules in TypeScript. */
export const messages = {
  custom: 'securityContext and containerSecurityContext may only be set when podSecurity is Custom',
  expose: 'ingress and gateway may not be set when expose is false: they need the Service',
  drain: 'drainSeconds must be less than terminationGracePeriodSeconds',
  minReady: 'minReadySeconds must be less than progressDeadlineSeconds',
}

export const MyAppSpec = object(
  'Desired state of the app. Only image is required.',
  {
    image: formatted(
      'image',
      'Container image, such as nginx:1.29 or registry.example.com/team/app@sha256:….',
      { maxLength: 1024 },
    ),
    replicas: opt(
      integer('Number of pods, from 0 to 100. Defaults to 1.', 0, 100, {
        default: defaults.replicas,
      }),
    ),
    port: opt(
      portNumber('Main port of the container. Defaults to 8080. Ignored when expose is false.', {
        default: defaults.port,
      }),
    ),
    servicePort: opt(portNumber('Main port of the Service, such as 80. Defaults to port.')),
    protocol: opt(
      protocol('Protocol of the main port. The name of the port is the protocol in lower case.'),
    ),
    ports: opt(Ports),
    metrics: opt(Metrics),
    env: opt(env('Environment variables of the container.', 256)),
    envFrom: opt(pod.EnvFrom),
    command: opt(words("Entrypoint of the container. Defaults to the image's.")),
    args: opt(words("Arguments of the entrypoint. Defaults to the image's.")),
    workingDir: opt(text("Working directory. Defaults to the image's.", { maxLength: 1024 })),
    imagePullPolicy: opt(
      choice(
        ['Always', 'IfNotPresent', 'Never'],
        'When the image is pulled. Kubernetes sets the default when the Deployment is ' +
          'created: Always for the tag latest or without tag and digest, otherwise IfNotPresent.',
      ),
    ),
    imagePullSecrets: opt(
      list(
        "Secrets in the same namespace for pulling the image. Defaults to the platform's default.",
        object('A Secret.', {
          name: text('Name of the Secret.', { minLength: 1, maxLength: 253 }),
        }),
        16,
        rules(distinct('name')),
      ),
    ),
    serviceAccountName: opt(
      objectName(
        'An existing ServiceAccount for the pods. Defaults to the ServiceAccount named default.',
      ),
    ),
    serviceAccount: opt(ServiceAccount),
    automountServiceAccountToken: opt(
      flag("Mount the ServiceAccount's token into the pods. Defaults to false."),
    ),
    expose: opt(
      flag(
        'False for an app without a main port: it has no Service and no default readiness probe. ' +
          'Defaults to true.',
      ),
    ),
    resources: opt(pod.Resources),
    probes: opt(pod.Probes),
    init: opt(Init),
    sidecars: opt(Sidecars),
    volumes: opt(Volumes),
    files: opt(Files),
    rolloutOnConfigChange: opt(
      flag('Restart the pods when a referenced ConfigMap or Secret changes. Defaults to true.'),
    ),
    autoscaling: opt(Autoscaling),
    ingress: opt(Ingress),
    gateway: opt(Gateway),
    disruption: opt(Disruption),
    networkPolicy: opt(NetworkPolicy),
    podSecurity: opt(
      choice(
        ['Baseline', 'Restricted', 'Custom'],
        'Baseline: default seccomp profile, no privilege escalation. Restricted: the ' +
          'restricted Pod Security Standard, a read-only root file system and an empty /tmp. ' +
          'Custom: Baseline, changed by securityContext and containerSecurityContext. ' +
          "Defaults to Baseline, or to the platform's default.",
      ),
    ),
    ...pod.userAndGroups,
    securityContext: opt(pod.PodSecurityContext),
    containerSecurityContext: opt(pod.ContainerSecurityContext),
    topologySpreadConstraints: opt(pod.TopologySpreadConstraints),
    nodeSelector: opt(labels('Labels that a node must have to run the pods.')),
    tolerations: opt(pod.Tolerations),
    affinity: opt(pod.Affinity),
    runtimeClassName: opt(objectName('RuntimeClass of the pods, such as gvisor.')),
    hostAliases: opt(HostAliases),
    dnsPolicy: opt(DnsPolicy),
    dnsConfig: opt(DnsConfig),
    enableServiceLinks: opt(
      flag(
        'True: the containers get environment variables with the addresses of all Services in ' +
          'the namespace. Defaults to false.',
      ),
    ),
    priorityClassName: opt(formatted('optionalName', 'PriorityClass of the pods.')),
    strategy: opt(pod.Strategy),
    terminationGracePeriodSeconds: opt(
      Type.Integer({
        description:
          "Time for a pod to shut down, in seconds. Defaults to 30. If the platform's default " +
          'for drainSeconds applies, defaults to that value plus 30.',
        format: 'int64',
        minimum: 1,
        maximum: 86_400,
      }),
    ),
    drainSeconds: opt(
      integer(
        'Seconds for which a terminating pod keeps serving before it gets SIGTERM, while load ' +
          'balancers stop sending to it. Defaults to 0 when expose is false, otherwise to the ' +
          "platform's default or to 5. If terminationGracePeriodSeconds is set, the default is " +
          'at most half of it, rounded up.',
        0,
        86_399,
      ),
    ),
    minReadySeconds: opt(
      integer('Seconds that a pod must be ready to count as available. Defaults to 0.', 0, 3600),
    ),
    progressDeadlineSeconds: opt(
      integer(
        'Seconds without progress after which a rollout has failed. Defaults to 600.',
        1,
        86_400,
      ),
    ),
    revisionHistoryLimit: opt(integer('Old ReplicaSets to keep. Defaults to 10.', 0, 100)),
    podLabels: opt(
      labels(
        'Additional labels of the pods. These labels of the operator take precedence: app, ' +
          'managed-by, app.kubernetes.io/name, app.kubernetes.io/instance, ' +
          'app.kubernetes.io/version and app.kubernetes.io/managed-by.',
      ),
    ),
    podAnnotations: opt(
      annotations(
        'Additional annotations of the pods.',
        childMaxBytes,
        undefined,
        ...podAnnotationRules,
      ),
    ),
    paused: opt(
      flag('True: the operator changes no child, even if the spec changes. Defaults to false.'),
    ),
    suspend: opt(flag('True: no pod runs. The number of replicas is kept. Defaults to false.')),
  },
  rules(
    rule(
      '(!has(self.securityContext) && !has(self.containerSecurityContext)) || ' +
        "(has(self.podSecurity) && self.podSecurity == 'Custom')",
      messages.custom,
    ),
    rule(
      '!has(self.expose) || self.expose || (!has(self.ingress) && !has(self.gateway))',
      messages.expose,
    ),
    rule(
      '!has(self.minReadySeconds) || self.minReadySeconds < ' +
        '(has(self.progressDeadlineSeconds) ? self.progressDeadlineSeconds : 600)',
      messages.minReady,
    ),
    rule(
      '!has(self.drainSeconds) || self.drainSeconds < (has(self.terminationGracePeriodSeconds) ' +
        `? self.terminationGracePeriodSeconds : ${defaultGracePeriodSeconds})`,
      messages.drain,
    ),
    dnsPolicyRule,
    ...containerRules,
    ...claimRules,
    filesRule,
    serviceAccountRule,
    ...pod.userRules,
    appArmorRule,
    ...seccompRules,
    ...portRules,
  ),
)

/**
 * Fields of the spec that the pod template copies unchanged. `adopt` copies them back.
 */
export const copiedPodFields = [
  'imagePullSecrets',
  'terminationGracePeriodSeconds',
  'nodeSelector',
  'priorityClassName',
  'runtimeClassName',
  'hostAliases',
  'dnsPolicy',
] as const satisfies Array<keyof Type.Static<typeof MyAppSpec>>

/** The phases, for people. Programs use the conditions. */
export const phases = ['Pending', 'Running', 'Failed'] as const

const int64 = (description: string, options = {}) =>
  Type.Integer({ description, format: 'int64', ...options })

export const Condition = Type.Object(
  {
    type: text(`Type, one of ${Object.keys(conditions).join(', ')}.`, {
      minLength: 1,
      maxLength: 316,
    }),
    status: choice(['True', 'False', 'Unknown'], 'Status of the condition.'),
    observedGeneration: opt(
      int64('Generation of the MyApp that the condition describes.', { minimum: 0 }),
    ),
    lastTransitionTime: Type.String({
      description: 'Time of the last change of status.',
      format: 'date-time',
    }),
    reason: text('Reason in one word. docs/status.md lists the reasons of the operator.', {
      minLength: 1,
      maxLength: 1024,
    }),
    message: text('Explanation of the reason.', { maxLength: 32768 }),
  },
  { description: 'A condition of the MyApp.' },
)

const conditionsThatExist = (when: 'always' | 'sometimes') =>
  Object.entries(conditions)
    .filter(([, { exists }]) => (exists === 'always') === (when === 'always'))
    .map(([type]) => type)
    .join(', ')

const count = (description: string) => opt(Type.Integer({ description, format: 'int32' }))
const sentence = (description: string) => opt(Type.String({ description }))

export const MyAppStatus = Type.Object(
  {
    phase: opt(
      choice(
        phases,
        'Pending: the MyApp is in progress. Running: all desired pods have the current pod ' +
          'template and are available. Failed: somebody must act.',
      ),
    ),
    message: sentence('State of the app and what to do about it.'),
    ready: sentence('Number of ready pods and of desired pods, such as 2/3.'),
    replicas: count('Number of pods, of every pod template.'),
    readyReplicas: count('Number of ready pods.'),
    updatedReplicas: count('Number of pods of the current pod template.'),
    availableReplicas: count('Number of available pods.'),
    observedGeneration: opt(int64('Generation of the MyApp that this status describes.')),
    selector: sentence('Label selector of the pods, for the scale subresource.'),
    address: sentence('Address of the app inside the cluster: a URL for HTTP, else HOST:PORT.'),
    urls: opt(
      Type.Array(Type.String({ description: 'A URL.' }), {
        description:
          'URLs of the app outside the cluster: of the Ingress once it has an address, and of ' +
          'the HTTPRoute once every Gateway accepts it. At most 32.',
      }),
    ),
    platformDefaults: opt(
      Type.Array(Type.String({ description: 'A field of the spec.' }), {
        description: "Fields of the spec that the platform's defaults set, such as podSecurity.",
      }),
    ),
    conditions: opt(
      Type.Array(Condition, {
        description:
          `Always present, as in kstatus: ${conditionsThatExist('always')}. Present if they ` +
          `apply: ${conditionsThatExist('sometimes')}. docs/status.md explains them.`,
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['type'],
      }),
    ),
  },
  {
    description: 'Observed state. The operator writes it.',
    // Without observedGeneration, kstatus would report a new MyApp as Current.
    default: { observedGeneration: -1 },
  },
)

const unchecked = (description: string) => opt(Type.Unknown({ description }))

/**
 * The metadata of a MyApp. Its children have the same name. One of them is a Service, so the name
 * must be valid for a Service.
 */
export const Metadata = object('Metadata of the MyApp.', {
  name: formatted('myAppName', 'Name of the MyApp, its Deployment and its Service.', {
    maxLength: 63,
  }),
  namespace: opt(
    formatted('optionalNamespaceName', 'Namespace of the MyApp and its children.', {
      maxLength: 63,
    }),
  ),
  labels: opt(
    map('Labels of the MyApp itself. Set the labels of pods in podLabels.', {
      key: 'labelKey',
      value: { format: 'labelValue' },
      options: { maxProperties: undefined },
    }),
  ),
  annotations: opt(
    map('Annotations of the MyApp itself. Set the annotations of pods in podAnnotations.', {
      key: 'annotationKey',
      value: { maxLength: undefined },
      options: { maxProperties: undefined },
    }),
  ),
  finalizers: unchecked('Finalizers.'),
  ownerReferences: unchecked('Owners.'),
  generateName: unchecked(
    'Prefix of a name that the API server completes. A file needs a name instead.',
  ),
  uid: unchecked('Set by Kubernetes.'),
  resourceVersion: unchecked('Set by Kubernetes.'),
  generation: unchecked('Set by Kubernetes.'),
  creationTimestamp: unchecked('Set by Kubernetes.'),
  deletionTimestamp: unchecked('Set by Kubernetes.'),
  deletionGracePeriodSeconds: unchecked('Set by Kubernetes.'),
  managedFields: unchecked('Set by Kubernetes.'),
  selfLink: unchecked('Set by Kubernetes.'),
})

/** A complete MyApp, as in a file. */
export const MyApp = object(
  'An app: a Deployment, a Service, further objects that the spec requests, and a status.',
  {
    apiVersion: Type.Literal(apiVersion, { type: 'string', description: 'Version of the API.' }),
    kind: Type.Literal(kind, { type: 'string', description: 'Kind of the object.' }),
    metadata: Metadata,
    spec: MyAppSpec,
    status: opt(MyAppStatus),
  },
)

/**
 * The part of a stored MyApp that the hook validates. The API server has validated the rest of the
 * metadata.
 */
export const StoredMyApp = Type.Object({
  metadata: Type.Object({ name: formatted('myAppName', 'Name.', { maxLength: 63 }) }),
  spec: MyAppSpec,
})

export type MyAppSpec = Type.Static<typeof MyAppSpec>
export type Condition = Type.Static<typeof Condition>
export type MyAppStatus = Type.Static<typeof MyAppStatus>
export type MyApp = Type.Static<typeof MyApp>
export type StoredMyApp = Type.Static<typeof StoredMyApp>
export type Phase = (typeof phases)[number]
