import type { Phase } from '../../api/myapp.ts'
import { desiredReplicas } from '../replicas.ts'
import type { ObservedDeployment, ObservedPod } from '../request.ts'
import type { ChildState, State } from '../state.ts'
import { awaitedCheck, endedPods, podFailure } from './pod-failures.ts'
import { type Reason, reasons } from './reasons.ts'
import { listed, truncated } from './text.ts'

/** Why a MyApp is in its phase, as a reason and as a sentence. */
export interface Summary {
  reason: Reason
  message: string
  /** Set if the phase differs from that of the reason. */
  phase?: Phase
}

/** The longest part of a foreign selector that a message quotes. */
const maxSelectorLength = 200

/** The phase of a MyApp with the given summary. */
export const phaseOf = ({ reason, phase }: Summary): Phase => phase ?? reasons[reason].phase

/** The first thing that keeps a MyApp with a valid spec from running, or that it runs. */
export function summarize(state: State): Summary {
  if (state.app.spec.paused) return paused(state)
  const summary = summarizeChildren(state)
  const notEnabled = state.children.find(({ enabled }) => !enabled)?.kind.optional
  return notEnabled !== undefined && phaseOf(summary) === 'Running'
    ? { reason: notEnabled.reason, message: notEnabled.message }
    : summary
}

function summarizeChildren({ app, config, blocked, children, deployment, pods }: State): Summary {
  const desired = children.filter((child) => child.enabled && child.desired !== undefined)
  for (const { kind, conflict } of desired) {
    if (conflict?.type === 'selector') {
      return selectorConflict(`${kind.kind} ${app.name}`, conflict.selector)
    }
  }
  const conflicting = desired.filter(({ conflict }) => conflict !== undefined)
  if (conflicting.length > 0) return nameConflict(app.name, conflicting)
  if (blocked) return configMissing(config.missing, deployment)

  const missing = desired.filter(({ observed }) => observed === undefined)
  if (missing.length > 0 || deployment === undefined) {
    return { reason: 'Creating', message: `Creating ${kindsOf(missing)} ${app.name}` }
  }
  const updating = (message: string): Summary => ({ reason: 'Updating', message })
  const terminating = desired.filter(
    ({ observed }) => observed?.metadata.deletionTimestamp !== undefined,
  )
  if (terminating.length > 0) {
    return updating(
      `Waiting for ${kindsOf(terminating)} ${app.name}, being deleted, to be gone and made anew`,
    )
  }
  const differing = desired.filter(({ inSync }) => !inSync)
  if (differing.some(({ kind }) => kind.kind === 'Deployment')) {
    return updating(`Bringing Deployment ${app.name} in line with the spec`)
  }
  if ((deployment.status?.observedGeneration ?? 0) < (deployment.metadata.generation ?? 0)) {
    return updating(
      `Waiting for the Deployment controller to see the change of Deployment ${app.name}`,
    )
  }
  const summary = summarizeReplicas(app.name, desiredReplicas(app), deployment, pods)
  if (phaseOf(summary) !== 'Running') return summary
  const postponed = differing.filter(({ postponed }) => postponed)
  if (postponed.length > 0) {
    return updating(
      `${kindsOf(postponed)} ${app.name} selects other pods until a pod of this MyApp is ready`,
    )
  }
  if (differing.length > 0) {
    return updating(`Bringing ${kindsOf(differing)} ${app.name} in line with the spec`)
  }
  const surplus = children.filter(({ desired }) => desired === undefined)
  if (surplus.length > 0) {
    return updating(
      `Removing ${kindsOf(surplus)} ${app.name}, which the spec does not ask for any more`,
    )
  }
  return app.spec.suspend
    ? { reason: 'Suspended', message: 'Suspended: no pods run until suspend is taken away' }
    : summary
}

const kindsOf = (children: ChildState[]) => listed(children.map(({ kind }) => kind.kind))

function paused({ app, deployment, pods }: State): Summary {
  if (deployment === undefined) {
    return {
      reason: 'Paused',
      phase: 'Pending',
      message: 'Paused before there was anything: nothing is created until paused is taken away',
    }
  }
  const replicas = deployment.spec.replicas ?? 1
  const summary = summarizeReplicas(app.name, replicas, deployment, pods)
  return {
    reason: 'Paused',
    phase: phaseOf(summary),
    message: `Paused: nothing is changed until paused is taken away. ${summary.message}`,
  }
}

function nameConflict(name: string, conflicting: ChildState[]): Summary {
  const kinds = kindsOf(conflicting)
  const isMakingRoom = ({ conflict }: ChildState) =>
    conflict?.type === 'owner' && conflict.isTerminating
  if (conflicting.every(isMakingRoom)) {
    return { reason: 'Creating', message: `Waiting for an older ${kinds} ${name} to be gone` }
  }
  const verbs = conflicting.length > 1 ? 'exist already and do' : 'exists already and does'
  return {
    reason: 'NameConflict',
    message: `${kinds} ${name} ${verbs} not belong to this MyApp: delete what is there, or give one of them another name`,
  }
}

/** An adopted Deployment that would be refused, in words that say what to do. */
function selectorConflict(child: string, selector: string): Summary {
  const command = `kubectl delete ${child.toLowerCase()} --cascade=orphan`
  return {
    reason: 'NameConflict',
    message:
      `Update of ${child} refused: spec.selector is immutable, and it is ` +
      `${truncated(selector, maxSelectorLength)}. No child is changed. To replace it and keep its ` +
      `pods, run ${command}; or give the MyApp another name`,
  }
}

function configMissing(missing: string[], deployment: ObservedDeployment | undefined): Summary {
  const effect = deployment ? 'what runs is left as it is' : 'no pod is started'
  return {
    reason: 'ConfigMissing',
    message: `${listed(missing)} ${missing.length > 1 ? 'are' : 'is'} missing: ${effect} until then`,
  }
}

/** How far the pods of a Deployment are that is as desired. */
function summarizeReplicas(
  name: string,
  desired: number,
  { spec, status = {} }: ObservedDeployment,
  pods: ObservedPod[],
): Summary {
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0, conditions = [] } = status
  const condition = (type: string) => conditions.find((condition) => condition.type === type)
  const failure = condition('ReplicaFailure')
  if (failure?.status === 'True') {
    return {
      reason: 'ReplicaFailure',
      message: `Pods cannot be created: ${failure.message ?? failure.reason ?? 'the Deployment does not say why'}`,
    }
  }
  const old = Math.max(0, replicas - updatedReplicas)
  // The status does not say which pods are available. Assume that all old ones are.
  const newAvailable = Math.max(0, availableReplicas - old)
  const isComplete = updatedReplicas >= desired && newAvailable >= desired
  if (!isComplete) {
    const progress = condition('Progressing')
    // A paused rollout keeps this condition even when its pods become available later.
    if (progress?.status === 'False' && progress.reason === 'ProgressDeadlineExceeded') {
      const cause =
        podFailure(pods, true) ??
        endedPods(pods) ??
        progress.message ??
        'no progress within the deadline'
      return {
        reason: 'ProgressDeadlineExceeded',
        message: `The rollout is stuck with ${availableReplicas} of ${desired} replicas available: ${cause}`,
      }
    }
    const failing = podFailure(pods)
    if (failing !== undefined) return { reason: 'PodsFailing', message: failing }
  }
  const awaited = isComplete ? undefined : (awaitedCheck(pods) ?? endedPods(pods))
  const withCause = (message: string) =>
    awaited === undefined ? message : `${message}: ${awaited}`

  const upToDate = `${Math.min(updatedReplicas, desired)} of ${desired} replicas are up to date`
  const isRollingOut = updatedReplicas < desired || (old > 0 && desired > 0)
  if (isRollingOut && spec.paused) {
    return {
      reason: 'RolloutPaused',
      message: `${upToDate} and the rollout is paused: kubectl rollout resume deployment/${name} lets it go on`,
    }
  }
  if (isRollingOut) {
    const rollingOut = (message: string): Summary => ({ reason: 'RollingOut', message })
    if (updatedReplicas < desired) return rollingOut(withCause(upToDate))
    const ones = old === 1 ? '1 old one' : `${old} old ones`
    return isComplete
      ? rollingOut(`${upToDate}, ${ones} ${old === 1 ? 'is' : 'are'} being removed`)
      : rollingOut(
          withCause(
            `${upToDate}, ${ones} ${old === 1 ? 'stays' : 'stay'} until they are available`,
          ),
        )
  }
  if (replicas > desired) {
    return {
      reason: 'ScalingDown',
      message: `${replicas - desired} of ${replicas} pods are being removed`,
    }
  }
  // The Deployment does not count pods that are terminating.
  const terminating = desired === 0 ? pods.filter(isTerminating).length : 0
  if (terminating > 0) {
    return {
      reason: 'ScalingDown',
      message: `${terminating} ${terminating === 1 ? 'pod has' : 'pods have'} still to end`,
    }
  }
  const available = `${availableReplicas} of ${desired} replicas are available`
  if (availableReplicas < desired) {
    return { reason: 'ReplicasUnavailable', message: withCause(available) }
  }
  return desired === 0
    ? { reason: 'ScaledToZero', message: 'Scaled to zero: no pods run' }
    : { reason: 'AllReplicasAvailable', message: available }
}

const isTerminating = ({ metadata: { deletionTimestamp }, status }: ObservedPod) =>
  deletionTimestamp !== undefined && status?.phase !== 'Succeeded' && status?.phase !== 'Failed'
