import Type from 'typebox'

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

/** The rules for names of environment variables that every supported Kubernetes accepts: C identifiers, dots and dashes, not `.` or `..` at the start. */
const envNamePattern = '^([-_a-zA-Z]|\\.[-_a-zA-Z0-9])[-._a-zA-Z0-9]*$'

/**
 * All names and values of env together, in characters. JSON escapes a character into at most six bytes, and a child must
 * fit with all it holds into the 256 KiB that Kubernetes allows its annotations, where Metacontroller keeps a copy of it.
 */
export const envMaxCharacters = 32_768

/** What an optional field means when it is left out; the API server fills these in. */
export const defaults = { replicas: 1, port: 8080 } as const

/** A rule and the words for breaking it. Numbers go in by format: the API server cannot bound the length of string(number), and refuses the CRD. */
const rule = (cel: string, words: string) => ({ rule: cel, messageExpression: words })

export const EnvVar = Type.Object({
  name: Type.String({
    description: 'Name of the variable: letters, digits, "_", "-" and ".", not starting with a digit or with "..".',
    maxLength: 256,
    pattern: envNamePattern,
    'x-kubernetes-validations': [
      rule(`self.matches('${envNamePattern.replaceAll('\\', '\\\\')}')`,
        "'\"' + self + '\" is not a name for an environment variable: use letters, digits, \"_\", \"-\" and \".\", and do not start with a digit or with \"..\"'"),
    ],
  }),
  value: Type.Optional(Type.String({
    description: 'Value of the variable. $(NAME) stands for the value of a variable that comes before it in the list. Empty unless given.',
    default: '',
    maxLength: envMaxCharacters,
  })),
}, { additionalProperties: false, description: 'One environment variable.' })

export const MyAppSpec = Type.Object({
  image: Type.String({
    description: 'Container image to run, for example nginx:1.29 or registry.example.com/team/app@sha256:….',
    minLength: 1,
    maxLength: 1024,
    pattern: '^\\S+$',
    'x-kubernetes-validations': [
      rule('size(self) > 0', "'an image is needed, for example nginx:1.29'"),
      rule("!self.matches('\\\\s')", "'\"' + self + '\" has a blank in it; an image is written without'"),
    ],
  }),
  replicas: Type.Optional(Type.Integer({
    description: 'How many pods run: 0 to 100. 1 unless given.',
    format: 'int32',
    default: defaults.replicas,
    minimum: 0,
    maximum: 100,
    'x-kubernetes-validations': [
      rule('self >= 0', "'%d is less than 0'.format([self])"),
      rule('self <= 100', "'%d is more than the 100 that one MyApp may have'.format([self])"),
    ],
  })),
  port: Type.Optional(Type.Integer({
    description: 'Port that the container listens on and that the Service offers: 1 to 65535. 8080 unless given.',
    format: 'int32',
    default: defaults.port,
    minimum: 1,
    maximum: 65535,
    'x-kubernetes-validations': [
      rule('self >= 1 && self <= 65535', "'%d is not a port: ports are 1 to 65535'.format([self])"),
    ],
  })),
  env: Type.Optional(Type.Array(EnvVar, {
    description: 'Environment variables of the container, in this order. At most 256, and at most 32768 characters in all.',
    maxItems: 256,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['name'],
    'x-kubernetes-validations': [
      rule(`self.map(e, size(e.name) + (has(e.value) ? size(e.value) : 0)).sum() <= ${envMaxCharacters}`,
        `'names and values have %d characters in all, more than the ${envMaxCharacters} that fit'.format([self.map(e, size(e.name) + (has(e.value) ? size(e.value) : 0)).sum()])`),
    ],
  })),
}, { additionalProperties: false, description: 'What to run. Only image must be given.' })

/** The phases, for people; programs go by the conditions. */
export const phases = ['Pending', 'Running', 'Failed'] as const

export const Condition = Type.Object({
  type: Type.String({ description: 'Ready, Reconciling or Stalled.', minLength: 1, maxLength: 316 }),
  status: Type.Enum(['True', 'False', 'Unknown'], { type: 'string', description: 'Whether the condition holds.' }),
  observedGeneration: Type.Optional(Type.Integer({ description: 'The generation of the MyApp that the condition speaks of.', format: 'int64', minimum: 0 })),
  lastTransitionTime: Type.String({ description: 'When the status of the condition last changed.', format: 'date-time' }),
  reason: Type.String({ description: 'Why, in one word from the list in the README.', minLength: 1, maxLength: 1024 }),
  message: Type.String({ description: 'Why, in one sentence.', maxLength: 32768 }),
}, { description: 'One aspect of the state of the MyApp.' })

const count = (description: string) => Type.Optional(Type.Integer({ description, format: 'int32' }))

export const MyAppStatus = Type.Object({
  phase: Type.Optional(Type.Enum(phases, { type: 'string', description: 'Pending: on the way. Running: the current generation is fully available. Failed: a person must act.' })),
  message: Type.Optional(Type.String({ description: 'What there is to know or to do, in one sentence.' })),
  ready: Type.Optional(Type.String({ description: 'Available pods of those wanted, as in 2/3.' })),
  replicas: count('Pods that exist, of any generation.'),
  readyReplicas: count('Pods that are ready.'),
  updatedReplicas: count('Pods of the current generation.'),
  availableReplicas: count('Pods that are available.'),
  observedGeneration: Type.Optional(Type.Integer({ description: 'The generation that this status speaks of.', format: 'int64' })),
  selector: Type.Optional(Type.String({ description: 'Label selector of the pods, for the scale subresource.' })),
  conditions: Type.Optional(Type.Array(Condition, {
    description: 'Ready, Reconciling and Stalled, after the conventions of kstatus.',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['type'],
  })),
}, { description: 'What was observed. Written by the operator.' })

export type EnvVar = Type.Static<typeof EnvVar>
export type MyAppSpec = Type.Static<typeof MyAppSpec>
export type Condition = Type.Static<typeof Condition>
export type MyAppStatus = Type.Static<typeof MyAppStatus>
export type Phase = typeof phases[number]
