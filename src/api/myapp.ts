import Type from 'typebox'
import * as pod from './pod.ts'
import { Gateway, Ingress, NetworkPolicy } from './network.ts'
import { Autoscaling, Disruption } from './scaling.ts'
import { image, optionalName, variableName } from './formats.ts'
import {
  Annotations,
  childMaxBytes,
  differIn,
  Labels,
  laterRule,
  list,
  ofForm,
  opt,
  patternOf,
  strictName,
} from './fields.ts'

/**
 * What a MyApp is. The one source of its TypeScript types, of the validators (see validation.ts) and of
 * manifests/crd.yaml (see crd.ts). A description is what `kubectl explain` shows; an `x-kubernetes-*` key goes into the
 * CRD as it stands. Where a bound has a rule in words (`x-kubernetes-validations`), the CRD carries the words and the
 * hook's own validator the bound.
 */

export const group = 'example.com'
export const version = 'v1'
export const apiVersion = `${group}/${version}`
export const kind = 'MyApp'

/** A Kubernetes name that a Service may bear too (RFC 1035 label). The Deployment and the Service are named after the MyApp. */
export const namePattern = '^[a-z]([-a-z0-9]*[a-z0-9])?$'
export const nameMaxLength = 63

/**
 * All names and values of env together, in characters. JSON escapes a character into at most six bytes, and a child must
 * fit with all it holds into the 256 KiB that Kubernetes allows its annotations, where Metacontroller keeps a copy of it.
 */
export const envMaxCharacters = 32_768

/** What an optional field means when it is left out; the API server fills these in. */
export const defaults = { replicas: 1, port: 8080 } as const

const words = (description: string) =>
  list(description, Type.String({ maxLength: 8192 }), 64, {
    'x-kubernetes-validations': [
      laterRule(
        `self.map(one, size(one)).sum() <= ${childMaxBytes}`,
        `it has more than the ${childMaxBytes} characters in all that can fit`,
      ),
    ],
  })

/**
 * A rule and the words for breaking it. Numbers go in by format: the API server cannot bound the length of string(number), and
 * refuses the CRD. Words that quote a text need others beside them: the API server does not say anything with a line break in it.
 */
const rule = (cel: string, words: string, otherwise?: string) => ({
  rule: cel,
  messageExpression: words,
  ...(otherwise !== undefined && { message: otherwise }),
})

export const EnvVar = Type.Object(
  {
    name: Type.String({
      description:
        'Name of the variable: letters, digits, "_", "-" and ".", not starting with a digit or with "..".',
      maxLength: 256,
      ...patternOf(variableName),
      'x-kubernetes-validations': [
        rule(
          `self.matches('${variableName.pattern.replaceAll('\\', '\\\\')}')`,
          '\'"\' + self + \'" is not a name for an environment variable: use letters, digits, "_", "-" and ".", and do not start with a digit or with ".."\'',
          'this is not a name for an environment variable: use letters, digits, "_", "-" and ".", and do not start with a digit or with ".."',
        ),
      ],
    }),
    value: Type.Optional(
      Type.String({
        description:
          'Value of the variable. $(NAME) stands for the value of a variable that comes before it in the list. Empty unless given.',
        default: '',
        maxLength: envMaxCharacters,
      }),
    ),
    valueFrom: Type.Optional(pod.EnvVarSource),
  },
  {
    additionalProperties: false,
    description: 'One environment variable.',
    'x-kubernetes-validations': [
      {
        rule: "!has(self.valueFrom) || !has(self.value) || self.value == ''",
        message: 'value and valueFrom are both given',
      },
    ],
  },
)

export const MyAppSpec = Type.Object(
  {
    image: Type.String({
      description:
        'Container image to run, for example nginx:1.29 or registry.example.com/team/app@sha256:….',
      minLength: 1,
      maxLength: 1024,
      ...patternOf(image),
      'x-kubernetes-validations': [
        rule('size(self) > 0', "'an image is needed, for example nginx:1.29'"),
        rule(
          "!self.matches('\\\\s')",
          "'\"' + self + '\" has a blank in it; an image is written without'",
          'the image has a line break in it',
        ),
        // The expression above knows the blanks of ASCII only.
        laterRule(
          "!self.matches('[\\\\v\\\\x{a0}\\\\x{1680}\\\\x{2000}-\\\\x{200a}\\\\x{2028}\\\\x{2029}\\\\x{202f}\\\\x{205f}\\\\x{3000}\\\\x{feff}]')",
          'the image has a blank in it, perhaps one that came with a copy from a page; an image is written without',
        ),
      ],
    }),
    replicas: Type.Optional(
      Type.Integer({
        description: 'How many pods run: 0 to 100. 1 unless given.',
        format: 'int32',
        default: defaults.replicas,
        minimum: 0,
        maximum: 100,
        'x-kubernetes-validations': [
          rule('self >= 0', "'%d is less than 0'.format([self])"),
          rule('self <= 100', "'%d is more than the 100 that one MyApp may have'.format([self])"),
        ],
      }),
    ),
    port: Type.Optional(
      Type.Integer({
        description:
          'Port that the container listens on and that the Service offers: 1 to 65535. 8080 unless given. It means nothing where expose is false.',
        format: 'int32',
        default: defaults.port,
        minimum: 1,
        maximum: 65535,
        'x-kubernetes-validations': [
          rule(
            'self >= 1 && self <= 65535',
            "'%d is not a port: ports are 1 to 65535'.format([self])",
          ),
        ],
      }),
    ),
    env: Type.Optional(
      Type.Array(EnvVar, {
        description:
          'Environment variables of the container, in this order. At most 256, and at most 32768 characters in all.',
        maxItems: 256,
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        'x-kubernetes-validations': [
          rule(
            `self.map(e, size(e.name) + (has(e.value) ? size(e.value) : 0)).sum() <= ${envMaxCharacters}`,
            `'names and values have %d characters in all, more than the ${envMaxCharacters} that fit'.format([self.map(e, size(e.name) + (has(e.value) ? size(e.value) : 0)).sum()])`,
          ),
        ],
      }),
    ),
    envFrom: opt(pod.EnvFrom),
    command: opt(words('Entrypoint, in place of that of the image.')),
    args: opt(words('Arguments, in place of those of the image.')),
    workingDir: opt(
      Type.String({
        description: 'Working directory, in place of that of the image.',
        maxLength: 1024,
      }),
    ),
    imagePullPolicy: opt(
      Type.Enum(['Always', 'IfNotPresent', 'Never'], {
        type: 'string',
        description:
          'When the image is pulled. Unless given, what Kubernetes takes when it makes the Deployment: Always for the tag latest, else IfNotPresent. It then stays so when the image changes.',
      }),
    ),
    imagePullSecrets: opt(
      list(
        'Secrets of the same namespace to pull the image with.',
        Type.Object(
          {
            name: Type.String({ description: 'Name of the Secret.', minLength: 1, maxLength: 253 }),
          },
          { additionalProperties: false, description: 'A Secret.' },
        ),
        16,
        {
          'x-kubernetes-validations': [differIn('name', 'a Secret is there twice')],
        },
      ),
    ),
    serviceAccountName: opt(strictName('ServiceAccount of the pods. default unless given.')),
    automountServiceAccountToken: opt(
      Type.Boolean({
        description: 'Whether the pods get the token of their ServiceAccount. False unless given.',
      }),
    ),
    expose: opt(
      Type.Boolean({
        description:
          'False for an app that listens on nothing: no Service, no port, no readiness check. True unless given.',
      }),
    ),
    resources: opt(pod.Resources),
    probes: opt(pod.Probes),
    volumes: opt(pod.Volumes),
    rolloutOnConfigChange: opt(
      Type.Boolean({
        description:
          'Whether the pods roll when the data of a ConfigMap or Secret that the MyApp refers to changes. True unless given.',
      }),
    ),
    autoscaling: opt(Autoscaling),
    ingress: opt(Ingress),
    gateway: opt(Gateway),
    disruption: opt(Disruption),
    networkPolicy: opt(NetworkPolicy),
    podSecurity: opt(
      Type.Enum(['Baseline', 'Restricted', 'Custom'], {
        type: 'string',
        description:
          'Baseline: default seccomp profile, no privilege escalation. Restricted: the restricted Pod Security Standard and a read-only root with an empty /tmp. Custom: securityContext and containerSecurityContext say. Baseline unless given.',
      }),
    ),
    securityContext: opt(pod.PodSecurityContext),
    containerSecurityContext: opt(pod.ContainerSecurityContext),
    topologySpreadConstraints: opt(pod.TopologySpreadConstraints),
    nodeSelector: opt(Labels('Labels that a node must have.')),
    tolerations: opt(pod.Tolerations),
    affinity: opt(pod.Affinity),
    priorityClassName: opt(
      Type.String({
        description: 'PriorityClass of the pods.',
        maxLength: 253,
        ...ofForm(optionalName),
      }),
    ),
    strategy: opt(pod.Strategy),
    terminationGracePeriodSeconds: opt(
      Type.Integer({
        description: 'How long a pod has to end. 30 unless given.',
        format: 'int64',
        minimum: 1,
        maximum: 86_400,
      }),
    ),
    minReadySeconds: opt(
      Type.Integer({
        description: 'How long a pod must be ready to count as available. 0 unless given.',
        format: 'int32',
        minimum: 0,
        maximum: 3600,
      }),
    ),
    progressDeadlineSeconds: opt(
      Type.Integer({
        description: 'A rollout that makes no progress for this long has failed. 600 unless given.',
        format: 'int32',
        minimum: 1,
        maximum: 86_400,
      }),
    ),
    revisionHistoryLimit: opt(
      Type.Integer({
        description: 'Old ReplicaSets that are kept. 10 unless given.',
        format: 'int32',
        minimum: 0,
        maximum: 100,
      }),
    ),
    podLabels: opt(
      Labels(
        "More labels for the pods. app, managed-by and the name, instance, version and managed-by of app.kubernetes.io are the operator's: another value for one that it sets is left aside.",
      ),
    ),
    podAnnotations: opt(Annotations('Annotations for the pods.', childMaxBytes)),
    paused: opt(
      Type.Boolean({
        description:
          'True: the children stay exactly as they are, whatever the spec says and whoever edits them.',
      }),
    ),
    suspend: opt(
      Type.Boolean({ description: 'True: no pod runs; the number of replicas is kept for later.' }),
    ),
  },
  {
    additionalProperties: false,
    description: 'What to run. Only image must be given.',
    'x-kubernetes-validations': [
      {
        rule: "(!has(self.securityContext) && !has(self.containerSecurityContext)) || (has(self.podSecurity) && self.podSecurity == 'Custom')",
        message: 'securityContext and containerSecurityContext go with podSecurity Custom only',
      },
      {
        rule: '!has(self.expose) || self.expose || (!has(self.ingress) && !has(self.gateway))',
        message: 'ingress and gateway need a Service, and expose is false',
      },
      {
        rule: '!has(self.minReadySeconds) || self.minReadySeconds < (has(self.progressDeadlineSeconds) ? self.progressDeadlineSeconds : 600)',
        message: 'minReadySeconds must be less than progressDeadlineSeconds',
      },
    ],
  },
)

/** The phases, for people; programs go by the conditions. */
export const phases = ['Pending', 'Running', 'Failed'] as const

export const Condition = Type.Object(
  {
    type: Type.String({
      description:
        'What it is about: Ready, Reconciling, Stalled, Available, ConfigReady, Scaled or Routed.',
      minLength: 1,
      maxLength: 316,
    }),
    status: Type.Enum(['True', 'False', 'Unknown'], {
      type: 'string',
      description: 'Whether the condition holds.',
    }),
    observedGeneration: Type.Optional(
      Type.Integer({
        description: 'The generation of the MyApp that the condition speaks of.',
        format: 'int64',
        minimum: 0,
      }),
    ),
    lastTransitionTime: Type.String({
      description: 'When the status of the condition last changed.',
      format: 'date-time',
    }),
    reason: Type.String({
      description: 'Why, in one word: docs/api.md of the operator lists them.',
      minLength: 1,
      maxLength: 1024,
    }),
    message: Type.String({ description: 'Why, in one sentence.', maxLength: 32768 }),
  },
  { description: 'One aspect of the state of the MyApp.' },
)

const count = (description: string) => Type.Optional(Type.Integer({ description, format: 'int32' }))

export const MyAppStatus = Type.Object(
  {
    phase: Type.Optional(
      Type.Enum(phases, {
        type: 'string',
        description:
          'Pending: on the way. Running: the current generation is fully available. Failed: a person must act.',
      }),
    ),
    message: Type.Optional(
      Type.String({ description: 'What there is to know or to do, in one sentence.' }),
    ),
    ready: Type.Optional(Type.String({ description: 'Ready pods of those wanted, as in 2/3.' })),
    replicas: count('Pods that exist, of any generation.'),
    readyReplicas: count('Pods that are ready.'),
    updatedReplicas: count('Pods of the current generation.'),
    availableReplicas: count('Pods that are available.'),
    observedGeneration: Type.Optional(
      Type.Integer({ description: 'The generation that this status speaks of.', format: 'int64' }),
    ),
    selector: Type.Optional(
      Type.String({ description: 'Label selector of the pods, for the scale subresource.' }),
    ),
    address: opt(Type.String({ description: 'URL by which it is reached inside the cluster.' })),
    urls: opt(
      Type.Array(Type.String({ description: 'A URL.' }), {
        description: 'URLs by which it is reached from outside, as admitted.',
      }),
    ),
    conditions: Type.Optional(
      Type.Array(Condition, {
        description:
          'Ready, Reconciling and Stalled after the conventions of kstatus, Available, and of ConfigReady, Scaled and Routed those that apply.',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['type'],
      }),
    ),
  },
  {
    description: 'What was observed. Written by the operator.',
    // Until the operator has looked: to kstatus an object without an observed generation is one that is done.
    default: { observedGeneration: -1 },
  },
)

export type EnvVar = Type.Static<typeof EnvVar>
export type MyAppSpec = Type.Static<typeof MyAppSpec>
export type Condition = Type.Static<typeof Condition>
export type MyAppStatus = Type.Static<typeof MyAppStatus>
export type Phase = (typeof phases)[number]
