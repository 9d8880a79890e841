import Type from 'typebox'
import {
  choice,
  distinct,
  exactlyOne,
  flag,
  formatted,
  hookOnly,
  inCel,
  int32Maximum,
  integer,
  labels,
  list,
  object,
  objectName,
  opt,
  podsOrPercent,
  portNumber,
  portReference,
  quantity,
  rule,
  rules,
  seconds,
  text,
} from './fields.ts'
import { celOf, celString, formats } from './formats.ts'
import { divisors, divisorMessage } from './quantity.ts'

/**
 * Fields of a MyApp that a pod or a Deployment of Kubernetes also has, mostly with the same name
 * and meaning.
 */

/** The container of the app in its pods. */
export const containerName = 'app'

export const nonEmpty = (description: string, maxLength = 253) =>
  text(description, { minLength: 1, maxLength })
export const optional = flag('The app can start without the object or the key. Defaults to false.')
const configKey = formatted('configKey', 'Key in the object.')
const port = portReference('Number or name of the port. Defaults to the main port.')
const sidecarPort = portNumber('Port of the sidecar.')

const keyRef = (what: string) =>
  object(`A key of a ${what} in the same namespace.`, {
    name: objectName(`Name of the ${what}.`),
    key: configKey,
    optional: opt(optional),
  })

/**
 * The rule that a divisor is a unit that Kubernetes knows. Kubernetes compares texts, so 1024 is
 * not 1Ki. A value that is not a valid quantity passes, because the rule for quantities refuses it.
 */
const divisorRule = () => {
  const divisor = 'string(self.divisor)'
  const units = (resource: string) =>
    `[${divisors(resource)
      .map((unit) => celString(unit))
      .join(', ')}]`
  return rule(
    `!has(self.divisor) || !isQuantity(${divisor}) || ` +
      `quantity(${divisor}).isLessThan(quantity('0')) || (self.resource.endsWith('.cpu') ? ` +
      `${units('limits.cpu')} : ${units('limits.memory')}).exists(unit, ` +
      `(!unit.endsWith('i') || ${divisor}.endsWith('i')) && ` +
      `quantity(unit).compareTo(quantity(${divisor})) == 0)`,
    divisorMessage,
  )
}

export const EnvVarSource = object(
  'Source of the value. Exactly one source must be set.',
  {
    secretKeyRef: opt(keyRef('Secret')),
    configMapKeyRef: opt(keyRef('ConfigMap')),
    fieldRef: opt(
      object('A field of the pod.', {
        fieldPath: formatted(
          'podField',
          'Path of the field, such as metadata.name or status.podIP.',
          {
            maxLength: 256,
          },
        ),
      }),
    ),
    resourceFieldRef: opt(
      object(
        'A resource request or limit of the container.',
        {
          resource: formatted('containerResource', 'Resource, such as limits.memory.', {
            maxLength: 256,
          }),
          divisor: opt(quantity('Unit of the value, such as 1Mi. Defaults to 1.')),
        },
        rules(divisorRule()),
      ),
    ),
  },
  exactlyOne('secretKeyRef', 'configMapKeyRef', 'fieldRef', 'resourceFieldRef'),
)

const optionalRef = (what: string) =>
  object(`A ${what} in the same namespace.`, {
    name: objectName(`Name of the ${what}.`),
    optional: opt(optional),
  })
export const EnvFrom = list(
  'ConfigMaps and Secrets whose keys become environment variables. Variables in env take ' +
    'precedence.',
  object(
    'A source of environment variables. Exactly one of configMapRef and secretRef must be set.',
    {
      prefix: opt(
        formatted('variablePrefix', 'Prefix of the name of every variable.', { maxLength: 256 }),
      ),
      configMapRef: opt(optionalRef('ConfigMap')),
      secretRef: opt(optionalRef('Secret')),
    },
    exactlyOne('configMapRef', 'secretRef'),
  ),
  32,
)

/** The compute resources that a container can request and be limited to. */
export const computeResources = ['cpu', 'memory', 'ephemeral-storage'] as const

const amounts = (description: string) =>
  object(description, {
    cpu: opt(quantity('CPUs, such as 500m or 2. A fraction is a string: "0.5".')),
    memory: opt(quantity('Memory, such as 256Mi.')),
    'ephemeral-storage': opt(quantity('Disk space for logs and emptyDir volumes, such as 1Gi.')),
  })
export const Resources = object(
  'Compute resources of the container.',
  {
    requests: opt(amounts('Resources that the scheduler reserves for the pod.')),
    limits: opt(
      amounts(
        'Maximum that the container may use. Above the cpu limit it is throttled; above the ' +
          'memory limit it is killed.',
      ),
    ),
    extended: opt(
      Type.Unsafe<Record<string, number>>({
        type: 'object',
        description:
          'Devices and other extended resources by name, such as nvidia.com/gpu: 1. The ' +
          'container gets exactly this number.',
        maxProperties: 16,
        additionalProperties: integer('Number of units.', 0, int32Maximum),
        propertyNames: { format: 'extendedResource' },
      }),
    ),
  },
  rules(
    ...computeResources.map((resource) => {
      const [request, limit] = ['requests', 'limits'].map(
        (list) => `self.${list}.${inCel(resource)}`,
      )
      return rule(
        `!has(self.requests) || !has(self.limits) || !has(${request}) || !has(${limit}) || ` +
          `!isQuantity(string(${request})) || !isQuantity(string(${limit})) || ` +
          `!quantity(string(${request})).isGreaterThan(quantity(string(${limit})))`,
        `requests.${resource} must be at most limits.${resource}`,
      )
    }),
  ),
)

const Headers = list(
  'Headers of the request.',
  object('A header.', {
    name: formatted('headerName', 'Name, such as Host.', { minLength: 1, maxLength: 256 }),
    value: text('Value.', { maxLength: 4096 }),
  }),
  16,
  rules(distinct('name')),
)
const httpGet = {
  path: opt(text('Path. Defaults to "/".', { maxLength: 1024 })),
  scheme: opt(choice(['HTTP', 'HTTPS'], 'Scheme. Defaults to HTTP.')),
  httpHeaders: opt(Headers),
}
const grpcService = opt(text('Service name in the health check request.', { maxLength: 256 }))
const exec = opt(
  object('Command in the container. Exit code 0 is a success.', {
    command: list('Command and its arguments.', Type.String({ maxLength: 4096 }), 64, {
      minItems: 1,
    }),
  }),
)
const describedHandlers = {
  httpGet: 'HTTP GET request. A status from 200 to 399 is a success.',
  tcpSocket: 'TCP connection.',
  grpc: 'gRPC health check.',
}
const handlers = {
  httpGet: opt(object(describedHandlers.httpGet, { ...httpGet, port: opt(port) })),
  tcpSocket: opt(object(describedHandlers.tcpSocket, { port: opt(port) })),
  grpc: opt(object(describedHandlers.grpc, { port: opt(port), service: grpcService })),
  exec,
}
/** A sidecar has no default port for a probe. */
const sidecarHandlers = {
  httpGet: opt(object(describedHandlers.httpGet, { ...httpGet, port: sidecarPort })),
  tcpSocket: opt(object(describedHandlers.tcpSocket, { port: sidecarPort })),
  grpc: opt(object(describedHandlers.grpc, { port: sidecarPort, service: grpcService })),
  exec,
}

const thresholds = (mostSuccesses: number) => ({
  initialDelaySeconds: opt(
    seconds('Seconds from the start of the container to the first check. Defaults to 0.'),
  ),
  periodSeconds: opt(seconds('Seconds between checks. Defaults to 10.', 1)),
  timeoutSeconds: opt(seconds('Seconds until a check times out. Defaults to 1.', 1)),
  failureThreshold: opt(
    integer('Consecutive failures after which the probe fails. Defaults to 3.', 1, 86_400),
  ),
  successThreshold: opt(
    integer(
      'Consecutive successes after which the probe succeeds. Defaults to 1.',
      1,
      mostSuccesses,
    ),
  ),
})
const probeText = (description: string) =>
  `${description} Exactly one of httpGet, tcpSocket, grpc and exec must be set.`
const oneHandler = exactlyOne(...Object.keys(handlers))

const probe = (description: string, mostSuccesses: number) =>
  object(probeText(description), { ...handlers, ...thresholds(mostSuccesses) }, oneHandler)
export const Probes = object('Health checks of the container.', {
  startup: opt(probe('The other probes start after this one succeeds.', 1)),
  readiness: opt(
    probe(
      'The pod gets traffic while this probe succeeds. Defaults to a TCP check of the main port, ' +
        'unless this port speaks UDP or expose is false.',
      86_400,
    ),
  ),
  liveness: opt(probe('The container restarts when this probe fails. Not set by default.', 1)),
})

const sidecarProbe = (description: string, mostSuccesses: number) =>
  object(probeText(description), { ...sidecarHandlers, ...thresholds(mostSuccesses) }, oneHandler)
export const SidecarProbes = object('Health checks of the sidecar. None by default.', {
  startup: opt(sidecarProbe('The next container starts after this probe succeeds.', 1)),
  readiness: opt(sidecarProbe('The pod gets traffic only while this probe also succeeds.', 86_400)),
  liveness: opt(sidecarProbe('The sidecar restarts when this probe fails.', 1)),
})

const valueOperators = ['In', 'NotIn']
const existenceOperators = ['Exists', 'DoesNotExist']
const comparisonOperators = ['Gt', 'Lt']
interface Expression {
  operator: string
  values?: string[]
}
/** Messages for an operator that does not match its values. */
export const expressionMessages = {
  pod:
    'values must be set for In and NotIn, and must be empty for Exists and DoesNotExist; Gt ' +
    'and Lt may only be used in nodeAffinity',
  node:
    'values must be set for In and NotIn, must be empty for Exists and DoesNotExist, ' +
    'and must have one item for Gt and Lt',
}
/** Whether the operator of an expression matches its values. */
export const operatorFitsValues = (of: 'node' | 'pod', { operator, values = [] }: Expression) =>
  valueOperators.includes(operator)
    ? values.length > 0
    : existenceOperators.includes(operator)
      ? values.length === 0
      : of === 'node' && values.length === 1
const expressionRule = (of: 'node' | 'pod') => {
  const size = '(has(self.values) ? size(self.values) : 0)'
  const isOneOf = (operators: string[]) => `self.operator in ['${operators.join("', '")}']`
  return rule(
    `${isOneOf(valueOperators)} ? ${size} > 0 : ${isOneOf(existenceOperators)} ? ${size} == ` +
      `0 : ${of === 'node' ? `${size} == 1` : 'false'}`,
    expressionMessages[of],
  )
}

/** The message about `matchFields`. There Kubernetes accepts only the field metadata.name. */
export const nodeFieldMessage =
  'must have the key metadata.name, the operator In or NotIn, and one node name as value'
const nodeFieldRule = rule(
  `self.key == 'metadata.name' && self.operator in ['${valueOperators.join("', '")}'] && ` +
    'has(self.values) && size(self.values) == 1 && ' +
    `${celOf(formats.objectName, 'self.values[0]')}`,
  nodeFieldMessage,
)

/** The operator of a condition on labels or on the name of a node. */
export const operator = choice(
  [...valueOperators, ...existenceOperators, ...comparisonOperators],
  'How the label or the field compares with the values.',
)
const expressions = (of: 'node' | 'pod', value: object) =>
  list(
    'Conditions on labels. All must hold.',
    object(
      'A condition on a label.',
      {
        key: formatted('labelKey', 'Key of the label.', { maxLength: 317 }),
        operator,
        values: opt(list('Values.', Type.String({ maxLength: 63, ...value }), 64)),
      },
      rules(expressionRule(of)),
    ),
    32,
  )
const fieldExpressions = list(
  'Conditions on fields. All must hold.',
  object(
    'A condition on the name of the node.',
    {
      key: nonEmpty('Field: metadata.name.', 317),
      operator,
      values: opt(list('Name of the node.', Type.String({ maxLength: 63 }), 64)),
    },
    rules(nodeFieldRule),
  ),
  32,
)

const labelValue = { format: 'labelValue' }
const selector = (what: string) =>
  object(`Label selector of ${what}.`, {
    matchLabels: opt(labels('Labels with their values. All must match.', hookOnly)),
    matchExpressions: opt(expressions('pod', { ...labelValue, ...hookOnly })),
  })
const nodeTerm = (value: object) =>
  object('A set of nodes. All its conditions must hold.', {
    matchExpressions: opt(expressions('node', value)),
    matchFields: opt(fieldExpressions),
  })
const podTerm = object('A set of pods, and the node label that defines the topology domain.', {
  labelSelector: opt(selector('the pods')),
  namespaceSelector: opt(selector("the pods' namespaces")),
  namespaces: opt(
    list(
      "The pods' namespaces. Without these and namespaceSelector: the namespace of the MyApp.",
      Type.String({ maxLength: 63, format: 'namespaceName' }),
      32,
    ),
  ),
  topologyKey: formatted(
    'labelKey',
    'Node label of the topology, such as kubernetes.io/hostname.',
    {
      maxLength: 317,
    },
  ),
})

const weight = integer('Weight of the preference.', 1, 100)
const podAffinity = (description: string) =>
  object(description, {
    requiredDuringSchedulingIgnoredDuringExecution: opt(list('Required terms.', podTerm, 16)),
    preferredDuringSchedulingIgnoredDuringExecution: opt(
      list(
        'Preferred terms.',
        object('A preferred term.', { weight, podAffinityTerm: podTerm }),
        16,
      ),
    ),
  })
export const Affinity = object('Rules for where the pods run, by nodes and by other pods.', {
  nodeAffinity: opt(
    object('Selects nodes by their labels.', {
      requiredDuringSchedulingIgnoredDuringExecution: opt(
        object('Required terms.', {
          nodeSelectorTerms: list('Terms. One of them must hold.', nodeTerm(labelValue), 16, {
            minItems: 1,
          }),
        }),
      ),
      // Kubernetes accepts a preference for a value that no label can have.
      preferredDuringSchedulingIgnoredDuringExecution: opt(
        list(
          'Preferred terms.',
          object('A preferred term.', { weight, preference: nodeTerm({}) }),
          16,
        ),
      ),
    }),
  ),
  podAffinity: opt(podAffinity('Places pods near other pods.')),
  podAntiAffinity: opt(podAffinity('Places pods away from other pods.')),
})

/** Messages for a toleration. cross-field.ts checks the same rules in TypeScript. */
export const tolerationMessages = {
  operator: 'operator must be Exists when key is empty',
  value: 'value must be empty when operator is Exists',
  seconds: 'tolerationSeconds may only be set when effect is NoExecute',
}
export const Tolerations = list(
  'Taints of nodes that the pods tolerate.',
  object(
    'A tolerated taint.',
    {
      key: opt(
        formatted('optionalLabelKey', 'Key of the taint. Empty: every taint.', { maxLength: 317 }),
      ),
      operator: opt(choice(['Exists', 'Equal'], 'Defaults to Equal.')),
      value: opt(formatted('labelValue', 'Value of the taint.', { maxLength: 63 })),
      effect: opt(
        choice(
          ['NoSchedule', 'PreferNoSchedule', 'NoExecute'],
          'Effect of the taint. Defaults to all effects.',
        ),
      ),
      tolerationSeconds: opt(
        Type.Integer({
          description: 'Seconds for which a NoExecute taint is tolerated. Defaults to forever.',
          format: 'int64',
          minimum: 0,
          maximum: Number.MAX_SAFE_INTEGER,
        }),
      ),
    },
    rules(
      rule(
        "(has(self.key) && self.key != '') || (has(self.operator) && self.operator == 'Exists')",
        tolerationMessages.operator,
      ),
      rule(
        "!has(self.value) || self.value == '' || !has(self.operator) || self.operator != 'Exists'",
        tolerationMessages.value,
      ),
      rule(
        "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
        tolerationMessages.seconds,
      ),
    ),
  ),
  32,
)

export const TopologySpreadConstraints = list(
  'How the pods spread over the cluster. Defaults to zones and nodes, as far as possible. An ' +
    'empty list turns the default off.',
  object('A spread over one topology.', {
    topologyKey: nonEmpty('Node label of the topology, such as topology.kubernetes.io/zone.', 317),
    maxSkew: integer(
      'Largest allowed difference between the numbers of pods of two domains.',
      1,
      int32Maximum,
    ),
    whenUnsatisfiable: choice(
      ['DoNotSchedule', 'ScheduleAnyway'],
      'DoNotSchedule: a pod that would violate the constraint stays pending. ScheduleAnyway: the ' +
        'constraint is a preference.',
    ),
  }),
  8,
  rules(
    rule(
      'self.all(one, self.exists_one(other, other.topologyKey == one.topologyKey && ' +
        'other.whenUnsatisfiable == one.whenUnsatisfiable))',
      'duplicate topologyKey with the same whenUnsatisfiable',
    ),
  ),
)

/** The message for rollingUpdate with another type. */
export const rollingUpdateMessage = 'may only be set when type is RollingUpdate'
export const Strategy = object(
  'How a change of the pods rolls out. Defaults to RollingUpdate with maxUnavailable 0, or to ' +
    'Recreate when a volume uses a claim that only one pod can use.',
  {
    type: choice(
      ['RollingUpdate', 'Recreate'],
      'RollingUpdate, or Recreate: all old pods stop before new pods start.',
    ),
    rollingUpdate: opt(
      object('Bounds of a rolling update.', {
        maxSurge: opt(
          podsOrPercent('Pods above the desired number, such as 1 or "25%". Defaults to 25%.'),
        ),
        maxUnavailable: opt(
          podsOrPercent(
            'Pods below the desired number, such as 1 or "25%". Defaults to 0, and to 1 if ' +
              'maxSurge is 0.',
          ),
        ),
      }),
    ),
  },
  rules(
    rule(
      "!has(self.rollingUpdate) || self.type == 'RollingUpdate'",
      `rollingUpdate ${rollingUpdateMessage}`,
    ),
  ),
)

/**
 * Kubernetes rejects this capability together with `allowPrivilegeEscalation: false`, and only in
 * this spelling.
 */
export const escalating = 'CAP_SYS_ADMIN'

/**
 * Messages for the security of the pod and of the container. cross-field.ts checks the same rules
 * in TypeScript.
 */
export const securityMessages = {
  localhostProfile: 'must be set when type is Localhost, and may only be set then',
  privileged: 'allowPrivilegeEscalation must not be false when privileged is true',
  capability: `allowPrivilegeEscalation must not be false with the capability ${escalating}`,
  root: 'runAsUser must not be 0 when podSecurity is Restricted',
  twice: (field: string) => `${field} and securityContext.${field} may not both be set`,
}

const seccompProfile = object(
  'Seccomp profile.',
  {
    type: choice(['RuntimeDefault', 'Unconfined', 'Localhost'], 'Type of the profile.'),
    localhostProfile: opt(
      formatted('profilePath', 'File of a Localhost profile on the node.', { maxLength: 4096 }),
    ),
  },
  rules(
    rule(
      "(self.type == 'Localhost') == has(self.localhostProfile)",
      `localhostProfile ${securityMessages.localhostProfile}`,
    ),
  ),
)
/** Fields that both the spec and its securityContext have. */
export const userFields = ['runAsUser', 'runAsGroup', 'fsGroup'] as const
export const userRules = [
  ...userFields.map((field) =>
    rule(
      `!has(self.${field}) || !has(self.securityContext) || !has(self.securityContext.${field})`,
      securityMessages.twice(field),
    ),
  ),
  rule(
    '!has(self.runAsUser) || self.runAsUser != 0 || !has(self.podSecurity) || ' +
      "self.podSecurity != 'Restricted'",
    securityMessages.root,
  ),
]

const id = (description: string) =>
  Type.Integer({ description, format: 'int64', minimum: 0, maximum: int32Maximum })
/**
 * The user, the groups and the root file system of all containers. These fields can be set with
 * every value of podSecurity.
 */
export const userAndGroups = {
  runAsUser: opt(id("ID of the user that runs the containers. Defaults to the image's.")),
  runAsGroup: opt(
    id(
      "ID of the primary group of the containers. Defaults to the image's, or to 0 if the " +
        '/etc/passwd of the image does not contain runAsUser.',
    ),
  ),
  fsGroup: opt(id('ID of an additional group of the containers. It owns the files of volumes.')),
  fsGroupChangePolicy: opt(
    choice(
      ['Always', 'OnRootMismatch'],
      'When fsGroup is applied to the files of volumes. OnRootMismatch: only if the root ' +
        'directory of the volume has another owner or other permissions. Defaults to Always.',
    ),
  ),
  supplementalGroups: opt(list('IDs of further groups.', id('Group ID.'), 32)),
  readOnlyRootFilesystem: opt(
    flag(
      'Mount the root file system read-only, with an empty /tmp. Defaults to true if podSecurity ' +
        'is Restricted, and to false otherwise.',
    ),
  ),
}

export const PodSecurityContext = object(
  'Security of the pod. May only be set when podSecurity is Custom.',
  {
    runAsNonRoot: opt(flag('Refuse to run as root.')),
    runAsUser: opt(id('User ID.')),
    runAsGroup: opt(id('Group ID.')),
    fsGroup: opt(id('ID of the group that owns the files of volumes.')),
    seccompProfile: opt(seccompProfile),
  },
)
const capability = Type.String({ maxLength: 64 })
export const ContainerSecurityContext = object(
  'Security of all containers of the pod. May only be set when podSecurity is Custom.',
  {
    runAsNonRoot: opt(flag('Refuse to run as root.')),
    runAsUser: opt(id('User ID.')),
    runAsGroup: opt(id('Group ID.')),
    readOnlyRootFilesystem: opt(flag('Mount the root file system read-only.')),
    allowPrivilegeEscalation: opt(flag('A process may gain more privileges than its parent.')),
    privileged: opt(flag('Run with all privileges of the node.')),
    capabilities: opt(
      object('Linux capabilities.', {
        add: opt(list('Capabilities to add.', capability, 64)),
        drop: opt(list('Capabilities to drop.', capability, 64)),
      }),
    ),
    seccompProfile: opt(seccompProfile),
  },
  rules(
    rule(
      '!has(self.privileged) || !self.privileged || !has(self.allowPrivilegeEscalation) || ' +
        'self.allowPrivilegeEscalation',
      securityMessages.privileged,
    ),
    rule(
      '!has(self.allowPrivilegeEscalation) || self.allowPrivilegeEscalation || ' +
        `!has(self.capabilities) || !has(self.capabilities.add) || !('${escalating}' in ` +
        'self.capabilities.add)',
      securityMessages.capability,
    ),
  ),
)
