import t from 'tap'
import { newAjv } from '../../src/api/ajv.ts'
import { childKinds } from '../../src/myapp/children/index.ts'
import { wordsOf } from '../../src/api/formats.ts'
import { MyAppSpec } from '../../src/api/myapp.ts'
import { problems, sentence } from '../../src/api/validate.ts'
import { validSpec } from '../../src/myapp/valid-spec.ts'
import { recorded } from '../support/fixtures/recorded.ts'

const judge = (spec: unknown, name = 'demo-app') => {
  const { parent } = recorded('sync-new')
  return validSpec({ ...parent, metadata: { ...parent.metadata, name }, spec })
}
const variables = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ name: `V${index}` }))
const entries = (count: number, value: string) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, value]))
const image = 'nginx'
const [required, preferred] = [
  'requiredDuringSchedulingIgnoredDuringExecution',
  'preferredDuringSchedulingIgnoredDuringExecution',
]
const noName =
  'a name has lower-case letters, digits, "-" and "." only, and starts and ends with a letter or digit'
const noLabel =
  'not one for a label: use at most 63 letters, digits, "-", "_" and ".", and before a "/" a domain of at most 253'
const withMetric = (type: string, source: object) => ({
  image,
  autoscaling: {
    maxReplicas: 2,
    metrics: [{ type, [type.charAt(0).toLowerCase() + type.slice(1)]: source }],
  },
})
const noPodCondition =
  'In and NotIn need values, Exists and DoesNotExist have none, and Gt and Lt are for nodes'

const refused: Array<[says: string, spec: unknown, problem: string, name?: string]> = [
  ['no spec', undefined, 'spec: it is missing'],
  ['a spec that is a word', 'nginx', 'spec: a string is not of type object'],
  ['no image', {}, 'spec: image is missing'],
  ['an empty image', { image: '' }, 'spec.image: it is empty'],
  [
    'a blank in the image',
    { image: 'a b' },
    'spec.image: "a b" is not an image: one is written without blanks',
  ],
  [
    'an image that is a number',
    { image: 1 },
    'spec.image: 1 is not of type string: put it in quotes',
  ],
  [
    'fewer than no replicas',
    { image, replicas: -1 },
    'spec.replicas: -1 is less than the minimum of 0',
  ],
  [
    'too many replicas',
    { image, replicas: 101 },
    'spec.replicas: 101 is more than the maximum of 100',
  ],
  ['half a replica', { image, replicas: 1.5 }, 'spec.replicas: 1.5 is not of type integer'],
  ['port 0', { image, port: 0 }, 'spec.port: 0 is less than the minimum of 1'],
  ['port 65536', { image, port: 65536 }, 'spec.port: 65536 is more than the maximum of 65535'],
  ['a port by name', { image, port: 'http' }, 'spec.port: "http" is not of type integer'],
  ['an unknown field', { image, replica: 1 }, 'spec: "replica" is not a field of it'],
  ['env that is no list', { image, env: { A: '1' } }, 'spec.env: an object is not of type array'],
  [
    'a variable without a name',
    { image, env: [{ value: 'hunter2' }] },
    'spec.env[0]: name is missing',
  ],
  [
    'a variable that starts with a digit',
    { image, env: [{ name: 'A' }, { name: '1A', value: 'hunter2' }] },
    'spec.env[1].name: "1A" is not a name for an environment variable: use letters, digits, "_", "-" and ".", and do not start with a digit or with ".."',
  ],
  [
    'a value that is a number',
    { image, env: [{ name: 'A', value: 123456 }] },
    'spec.env[0].value: a number is not of type string: put it in quotes',
  ],
  [
    'a variable twice',
    { image, env: [{ name: 'A', value: 'hunter2' }, { name: 'A' }] },
    'spec.env[1].name: "A" is there twice',
  ],
  [
    'too many variables',
    { image, env: variables(257) },
    'spec.env: it has 257 items, more than the maximum of 256',
  ],
  [
    'too much env',
    { image, env: [{ name: 'A', value: 'x'.repeat(32768) }] },
    'spec.env: names and values have 32769 characters in all, more than the 32768 that fit',
  ],
  [
    'two sources of a value',
    {
      image,
      env: [
        {
          name: 'A',
          valueFrom: {
            fieldRef: { fieldPath: 'metadata.name' },
            secretKeyRef: { name: 'a', key: 'b' },
          },
        },
      ],
    },
    'spec.env[0].valueFrom: exactly one of secretKeyRef, configMapKeyRef, fieldRef, resourceFieldRef is to be given',
  ],
  [
    'no source of a value',
    { image, env: [{ name: 'A', valueFrom: {} }] },
    'spec.env[0].valueFrom: exactly one of secretKeyRef, configMapKeyRef, fieldRef, resourceFieldRef is to be given',
  ],
  [
    'more seconds than there may be',
    { image, minReadySeconds: 5000 },
    'spec.minReadySeconds: 5000 is more than the maximum of 3600',
  ],
  [
    'no time to end in',
    { image, terminationGracePeriodSeconds: 0 },
    'spec.terminationGracePeriodSeconds: 0 is less than the minimum of 1',
  ],
  [
    'a probe that never comes',
    { image, probes: { readiness: { httpGet: {}, periodSeconds: 0 } } },
    'spec.probes.readiness.periodSeconds: 0 is less than the minimum of 1',
  ],
  [
    'a yes where there is none',
    { image, minReadySeconds: true },
    'spec.minReadySeconds: true is not of type integer',
  ],
  [
    'a word that is none of a few',
    { image, tolerations: [{ key: 'a', operator: 'Equals' }] },
    'spec.tolerations[0].operator: "Equals" is not one of Exists, Equal',
  ],
  [
    'an argument that is a number',
    { image, args: ['serve', 123456] },
    'spec.args[1]: a number is not of type string: put it in quotes',
  ],
  [
    'an annotation that is a yes',
    { image, podAnnotations: { a: true } },
    'spec.podAnnotations.a: a boolean is not of type string: put it in quotes',
  ],
  [
    'a percentage without its sign',
    { image, disruption: { maxUnavailable: '25' } },
    'spec.disruption.maxUnavailable: "25" is not a number of pods or a share of them: use 0 to 100, or "0%" to "100%"',
  ],
  [
    'a number of pods that is neither',
    { image, disruption: { maxUnavailable: true } },
    'spec.disruption.maxUnavailable: true is neither an integer nor a string',
  ],
  [
    'a label that is a number',
    { image, podLabels: { 'a.b/c': 1 } },
    'spec.podLabels["a.b/c"]: a number is not of type string: put it in quotes',
  ],
  [
    'a volume twice',
    { image, volumes: ['/a', '/b'].map((mountPath) => ({ name: 'v', mountPath, emptyDir: {} })) },
    'spec.volumes[1].name: "v" is there twice',
  ],
  [
    'a mount twice',
    { image, volumes: ['v', 'w'].map((name) => ({ name, mountPath: '/a', emptyDir: {} })) },
    'spec.volumes[1].mountPath: "/a" is there twice',
  ],
  [
    'more requested than the limit',
    {
      image,
      resources: { requests: { cpu: '500m', memory: '1Gi' }, limits: { cpu: 1, memory: '1000Mi' } },
    },
    'spec.resources.requests.memory: 1Gi is more than the limit, 1000Mi',
  ],
  [
    'a label with a blank in it',
    { image, podLabels: { 'example.com/team': 'two words' } },
    'spec.podLabels["example.com/team"]: its value is not one for a label: use at most 63 letters, digits, "-", "_" and "."',
  ],
  [
    'a node label without a name',
    { image, nodeSelector: { 'example.com/': 'x' } },
    'spec.nodeSelector["example.com/"]: its name is not one for a label: use at most 63 letters, digits, "-", "_" and ".", and before a "/" a domain of at most 253',
  ],
  [
    'a field that a pod does not tell',
    {
      image,
      env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: "metadata.labels['a b']" } } }],
    },
    "spec.env[0].valueFrom.fieldRef.fieldPath: a variable can have metadata.name, metadata.namespace, metadata.uid, metadata.labels['KEY'], metadata.annotations['KEY'], spec.nodeName, spec.serviceAccountName, status.hostIP, status.hostIPs, status.podIP and status.podIPs",
  ],
  [
    'a resource without limits. or requests.',
    { image, env: [{ name: 'A', valueFrom: { resourceFieldRef: { resource: 'cpu' } } }] },
    'spec.env[0].valueFrom.resourceFieldRef.resource: a variable can have the limits and requests of the container, such as limits.memory: of cpu, memory, ephemeral-storage and hugepages-SIZE',
  ],
  [
    'a key with a slash',
    { image, env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'a', key: 'hunter/2' } } }] },
    'spec.env[0].valueFrom.configMapKeyRef.key: a key has letters, digits, "-", "_" and "." only, and does not start with ".."',
  ],
  [
    'a ConfigMap with a capital',
    { image, env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'Hunter2', key: 'a' } } }] },
    `spec.env[0].valueFrom.configMapKeyRef.name: ${noName}`,
  ],
  [
    'a divisor of cpu that is none',
    {
      image,
      env: [
        { name: 'A', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '100m' } } },
      ],
    },
    'spec.env[0].valueFrom.resourceFieldRef.divisor: a divisor is 1 or 1m for cpu, and 1 or a unit such as 1k or 1Mi for anything else',
  ],
  [
    'a ConfigMap of variables with a blank',
    { image, envFrom: [{ secretRef: { name: 'a' } }, { configMapRef: { name: 'a b' } }] },
    `spec.envFrom[1].configMapRef.name: ${noName}`,
  ],
  [
    'a way out of a volume',
    { image, volumes: [{ name: 'v', mountPath: '/v', subPath: 'a/..', emptyDir: {} }] },
    'spec.volumes[0].subPath: a path in the volume has no "/" at its start, and no ".." as a part',
  ],
  [
    'a file above the mount',
    {
      image,
      volumes: [
        {
          name: 'v',
          mountPath: '/v',
          configMap: { name: 's', items: [{ key: 'a', path: '../a' }] },
        },
      ],
    },
    'spec.volumes[0].configMap.items[0].path: a file in the volume has no "/" at its start, and no ".." as a part or at its start',
  ],
  [
    'a ServiceAccount with a capital',
    { image, serviceAccountName: 'Shop' },
    `spec.serviceAccountName: ${noName}`,
  ],
  [
    'a PriorityClass with a capital',
    { image, priorityClassName: 'High' },
    `spec.priorityClassName: ${noName}`,
  ],
  [
    'a listener with a capital',
    { image, gateway: { parentRefs: [{ name: 'a' }, { name: 'b', sectionName: 'HTTPS' }] } },
    `spec.gateway.parentRefs[1].sectionName: ${noName}`,
  ],
  [
    'a Gateway in a namespace with a dot',
    { image, gateway: { parentRefs: [{ name: 'a', namespace: 'a.b' }] } },
    'spec.gateway.parentRefs[0].namespace: a name has lower-case letters, digits and "-" only, and starts and ends with a letter or digit',
  ],
  [
    'a peer with a blank',
    { image, networkPolicy: { to: [{ namespace: 'a', app: 'b c' }] } },
    'spec.networkPolicy.to[0].app: a name has letters, digits, "-", "_" and "." only, at most 63, and starts and ends with a letter or digit',
  ],
  [
    'a condition without values',
    {
      image,
      affinity: {
        nodeAffinity: {
          [preferred]: [
            { weight: 1, preference: { matchExpressions: [{ key: 'a', operator: 'In' }] } },
          ],
        },
      },
    },
    `spec.affinity.nodeAffinity.${preferred}[0].preference.matchExpressions[0]: In and NotIn need values, Exists and DoesNotExist have none, and Gt and Lt have one`,
  ],
  [
    'a field of nodes that is none',
    {
      image,
      affinity: {
        nodeAffinity: {
          [required]: {
            nodeSelectorTerms: [
              { matchFields: [{ key: 'spec.unschedulable', operator: 'In', values: ['a'] }] },
            ],
          },
        },
      },
    },
    `spec.affinity.nodeAffinity.${required}.nodeSelectorTerms[0].matchFields[0]: the only field is metadata.name, with In or NotIn and the name of one node`,
  ],
  [
    'values for what is to exist',
    {
      image,
      affinity: {
        podAffinity: {
          [required]: [
            {
              topologyKey: 'a',
              labelSelector: {
                matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }],
              },
            },
          ],
        },
      },
    },
    `spec.affinity.podAffinity.${required}[0].labelSelector.matchExpressions[0]: ${noPodCondition}`,
  ],
  [
    'a comparison of pods',
    {
      image,
      affinity: {
        podAntiAffinity: {
          [preferred]: [
            {
              weight: 1,
              podAffinityTerm: {
                topologyKey: 'a',
                namespaceSelector: {
                  matchExpressions: [{ key: 'a', operator: 'Gt', values: ['1'] }],
                },
              },
            },
          ],
        },
      },
    },
    `spec.affinity.podAntiAffinity.${preferred}[0].podAffinityTerm.namespaceSelector.matchExpressions[0]: ${noPodCondition}`,
  ],
  [
    'a pull secret twice',
    { image, imagePullSecrets: [{ name: 'a' }, { name: 'b' }, { name: 'a' }] },
    'spec.imagePullSecrets[2].name: "a" is there twice',
  ],
  [
    'a spread twice',
    {
      image,
      topologySpreadConstraints: [1, 2].map((maxSkew) => ({
        topologyKey: 'zone',
        maxSkew,
        whenUnsatisfiable: 'DoNotSchedule',
      })),
    },
    'spec.topologySpreadConstraints[1].topologyKey: "zone DoNotSchedule" is there twice',
  ],
  [
    'a local profile without a file',
    { image, podSecurity: 'Custom', securityContext: { seccompProfile: { type: 'Localhost' } } },
    'spec.securityContext.seccompProfile.localhostProfile: it goes with type Localhost, which needs it',
  ],
  [
    'a file of another profile',
    {
      image,
      podSecurity: 'Custom',
      containerSecurityContext: {
        seccompProfile: { type: 'RuntimeDefault', localhostProfile: 'a' },
      },
    },
    'spec.containerSecurityContext.seccompProfile.localhostProfile: it goes with type Localhost, which needs it',
  ],
  [
    'a profile anywhere',
    {
      image,
      podSecurity: 'Custom',
      securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: '/a' } },
    },
    'spec.securityContext.seccompProfile.localhostProfile: a profile is a file in the folder that the kubelet has for them: its path has no "/" at its start, and no ".." as a part',
  ],
  [
    'what is privileged and gains no rights',
    {
      image,
      podSecurity: 'Custom',
      containerSecurityContext: { privileged: true, allowPrivilegeEscalation: false },
    },
    'spec.containerSecurityContext.allowPrivilegeEscalation: it cannot be false for what is privileged',
  ],
  [
    'a target without a value',
    {
      image,
      autoscaling: {
        maxReplicas: 2,
        metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization' } } }],
      },
    },
    'spec.autoscaling.metrics[0].resource.target: averageUtilization or averageValue is missing',
  ],
  [
    'an address for a host',
    { image, ingress: { host: '10.0.0.1' } },
    'spec.ingress.host: a host is a name, not an address: lower-case letters, digits, "-" and ".", and at most a "*." before it',
  ],
  [
    'a host with a port',
    { image, gateway: { parentRefs: [{ name: 'a' }], hostnames: ['a', 'b:80'] } },
    'spec.gateway.hostnames[1]: a host is a name, not an address: lower-case letters, digits, "-" and ".", and at most a "*." before it',
  ],
  [
    'a path with two slashes',
    { image, ingress: { path: '/a//b' } },
    'spec.ingress.path: a path has none of //, /./, /../ and %2F in it, and does not end with /.. or /., unless pathType is ImplementationSpecific',
  ],
  [
    'an annotation of the Ingress with a blank',
    { image, ingress: { annotations: { 'a b': 'x' } } },
    'spec.ingress.annotations["a b"]: its name is not one for an annotation: use at most 63 letters, digits, "-", "_" and ".", and before a "/" a domain of at most 253',
  ],
  [
    'a toleration of nothing',
    { image, tolerations: [{ value: 'x' }] },
    'spec.tolerations[0].operator: without a key it is to be Exists',
  ],
  [
    'a toleration of any value and of one',
    { image, tolerations: [{ key: 'a', operator: 'Exists', value: 'x' }] },
    'spec.tolerations[0].value: it does not go with the operator Exists',
  ],
  [
    'a time for what is not NoExecute',
    { image, tolerations: [{ key: 'a', effect: 'NoSchedule', tolerationSeconds: 1 }] },
    'spec.tolerations[0].tolerationSeconds: it goes with the effect NoExecute only',
  ],
  [
    'a taint with a blank',
    { image, tolerations: [{ key: 'a b' }] },
    'spec.tolerations[0].key: it is not one for a label: use at most 63 letters, digits, "-", "_" and ".", and before a "/" a domain of at most 253',
  ],
  [
    'a startup check that is to succeed twice',
    { image, probes: { startup: { tcpSocket: {}, successThreshold: 2 } } },
    'spec.probes.startup.successThreshold: it can only be 1 here',
  ],
  [
    'a peer that is nobody',
    { image, networkPolicy: { from: [{ app: 'a' }, {}] } },
    'spec.networkPolicy.from[1]: app or namespace is to be given',
  ],
  [
    'arguments that fill more than a child',
    { image, args: Array(64).fill('x'.repeat(8192)) },
    'spec.args: with it the Deployment has 525977 bytes, more than the 261632 that fit',
  ],
  [
    'annotations that fill more than a child',
    { image, podAnnotations: entries(64, 'x'.repeat(4096)) },
    'spec.podAnnotations: with it the Deployment has 264214 bytes, more than the 261632 that fit',
  ],
  [
    'annotations of an Ingress that stand in it twice',
    { image, ingress: { annotations: entries(16, 'x'.repeat(8192)) } },
    'spec.ingress: with it the Ingress has 262752 bytes, more than the 261632 that fit',
  ],
  [
    'arguments that JSON makes longer',
    { image, args: Array(6).fill('<&>\u2028'.repeat(2048)) },
    'spec.args: with it the Deployment has 296427 bytes, more than the 261632 that fit',
  ],
  [
    'arguments of characters with three bytes',
    { image, args: Array(11).fill('✓'.repeat(8192)) },
    'spec.args: with it the Deployment has 271866 bytes, more than the 261632 that fit',
  ],
  [
    'what fits one by one and not together',
    {
      image,
      env: [{ name: 'A', value: 'x'.repeat(32_000) }],
      command: Array(10).fill('x'.repeat(8192)),
      args: Array(9).fill('x'.repeat(8192)),
      podAnnotations: entries(20, 'x'.repeat(4096)),
    },
    'spec.podAnnotations: with it the Deployment has 271352 bytes, more than the 261632 that fit',
  ],
  ...['startup', 'readiness', 'liveness'].map((check): [string, unknown, string] => [
    `a ${check} check in no way`,
    { image, probes: { [check]: {} } },
    `spec.probes.${check}: exactly one of httpGet, tcpSocket, grpc, exec is to be given`,
  ]),
  [
    'variables from nowhere',
    { image, envFrom: [{ prefix: 'A' }] },
    'spec.envFrom[0]: exactly one of configMapRef, secretRef is to be given',
  ],
  [
    'a volume of two things',
    { image, volumes: [{ name: 'a', mountPath: '/a', emptyDir: {}, configMap: { name: 'a' } }] },
    'spec.volumes[0]: exactly one of configMap, secret, emptyDir, persistentVolumeClaim is to be given',
  ],
  [
    'a budget with both bounds',
    { image, disruption: { maxUnavailable: 1, minAvailable: 1 } },
    'spec.disruption: exactly one of maxUnavailable, minAvailable is to be given',
  ],
  [
    'memory in GB',
    { image, resources: { limits: { memory: '1GB' } } },
    'spec.resources.limits.memory: "1GB" is not an amount: use 0 or more, with at most three decimals, and a unit or none, such as 500m, 1.5, 256Mi or 1G',
  ],
  [
    'less than no cpu',
    { image, resources: { limits: { cpu: -1 } } },
    'spec.resources.limits.cpu: -1 is less than the minimum of 0',
  ],
  [
    'more pods than a MyApp can have',
    { image, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 500 } } },
    'spec.strategy.rollingUpdate.maxSurge: 500 is more than the maximum of 100',
  ],
  [
    'a volume with capitals',
    { image, volumes: [{ name: 'A_B', mountPath: '/a', emptyDir: {} }] },
    'spec.volumes[0].name: "A_B" is not a name for a volume: use lower-case letters, digits and "-", and start and end with a letter or digit',
  ],
  [
    'a mount anywhere',
    { image, volumes: [{ name: 'a', mountPath: 'rel', emptyDir: {} }] },
    'spec.volumes[0].mountPath: a string is not a path in the container: it starts with "/" and has no ":" in it',
  ],
  [
    'a path without its slash',
    { image, ingress: { path: 'foo' } },
    'spec.ingress.path: a string is not a path: it starts with "/"',
  ],
  [
    'a long domain before a label',
    { image, podLabels: { [`${'a'.repeat(254)}/b`]: 'x' } },
    `spec.podLabels["${'a'.repeat(254)}/b"]: its name is not one for a label: use at most 63 letters, digits, "-", "_" and ".", and before a "/" a domain of at most 253`,
  ],
  [
    'a prefix that is half an assignment',
    { image, envFrom: [{ prefix: 'A=B', secretRef: { name: 'a' } }] },
    'spec.envFrom[0].prefix: a prefix has letters, digits and signs of ASCII, and no "="',
  ],
  ...['runAsUser', 'runAsGroup', 'fsGroup'].map((id): [string, unknown, string] => [
    `too high a ${id}`,
    { image, podSecurity: 'Custom', securityContext: { [id]: 2 ** 31 } },
    `spec.securityContext.${id}: 2147483648 is more than the maximum of 2147483647`,
  ]),
  [
    'too high a user of the container',
    { image, podSecurity: 'Custom', containerSecurityContext: { runAsUser: 2 ** 31 } },
    'spec.containerSecurityContext.runAsUser: 2147483648 is more than the maximum of 2147483647',
  ],
  [
    'two classes of an Ingress',
    {
      image,
      ingress: { ingressClassName: 'a', annotations: { 'kubernetes.io/ingress.class': 'b' } },
    },
    'spec.ingress.annotations["kubernetes.io/ingress.class"]: it says another class than ingressClassName',
  ],
  [
    'a condition on a label with a blank',
    {
      image,
      affinity: {
        nodeAffinity: {
          [preferred]: [
            { weight: 1, preference: { matchExpressions: [{ key: 'a b', operator: 'Exists' }] } },
          ],
        },
      },
    },
    `spec.affinity.nodeAffinity.${preferred}[0].preference.matchExpressions[0]: a key is ${noLabel}`,
  ],
  [
    'a value that no node has',
    {
      image,
      affinity: {
        nodeAffinity: {
          [required]: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: 'a', operator: 'In', values: ['b', 'c d'] }] },
            ],
          },
        },
      },
    },
    `spec.affinity.nodeAffinity.${required}.nodeSelectorTerms[0].matchExpressions[0]: a value is not one for a label: use at most 63 letters, digits, "-", "_" and "."`,
  ],
  [
    'a node that cannot be',
    {
      image,
      affinity: {
        nodeAffinity: {
          [required]: {
            nodeSelectorTerms: [
              { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['A'] }] },
            ],
          },
        },
      },
    },
    `spec.affinity.nodeAffinity.${required}.nodeSelectorTerms[0].matchFields[0]: the only field is metadata.name, with In or NotIn and the name of one node`,
  ],
  [
    'near by a key with a blank',
    { image, affinity: { podAffinity: { [required]: [{ topologyKey: 'a b' }] } } },
    `spec.affinity.podAffinity.${required}[0].topologyKey: it is ${noLabel}`,
  ],
  [
    'pods of a label with a blank',
    {
      image,
      affinity: {
        podAffinity: {
          [required]: [
            {
              topologyKey: 'a',
              labelSelector: { matchExpressions: [{ key: 'a b', operator: 'Exists' }] },
            },
          ],
        },
      },
    },
    `spec.affinity.podAffinity.${required}[0].labelSelector.matchExpressions[0]: a key is ${noLabel}`,
  ],
  [
    'pods of a value with a blank',
    {
      image,
      affinity: {
        podAntiAffinity: {
          [preferred]: [
            {
              weight: 1,
              podAffinityTerm: {
                topologyKey: 'a',
                namespaceSelector: {
                  matchExpressions: [{ key: 'a', operator: 'In', values: ['b c'] }],
                },
              },
            },
          ],
        },
      },
    },
    `spec.affinity.podAntiAffinity.${preferred}[0].podAffinityTerm.namespaceSelector.matchExpressions[0]: a value is not one for a label: use at most 63 letters, digits, "-", "_" and "."`,
  ],
  [
    'pods with a label that has a blank',
    {
      image,
      affinity: {
        podAffinity: {
          [required]: [{ topologyKey: 'a', labelSelector: { matchLabels: { a: 'b c' } } }],
        },
      },
    },
    `spec.affinity.podAffinity.${required}[0].labelSelector.matchLabels.a: its value is not one for a label: use at most 63 letters, digits, "-", "_" and "."`,
  ],
  [
    'pods of a namespace with a dot',
    {
      image,
      affinity: { podAffinity: { [required]: [{ topologyKey: 'a', namespaces: ['a', 'b.c'] }] } },
    },
    `spec.affinity.podAffinity.${required}[0].namespaces[1]: a name has lower-case letters, digits and "-" only, and starts and ends with a letter or digit`,
  ],
  [
    'two targets of a metric',
    withMetric('External', {
      metric: { name: 'a' },
      target: { type: 'Value', averageValue: 1, value: 1 },
    }),
    'spec.autoscaling.metrics[0].external.target: averageValue and value are both given',
  ],
  [
    'two targets of a resource',
    withMetric('Resource', {
      name: 'cpu',
      target: { type: 'Utilization', averageUtilization: 1, averageValue: 1 },
    }),
    'spec.autoscaling.metrics[0].resource.target: averageUtilization and averageValue are both given',
  ],
  [
    'a target of 0',
    withMetric('Pods', {
      metric: { name: 'a' },
      target: { type: 'AverageValue', averageValue: '0.0' },
    }),
    'spec.autoscaling.metrics[0].pods.target.averageValue: it is not more than 0',
  ],
  [
    'a value of 0 beside a target',
    withMetric('Resource', {
      name: 'cpu',
      target: { type: 'Utilization', averageUtilization: 1, value: 0 },
    }),
    'spec.autoscaling.metrics[0].resource.target.value: it is not more than 0',
  ],
  [
    'a metric with a slash',
    withMetric('Object', {
      metric: { name: 'a/b' },
      describedObject: { kind: 'A', name: 'a' },
      target: { type: 'Value', value: 1 },
    }),
    'spec.autoscaling.metrics[0].object.metric.name: a name here has no "/" and no "%" in it, and is not "." or ".."',
  ],
  [
    'an object with a slash',
    withMetric('Object', {
      metric: { name: 'a' },
      describedObject: { kind: 'A', name: 'a/b' },
      target: { type: 'Value', value: 1 },
    }),
    'spec.autoscaling.metrics[0].object.describedObject.name: a name here has no "/" and no "%" in it, and is not "." or ".."',
  ],
  [
    'a version with two slashes',
    withMetric('Object', {
      metric: { name: 'a' },
      describedObject: { apiVersion: 'a/b/c', kind: 'A', name: 'a' },
      target: { type: 'Value', value: 1 },
    }),
    'spec.autoscaling.metrics[0].object.describedObject.apiVersion: a version is written as GROUP/VERSION, or as VERSION',
  ],
  [
    'a resource of a container that is none',
    withMetric('ContainerResource', {
      name: 'disk',
      container: 'app',
      target: { type: 'AverageValue', averageValue: 1 },
    }),
    'spec.autoscaling.metrics[0].containerResource.name: the resource of a container is cpu, memory, ephemeral-storage or hugepages-SIZE, or has a domain and a "/" before it',
  ],
  [
    'a container with capitals',
    withMetric('ContainerResource', {
      name: 'cpu',
      container: 'App',
      target: { type: 'AverageValue', averageValue: 1 },
    }),
    'spec.autoscaling.metrics[0].containerResource.container: a container has a name of lower-case letters, digits and "-" only, and starts and ends with a letter or digit',
  ],
  [
    'a name that starts with a digit',
    { image },
    'metadata.name: "1app" cannot name a Service: use at most 63 lower-case letters, digits and "-", starting with a letter and not ending with "-"',
    '1app',
  ],
  [
    'a name with a dot',
    { image },
    'metadata.name: "a.b" cannot name a Service: use at most 63 lower-case letters, digits and "-", starting with a letter and not ending with "-"',
    'a.b',
  ],
]

for (const [says, spec, problem, name] of refused) {
  t.test(`${says} is refused with field, bound and value`, async (t) => {
    t.strictSame(judge(spec, name), { problem })
    t.notMatch(problem, /hunter/i)
  })
}

t.test('the bounds themselves are allowed', async (t) => {
  const specs = [
    { image },
    { image, replicas: 0, port: 1 },
    { image, replicas: 100, port: 65535 },
    { image, env: [] },
    { image, env: variables(256) },
    {
      image,
      podLabels: { a: '', 'b.example.com/c_d.E-9': 'x'.repeat(63) },
      nodeSelector: { [`${'a'.repeat(253)}/${'b'.repeat(63)}`]: '1.0_a-b' },
      podAnnotations: { 'Example.COM/Note': 'any text, \n of any kind' },
    },
    {
      image,
      resources: { requests: { cpu: '1000m', memory: 1024 }, limits: { cpu: 1, memory: '1Ki' } },
      probes: { readiness: { exec: { command: ['true'] }, successThreshold: 3 } },
    },
    { image, env: [{ name: 'A', value: '✓'.repeat(32767) }] },
    {
      image,
      env: ["metadata.annotations['A.b/c']", 'metadata.uid', 'status.hostIPs'].map(
        (fieldPath, index) => ({ name: `A${index}`, valueFrom: { fieldRef: { fieldPath } } }),
      ),
    },
    {
      image,
      volumes: [{ name: 'v', mountPath: '/v', subPath: '..a/b..', emptyDir: {} }],
      tolerations: [{ operator: 'Exists' }, { key: 'a.b/c', value: '' }],
    },
    {
      image,
      ingress: { host: '*.a.example.com', path: '/a//b', pathType: 'ImplementationSpecific' },
      gateway: { parentRefs: [{ name: 'a' }], hostnames: ['1.a-b'] },
    },
    {
      image,
      ingress: { host: 'shop.1' },
      priorityClassName: '',
      env: [
        [undefined, 'limits.cpu'],
        [0, 'limits.cpu'],
        ['1000m', 'requests.cpu'],
        ['1024Ki', 'limits.memory'],
        [1000, 'limits.hugepages-2Mi'],
      ].map(([divisor, resource], index) => ({
        name: `A${index}`,
        valueFrom: { resourceFieldRef: { resource, ...(divisor !== undefined && { divisor }) } },
      })),
    },
    {
      image,
      podSecurity: 'Custom',
      securityContext: {
        seccompProfile: { type: 'Localhost', localhostProfile: 'profiles/a.json' },
      },
      containerSecurityContext: { privileged: true },
    },
    {
      image,
      topologySpreadConstraints: ['DoNotSchedule', 'ScheduleAnyway'].map((whenUnsatisfiable) => ({
        topologyKey: 'zone',
        maxSkew: 1,
        whenUnsatisfiable,
      })),
      networkPolicy: { from: [{ app: 'a', namespace: 'b' }], to: [] },
    },
    {
      image,
      args: Array(31).fill('x'.repeat(8192)),
      ingress: { annotations: entries(15, 'x'.repeat(8192)) },
    },
    {
      image,
      podSecurity: 'Custom',
      securityContext: { runAsUser: 2 ** 31 - 1, fsGroup: 0 },
      envFrom: [{ prefix: 'a.b-c ~', secretRef: { name: 'a' } }],
      ingress: { ingressClassName: 'a', annotations: { 'kubernetes.io/ingress.class': 'a' } },
    },
    {
      image,
      affinity: {
        nodeAffinity: {
          [preferred]: [
            {
              weight: 1,
              preference: { matchExpressions: [{ key: 'a', operator: 'In', values: ['b c'] }] },
            },
          ],
        },
      },
    },
    withMetric('Object', {
      metric: { name: 'a.b' },
      describedObject: { apiVersion: 'v1', kind: 'A', name: 'a' },
      target: { type: 'Value', averageValue: 1, value: 1 },
    }),
    ...['hugepages-2Mi', 'example.com/gpu'].map((name) =>
      withMetric('ContainerResource', {
        name,
        container: 'app',
        target: { type: 'AverageValue', averageValue: 1 },
      }),
    ),
    { image, env: [{ name: '.a-b.c_1' }, { name: '_' }, { name: '__proto__', value: 'x' }] },
  ]
  for (const spec of specs) t.strictSame(judge(spec), { spec })
  t.strictSame(judge({ image }, 'a'.repeat(63)), { spec: { image } })
})

t.test('what is not looked at for its size fits, whatever its characters', async (t) => {
  const filled = (spec: (text: string) => object) =>
    spec('<'.repeat(24_575 - JSON.stringify(spec('')).length))
  const names = entries(60, '')
  for (const spec of [
    filled((text) => ({ image, args: ['<'.repeat(8192), '&'.repeat(8192), text] })),
    filled((text) => ({
      image,
      ingress: { annotations: { a: '<'.repeat(8192), b: '&'.repeat(8192), c: text } },
    })),
    filled((text) => ({
      image,
      podLabels: names,
      volumes: variables(32).map(({ name }) => ({
        name: name.toLowerCase(),
        mountPath: `/${name}`,
        emptyDir: {},
      })),
      env: variables(64),
      podAnnotations: { a: text.slice(0, 4096), b: text.slice(4096, 8192) },
      networkPolicy: { from: Array(32).fill({ app: 'a' }) },
    })),
  ]) {
    t.strictSame(judge(spec), { spec })
    for (const { desired } of childKinds) {
      const [child] = desired({
        name: 'a'.repeat(63),
        namespace: 'a'.repeat(63),
        spec: spec as MyAppSpec,
      })
      t.ok(asKept(child) < 200_000)
    }
  }
})

/** The characters that a child takes in the annotations of it. */
const asKept = (child: { metadata: { annotations?: Record<string, string> } } | undefined) =>
  child === undefined
    ? 0
    : JSON.stringify(child).replaceAll(/[<>&]/g, '\\u0000').length +
      Object.entries(child.metadata.annotations ?? {}).join('').length

t.test('every pattern of the schema has words', async (t) => {
  const patterns = (schema: unknown): string[] =>
    typeof schema !== 'object' || schema === null
      ? []
      : Object.entries(schema).flatMap(([keyword, value]) =>
          keyword === 'pattern' && typeof value === 'string' ? [value] : patterns(value),
        )
  const found = new Set(patterns(MyAppSpec))
  t.equal(found.size, 7)
  for (const pattern of found) t.ok(wordsOf(pattern), pattern)
})

t.test('a validator that goes on after the first problem tells all of them', async (t) => {
  const isValid = newAjv({ allErrors: true }).compile<MyAppSpec>(MyAppSpec)
  const all = (spec: unknown, name = 'demo-app') => problems(name, spec, isValid).map(sentence)
  t.strictSame(
    all({ replicas: 101, podSecurity: 7, prot: 80, disruption: { minAvailable: '5' } }),
    [
      'spec: image is missing',
      'spec: "prot" is not a field of it',
      'spec.replicas: 101 is more than the maximum of 100',
      'spec.disruption.minAvailable: "5" is not a number of pods or a share of them: use 0 to 100, or "0%" to "100%"',
      'spec.podSecurity: 7 is not of type string: put it in quotes',
    ],
  )
  t.strictSame(
    all(
      {
        image,
        expose: false,
        gateway: { parentRefs: [{ name: 'g' }] },
        autoscaling: { minReplicas: 3, maxReplicas: 2 },
      },
      '1app',
    ).length,
    3,
  )
  t.strictSame(
    all({
      image,
      gateway: {
        parentRefs: [
          { name: 'g', sectionName: 'a' },
          { name: 'h' },
          { name: 'g', sectionName: 'b' },
        ],
      },
    }),
    [
      'spec.gateway.parentRefs[2].name: "g" is there twice; without a sectionName it stands for all of its listeners',
    ],
  )
})
