import Type from 'typebox'
import * as forms from './formats.ts'
import {
  configKey,
  containerResource,
  filePath,
  type Form,
  labelKey,
  labelValue,
  objectName,
  podField,
  profilePath,
  volumePath,
} from './formats.ts'
import { divisors, divisorWords } from './quantity.ts'
import {
  choice,
  differIn,
  eachOfForm,
  exactlyOne,
  flag,
  ifGiven,
  inCel,
  laterRule,
  list,
  object,
  ofForm,
  ofPattern,
  opt,
  podsOrPercent,
  quantity,
  seconds,
  strictName,
  strings,
  text,
} from './fields.ts'
import {
  type Expression,
  nodeExpression,
  nodeField,
  onLabel,
  podExpression,
  withLabelValues,
} from './selectors.ts'

/**
 * The parts of a MyApp that have their shape from Kubernetes' own pod: same names, same meaning, and of the fields those
 * that an application team needs. All are optional in the spec.
 */

const resourceName = (description: string) => text(description, { minLength: 1, maxLength: 253 })
const key = text('Key in it.', { minLength: 1, maxLength: 253 })
const optional = flag('Whether the app may run without it.')
const envKey = text('Key in it.', { minLength: 1, maxLength: 253, ...ofForm(configKey) })

const port = Type.Integer({
  description: 'Port; the port of the MyApp unless given.',
  format: 'int32',
  minimum: 1,
  maximum: 65535,
})

export const EnvVarSource = object(
  'Where the value comes from, in place of value.',
  {
    secretKeyRef: opt(
      object('A key of a Secret of the same namespace.', {
        name: strictName('Name of the Secret.'),
        key: envKey,
        optional: opt(optional),
      }),
    ),
    configMapKeyRef: opt(
      object('A key of a ConfigMap of the same namespace.', {
        name: strictName('Name of the ConfigMap.'),
        key: envKey,
        optional: opt(optional),
      }),
    ),
    fieldRef: opt(
      object('A field of the pod.', {
        fieldPath: text('For example metadata.name or status.podIP.', {
          minLength: 1,
          maxLength: 256,
          ...ofForm(podField),
        }),
      }),
    ),
    resourceFieldRef: opt(
      object(
        'A resource of the container.',
        {
          resource: text('For example limits.memory.', {
            minLength: 1,
            maxLength: 256,
            ...ofForm(containerResource),
          }),
          divisor: opt(quantity('Unit of the value, for example 1Mi. 1 unless given.')),
        },
        {
          'x-kubernetes-validations': [
            laterRule(
              ifGiven(
                'self',
                'divisor',
                (divisor) =>
                  // What is no amount at all has been told of already.
                  `!isQuantity(string(${divisor})) || quantity(string(${divisor})).isLessThan(quantity('0')) || (self.resource.endsWith('.cpu') ? ${JSON.stringify(divisors('limits.cpu'))} : ${JSON.stringify(divisors('limits.memory'))}).exists(one, quantity(one).compareTo(quantity(string(${divisor}))) == 0)`,
              ),
              divisorWords,
            ),
          ],
        },
      ),
    ),
  },
  exactlyOne('valueFrom'),
)

const EnvFromSource = object(
  'Every key of a ConfigMap or Secret as a variable.',
  {
    prefix: opt(text('Put in front of every name.', { maxLength: 256 })),
    configMapRef: opt(
      object('A ConfigMap of the same namespace.', {
        name: resourceName('Name of the ConfigMap.'),
        optional: opt(optional),
      }),
    ),
    secretRef: opt(
      object('A Secret of the same namespace.', {
        name: resourceName('Name of the Secret.'),
        optional: opt(optional),
      }),
    ),
  },
  exactlyOne('envFrom'),
)
export const EnvFrom = list('Sources of more variables; env goes before them.', EnvFromSource, 32, {
  'x-kubernetes-validations': [
    ...['configMapRef', 'secretRef'].map((source) => eachOfForm(`${source}.name`, objectName)),
    eachOfForm('prefix', forms.variablePrefix),
  ],
})

const amounts = (description: string) =>
  object(description, {
    cpu: opt(quantity('CPUs, for example 500m or 2.')),
    memory: opt(quantity('Memory, for example 256Mi.')),
    'ephemeral-storage': opt(quantity('Disk for logs and emptyDir volumes.')),
  })
export const Resources = object(
  'What the container needs at least (requests) and gets at most (limits).',
  {
    requests: opt(amounts('What the scheduler sets aside for it.')),
    limits: opt(amounts('Above this it is slowed (cpu) or ended (memory).')),
  },
  {
    'x-kubernetes-validations': ['cpu', 'memory', 'ephemeral-storage'].map((resource) => {
      const [request, limit] = ['requests', 'limits'].map(
        (list) => `self.${list}.${inCel(resource)}`,
      )
      return laterRule(
        `!has(self.requests) || !has(self.limits) || !has(${request}) || !has(${limit}) || !isQuantity(string(${request})) || !isQuantity(string(${limit})) || !quantity(string(${request})).isGreaterThan(quantity(string(${limit})))`,
        `more ${resource} is requested than the limit`,
      )
    }),
  },
)

const handlers = {
  httpGet: opt(
    object('An HTTP GET; 200 to 399 is healthy.', {
      path: opt(text('Path. / unless given.', { maxLength: 1024 })),
      port: opt(port),
      scheme: opt(choice(['HTTP', 'HTTPS'], 'HTTP unless given.')),
    }),
  ),
  tcpSocket: opt(object('A TCP connection.', { port: opt(port) })),
  grpc: opt(
    object('The gRPC health protocol.', {
      port: opt(port),
      service: opt(text('Name of the service to ask for.', { maxLength: 256 })),
    }),
  ),
  exec: opt(
    object('A command in the container; exit code 0 is healthy.', {
      command: list('The command and its arguments.', Type.String({ maxLength: 4096 }), 64, {
        minItems: 1,
      }),
    }),
  ),
}
const oneOfHandlers = exactlyOne('probes')
const onceIsEnough = laterRule(
  '!has(self.successThreshold) || self.successThreshold == 1',
  'successThreshold can only be 1 for startup and liveness',
)
const probe = (description: string, ...rules: object[]) =>
  object(
    description,
    {
      ...handlers,
      initialDelaySeconds: opt(seconds('Before the first check. 0 unless given.')),
      periodSeconds: opt(seconds('Between checks. 10 unless given.', 1)),
      timeoutSeconds: opt(seconds('For an answer. 1 unless given.', 1)),
      failureThreshold: opt(seconds('Failures in a row that count. 3 unless given.', 1)),
      successThreshold: opt(seconds('Successes in a row that count. 1 unless given.', 1)),
    },
    {
      ...oneOfHandlers,
      'x-kubernetes-validations': [...oneOfHandlers['x-kubernetes-validations'], ...rules],
    },
  )
export const Probes = object('Checks of the container.', {
  startup: opt(probe('Holds the other checks back until it succeeds.', onceIsEnough)),
  readiness: opt(probe('Whether it gets traffic. A TCP check of the port unless given.')),
  liveness: opt(probe('Whether it is restarted. None unless given.', onceIsEnough)),
})

const items = list(
  'Keys to take, with the file for each; all of them unless given.',
  object('One key.', {
    key,
    path: text('Path of the file below the mount.', { minLength: 1, maxLength: 1024 }),
  }),
  64,
  { 'x-kubernetes-validations': [eachOfForm('path', filePath)] },
)
const Volume = object(
  'Files for the container.',
  {
    name: text('Name of the volume.', { maxLength: 63, ...ofPattern(forms.volumeName) }),
    mountPath: text('Where it is in the container.', {
      maxLength: 1024,
      ...ofPattern(forms.mountPath),
    }),
    subPath: opt(
      text('Part of the volume to mount. Files mounted so are not updated.', {
        maxLength: 1024,
        ...ofForm(volumePath),
      }),
    ),
    readOnly: opt(flag('True unless given; false for emptyDir.')),
    configMap: opt(
      object('A ConfigMap of the same namespace.', {
        name: resourceName('Name of the ConfigMap.'),
        items: opt(items),
        optional: opt(optional),
      }),
    ),
    secret: opt(
      object('A Secret of the same namespace.', {
        secretName: resourceName('Name of the Secret.'),
        items: opt(items),
        optional: opt(optional),
      }),
    ),
    emptyDir: opt(
      object('An empty folder that lives as long as the pod.', {
        medium: opt(choice(['Memory'], 'Memory: in RAM.')),
        sizeLimit: opt(quantity('Largest size.')),
      }),
    ),
    persistentVolumeClaim: opt(
      object('An existing claim.', { claimName: resourceName('Name of the claim.') }),
    ),
  },
  exactlyOne('volumes'),
)
export const Volumes = list('Files from ConfigMaps, Secrets, claims, or empty.', Volume, 32, {
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['name'],
  'x-kubernetes-validations': [differIn('mountPath', 'a mountPath is there twice')],
})

const expression = object('A condition on a label.', {
  key: text('Label.', { minLength: 1, maxLength: 317 }),
  operator: choice(
    ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'],
    'How the label is compared.',
  ),
  values: opt(list('Values to compare with.', Type.String({ maxLength: 63 }), 64)),
})
export const LabelSelector = object('Selects by labels.', {
  matchLabels: opt(strings('Labels with their values.')),
  matchExpressions: opt(list('Conditions that all hold.', expression, 32)),
})
const nodeTerm = object('Nodes for which all of it holds.', {
  matchExpressions: opt(list('On labels.', expression, 32)),
  matchFields: opt(list('On fields.', expression, 32)),
})
const podTerm = object('Pods to be near to or far from.', {
  labelSelector: opt(LabelSelector),
  namespaceSelector: opt(LabelSelector),
  namespaces: opt(list('Their namespaces.', Type.String({ maxLength: 63 }), 32)),
  topologyKey: text('What near means, for example kubernetes.io/hostname.', {
    minLength: 1,
    maxLength: 317,
  }),
})
/** The rule that conditions in a list have a form; `of` says where in each of the list they are. */
const expressionsOfForm = (form: Form<Expression>, ...of: string[]) =>
  laterRule(
    `self.all(one, ${of.map((path) => ifGiven('one', path, (all) => `${all}.all(condition, ${form.rule('condition')})`)).join(' && ')})`,
    form.words,
  )
const nodeRules = (prefix = '', ...more: Array<Form<Expression>>) => ({
  'x-kubernetes-validations': [
    ...[nodeExpression, onLabel, ...more].map((form) =>
      expressionsOfForm(form, `${prefix}matchExpressions`),
    ),
    expressionsOfForm(nodeField, `${prefix}matchFields`),
  ],
})
/** The values and matchLabels of these are the hook's alone to look at: the API server bounds what all rules together may cost. */
const podRules = (prefix = '') => {
  const selectors = ['labelSelector', 'namespaceSelector'].map((selector) => `${prefix}${selector}`)
  return {
    'x-kubernetes-validations': [
      ...[podExpression, onLabel].map((form) =>
        expressionsOfForm(form, ...selectors.map((selector) => `${selector}.matchExpressions`)),
      ),
      eachOfForm(`${prefix}topologyKey`, { ...labelKey, words: `it is ${labelKey.words}` }),
      laterRule(
        `self.all(one, ${ifGiven('one', `${prefix}namespaces`, (names) => `${names}.all(name, ${forms.namespaceName.rule('name')})`)})`,
        `namespaces: ${forms.namespaceName.words}`,
      ),
    ],
  }
}

const weight = Type.Integer({
  description: 'How much it counts.',
  format: 'int32',
  minimum: 1,
  maximum: 100,
})
const podAffinity = (description: string) =>
  object(description, {
    requiredDuringSchedulingIgnoredDuringExecution: opt(
      list('Must hold.', podTerm, 16, podRules()),
    ),
    preferredDuringSchedulingIgnoredDuringExecution: opt(
      list(
        'Should hold.',
        object('A wish.', { weight, podAffinityTerm: podTerm }),
        16,
        podRules('podAffinityTerm.'),
      ),
    ),
  })
export const Affinity = object('Where pods go, by nodes and other pods.', {
  nodeAffinity: opt(
    object('By nodes.', {
      requiredDuringSchedulingIgnoredDuringExecution: opt(
        object('Must hold.', {
          nodeSelectorTerms: list('One of these holds.', nodeTerm, 16, {
            minItems: 1,
            ...nodeRules('', withLabelValues),
          }),
        }),
      ),
      preferredDuringSchedulingIgnoredDuringExecution: opt(
        list(
          'Should hold.',
          object('A wish.', { weight, preference: nodeTerm }),
          16,
          nodeRules('preference.'),
        ),
      ),
    }),
  ),
  podAffinity: opt(podAffinity('Near these pods.')),
  podAntiAffinity: opt(podAffinity('Far from these pods.')),
})

const Toleration = object('A taint that is tolerated.', {
  key: opt(text('Taint; all of them unless given.', { maxLength: 317 })),
  operator: opt(choice(['Exists', 'Equal'], 'Equal unless given.')),
  value: opt(text('Value of the taint.', { maxLength: 63 })),
  effect: opt(
    choice(
      ['NoSchedule', 'PreferNoSchedule', 'NoExecute'],
      'Effect of the taint; all of them unless given.',
    ),
  ),
  tolerationSeconds: opt(
    Type.Integer({
      description: 'For how long NoExecute is tolerated; for ever unless given.',
      format: 'int64',
      minimum: 0,
    }),
  ),
})
export const Tolerations = list('Taints of nodes that are tolerated.', Toleration, 32, {
  'x-kubernetes-validations': [
    laterRule(
      "self.all(one, (has(one.key) && one.key != '') || (has(one.operator) && one.operator == 'Exists'))",
      'without a key the operator is to be Exists',
    ),
    laterRule(
      "self.all(one, !has(one.value) || one.value == '' || !has(one.operator) || one.operator != 'Exists')",
      'a value does not go with the operator Exists',
    ),
    laterRule(
      "self.all(one, !has(one.tolerationSeconds) || (has(one.effect) && one.effect == 'NoExecute'))",
      'tolerationSeconds goes with the effect NoExecute only',
    ),
    laterRule(
      `self.all(one, !has(one.key) || one.key == '' || ${labelKey.rule('one.key')})`,
      `a key is ${labelKey.words}`,
    ),
    laterRule(
      `self.all(one, !has(one.value) || ${labelValue.rule('one.value')})`,
      `a value is ${labelValue.words}`,
    ),
  ],
})

const TopologySpreadConstraint = object('How pods are spread.', {
  topologyKey: text('Over what, for example topology.kubernetes.io/zone.', {
    minLength: 1,
    maxLength: 317,
  }),
  maxSkew: Type.Integer({
    description: 'By how many pods places may differ.',
    format: 'int32',
    minimum: 1,
  }),
  whenUnsatisfiable: choice(
    ['DoNotSchedule', 'ScheduleAnyway'],
    'What happens where it cannot hold.',
  ),
})
export const TopologySpreadConstraints = list(
  'How pods are spread. Over zones and nodes as far as possible unless given; an empty list: not at all.',
  TopologySpreadConstraint,
  8,
  {
    'x-kubernetes-validations': [
      laterRule(
        'self.all(one, self.exists_one(other, other.topologyKey == one.topologyKey && other.whenUnsatisfiable == one.whenUnsatisfiable))',
        'a topologyKey is there twice with the same whenUnsatisfiable',
      ),
    ],
  },
)

export const Strategy = object(
  'How a change of the pods rolls out. RollingUpdate, surge before remove, unless given.',
  {
    type: choice(
      ['RollingUpdate', 'Recreate'],
      'RollingUpdate, or Recreate: all old pods go before new ones come.',
    ),
    rollingUpdate: opt(
      object('Bounds of a rolling update.', {
        maxSurge: opt(podsOrPercent('Pods above the wanted number. 25% unless given.')),
        maxUnavailable: opt(
          podsOrPercent(
            'Pods below it. 0 unless given; 1 where maxSurge is 0 too, or nothing could move.',
          ),
        ),
      }),
    ),
  },
  {
    'x-kubernetes-validations': [
      {
        rule: "!has(self.rollingUpdate) || self.type == 'RollingUpdate'",
        message: 'rollingUpdate goes with type RollingUpdate only',
      },
    ],
  },
)

/** The one capability with which Kubernetes does not take a container that may not gain rights; it looks for this spelling alone. */
export const escalating = 'CAP_SYS_ADMIN'

const seccompProfile = object(
  'Seccomp profile.',
  {
    type: choice(['RuntimeDefault', 'Unconfined', 'Localhost'], 'Kind of profile.'),
    localhostProfile: opt(text('File of a Localhost profile.', ofForm(profilePath))),
  },
  {
    'x-kubernetes-validations': [
      laterRule(
        "(self.type == 'Localhost') == has(self.localhostProfile)",
        'localhostProfile goes with type Localhost, which needs it',
      ),
    ],
  },
)
const id = (description: string) =>
  Type.Integer({
    description,
    format: 'int64',
    minimum: 0,
    'x-kubernetes-validations': [laterRule(`self <= ${forms.idMaximum}`, forms.idWords)],
  })
export const PodSecurityContext = object('Security of the pod, with podSecurity Custom.', {
  runAsNonRoot: opt(flag('Refuses to run as root.')),
  runAsUser: opt(id('User.')),
  runAsGroup: opt(id('Group.')),
  fsGroup: opt(id('Group of the volumes.')),
  seccompProfile: opt(seccompProfile),
})
export const ContainerSecurityContext = object(
  'Security of the container, with podSecurity Custom.',
  {
    runAsNonRoot: opt(flag('Refuses to run as root.')),
    runAsUser: opt(id('User.')),
    runAsGroup: opt(id('Group.')),
    readOnlyRootFilesystem: opt(flag('Whether the root file system is read-only.')),
    allowPrivilegeEscalation: opt(flag('Whether a process may gain rights.')),
    privileged: opt(flag('Whether it has all rights of the node.')),
    capabilities: opt(
      object('Capabilities beside the default ones.', {
        add: opt(list('To add.', Type.String({ maxLength: 64 }), 64)),
        drop: opt(list('To drop.', Type.String({ maxLength: 64 }), 64)),
      }),
    ),
    seccompProfile: opt(seccompProfile),
  },
  {
    'x-kubernetes-validations': [
      laterRule(
        '!has(self.privileged) || !self.privileged || !has(self.allowPrivilegeEscalation) || self.allowPrivilegeEscalation',
        'allowPrivilegeEscalation cannot be false for what is privileged',
      ),
      laterRule(
        `!has(self.allowPrivilegeEscalation) || self.allowPrivilegeEscalation || !has(self.capabilities) || !has(self.capabilities.add) || !('${escalating}' in self.capabilities.add)`,
        `allowPrivilegeEscalation cannot be false with the capability ${escalating}`,
      ),
    ],
  },
)
