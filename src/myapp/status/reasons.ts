import type { Phase } from '../../api/myapp.ts'

interface ReasonMeaning {
  phase: Phase
  meaning: string
  /** Not every child is answered as the spec asks. */
  blocks?: true
}

/**
 * Every reason of Ready, Reconciling and Stalled, with the phase of the MyApp. The README lists
 * them. Alerts depend on them, so a published reason is never renamed.
 */
export const reasons = {
  AllReplicasAvailable: {
    phase: 'Running',
    meaning: 'Every replica of the current generation is available and the Service leads to them.',
  },
  ScaledToZero: { phase: 'Running', meaning: 'No replica is wanted and none is left.' },
  Suspended: { phase: 'Running', meaning: 'suspend is true: no replica runs and none is left.' },
  Paused: {
    phase: 'Running',
    blocks: true,
    meaning:
      'paused is true: nothing is changed, whatever the spec says. The phase is that of the pods.',
  },
  Creating: { phase: 'Pending', meaning: 'A child does not exist yet.' },
  Updating: { phase: 'Pending', meaning: 'A child is not yet as the spec asks.' },
  RollingOut: {
    phase: 'Pending',
    meaning: 'Not all pods of the current generation are made yet, or older ones are still there.',
  },
  RolloutPaused: {
    phase: 'Pending',
    meaning: 'Somebody has paused the rollout of the Deployment.',
  },
  ScalingDown: {
    phase: 'Pending',
    meaning: 'More pods exist than are wanted; they are being removed.',
  },
  ReplicasUnavailable: {
    phase: 'Pending',
    meaning: 'Pods are up to date, but not all of them are available.',
  },
  PodsFailing: {
    phase: 'Pending',
    meaning: 'Pods are there and do not get ready. The message says why.',
  },
  ConfigMissing: {
    phase: 'Pending',
    blocks: true,
    meaning:
      'A ConfigMap, a Secret or a key of one that the pods need is not there. What runs is left as it is, but can be scaled down.',
  },
  GatewayNotEnabled: {
    phase: 'Failed',
    blocks: true,
    meaning: 'gateway is asked for, and the component for it is not installed.',
  },
  Terminating: {
    phase: 'Pending',
    meaning:
      'The MyApp is being deleted: what sends it traffic or scales it goes first, then its Deployment, then its Service.',
  },
  InvalidSpec: {
    phase: 'Failed',
    meaning: 'The stored spec breaks a rule of the schema. What runs is left as it is.',
  },
  NameConflict: {
    phase: 'Failed',
    blocks: true,
    meaning:
      'An object of the kind and name of a child belongs to somebody else. It is left alone.',
  },
  ProgressDeadlineExceeded: {
    phase: 'Failed',
    meaning: 'The rollout made no progress for as long as the Deployment allows.',
  },
  ReplicaFailure: {
    phase: 'Failed',
    meaning: 'Pods cannot be created: a quota, an admission policy or a limit refuses them.',
  },
} as const satisfies Record<string, ReasonMeaning>

export type Reason = keyof typeof reasons

/** Whether a MyApp with this reason has children that are not answered as its spec asks. */
export const isBlocking = (reason: string) =>
  (Object.entries(reasons) as Array<[string, ReasonMeaning]>).some(
    ([name, { blocks }]) => name === reason && blocks,
  )

/**
 * The reasons that the conditions for one concern each can have, and of which conditions. Besides, Available and Scaled have
 * whatever reason the Deployment and the autoscaler give.
 */
export const conditionReasons = {
  NoDeployment: {
    of: ['Available'],
    meaning: 'There is no Deployment yet, or it has not said anything.',
  },
  NoAutoscalerStatus: { of: ['Scaled'], meaning: 'The autoscaler has not said anything yet.' },
  NoReason: {
    of: ['Available', 'Scaled'],
    meaning: 'The Deployment or the autoscaler gives no reason.',
  },
  ConfigFound: {
    of: ['ConfigReady'],
    meaning: 'Every ConfigMap, Secret and key that the pods need is there.',
  },
  ConfigMissing: {
    of: ['ConfigReady'],
    meaning: 'At least one is not there. The message names them.',
  },
  RouteAccepted: {
    of: ['Routed'],
    meaning: 'The Ingress has an address, and every Gateway takes the HTTPRoute.',
  },
  RouteNotReady: {
    of: ['Routed'],
    meaning: 'One of them is still to come, or refuses. The message says which, and why.',
  },
  GatewayNotEnabled: {
    of: ['Routed'],
    meaning: 'gateway is asked for, and the component for it is not installed.',
  },
} as const satisfies Record<string, { of: string[]; meaning: string }>

export type ConditionReason = keyof typeof conditionReasons
