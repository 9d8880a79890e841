import type { ConditionType } from '../../api/conditions.ts'
import type { MyAppStatus, Phase } from '../../api/myapp.ts'

interface ReasonMeaning {
  phase: Phase
  meaning: string
  /** Some children are not changed, although the spec is valid and requests a change. */
  blocks?: true
}

/**
 * Every reason of Ready, Reconciling and Stalled, with the phase of the MyApp. docs/status.md lists
 * the reasons. Alerts depend on them, so a published reason is never renamed. The hook reads some
 * of them from the status of a MyApp: inspection.ts and throttle.ts.
 */
export const reasons = {
  AllReplicasAvailable: {
    phase: 'Running',
    meaning:
      'All replicas of the current pod template are available, and the Service selects them.',
  },
  ScaledToZero: {
    phase: 'Running',
    meaning:
      '`replicas` is 0, and all pods are gone. If Kubernetes does not report terminating pods, ' +
      'they can still run.',
  },
  Suspended: {
    phase: 'Running',
    meaning:
      '`suspend` is true, and all pods are gone. If Kubernetes does not report terminating pods, ' +
      'they can still run.',
  },
  Paused: {
    phase: 'Running',
    blocks: true,
    meaning:
      '`paused` is true, so no child is changed. The phase follows the pods: it can also be ' +
      'Pending or Failed.',
  },
  Creating: {
    phase: 'Pending',
    meaning: 'A child does not exist yet.',
  },
  Updating: {
    phase: 'Pending',
    meaning: 'A child does not match the spec yet.',
  },
  RollingOut: {
    phase: 'Pending',
    meaning: 'Pods of the current pod template are missing, or older pods still exist.',
  },
  RolloutPaused: {
    phase: 'Pending',
    meaning: 'Somebody paused the rollout of the Deployment.',
  },
  ScalingDown: {
    phase: 'Pending',
    meaning: 'More pods exist than desired. They are being deleted.',
  },
  ReplicasUnavailable: {
    phase: 'Pending',
    meaning:
      'All pods are up to date, but some are not available. The message names the cause, if it ' +
      'is known.',
  },
  PodsFailing: {
    phase: 'Pending',
    meaning: 'Pods exist and do not become ready. The message names the cause.',
  },
  ConfigMissing: {
    phase: 'Pending',
    blocks: true,
    meaning:
      'A ConfigMap, a Secret or a key that the pods need does not exist. ' +
      'Running pods are not changed, but can be scaled down. Other existing children stay ' +
      'unchanged, except for the HorizontalPodAutoscaler.',
  },
  GatewayNotEnabled: {
    phase: 'Failed',
    blocks: true,
    meaning: 'The spec has a gateway, and the component for it is not installed.',
  },
  Terminating: {
    phase: 'Pending',
    meaning:
      'The MyApp is being deleted. The objects that send traffic to its pods or scale them go ' +
      'first, then the Deployment and the Service.',
  },
  InvalidSpec: {
    phase: 'Failed',
    meaning: 'The stored spec breaks a rule of the schema. Running pods are not changed.',
  },
  NameConflict: {
    phase: 'Failed',
    blocks: true,
    meaning:
      'An object with the name of a child belongs to somebody else, ' +
      'or is an adopted Deployment with another selector. It is not changed.',
  },
  ProgressDeadlineExceeded: {
    phase: 'Failed',
    meaning: 'The rollout made no progress within progressDeadlineSeconds.',
  },
  ReplicaFailure: {
    phase: 'Failed',
    meaning: 'Pods cannot be created: a quota, an admission policy or a limit refuses them.',
  },
} as const satisfies Record<string, ReasonMeaning>

export type Reason = keyof typeof reasons

/** Whether some children of a MyApp with this reason stay unchanged although the spec is valid. */
export const isBlocking = (reason: string) =>
  (Object.entries(reasons) as Array<[string, ReasonMeaning]>).some(
    ([name, { blocks }]) => name === reason && blocks,
  )

/**
 * The operator's own reasons of the other conditions, and the conditions that have them. Available
 * and Scaled usually have the reason that the Deployment or the autoscaler reports.
 */
export const conditionReasons = {
  NoDeployment: {
    of: ['Available'],
    meaning: 'The Deployment does not exist, or has no status yet.',
  },
  NoAutoscalerStatus: {
    of: ['Scaled'],
    meaning: 'The HorizontalPodAutoscaler does not exist, or has no status yet.',
  },
  NoReason: {
    of: ['Available', 'Scaled'],
    meaning: 'The Deployment or the HorizontalPodAutoscaler reports no reason.',
  },
  ConfigFound: {
    of: ['ConfigReady'],
    meaning: 'Every ConfigMap, Secret and key that the pods need exists.',
  },
  ConfigMissing: {
    of: ['ConfigReady'],
    meaning:
      'A ConfigMap, a Secret or a key that the pods need does not exist. ' +
      'The message names the missing ones.',
  },
  RouteAccepted: {
    of: ['Routed'],
    meaning: 'The Ingress has an address, and every Gateway accepts the HTTPRoute.',
  },
  RouteNotReady: {
    of: ['Routed'],
    meaning: 'The Ingress or the HTTPRoute is not ready. The message names the cause.',
  },
  TooManyForeignItems: {
    of: ['Unrepaired'],
    meaning:
      'A list of a child has more than 1000 foreign items, so none is removed. ' +
      'The message names the list.',
  },
  ChangedByAdmission: {
    of: ['AdmissionChanged'],
    meaning:
      'A policy or a webhook of the cluster changed fields of a child after the operator set ' +
      'them. The message names up to 8 fields of a child, and both values.',
  },
  GatewayNotEnabled: {
    of: ['Routed'],
    meaning: 'The spec has a gateway, and the component for it is not installed.',
  },
  MonitorCreated: {
    of: ['Monitored'],
    meaning: 'The PodMonitor exists and matches the spec.',
  },
  MonitorNotReady: {
    of: ['Monitored'],
    meaning: 'The PodMonitor does not exist yet, or does not match the spec yet.',
  },
  MonitoringNotEnabled: {
    of: ['Monitored'],
    meaning: 'The spec has metrics, and the component for PodMonitors is not installed.',
  },
} as const satisfies Record<string, { of: ConditionType[]; meaning: string }>

export type ConditionReason = keyof typeof conditionReasons

/** The reason of the condition Ready; undefined without this condition. */
export const readyReason = ({ conditions = [] }: MyAppStatus = {}): string | undefined =>
  conditions.find(({ type }) => type === 'Ready')?.reason
