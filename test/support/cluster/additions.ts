import type { ObjectPath } from '../../../src/metacontroller/json.ts'
import type { FieldPath } from './intruder.ts'

/**
 * What another client, the intruder, adds to the exact fields of children in the cluster tests.
 * src/metacontroller/repair.ts defines exact fields.
 */

/** An addition: the steps below an exact field, and a value, or items for a list. */
export type Addition = [steps: string[], value: unknown]

const items = (...list: Array<object | string>): Addition[] => [[[], list]]
const onOtherNodes = {
  preferredDuringSchedulingIgnoredDuringExecution: [
    {
      weight: 1,
      podAffinityTerm: {
        topologyKey: 'kubernetes.io/hostname',
        labelSelector: { matchLabels: { app: 'intruder' } },
      },
    },
  ],
}
const slower: Addition[] = [
  [['initialDelaySeconds'], 9],
  [['terminationGracePeriodSeconds'], 9],
]

/**
 * The possible additions to each exact field, by the path of the field or by its last name. The
 * intruder makes the first addition that adds items to a list or sets a field that is not set.
 */
const additions: Record<string, Addition[]> = {
  containers: items({ name: 'intruder', image: 'intruder' }),
  initContainers: items({ name: 'intruder-init', image: 'intruder' }),
  volumes: items(
    { name: 'intruder', emptyDir: {} },
    { name: 'intruder-block', persistentVolumeClaim: { claimName: 'intruder' } },
  ),
  env: items({ name: 'INTRUDER', value: 'x' }),
  envFrom: items({ configMapRef: { name: 'intruder', optional: true } }),
  ports: items({ name: 'intruder', containerPort: 1234 }),
  volumeMounts: items({ name: 'intruder', mountPath: '/intruder' }),
  volumeDevices: items({ name: 'intruder-block', devicePath: '/dev/intruder' }),
  command: items('intruder'),
  args: items('intruder'),
  imagePullSecrets: items({ name: 'intruder' }),
  nodeSelector: [[['intruder'], 'x']],
  hostAliases: items({ ip: '192.0.2.9', hostnames: ['intruder'] }),
  dnsConfig: [[['searches'], ['intruder']]],
  affinity: [
    [['podAffinity'], onOtherNodes],
    [['podAntiAffinity'], onOtherNodes],
  ],
  securityContext: [
    [['runAsGroup'], 9],
    [['runAsUser'], 9],
  ],
  startupProbe: slower,
  readinessProbe: slower,
  livenessProbe: slower,
  resources: [[['limits', 'ephemeral-storage'], '9Gi']],
  lifecycle: [[['postStart'], { exec: { command: ['true'] } }]],
  // The operator sets a complete strategy.
  strategy: [],
  minReadySeconds: [[[], 9]],
  progressDeadlineSeconds: [[[], 900]],
  terminationGracePeriodSeconds: [[[], 900]],
  os: [[['name'], 'linux']],
  selector: [[['intruder'], 'x']],
  parentRefs: items({ name: 'intruder' }),
  hostnames: items('intruder.example.com'),
  'Deployment.spec.template.spec.resources': [[['limits', 'memory'], '900Gi']],
  'Service.spec.ports': items({ name: 'intruder', port: 1234 }),
  'PodDisruptionBudget.spec': [[['selector', 'matchLabels', 'intruder'], 'x']],
  'NetworkPolicy.spec': [[['podSelector', 'matchLabels', 'intruder'], 'x']],
  'PodMonitor.spec': [[['podMetricsEndpoints'], [{ port: 'intruder' }]]],
}

/** What the other client can add to an exact field; undefined if `additions` lacks the field. */
export const additionsFor = (kind: string, path: ObjectPath | FieldPath): Addition[] | undefined =>
  additions[`${kind}.${path.join('.')}`] ?? additions[String(path.at(-1))]

/** Exact lists whose order the comparison ignores, because it has no meaning. */
export const unorderedLists = new Set(['volumes', 'imagePullSecrets', 'hostAliases', 'parentRefs'])
