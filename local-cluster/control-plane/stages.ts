/**
 * The states that kwok gives to nodes and pods. A pod is ready at once, unless it has the
 * annotation `failureAnnotation` or an image of `failingImage`. An annotation that is set later
 * breaks a running pod, and its removal heals the pod. If the value is not a `ContainerFailure`,
 * kwok does not change the status.
 */

/** The ways in which a pod can fail on purpose. */
export type ContainerFailure = 'ImagePullBackOff' | 'CrashLoopBackOff' | 'OOMKilled' | 'NotReady'

/** The annotation of a pod that makes it fail. Its value is a `ContainerFailure`. */
export const failureAnnotation = 'pods.example.com/fails'

/** The value of that annotation for a pod whose status a test writes. */
export const byHand = 'ByHand'

/** An image whose pods fail. */
export const failingImage = (failure: ContainerFailure): string =>
  `fails.example.com/${failure.toLowerCase()}`

interface Requirement {
  key: string
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'
  values?: string[]
}

type Next = { statusTemplate: string } | { delete: true }

interface Stage {
  apiVersion: 'kwok.x-k8s.io/v1alpha1'
  kind: 'Stage'
  metadata: { name: string }
  spec: {
    resourceRef: { apiGroup: 'v1'; kind: 'Node' | 'Pod' }
    selector: { matchExpressions: Requirement[] }
    delay?: { durationMilliseconds: number }
    next: Next
  }
}

const readyCondition = '.status.conditions.[] | select( .type == "Ready" )'
const isReady: Requirement = {
  key: `${readyCondition} | .status`,
  operator: 'In',
  values: ['True'],
}
const isNotReady: Requirement = { ...isReady, operator: 'NotIn' }
const isDeleted: Requirement = { key: '.metadata.deletionTimestamp', operator: 'Exists' }
const isNotDeleted: Requirement = { ...isDeleted, operator: 'DoesNotExist' }
const howItFails =
  `.metadata.annotations["${failureAnnotation}"] // (.spec.containers[0].image | ` +
  'capture("^fails[.]example[.]com/(?<how>[a-z]+)").how) | ascii_downcase'

const nodeConditions = `
  {{ $now := Now }}
  conditions:
  {{ range NodeConditions }}
  - type: {{ .type | Quote }}
    status: {{ .status | Quote }}
    reason: {{ .reason | Quote }}
    message: {{ .message | Quote }}
    lastHeartbeatTime: {{ $now | Quote }}
    lastTransitionTime: {{ $.metadata.creationTimestamp | Quote }}
  {{ end }}`

const nodeStatus = `${nodeConditions}
  addresses:
  - {type: InternalIP, address: {{ NodeIP | Quote }}}
  - {type: Hostname, address: {{ NodeName | Quote }}}
  capacity: {cpu: 1k, memory: 4Ti, ephemeral-storage: 4Ti, pods: 100k, nvidia.com/gpu: 1k}
  allocatable: {cpu: 1k, memory: 4Ti, ephemeral-storage: 4Ti, pods: 100k, nvidia.com/gpu: 1k}
  nodeInfo:
    architecture: amd64
    operatingSystem: linux
    kubeletVersion: on-paper
    containerRuntimeVersion: kwok://on-paper
    kernelVersion: on-paper
    osImage: on paper
    bootID: ""
    machineID: ""
    systemUUID: ""
    kubeProxyVersion: ""
  phase: Running`

interface PodStatus {
  phase: 'Pending' | 'Running'
  ready: boolean
  /** The message of the conditions that are False. */
  message?: string
  restarts?: number
  /** The state of each container in YAML. */
  state: string
  lastState?: string
}

function podStatus({
  phase,
  ready,
  message = '',
  restarts = 0,
  state,
  lastState = '{}',
}: PodStatus): string {
  const condition = (type: string, met: boolean) => `
  - type: ${type}
    status: "${met ? 'True' : 'False'}"
    reason: ${met ? '""' : 'ContainersNotReady'}
    message: ${JSON.stringify(met ? '' : message)}
    lastTransitionTime: {{ $now | Quote }}`
  const conditions = [
    condition('Initialized', true),
    condition('ContainersReady', ready),
    condition('Ready', ready),
  ]
  return `
  {{ $now := Now }}
  phase: ${phase}
  startTime: {{ or .status.startTime $now | Quote }}
  conditions:${conditions.join('')}
  {{ if not .status.podIP }}
  {{ with index (NodeIPsWith .spec.nodeName) 0 }}
  hostIP: {{ . | Quote }}
  hostIPs: [{ip: {{ . | Quote }}}]
  {{ end }}
  {{ $hostNetwork := or .spec.hostNetwork false }}
  {{ $own := .metadata }}
  {{ with index (PodIPsWith .spec.nodeName $hostNetwork $own.uid $own.name $own.namespace) 0 }}
  podIP: {{ . | Quote }}
  podIPs: [{ip: {{ . | Quote }}}]
  {{ end }}
  {{ end }}
  containerStatuses:
  {{ range .spec.containers }}
  - name: {{ .name | Quote }}
    image: {{ .image | Quote }}
    imageID: ""
    ready: ${ready}
    started: ${ready}
    restartCount: ${restarts}
    state: ${state}
    lastState: ${lastState}
  {{ end }}`
}

const running = '{running: {startedAt: {{ $now | Quote }}}}'
const backOff =
  '{waiting: {reason: CrashLoopBackOff, message: back-off 40s restarting failed container}}'
const terminated = (reason: string, exitCode: number) =>
  `{terminated: {reason: ${reason}, exitCode: ${exitCode}, ` +
  'startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }}}}'

const failures: Record<ContainerFailure, PodStatus> = {
  ImagePullBackOff: {
    phase: 'Pending',
    ready: false,
    state:
      '{waiting: {reason: ImagePullBackOff, ' +
      'message: {{ printf "Back-off pulling image %s" .image | Quote }}}}',
  },
  CrashLoopBackOff: {
    phase: 'Running',
    ready: false,
    restarts: 3,
    state: backOff,
    lastState: terminated('Error', 1),
  },
  OOMKilled: {
    phase: 'Running',
    ready: false,
    restarts: 3,
    state: backOff,
    lastState: terminated('OOMKilled', 137),
  },
  NotReady: { phase: 'Running', ready: false, state: running },
}

function stage(
  name: string,
  kind: 'Node' | 'Pod',
  matchExpressions: Requirement[],
  next: Next,
  delayMs?: number,
): Stage {
  return {
    apiVersion: 'kwok.x-k8s.io/v1alpha1',
    kind: 'Stage',
    metadata: { name },
    spec: {
      resourceRef: { apiGroup: 'v1', kind },
      selector: { matchExpressions },
      ...(delayMs === undefined ? {} : { delay: { durationMilliseconds: delayMs } }),
      next,
    },
  }
}

function failing([failure, status]: [string, PodStatus]): Stage {
  const message = `fails on purpose: ${failure}`
  return stage(
    `pod-${failure.toLowerCase()}`,
    'Pod',
    [
      isNotDeleted,
      { key: howItFails, operator: 'In', values: [failure.toLowerCase()] },
      { key: `${readyCondition} | .message`, operator: 'NotIn', values: [message] },
    ],
    { statusTemplate: podStatus({ ...status, message }) },
  )
}

/** The Stages for kwok. */
export const stages: readonly Stage[] = [
  stage('node-ready', 'Node', [isNotReady], { statusTemplate: nodeStatus }),
  stage('node-heartbeat', 'Node', [isReady], { statusTemplate: nodeConditions }, 60_000),
  stage(
    'pod-ready',
    'Pod',
    [isNotDeleted, isNotReady, { key: howItFails, operator: 'DoesNotExist' }],
    {
      statusTemplate: podStatus({ phase: 'Running', ready: true, state: running }),
    },
  ),
  stage('pod-deleted', 'Pod', [isDeleted], { delete: true }),
  ...Object.entries(failures).map(failing),
]
