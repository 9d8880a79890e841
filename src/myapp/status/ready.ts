import type { Phase } from '../../api/myapp.ts'
import { differences } from '../../metacontroller/compare.ts'
import type { PodFindings } from '../findings.ts'
import { desiredReplicas, isComplete, isStale, oldReplicas } from '../replicas.ts'
import type { ObservedDeployment } from '../request.ts'
import type { ChildState, State } from '../state.ts'
import { type Reason, reasons } from './reasons.ts'
import { counted, listed, truncated } from '../../text.ts'

/** The reason and message of the phase of a MyApp. */
export interface Summary {
  reason: Reason
  message: string
  /** Set if the phase differs from the phase of the reason. */
  phase?: Phase
}

/** The most characters of a foreign selector, and of a foreign message, that are quoted. */
const maxSelectorLength = 200
const maxQuotedLength = 1024
/** The largest number of fields in a message, and the longest field, in characters. */
const maxFields = 3
const maxFieldLength = 200

/** The phase of a MyApp with the given summary. */
export const phaseOf = ({ reason, phase }: Summary): Phase => phase ?? reasons[reason].phase

/** The summary of a MyApp with a valid spec: the first obstacle, or that it runs. */
export function summarize(state: State): Summary {
  if (state.app.spec.paused) return paused(state)
  const summary = summarizeChildren(state)
  if (phaseOf(summary) !== 'Running') return summary
  for (const { enabled, kind } of state.children) {
    const { reason, message = '' } = kind.optional ?? {}
    if (!enabled && reason !== undefined) return { reason, message }
  }
  return summary
}

function summarizeChildren(state: State): Summary {
  const { app, config, blocked, children, deployment, found } = state
  const desired = children.filter((child) => child.enabled && child.desired !== undefined)
  for (const { kind, conflict } of desired) {
    if (conflict?.type === 'selector') {
      return selectorConflict(kind.kind, app.name, conflict.selector)
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
    const verb = terminating.length > 1 ? 'are' : 'is'
    return updating(
      `${kindsOf(terminating)} ${app.name} ${verb} being deleted and will be recreated`,
    )
  }
  const differing = desired.filter(({ inSync }) => !inSync)
  const deployments = differing.filter(({ kind }) => kind.kind === 'Deployment')
  if (deployments.length > 0) return updating(toMatch(app.name, deployments))
  const summary = summarizeReplicas(app.name, desiredReplicas(app), deployment, found)
  if (phaseOf(summary) !== 'Running') return summary
  const postponed = differing.filter(({ postponed }) => postponed)
  if (postponed.length > 0) {
    return updating(
      `${kindsOf(postponed)} ${app.name} selects other pods until a pod of this MyApp is ready`,
    )
  }
  if (differing.length > 0) {
    return updating(toMatch(app.name, differing))
  }
  const surplus = children.filter(({ desired }) => desired === undefined)
  if (surplus.length > 0) {
    return updating(`Deleting ${kindsOf(surplus)} ${app.name}, which the spec no longer requests`)
  }
  return app.spec.suspend
    ? {
        reason: 'Suspended',
        message: `Suspended: ${withoutPods(deployment)} while spec.suspend is true`,
      }
    : summary
}

/** Names the children that are updated and the first differing fields. */
function toMatch(name: string, differing: ChildState[]): string {
  const fields = differing
    .flatMap(({ observed, desired }) => differences(observed?.spec, desired?.spec))
    .map((field) => truncated(`spec.${field}`, maxFieldLength))
  const shown = fields.length > maxFields ? [...fields.slice(0, maxFields), 'others'] : fields
  const sentence = `Updating ${kindsOf(differing)} ${name} to match the spec`
  return shown.length === 0 ? sentence : `${sentence}: ${listed(shown)}`
}

const kindsOf = (children: ChildState[]) => listed(children.map(({ kind }) => kind.kind))

function paused({ app, deployment, found }: State): Summary {
  if (deployment === undefined) {
    return {
      reason: 'Paused',
      phase: 'Pending',
      message: 'Paused: nothing is created while spec.paused is true',
    }
  }
  const replicas = deployment.spec.replicas ?? 1
  const summary = summarizeReplicas(app.name, replicas, deployment, found)
  return {
    reason: 'Paused',
    phase: phaseOf(summary),
    message: `Paused: no child is changed while spec.paused is true. ${summary.message}`,
  }
}

function nameConflict(name: string, conflicting: ChildState[]): Summary {
  const kinds = kindsOf(conflicting)
  const isDisappearing = ({ conflict }: ChildState) =>
    conflict?.type === 'owner' && conflict.isTerminating
  if (conflicting.every(isDisappearing)) {
    return { reason: 'Creating', message: `Waiting for an older ${kinds} ${name} to be deleted` }
  }
  const [verbs, them] =
    conflicting.length > 1 ? ['already exist and do', 'them'] : ['already exists and does', 'it']
  return {
    reason: 'NameConflict',
    message:
      `${kinds} ${name} ${verbs} not belong to this MyApp: ` +
      `delete ${them}, or create the MyApp with another name`,
  }
}

/** An adopted Deployment whose update would be refused, with a remedy. */
function selectorConflict(kind: string, name: string, selector: string): Summary {
  const command = `kubectl delete ${kind.toLowerCase()} ${name} --cascade=orphan`
  return {
    reason: 'NameConflict',
    message:
      `${kind} ${name} has another spec.selector, ${truncated(selector, maxSelectorLength)}, ` +
      `which is immutable. No child is changed. ` +
      `To replace the ${kind} and keep its pods, run ${command}; or create the MyApp with ` +
      'another name',
  }
}

function configMissing(missing: string[], deployment: ObservedDeployment | undefined): Summary {
  const effect = deployment?.status?.replicas ? 'running pods are not changed' : 'no pod is started'
  const they = missing.length > 1 ? 'they exist' : 'it exists'
  return {
    reason: 'ConfigMissing',
    message: `${listed(missing)} not found: ${effect} until ${they}`,
  }
}

/** The progress of the pods of a Deployment. Its pod template may differ from the spec. */
function summarizeReplicas(
  name: string,
  desired: number,
  deployment: ObservedDeployment,
  found: PodFindings,
): Summary {
  const { status = {} } = deployment
  const condition = (type: string) =>
    status.conditions?.find((condition) => condition.type === type)
  const progress = condition('Progressing')
  // If the ReplicaSet is refused, the Deployment controller updates nothing but this condition. The
  // condition can stay after the controller has found an older ReplicaSet.
  const isRefused =
    progress?.reason === 'ReplicaSetCreateError' &&
    desired > 0 &&
    (isStale(deployment) || !status.updatedReplicas)
  const refused = isRefused ? progress : undefined
  if (isStale(deployment) && refused === undefined) {
    return {
      reason: 'Updating',
      message: `Waiting for the Deployment controller to observe Deployment ${name}`,
    }
  }
  const failed = condition('ReplicaFailure')
  const failure = refused ?? (failed?.status === 'True' ? failed : undefined)
  if (failure !== undefined) {
    const cause = failure.message ?? failure.reason ?? 'the Deployment gives no reason'
    return {
      reason: 'ReplicaFailure',
      message: `Pods cannot be created: ${truncated(cause, maxQuotedLength)}`,
    }
  }
  const complete = isComplete(desired, status)
  const minReady = minReadyWait(deployment)
  if (!complete) {
    // Only if incomplete: a paused rollout keeps this condition after its pods become available.
    if (progress?.status === 'False' && progress.reason === 'ProgressDeadlineExceeded') {
      const cause = found.stuck ?? minReady ?? found.ended ?? progress.message
      return stuckRollout(desired, deployment, cause)
    }
    if (found.failing !== undefined) return { reason: 'PodsFailing', message: found.failing }
  }
  // A pod that has not started explains little, so name the ended pod it replaces, too.
  const causes = complete ? [] : [found.awaited ?? minReady ?? [], found.ended ?? []].flat()
  const withCause = (message: string) =>
    causes.length === 0 ? message : `${message}: ${causes.join('; ')}`
  return (
    rollout(name, desired, deployment, withCause) ??
    scalingDown(desired, deployment) ??
    availability(desired, deployment, withCause)
  )
}

/** The wait for minReadySeconds; undefined if no pod waits for it. */
function minReadyWait({ spec, status = {} }: ObservedDeployment): string | undefined {
  const { minReadySeconds = 0 } = spec
  const { readyReplicas = 0, availableReplicas = 0 } = status
  return minReadySeconds > 0 && readyReplicas > availableReplicas
    ? `waiting for ready pods to stay ready for ${minReadySeconds} s (minReadySeconds)`
    : undefined
}

function stuckRollout(
  desired: number,
  { status: { availableReplicas = 0 } = {} }: ObservedDeployment,
  cause = 'no progress within the deadline',
): Summary {
  const available = `${availableReplicas} of ${desired} replicas available`
  return {
    reason: 'ProgressDeadlineExceeded',
    message: `The rollout is stuck with ${available}: ${truncated(cause, maxQuotedLength)}`,
  }
}

/** The progress of a rollout; undefined if all pods have the current pod template. */
function rollout(
  name: string,
  desired: number,
  { spec, status = {} }: ObservedDeployment,
  withCause: (message: string) => string,
): Summary | undefined {
  const { updatedReplicas = 0 } = status
  const old = oldReplicas(status)
  if (updatedReplicas >= desired && (old === 0 || desired === 0)) return undefined
  const updated = `${replicasOf(Math.min(updatedReplicas, desired), desired)} updated`
  if (spec.paused) {
    const command = `kubectl rollout resume deployment/${name}`
    return {
      reason: 'RolloutPaused',
      message: `${updated} and the rollout is paused: run ${command}`,
    }
  }
  const rollingOut = (message: string): Summary => ({ reason: 'RollingOut', message })
  if (updatedReplicas < desired) return rollingOut(withCause(updated))
  const olds = counted(old, 'old replica')
  return isComplete(desired, status)
    ? rollingOut(`${updated}, ${olds} ${isOrAre(old)} being deleted`)
    : rollingOut(
        withCause(
          `${updated}, ${olds} ${old === 1 ? 'stays' : 'stay'} until new ones are available`,
        ),
      )
}

/** The deletion of pods that are not desired; undefined if there are none. */
function scalingDown(desired: number, { status = {} }: ObservedDeployment): Summary | undefined {
  const { replicas = 0 } = status
  const surplus = replicas - desired
  if (surplus > 0) {
    return {
      reason: 'ScalingDown',
      message: `${surplus} of ${counted(replicas, 'pod')} ${isOrAre(surplus)} being deleted`,
    }
  }
  // `replicas` does not count pods that are terminating.
  const terminating = desired === 0 ? (status.terminatingReplicas ?? 0) : 0
  if (terminating === 0) return undefined
  return {
    reason: 'ScalingDown',
    message: `${counted(terminating, 'pod')} ${isOrAre(terminating)} terminating`,
  }
}

/** Older versions of Kubernetes do not report terminating pods. */
const withoutPods = ({ status = {} }: ObservedDeployment) =>
  status.terminatingReplicas === undefined ? 'the Deployment has no replicas' : 'no pods run'

function availability(
  desired: number,
  deployment: ObservedDeployment,
  withCause: (message: string) => string,
): Summary {
  const { availableReplicas = 0 } = deployment.status ?? {}
  const message = `${replicasOf(availableReplicas, desired)} available`
  if (availableReplicas < desired) {
    return { reason: 'ReplicasUnavailable', message: withCause(message) }
  }
  return desired === 0
    ? { reason: 'ScaledToZero', message: `Scaled to zero: ${withoutPods(deployment)}` }
    : { reason: 'AllReplicasAvailable', message }
}

const isOrAre = (count: number) => (count === 1 ? 'is' : 'are')

/** `1 of 1 replica is`, `2 of 3 replicas are`. */
const replicasOf = (count: number, desired: number) =>
  `${count} of ${counted(desired, 'replica')} ${isOrAre(desired)}`
