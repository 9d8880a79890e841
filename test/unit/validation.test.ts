import t from 'tap'
import { childKinds } from '../../src/myapp/children/index.ts'
import { messageMaxLength, sentence } from '../../src/api/messages.ts'
import { MyAppSpec } from '../../src/api/myapp.ts'
import { validate } from '../../src/api/validate.ts'
import { storedForm } from '../../src/cli/manifests.ts'
import { myAppValidator } from '../../src/cli/validators.ts'
import { validSpec } from '../../src/myapp/valid-spec.ts'
import { cases } from '../support/cluster/admission-cases.ts'
import { recorded } from '../support/fixtures/recorded.ts'

const judge = (spec: unknown, name = 'demo-app') => {
  const { parent } = recorded('sync-new')
  return validSpec({ ...parent, metadata: { ...parent.metadata, name }, spec })
}
const variables = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ name: `V${index}` }))
const entries = (count: number, value: string) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, value]))
const named = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, index) => ({ name: `${prefix}-${index}` }))
const image = 'nginx'
const [required, preferred] = [
  'requiredDuringSchedulingIgnoredDuringExecution',
  'preferredDuringSchedulingIgnoredDuringExecution',
]
const withMetric = (type: string, source: object) => ({
  image,
  autoscaling: {
    maxReplicas: 2,
    metrics: [{ type, [type.charAt(0).toLowerCase() + type.slice(1)]: source }],
  },
})
const refused: Array<[says: string, spec: unknown, problem: string, name?: string]> = [
  ['no spec', undefined, 'spec: spec is required'],
  ['a spec that is a string', 'nginx', 'spec: must be an object, got a string'],
  ['no image', {}, 'spec.image: image is required'],
  ['an empty image', { image: '' }, 'spec.image: must not be empty'],
  [
    'a space in the image',
    { image: 'a b' },
    'spec.image: invalid value "a b": must be an image without white space, such as nginx:1.29',
  ],
  [
    'an image that is a number',
    { image: 1 },
    'spec.image: must be a string, got 1; put the value in quotes',
  ],
  ['negative replicas', { image, replicas: -1 }, 'spec.replicas: must be at least 0, got -1'],
  ['too many replicas', { image, replicas: 101 }, 'spec.replicas: must be at most 100, got 101'],
  ['half a replica', { image, replicas: 1.5 }, 'spec.replicas: must be an integer, got 1.5'],
  ['port 0', { image, port: 0 }, 'spec.port: must be at least 1, got 0'],
  ['port 65536', { image, port: 65536 }, 'spec.port: must be at most 65535, got 65536'],
  ['a port by name', { image, port: 'http' }, 'spec.port: must be an integer, got "http"'],
  [
    'an unknown field',
    { image, replica: 1 },
    'spec.replica: unknown field "replica"; did you mean "replicas"?',
  ],
  [
    'env that is not a list',
    { image, env: { A: '1' } },
    'spec.env: must be a list, got an object; write a list of name and value: "- name: KEY" ' +
      'and "value: VALUE" for each variable',
  ],
  [
    'a variable without a name',
    { image, env: [{ value: 'hunter2' }] },
    'spec.env[0].name: name is required',
  ],
  [
    'a variable that starts with a digit',
    { image, env: [{ name: 'A' }, { name: '1A', value: 'hunter2' }] },
    'spec.env[1].name: invalid value "1A": must consist of letters, digits, "_", "-" or ' +
      '".", and must not start with a digit or with ".."',
  ],
  [
    'a value that is a number',
    { image, env: [{ name: 'A', value: 123456 }] },
    'spec.env[0].value: must be a string, got a number; put the value in quotes',
  ],
  [
    'a variable twice',
    { image, env: [{ name: 'A', value: 'hunter2' }, { name: 'A' }] },
    'spec.env[1].name: duplicate value "A"',
  ],
  [
    'too many variables',
    { image, env: variables(257) },
    'spec.env: must have at most 256 items, got 257',
  ],
  [
    'too many characters in env',
    { image, env: [{ name: 'A', value: 'x'.repeat(32768) }] },
    'spec.env: names and values must have at most 32768 characters in total, got 32769',
  ],
  [
    'two sources of a variable',
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
    'spec.env[0].valueFrom: exactly one of secretKeyRef, configMapKeyRef, fieldRef, ' +
      'resourceFieldRef must be set',
  ],
  [
    'no source of a variable',
    { image, env: [{ name: 'A', valueFrom: {} }] },
    'spec.env[0].valueFrom: exactly one of secretKeyRef, configMapKeyRef, fieldRef, ' +
      'resourceFieldRef must be set',
  ],
  [
    'too many seconds',
    { image, minReadySeconds: 5000 },
    'spec.minReadySeconds: must be at most 3600, got 5000',
  ],
  [
    'a grace period of 0',
    { image, terminationGracePeriodSeconds: 0 },
    'spec.terminationGracePeriodSeconds: must be at least 1, got 0',
  ],
  [
    'a probe period of 0',
    { image, probes: { readiness: { httpGet: {}, periodSeconds: 0 } } },
    'spec.probes.readiness.periodSeconds: must be at least 1, got 0',
  ],
  [
    'a boolean in place of an integer',
    { image, minReadySeconds: true },
    'spec.minReadySeconds: must be an integer, got true',
  ],
  [
    'an unknown enum value',
    { image, tolerations: [{ key: 'a', operator: 'Equals' }] },
    'spec.tolerations[0].operator: must be Exists or Equal, got "Equals"; did you mean "Equal"?',
  ],
  [
    'an argument that is a number',
    { image, args: ['serve', 123456] },
    'spec.args[1]: must be a string, got a number; put the value in quotes',
  ],
  [
    'a boolean annotation',
    { image, podAnnotations: { a: true } },
    'spec.podAnnotations.a: must be a string, got a boolean; put the value in quotes',
  ],
  [
    'a percentage without its sign',
    { image, disruption: { maxUnavailable: '25' } },
    'spec.disruption.maxUnavailable: invalid value "25": must be a number of pods from 0 to ' +
      '100, or a percentage from "0%" to "100%"',
  ],
  [
    'a boolean maxUnavailable',
    { image, disruption: { maxUnavailable: true } },
    'spec.disruption.maxUnavailable: must be an integer or a string, got true',
  ],
  [
    'a label that is a number',
    { image, podLabels: { 'a.b/c': 1 } },
    'spec.podLabels["a.b/c"]: must be a string, got a number; put the value in quotes',
  ],
  [
    'a volume twice',
    { image, volumes: ['/a', '/b'].map((mountPath) => ({ name: 'v', mountPath, emptyDir: {} })) },
    'spec.volumes[1].name: duplicate value "v"',
  ],
  [
    'a mount twice',
    { image, volumes: ['v', 'w'].map((name) => ({ name, mountPath: '/a', emptyDir: {} })) },
    'spec.volumes[1].mountPath: duplicate value "/a"',
  ],
  [
    'a request above the limit',
    {
      image,
      resources: { requests: { cpu: '500m', memory: '1Gi' }, limits: { cpu: 1, memory: '1000Mi' } },
    },
    'spec.resources.requests.memory: must be at most limits.memory, 1000Mi, got 1Gi',
  ],
  [
    'a pod label with a space',
    { image, podLabels: { 'example.com/team': 'two words' } },
    'spec.podLabels["example.com/team"]: invalid label value: at most 63 letters, digits, ' +
      '"-", "_" or ".", starting and ending with a letter or digit',
  ],
  [
    'a node label without a name',
    { image, nodeSelector: { 'example.com/': 'x' } },
    'spec.nodeSelector["example.com/"]: invalid label key: at most 63 letters, digits, "-", ' +
      '"_" or ".", after an optional DNS prefix of at most 253 characters and "/"',
  ],
  [
    'a field that the downward API does not provide',
    {
      image,
      env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: "metadata.labels['a b']" } } }],
    },
    'spec.env[0].valueFrom.fieldRef.fieldPath: must be metadata.name, metadata.namespace, ' +
      "metadata.uid, metadata.labels['KEY'], metadata.annotations['KEY'], spec.nodeName, " +
      'spec.serviceAccountName, status.hostIP, status.hostIPs, status.podIP or status.podIPs',
  ],
  [
    'a resource without limits. or requests.',
    { image, env: [{ name: 'A', valueFrom: { resourceFieldRef: { resource: 'cpu' } } }] },
    'spec.env[0].valueFrom.resourceFieldRef.resource: must be limits.RESOURCE or ' +
      'requests.RESOURCE, with cpu, memory, ephemeral-storage or hugepages-SIZE',
  ],
  [
    'a ConfigMap key with a slash',
    { image, env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'a', key: 'hunter/2' } } }] },
    'spec.env[0].valueFrom.configMapKeyRef.key: must consist of letters, digits, "-", "_" ' +
      'or ".", and must not start with ".."',
  ],
  [
    'a ConfigMap name with an upper-case letter',
    { image, env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'Config', key: 'a' } } }] },
    'spec.env[0].valueFrom.configMapKeyRef.name: invalid value "Config": must consist of ' +
      'lower-case letters, digits, "-" or ".", and must start and end with a letter or digit',
  ],
  [
    'an invalid divisor of cpu',
    {
      image,
      env: [
        { name: 'A', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '100m' } } },
      ],
    },
    'spec.env[0].valueFrom.resourceFieldRef.divisor: divisor must be 1 or 1m for cpu, and 1 ' +
      'or a unit such as 1k or 1Mi for other resources',
  ],
  [
    'a ConfigMap name with a space in envFrom',
    { image, envFrom: [{ secretRef: { name: 'a' } }, { configMapRef: { name: 'a b' } }] },
    'spec.envFrom[1].configMapRef.name: invalid value "a b": must consist of lower-case ' +
      'letters, digits, "-" or ".", and must start and end with a letter or digit',
  ],
  [
    'a subPath out of the volume',
    { image, volumes: [{ name: 'v', mountPath: '/v', subPath: 'a/..', emptyDir: {} }] },
    'spec.volumes[0].subPath: must be a relative path without ".."',
  ],
  [
    'a file path out of the mount',
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
    'spec.volumes[0].configMap.items[0].path: must be a relative path without "..", and ' +
      'must not start with ".."',
  ],
  [
    'a ServiceAccount name with an upper-case letter',
    { image, serviceAccountName: 'Shop' },
    'spec.serviceAccountName: must consist of lower-case letters, digits, "-" or ".", and ' +
      'must start and end with a letter or digit',
  ],
  [
    'two ServiceAccounts',
    { image, serviceAccountName: 'shop', serviceAccount: {} },
    'spec.serviceAccountName: only one of serviceAccount and serviceAccountName may be set',
  ],
  [
    'the name of a ServiceAccount in the wrong field',
    { image, serviceAccount: 'robot' },
    'spec.serviceAccount: must be an object, got a string; to use an existing ' +
      'ServiceAccount, ' +
      'set serviceAccountName',
  ],
  [
    "Metacontroller's annotation for a ServiceAccount",
    {
      image,
      serviceAccount: {
        annotations: { 'metacontroller.k8s.io/last-applied-configuration': '{}' },
      },
    },
    'spec.serviceAccount.annotations["metacontroller.k8s.io/last-applied-configuration"]: ' +
      'the annotation metacontroller.k8s.io/last-applied-configuration is reserved for ' +
      'Metacontroller',
  ],
  [
    'a PriorityClass name with an upper-case letter',
    { image, priorityClassName: 'High' },
    'spec.priorityClassName: must consist of lower-case letters, digits, "-" or ".", and ' +
      'must start and end with a letter or digit',
  ],
  [
    'a listener name with an upper-case letter',
    { image, gateway: { parentRefs: [{ name: 'a' }, { name: 'b', sectionName: 'HTTPS' }] } },
    'spec.gateway.parentRefs[1].sectionName: must consist of lower-case letters, digits, ' +
      '"-" or ".", and must start and end with a letter or digit',
  ],
  [
    'a Gateway in a namespace with a dot',
    { image, gateway: { parentRefs: [{ name: 'a', namespace: 'a.b' }] } },
    'spec.gateway.parentRefs[0].namespace: invalid value "a.b": must consist of lower-case ' +
      'letters, digits or "-", and must start and end with a letter or digit',
  ],
  [
    'an app name with a space in a peer',
    { image, networkPolicy: { to: [{ namespace: 'a', app: 'b c' }] } },
    'spec.networkPolicy.to[0].app: must consist of at most 63 letters, digits, "-", "_" or ' +
      '".", and must start and end with a letter or digit',
  ],
  [
    'an expression without values',
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
    `spec.affinity.nodeAffinity.${preferred}[0].preference.matchExpressions[0]: values must ` +
      'be set for In and NotIn, must be empty for Exists and DoesNotExist, and must have one ' +
      'item for Gt and Lt',
  ],
  [
    'an unknown node field',
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
    `spec.affinity.nodeAffinity.${required}.nodeSelectorTerms[0].matchFields[0]: must have ` +
      'the key metadata.name, the operator In or NotIn, and one node name as value',
  ],
  [
    'values for the operator Exists',
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
    `spec.affinity.podAffinity.${required}[0].labelSelector.matchExpressions[0]: values ` +
      'must be set for In and NotIn, and must be empty for Exists and DoesNotExist; Gt and Lt ' +
      'may only be used in nodeAffinity',
  ],
  [
    'the operator Gt for pods',
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
    `spec.affinity.podAntiAffinity.${preferred}[0].podAffinityTerm.` +
      'namespaceSelector.matchExpressions[0]: ' +
      'values must be set for In and NotIn, and must be empty for Exists and DoesNotExist; ' +
      'Gt and Lt may only be used in nodeAffinity',
  ],
  [
    'a duplicate pull secret',
    { image, imagePullSecrets: [{ name: 'a' }, { name: 'b' }, { name: 'a' }] },
    'spec.imagePullSecrets[2].name: duplicate value "a"',
  ],
  [
    'a topology spread constraint twice',
    {
      image,
      topologySpreadConstraints: [1, 2].map((maxSkew) => ({
        topologyKey: 'zone',
        maxSkew,
        whenUnsatisfiable: 'DoNotSchedule',
      })),
    },
    'spec.topologySpreadConstraints[1].topologyKey: duplicate value "zone" with the same ' +
      'whenUnsatisfiable',
  ],
  [
    'a local profile without a file',
    { image, podSecurity: 'Custom', securityContext: { seccompProfile: { type: 'Localhost' } } },
    'spec.securityContext.seccompProfile.localhostProfile: must be set when type is ' +
      'Localhost, and may only be set then',
  ],
  [
    'a localhostProfile when type is not Localhost',
    {
      image,
      podSecurity: 'Custom',
      containerSecurityContext: {
        seccompProfile: { type: 'RuntimeDefault', localhostProfile: 'a' },
      },
    },
    'spec.containerSecurityContext.seccompProfile.localhostProfile: must be set when type ' +
      'is Localhost, and may only be set then',
  ],
  [
    'a local profile with an absolute path',
    {
      image,
      podSecurity: 'Custom',
      securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: '/a' } },
    },
    'spec.securityContext.seccompProfile.localhostProfile: must be a path below the ' +
      'kubelet\'s folder of profiles: relative and without ".."',
  ],
  [
    'privileged without privilege escalation',
    {
      image,
      podSecurity: 'Custom',
      containerSecurityContext: { privileged: true, allowPrivilegeEscalation: false },
    },
    'spec.containerSecurityContext.allowPrivilegeEscalation: allowPrivilegeEscalation must ' +
      'not be false when privileged is true',
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
    'spec.autoscaling.metrics[0].resource.target: exactly one of averageUtilization, ' +
      'averageValue must be set',
  ],
  [
    'an IP address as a host',
    { image, ingress: { host: '10.0.0.1' } },
    'spec.ingress.host: must be a DNS name, not an IP address or URL: lower-case letters, ' +
      'digits, "-" or ".", with an optional "*." at the start',
  ],
  [
    'a host with a port',
    { image, gateway: { parentRefs: [{ name: 'a' }], hostnames: ['a', 'b:80'] } },
    'spec.gateway.hostnames[1]: must be a DNS name, not an IP address or URL: lower-case ' +
      'letters, digits, "-" or ".", with an optional "*." at the start',
  ],
  [
    'a path with two slashes',
    { image, ingress: { path: '/a//b' } },
    'spec.ingress.path: must not contain "//", "/./", "/../" or "%2F", or end with "/." or ' +
      '"/..", unless pathType is ImplementationSpecific',
  ],
  [
    'an annotation of the Ingress with a space',
    { image, ingress: { annotations: { 'a b': 'x' } } },
    'spec.ingress.annotations["a b"]: invalid annotation key: at most 63 letters, digits, ' +
      '"-", "_" or ".", after an optional DNS prefix of at most 253 characters and "/"',
  ],
  [
    'a toleration without a key and with Equal',
    { image, tolerations: [{ value: 'x' }] },
    'spec.tolerations[0].operator: operator must be Exists when key is empty',
  ],
  [
    'a toleration with Exists and a value',
    { image, tolerations: [{ key: 'a', operator: 'Exists', value: 'x' }] },
    'spec.tolerations[0].value: value must be empty when operator is Exists',
  ],
  [
    'tolerationSeconds without NoExecute',
    { image, tolerations: [{ key: 'a', effect: 'NoSchedule', tolerationSeconds: 1 }] },
    'spec.tolerations[0].tolerationSeconds: tolerationSeconds may only be set when effect ' +
      'is NoExecute',
  ],
  [
    'a toleration key with a space',
    { image, tolerations: [{ key: 'a b' }] },
    'spec.tolerations[0].key: invalid label key: at most 63 letters, digits, "-", "_" or ' +
      '".", after an optional DNS prefix of at most 253 characters and "/"',
  ],
  [
    'successThreshold 2 of a startup probe',
    { image, probes: { startup: { tcpSocket: {}, successThreshold: 2 } } },
    'spec.probes.startup.successThreshold: must be at most 1, got 2',
  ],
  [
    'a peer that selects all pods by an empty podLabels',
    { image, networkPolicy: { from: [{ podLabels: {} }] } },
    'spec.networkPolicy.from[0].podLabels: must not be empty',
  ],
  [
    'an empty peer',
    { image, networkPolicy: { from: [{ app: 'a' }, {}] } },
    'spec.networkPolicy.from[1]: app or podLabels or namespace or cidr must be set',
  ],
  [
    'arguments that exceed the size of a child',
    { image, args: Array(64).fill('x'.repeat(8192)) },
    'spec.args: the Deployment must have at most 261632 bytes, got 526055; args is its ' +
      'largest field',
  ],
  [
    'annotations that exceed the size of a child',
    { image, podAnnotations: entries(64, 'x'.repeat(4096)) },
    'spec.podAnnotations: the Deployment must have at most 261632 bytes, got 264292; ' +
      'podAnnotations is its largest field',
  ],
  [
    'annotations that exceed the size of an Ingress',
    { image, ingress: { annotations: entries(16, 'x'.repeat(8192)) } },
    'spec.ingress: the Ingress must have at most 261632 bytes, got 262752; ingress is its ' +
      'largest field',
  ],
  [
    'arguments that are too large once escaped in JSON',
    { image, args: Array(6).fill('<&>\u2028'.repeat(2048)) },
    'spec.args: the Deployment must have at most 261632 bytes, got 296505; args is its ' +
      'largest field',
  ],
  [
    'arguments of three-byte characters',
    { image, args: Array(11).fill('✓'.repeat(8192)) },
    'spec.args: the Deployment must have at most 261632 bytes, got 271944; args is its ' +
      'largest field',
  ],
  [
    'fields that are too large only together',
    {
      image,
      env: [{ name: 'A', value: 'x'.repeat(32_000) }],
      command: Array(10).fill('x'.repeat(8192)),
      args: Array(9).fill('x'.repeat(8192)),
      podAnnotations: entries(20, 'x'.repeat(4096)),
    },
    'spec.podAnnotations: the Deployment must have at most 261632 bytes, got 271430; ' +
      'podAnnotations is its largest field',
  ],
  [
    'two files of a ConfigMap with one path',
    {
      image,
      volumes: [
        {
          name: 'a',
          mountPath: '/a',
          configMap: {
            name: 'a',
            items: [
              { key: 'b', path: 'x' },
              { key: 'c', path: 'x' },
            ],
          },
        },
      ],
    },
    'spec.volumes[0].configMap.items[1].path: another file in the volume has this path',
  ],
  [
    'env that is too large once each container has a copy',
    {
      image,
      env: [{ name: 'A', value: 'x'.repeat(20_000) }],
      init: named(8, 'init'),
      sidecars: named(8, 'sidecar'),
    },
    'spec.env: the Deployment must have at most 261632 bytes, got 344561; env is its largest field',
  ],
  ...['startup', 'readiness', 'liveness'].map((check): [string, unknown, string] => [
    `a ${check} probe without a handler`,
    { image, probes: { [check]: {} } },
    `spec.probes.${check}: exactly one of httpGet, tcpSocket, grpc, exec must be set`,
  ]),
  [
    'envFrom without a source',
    { image, envFrom: [{ prefix: 'A' }] },
    'spec.envFrom[0]: exactly one of configMapRef, secretRef must be set',
  ],
  [
    'two pods that write to one claim',
    {
      image,
      replicas: 2,
      volumes: [{ name: 'a', mountPath: '/a', persistentVolumeClaim: { claimName: 'a' } }],
    },
    'spec.replicas: must be at most 1, got 2: volumes[0] uses a claim that only one ' +
      'pod can use; set accessMode: ReadWriteMany if the claim allows it',
  ],
  [
    'autoscaled pods that write to one claim',
    {
      image,
      autoscaling: { maxReplicas: 3 },
      volumes: [{ name: 'a', mountPath: '/a', persistentVolumeClaim: { claimName: 'a' } }],
    },
    'spec.autoscaling.maxReplicas: must be at most 1, got 3: volumes[0] uses a claim ' +
      'that only one pod can use; set accessMode: ReadWriteMany if the claim allows it',
  ],
  [
    'a file inside another file',
    { image, files: { '/a': '', '/a/b/c': '' } },
    'spec.files["/a/b/c"]: a path must not be inside the path of another file',
  ],
  [
    'two files with one path in a projected volume',
    {
      image,
      volumes: [
        {
          name: 'a',
          mountPath: '/a',
          projected: {
            sources: [
              { serviceAccountToken: { path: 'a' } },
              { secret: { name: 's', items: [{ key: 'a', path: 'a' }] } },
            ],
          },
        },
      ],
    },
    'spec.volumes[0].projected.sources[1].secret.items[0].path: another file in the ' +
      'volume has this path',
  ],
  [
    'a volume with two sources',
    { image, volumes: [{ name: 'a', mountPath: '/a', emptyDir: {}, configMap: { name: 'a' } }] },
    'spec.volumes[0]: exactly one of configMap, secret, emptyDir, persistentVolumeClaim, ' +
      'projected, csi must be set',
  ],
  [
    'a budget with both bounds',
    { image, disruption: { maxUnavailable: 1, minAvailable: 1 } },
    'spec.disruption: exactly one of maxUnavailable, minAvailable must be set',
  ],
  [
    'memory in GB',
    { image, resources: { limits: { memory: '1GB' } } },
    'spec.resources.limits.memory: invalid value "1GB": must be a quantity of 0 or more ' +
      'with at most three decimals, such as 500m, 1.5, 256Mi or 1G',
  ],
  [
    'negative cpu',
    { image, resources: { limits: { cpu: -1 } } },
    'spec.resources.limits.cpu: must be at least 0, got -1',
  ],
  [
    'maxSurge above the largest number of pods',
    { image, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 500 } } },
    'spec.strategy.rollingUpdate.maxSurge: must be at most 100, got 500',
  ],
  [
    'a volume name with upper-case letters',
    { image, volumes: [{ name: 'A_B', mountPath: '/a', emptyDir: {} }] },
    'spec.volumes[0].name: invalid value "A_B": must consist of lower-case letters, digits ' +
      'or "-", and must start and end with a letter or digit',
  ],
  [
    'a relative mountPath',
    { image, volumes: [{ name: 'a', mountPath: 'rel', emptyDir: {} }] },
    'spec.volumes[0].mountPath: must be an absolute path without ":"',
  ],
  [
    'a path without a leading slash',
    { image, ingress: { path: 'foo' } },
    'spec.ingress.path: must start with "/"',
  ],
  [
    'a label key with a long prefix',
    { image, podLabels: { [`${'a'.repeat(254)}/b`]: 'x' } },
    `spec.podLabels["${'a'.repeat(63)}…"]: invalid label key: at most 63 letters, digits, ` +
      '"-", "_" or ".", after an optional DNS prefix of at most 253 characters and "/"',
  ],
  [
    'an env prefix with "="',
    { image, envFrom: [{ prefix: 'A=B', secretRef: { name: 'a' } }] },
    'spec.envFrom[0].prefix: must consist of ASCII characters other than "="',
  ],
  ...['runAsUser', 'runAsGroup', 'fsGroup'].map((id): [string, unknown, string] => [
    `${id} above the maximum`,
    { image, podSecurity: 'Custom', securityContext: { [id]: 2 ** 31 } },
    `spec.securityContext.${id}: must be at most 2147483647, got 2147483648`,
  ]),
  [
    'runAsUser of the container above the maximum',
    { image, podSecurity: 'Custom', containerSecurityContext: { runAsUser: 2 ** 31 } },
    'spec.containerSecurityContext.runAsUser: must be at most 2147483647, got 2147483648',
  ],
  [
    'two different classes of an Ingress',
    {
      image,
      ingress: { ingressClassName: 'a', annotations: { 'kubernetes.io/ingress.class': 'b' } },
    },
    'spec.ingress.annotations["kubernetes.io/ingress.class"]: the annotation ' +
      'kubernetes.io/ingress.class must have the same value as ingressClassName',
  ],
  [
    'a node label key with a space in an affinity',
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
    `spec.affinity.nodeAffinity.${preferred}[0].preference.matchExpressions[0].key: invalid ` +
      'label key: at most 63 letters, digits, "-", "_" or ".", after an optional DNS prefix ' +
      'of at most 253 characters and "/"',
  ],
  [
    'a node label value with a space in an affinity',
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
    `spec.affinity.nodeAffinity.${required}.nodeSelectorTerms[0].matchExpressions[0].values[1]: ` +
      'invalid label value: at most 63 letters, digits, "-", "_" or ".", ' +
      'starting and ending with a letter or digit',
  ],
  [
    'an invalid node name in an affinity',
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
    `spec.affinity.nodeAffinity.${required}.nodeSelectorTerms[0].matchFields[0]: must have ` +
      'the key metadata.name, the operator In or NotIn, and one node name as value',
  ],
  [
    'a topologyKey with a space',
    { image, affinity: { podAffinity: { [required]: [{ topologyKey: 'a b' }] } } },
    `spec.affinity.podAffinity.${required}[0].topologyKey: invalid label key: at most 63 ` +
      'letters, digits, "-", "_" or ".", after an optional DNS prefix of at most 253 ' +
      'characters and "/"',
  ],
  [
    'a pod label key with a space in an affinity',
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
    `spec.affinity.podAffinity.${required}[0].labelSelector.matchExpressions[0].key: ` +
      'invalid label key: at most 63 letters, digits, "-", "_" or ".", after an optional DNS ' +
      'prefix of at most 253 characters and "/"',
  ],
  [
    'a namespace label value with a space in an affinity',
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
    `spec.affinity.podAntiAffinity.${preferred}[0].podAffinityTerm.` +
      'namespaceSelector.matchExpressions[0].values[0]: ' +
      'invalid label value: at most 63 letters, digits, "-", "_" or ".", ' +
      'starting and ending with a letter or digit',
  ],
  [
    'a matchLabels value with a space in an affinity',
    {
      image,
      affinity: {
        podAffinity: {
          [required]: [{ topologyKey: 'a', labelSelector: { matchLabels: { a: 'b c' } } }],
        },
      },
    },
    `spec.affinity.podAffinity.${required}[0].labelSelector.matchLabels.a: invalid label ` +
      'value: at most 63 letters, digits, "-", "_" or ".", starting and ending with a letter ' +
      'or digit',
  ],
  [
    'a namespace with a dot in an affinity',
    {
      image,
      affinity: { podAffinity: { [required]: [{ topologyKey: 'a', namespaces: ['a', 'b.c'] }] } },
    },
    `spec.affinity.podAffinity.${required}[0].namespaces[1]: must consist of lower-case ` +
      'letters, digits or "-", and must start and end with a letter or digit',
  ],
  [
    'two targets of a metric',
    withMetric('External', {
      metric: { name: 'a' },
      target: { type: 'Value', averageValue: 1, value: 1 },
    }),
    'spec.autoscaling.metrics[0].external.target: exactly one of averageValue, value must be set',
  ],
  [
    'two targets of a resource',
    withMetric('Resource', {
      name: 'cpu',
      target: { type: 'Utilization', averageUtilization: 1, averageValue: 1 },
    }),
    'spec.autoscaling.metrics[0].resource.target: exactly one of averageUtilization, ' +
      'averageValue must be set',
  ],
  [
    'a target of 0',
    withMetric('Pods', {
      metric: { name: 'a' },
      target: { type: 'AverageValue', averageValue: '0.0' },
    }),
    'spec.autoscaling.metrics[0].pods.target.averageValue: invalid value "0.0": must be a ' +
      'quantity of more than 0, such as 500m, 1.5, 256Mi or 1G',
  ],
  [
    'a value of 0 beside a target',
    withMetric('Resource', {
      name: 'cpu',
      target: { type: 'Utilization', averageUtilization: 1, value: 0 },
    }),
    'spec.autoscaling.metrics[0].resource.target.value: must be at least 1, got 0',
  ],
  [
    'a fraction as a target',
    withMetric('External', { metric: { name: 'a' }, target: { type: 'Value', value: 1.5 } }),
    'spec.autoscaling.metrics[0].external.target.value: must be an integer or a string, ' +
      'got 1.5; write "1500m" or put it in quotes',
  ],
  [
    'a scaling policy of 0 pods',
    {
      image,
      autoscaling: {
        maxReplicas: 2,
        behavior: { scaleUp: { policies: [{ type: 'Pods', value: 0, periodSeconds: 60 }] } },
      },
    },
    'spec.autoscaling.behavior.scaleUp.policies[0].value: must be at least 1, got 0',
  ],
  [
    'a metric name with a slash',
    withMetric('Object', {
      metric: { name: 'a/b' },
      describedObject: { kind: 'A', name: 'a' },
      target: { type: 'Value', value: 1 },
    }),
    'spec.autoscaling.metrics[0].object.metric.name: invalid value "a/b": must not contain ' +
      '"/" or "%", and must not be "." or ".."',
  ],
  [
    'an object name with a slash in a metric',
    withMetric('Object', {
      metric: { name: 'a' },
      describedObject: { kind: 'A', name: 'a/b' },
      target: { type: 'Value', value: 1 },
    }),
    'spec.autoscaling.metrics[0].object.describedObject.name: invalid value "a/b": must not ' +
      'contain "/" or "%", and must not be "." or ".."',
  ],
  [
    'an apiVersion with two slashes in a metric',
    withMetric('Object', {
      metric: { name: 'a' },
      describedObject: { apiVersion: 'a/b/c', kind: 'A', name: 'a' },
      target: { type: 'Value', value: 1 },
    }),
    'spec.autoscaling.metrics[0].object.describedObject.apiVersion: invalid value "a/b/c": ' +
      'must be GROUP/VERSION or VERSION',
  ],
  [
    'an unknown resource of a container',
    withMetric('ContainerResource', {
      name: 'disk',
      container: 'app',
      target: { type: 'AverageValue', averageValue: 1 },
    }),
    'spec.autoscaling.metrics[0].containerResource.name: invalid value "disk": must be cpu, ' +
      'memory, ephemeral-storage, hugepages-SIZE, or an extended resource such as ' +
      'example.com/gpu',
  ],
  [
    'a container name with upper-case letters',
    withMetric('ContainerResource', {
      name: 'cpu',
      container: 'App',
      target: { type: 'AverageValue', averageValue: 1 },
    }),
    'spec.autoscaling.metrics[0].containerResource.container: must consist of lower-case ' +
      'letters, digits or "-", and must start and end with a letter or digit',
  ],
  [
    'a name that starts with a digit',
    { image },
    'metadata.name: invalid value "1app": must be a valid name of a Service: at most 63 ' +
      'lower-case letters, digits or "-", starting with a letter and ending with a letter or ' +
      'digit',
    '1app',
  ],
  [
    'a name with a dot',
    { image },
    'metadata.name: invalid value "a.b": must be a valid name of a Service: at most 63 ' +
      'lower-case letters, digits or "-", starting with a letter and ending with a letter or ' +
      'digit',
    'a.b',
  ],
]

for (const [says, spec, problem, name] of refused) {
  t.test(`refuses ${says}`, async (t) => {
    t.strictSame(judge(spec, name), { problem })
    t.notMatch(problem, /hunter/i)
  })
}

t.test('allows values at the bounds', async (t) => {
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

t.test('a spec without a size check has children far below the maximum size', async (t) => {
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

/** The size of the annotations of a child, with Metacontroller's copy of the child. */
const asKept = (child: { metadata: { annotations?: Record<string, string> } } | undefined) =>
  child === undefined
    ? 0
    : JSON.stringify(child).replaceAll(/[<>&]/g, '\\u0000').length +
      Object.entries(child.metadata.annotations ?? {}).join('').length

const annotated = (podAnnotations: Record<string, string>, more: object = {}) => ({
  image,
  podAnnotations,
  ...more,
})
const custom = (type: string, localhostProfile?: string) => ({
  podSecurity: 'Custom',
  securityContext: { seccompProfile: { type, ...(localhostProfile && { localhostProfile }) } },
})

t.test('refuses pod annotations that the API server would refuse, and allows others', async (t) => {
  const appArmor = 'container.apparmor.security.beta.kubernetes.io'
  const seccomp = 'seccomp.security.alpha.kubernetes.io/pod'
  const cost = 'controller.kubernetes.io/pod-deletion-cost'
  const cases: Array<[key: string, value: string, more?: object]> = [
    [`${appArmor}/shop`, 'runtime/default'],
    [`${appArmor}/app`, 'strict'],
    [seccomp, 'strict'],
    [seccomp, 'localhost/../a'],
    [seccomp, 'unconfined'],
    [seccomp, 'runtime/default', custom('Unconfined')],
    [seccomp, 'localhost/a', custom('Localhost', 'b')],
    ['container.seccomp.security.alpha.kubernetes.io/other', 'strict'],
    ['scheduler.alpha.kubernetes.io/tolerations', '[{"key": "a"}]'],
    ['kubernetes.io/config.mirror', 'a'],
    [cost, '1.5'],
    [cost, '2147483648'],
    [cost, '+1'],
  ]
  for (const [key, value, more] of cases) {
    const judged = judge(annotated({ [key]: value }, more))
    t.match(judged, { problem: /^spec\.podAnnotations\["/ }, `${key}: ${value}`)
  }
  for (const spec of [
    annotated({ [`${appArmor}/app`]: 'localhost/strict', [cost]: '-100' }),
    annotated({ [seccomp]: 'runtime/default' }),
    annotated({ [seccomp]: 'localhost/a/b' }, custom('Localhost', 'a/b')),
    annotated(
      { [seccomp]: 'unconfined' },
      { podSecurity: 'Custom', securityContext: { seccompProfile: { type: 'Unconfined' } } },
    ),
    annotated({ 'scheduler.alpha.kubernetes.io/tolerations': '' }),
  ]) {
    t.strictSame(judge(spec), { spec })
  }
})

const hints: Array<[spec: object, problem: string]> = [
  [{ resources: { requests: { cpu: 0.5 } } }, 'write "500m" or put it in quotes'],
  [{ strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0.5 } } }, 'such as "25%"'],
  [{ env: { A: 'hunter2' } }, 'write a list of name and value'],
  [{ readinessProbe: {} }, 'did you mean "probes.readiness"?'],
  [{ resources: { cpu: '1' } }, 'did you mean "requests.cpu" or "limits.cpu"?'],
  [{ port: '8080' }, 'remove the quotes'],
  [{ suspend: 'true' }, 'remove the quotes'],
  [
    { volumes: [{ name: 'a', mountPath: '/a', persistentVolumeClaim: 'data' }] },
    'set it as claimName',
  ],
  [{ Image: 'a' }, 'did you mean "image"?'],
  [{ podSecurity: 'restricted' }, 'did you mean "Restricted"?'],
  [{ command: '/bin/a --b' }, 'write it as a list'],
  [{ resources: { limits: { cpu: 1.25 } } }, 'write "1250m" or put it in quotes'],
  [{ env: ['A=hunter2'] }, 'must be an object'],
  [{ livenessProbe: {} }, 'did you mean "probes.liveness"?'],
  [{ probes: { readinessProbe: {} } }, 'did you mean "readiness"?'],
  [{ resources: { memory: '1Gi' } }, 'did you mean "requests.memory" or "limits.memory"?'],
  [{ ports: [8080] }, 'write name and port'],
  [{ ports: 8080 }, 'write it as a list'],
  [{ ports: [{ name: 'a', port: 1, containerPort: 8080 }] }, 'did you mean "port"?'],
  [{ replicas: '3' }, 'remove the quotes'],
  [{ image: 1.29 }, 'put the value in quotes'],
  [{ env: [{ name: 'A', value: true }] }, 'put the value in quotes'],
  [{ terminationGracePeriodSeconds: '30s' }, 'write seconds without a unit'],
  [{ initContainers: [] }, 'did you mean "init"?'],
  [{ autoscaling: { max: 3, maxReplicas: 3 } }, 'did you mean "maxReplicas"?'],
  [{ imagePullSecrets: ['regcred'] }, 'set it as name'],
  [{ strategy: 'Recreate' }, 'set it as type'],
]
for (const [spec, remedy] of hints) {
  t.test(`the message for ${JSON.stringify(spec)} names the remedy`, async (t) => {
    const { problem } = judge({ image, ...spec }) as { problem: string }
    t.ok(problem.includes(remedy), problem)
    t.notMatch(problem, /hunter/)
  })
}

/** All problems of a MyApp that the command line finds. */
const all = (myApp: object) =>
  validate(
    { apiVersion: 'example.com/v1', kind: 'MyApp', metadata: { name: 'demo-app' }, ...myApp },
    myAppValidator,
  )

t.test('the command line finds every problem of the whole object with its path', async (t) => {
  t.strictSame(
    all({
      spec: { replicas: 101, podSecurity: 7, prot: 80, disruption: { minAvailable: '5' } },
    }).map(sentence),
    [
      'spec.image: image is required',
      'spec.prot: unknown field "prot"; did you mean "port"?',
      'spec.replicas: must be at most 100, got 101',
      'spec.disruption.minAvailable: invalid value "5": must be a number of pods from 0 to ' +
        '100, or a percentage from "0%" to "100%"',
      'spec.podSecurity: must be a string, got 7; put the value in quotes',
    ],
  )
  t.strictSame(all({ apiVersion: 'example.com/v2', image, spec: { image } }), [
    {
      field: 'image',
      path: ['image'],
      message: 'unknown field "image"; did you mean "spec.image"?',
      isKey: true,
    },
    {
      field: 'apiVersion',
      path: ['apiVersion'],
      message: 'must be example.com/v1, got "example.com/v2"; did you mean "example.com/v1"?',
    },
  ])
  t.strictSame(
    all({
      metadata: { name: '1app', labels: { 'a b': 'c', d: 'e f' }, annotations: { 'a b': '' } },
      spec: { image },
    }).map(({ field }) => field),
    ['metadata.name', 'metadata.labels["a b"]', 'metadata.labels.d', 'metadata.annotations["a b"]'],
  )
  t.strictSame(
    all({
      spec: {
        image,
        expose: false,
        gateway: { parentRefs: [{ name: 'g' }, { name: 'h' }, { name: 'g' }] },
        autoscaling: { minReplicas: 3, maxReplicas: 2 },
      },
    }).map(({ field }) => field),
    ['spec.gateway.parentRefs[2].name', 'spec.autoscaling.minReplicas', 'spec.expose'],
  )
})

t.test('refuses a key with a line break', async (t) => {
  for (const field of ['podLabels', 'nodeSelector', 'podAnnotations']) {
    const { problem } = judge({ image, [field]: { 'a\nb': 1 } }) as { problem: string }
    t.ok(problem.startsWith(`spec.${field}["a\\nb"]: invalid `), problem)
  }
})

t.test('bounds messages and quotes no value that can be a secret', async (t) => {
  const secret = 'hunter2'
  const long = secret.repeat(10_000)
  for (const [spec, isAllowed] of [
    [{ env: [{ name: 'A', value: { a: secret } }] }, false],
    [{ env: [{ name: 'A', value: long }] }, false],
    [{ env: { A: secret } }, false],
    [{ env: secret }, false],
    [{ args: { a: secret } }, false],
    [{ podAnnotations: { a: [secret] } }, false],
    [{ podLabels: { a: `${secret} ${secret}` } }, false],
    [{ image: `${long} ` }, true],
    [{ [long]: 1 }, true],
    [{ podSecurity: long }, true],
    [{ podLabels: { [`${long} `]: '' } }, true],
  ] as Array<[object, boolean]>) {
    for (const { field, message } of all({ spec: { image, ...spec } })) {
      t.ok(message.length <= messageMaxLength && field.length < 200, `${field}: ${message}`)
      if (!isAllowed) t.notMatch(`${field} ${message}`, secret)
    }
  }
})

t.test('no item of a list and no entry of a map has a default', async (t) => {
  const defaults: string[] = []
  const walk = (schema: Record<string, unknown>, path: string, isInside: boolean) => {
    if (isInside && 'default' in schema) defaults.push(path)
    for (const [name, part] of Object.entries(schema)) {
      const isItem = ['items', 'additionalProperties', 'patternProperties'].includes(name)
      if (typeof part === 'object' && part !== null) {
        walk(part as Record<string, unknown>, `${path}.${name}`, isInside || isItem)
      }
    }
  }
  walk(MyAppSpec as unknown as Record<string, unknown>, '', false)
  t.strictSame(defaults, [])
})

/** The largest integer of each format. For int64, JSON.parse rounds larger integers. */
const largest: Record<string, number> = { int32: 2 ** 31 - 1, int64: Number.MAX_SAFE_INTEGER }

t.test('every integer of the spec has bounds that the API server can store', async (t) => {
  const unbounded: string[] = []
  const walk = (schema: Record<string, unknown>, path: string) => {
    const { type, format, minimum, maximum = Infinity } = schema
    const max = largest[String(format)] ?? 0
    if (type === 'integer' && (minimum === undefined || Number(maximum) > max)) {
      unbounded.push(path)
    }
    for (const [name, part] of Object.entries(schema)) {
      if (name !== 'anyOf' && typeof part === 'object' && part !== null) {
        walk(part as Record<string, unknown>, `${path}.${name}`)
      }
    }
  }
  walk(MyAppSpec as unknown as Record<string, unknown>, '')
  t.strictSame(unbounded, [])
})

t.test('refuses integers above their bound, and names the bound', async (t) => {
  const toleration = (tolerationSeconds: number) => ({
    tolerations: [{ key: 'a', operator: 'Exists', effect: 'NoExecute', tolerationSeconds }],
  })
  const spread = (maxSkew: number) => ({
    topologySpreadConstraints: [{ maxSkew, topologyKey: 'a', whenUnsatisfiable: 'DoNotSchedule' }],
  })
  for (const [spec, bound] of [
    [toleration(JSON.parse('9223372036854775807')), 'must be at most 9007199254740991'],
    [toleration(2 ** 53), 'must be at most 9007199254740991'],
    [spread(3_000_000_000), 'must be at most 2147483647'],
    [{ runAsUser: 2 ** 31 }, 'must be at most 2147483647'],
    [{ supplementalGroups: [4_294_967_295] }, 'must be at most 2147483647'],
    [{ resources: { extended: { 'example.com/a': 2 ** 31 } } }, 'must be at most 2147483647'],
  ] as const) {
    const { problem } = judge({ image, ...spec }) as { problem?: string }
    t.ok(problem?.includes(bound), `${problem}`)
  }
  for (const spec of [toleration(2 ** 53 - 1), spread(2 ** 31 - 1)]) {
    t.strictSame(judge({ image, ...spec }), { spec: { image, ...spec } })
  }
})

t.test(
  'the hook accepts and refuses exactly the specs that the API server accepts and refuses',
  async (t) => {
    for (const { what, name, refused, ...rest } of cases) {
      const { spec } = { spec: { image }, ...rest }
      t.equal('problem' in judge(storedForm({ spec })['spec'], name), refused !== undefined, what)
    }
  },
)
