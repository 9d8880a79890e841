import { holds } from '../../metacontroller/compare.ts'
import { childKinds } from '../children/index.ts'
import { replicas as wantedReplicas } from '../children/deployment.ts'
import { childLabels } from '../children/labels.ts'
import { childOf, type DesiredChild, isAsDesired, isHeld, type Observations } from '../state.ts'
import { awaitedCheck, endedPods, podFailure } from './pod-failures.ts'
import { type Reason, reasons } from './reasons.ts'
import type { HookRequest, ObservedDeployment, ObservedPod, ObservedService } from '../request.ts'
import type { Phase } from '../../api/myapp.ts'

/** Why a MyApp is in its phase, and the sentence for it. */
export interface Verdict {
  reason: Reason
  message: string
  /** Where the reason alone does not tell it. */
  phase?: Phase
}

/** How a MyApp with a valid spec is: the first thing that keeps it from running, or that it runs. */
export function judge(request: HookRequest, observations: Observations): Verdict {
  const verdict = judgeChildren(request, observations)
  const isWithoutRoute = observations.undeclared.some(({ kind }) => kind === 'HTTPRoute')
  return isWithoutRoute && verdict.reason !== 'Paused' && phaseOf(verdict) === 'Running'
    ? { reason: 'GatewayNotEnabled', message: gatewayNotEnabled }
    : verdict
}

/** The phase that a verdict puts a MyApp in. */
export const phaseOf = ({ reason, phase }: Verdict): Phase => phase ?? reasons[reason].phase

function judgeChildren(request: HookRequest, observations: Observations): Verdict {
  const { app, config, wanted, deployment } = observations
  if (app.spec.paused) return paused(observations)
  const taken = wanted.filter((child) => child.taken !== undefined)
  if (taken.length > 0) {
    return nameConflict(
      app.name,
      taken.map(({ kind }) => kind.kind),
      taken.every((child) => child.taken?.leaving),
    )
  }
  if (isHeld(observations)) {
    return {
      reason: 'ConfigMissing',
      message: `${listed(config.missing)} ${config.missing.length > 1 ? 'are' : 'is'} missing: ${deployment ? 'what runs is left as it is' : 'no pod is started'} until then`,
    }
  }
  const missing = wanted
    .filter(({ kind }) => childOf(request, kind.group) === undefined)
    .map(({ kind }) => kind.kind)
  if (missing.length > 0 || deployment === undefined) {
    return { reason: 'Creating', message: `Creating ${listed(missing)} ${app.name}` }
  }
  const going = wanted
    .filter(({ kind }) => childOf(request, kind.group)?.metadata.deletionTimestamp !== undefined)
    .map(({ kind }) => kind.kind)
  if (going.length > 0) {
    return {
      reason: 'Updating',
      message: `Waiting for ${listed(going)} ${app.name}, being deleted, to be gone and made anew`,
    }
  }
  const differing = wanted
    .filter((child) => !isAsDesired(request, child) || !leadsToPods(request, observations, child))
    .map(({ kind }) => kind.kind)
  if (differing.includes('Deployment')) {
    return { reason: 'Updating', message: `Bringing Deployment ${app.name} in line with the spec` }
  }
  if ((deployment.status?.observedGeneration ?? 0) < (deployment.metadata.generation ?? 0)) {
    return {
      reason: 'Updating',
      message: `Waiting for the Deployment controller to see the change of Deployment ${app.name}`,
    }
  }
  const verdict = judgeReplicas(app.name, wantedReplicas(app), deployment, observations.pods)
  if (phaseOf(verdict) !== 'Running') return verdict
  if (differing.length > 0) {
    return {
      reason: 'Updating',
      message: `Bringing ${listed(differing)} ${app.name} in line with the spec`,
    }
  }
  const leaving = childKinds
    .filter(
      (kind) =>
        childOf(request, kind.group) !== undefined && !wanted.some((child) => child.kind === kind),
    )
    .map(({ kind }) => kind)
  if (leaving.length > 0) {
    return {
      reason: 'Updating',
      message: `Removing ${listed(leaving)} ${app.name}, which the spec does not ask for any more`,
    }
  }
  return app.spec.suspend
    ? { reason: 'Suspended', message: 'Suspended: no pods run until suspend is taken away' }
    : verdict
}

/** What is wrong where a gateway is asked for and the CompositeController does not declare HTTPRoutes. */
export const gatewayNotEnabled =
  'spec.gateway needs HTTPRoutes, which are not enabled here: install the gateway component of the operator, or use spec.ingress'

/** Words with commas and an `and`; of very many the first ten, as a status has not room for all. */
export function listed(words: string[]): string {
  const told = words.length > 10 ? [...words.slice(0, 10), `${words.length - 10} more`] : words
  return told.length < 2 ? told.join() : `${told.slice(0, -1).join(', ')} and ${told.at(-1)}`
}

function paused({ app, deployment, pods }: Observations): Verdict {
  if (deployment === undefined) {
    return {
      reason: 'Paused',
      phase: 'Pending',
      message: 'Paused before there was anything: nothing is created until paused is taken away',
    }
  }
  const verdict = judgeReplicas(app.name, deployment.spec.replicas ?? 1, deployment, pods)
  return {
    reason: 'Paused',
    phase: phaseOf(verdict),
    message: `Paused: nothing is changed until paused is taken away. ${verdict.message}`,
  }
}

function nameConflict(name: string, kinds: string[], leaving: boolean): Verdict {
  if (leaving) {
    return {
      reason: 'Creating',
      message: `Waiting for an older ${listed(kinds)} ${name} to be gone`,
    }
  }
  return {
    reason: 'NameConflict',
    message: `${listed(kinds)} ${name} ${kinds.length > 1 ? 'exist already and do' : 'exists already and does'} not belong to this MyApp: delete what is there, or give one of them another name`,
  }
}

/** Whether a child that selects pods, the Service, does so by nothing that the pods don't have. */
function leadsToPods(
  request: HookRequest,
  { app: { name, spec } }: Observations,
  { kind }: DesiredChild,
): boolean {
  if (kind.kind !== 'Service') return true
  const { selector = {} } = childOf(request, kind.group)?.spec as ObservedService['spec']
  return holds({ ...spec.podLabels, ...childLabels(name, spec.image) }, selector)
}

const isEnding = ({ metadata: { deletionTimestamp }, status }: ObservedPod) =>
  deletionTimestamp !== undefined && status?.phase !== 'Succeeded' && status?.phase !== 'Failed'

function judgeReplicas(
  name: string,
  wanted: number,
  { spec, status = {} }: ObservedDeployment,
  pods: ObservedPod[],
): Verdict {
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status
  const condition = (type: string) =>
    status.conditions?.find((condition) => condition.type === type)
  const failure = condition('ReplicaFailure')
  if (failure?.status === 'True') {
    return {
      reason: 'ReplicaFailure',
      message: `Pods cannot be created: ${failure.message ?? failure.reason ?? 'the Deployment does not say why'}`,
    }
  }
  const old = Math.max(0, replicas - updatedReplicas)
  // Which pods are available is not told: of the new ones at least so many as there would be if all old ones were.
  const complete = updatedReplicas >= wanted && Math.max(0, availableReplicas - old) >= wanted
  const podsFail = complete ? undefined : podFailure(pods)
  const progress = condition('Progressing')
  // A rollout that is paused keeps this condition when its pods have come after all.
  if (!complete && progress?.status === 'False' && progress.reason === 'ProgressDeadlineExceeded') {
    return {
      reason: 'ProgressDeadlineExceeded',
      message: `The rollout is stuck with ${availableReplicas} of ${wanted} replicas available: ${podFailure(pods, true) ?? endedPods(pods) ?? progress.message ?? 'no progress within the deadline'}`,
    }
  }
  if (podsFail !== undefined) return { reason: 'PodsFailing', message: podsFail }
  const awaited = complete ? undefined : (awaitedCheck(pods) ?? endedPods(pods))
  const soFar = (message: string) => (awaited === undefined ? message : `${message}: ${awaited}`)
  if (updatedReplicas < wanted || (old > 0 && wanted > 0)) {
    const upToDate = `${Math.min(updatedReplicas, wanted)} of ${wanted} replicas are up to date`
    if (spec.paused) {
      return {
        reason: 'RolloutPaused',
        message: `${upToDate} and the rollout is paused: kubectl rollout resume deployment/${name} lets it go on`,
      }
    }
    if (updatedReplicas < wanted) return { reason: 'RollingOut', message: soFar(upToDate) }
    const oldOnes =
      old === 1
        ? ['1 old one is', '1 old one stays']
        : [`${old} old ones are`, `${old} old ones stay`]
    return {
      reason: 'RollingOut',
      message: complete
        ? `${upToDate}, ${oldOnes[0]} being removed`
        : soFar(`${upToDate}, ${oldOnes[1]} until they are available`),
    }
  }
  if (replicas > wanted) {
    return {
      reason: 'ScalingDown',
      message: `${replicas - wanted} of ${replicas} pods are being removed`,
    }
  }
  // Those that are told to end the Deployment does not count any more.
  const ending = wanted === 0 ? pods.filter(isEnding).length : 0
  if (ending > 0) {
    return {
      reason: 'ScalingDown',
      message: `${ending} ${ending === 1 ? 'pod has' : 'pods have'} still to end`,
    }
  }
  if (availableReplicas < wanted) {
    return {
      reason: 'ReplicasUnavailable',
      message: soFar(`${availableReplicas} of ${wanted} replicas are available`),
    }
  }
  if (wanted === 0) return { reason: 'ScaledToZero', message: 'Scaled to zero: no pods run' }
  return {
    reason: 'AllReplicasAvailable',
    message: `${availableReplicas} of ${wanted} replicas are available`,
  }
}
