import { holds } from '../metacontroller/difference.ts'
import { childLabels, selectorLabels } from './children/labels.ts'
import { deployment as deploymentKind } from './children/deployment.ts'
import { service as serviceKind } from './children/service.ts'
import { newestTime } from './newest-time.ts'
import type { Observations, TakenName } from './observed.ts'
import { type Reason, reasons } from './reasons.ts'
import type { HookRequest, ObservedDeployment, ObservedService, Parent } from './request.ts'
import { type Condition, defaults, type MyAppSpec, type MyAppStatus } from './schema.ts'
import type { Validated } from './validation.ts'

/** Why a MyApp is in its phase, and the sentence for it. */
interface Verdict { reason: Reason, message: string }

/**
 * The status of a MyApp, from what was observed: asking for something does not make it so. Conditions are those of
 * kstatus: Ready, and Reconciling or Stalled while the phase is Pending or Failed.
 */
export function statusOf (request: HookRequest, validated: Validated, observations: Observations): MyAppStatus {
  const { parent } = request
  const verdict = 'problem' in validated ? invalidSpec(validated.problem, observations) : judge(parent, validated.spec, observations)
  const wanted = 'problem' in validated ? observations.deployment?.spec.replicas ?? 0 : validated.spec.replicas ?? defaults.replicas
  return assemble(request, observations.deployment, wanted, verdict)
}

/** The status of a MyApp that is being deleted, waiting for its children of the given kind to be gone. */
export function terminatingStatus (request: HookRequest, leaving: string | undefined): MyAppStatus {
  const { name, namespace } = request.parent.metadata
  const deployment = request.children['Deployment.apps/v1'][`${namespace}/${name}`]
  const message = leaving === undefined ? 'Terminating: everything that belonged to it is gone' : `Terminating: waiting for ${leaving} ${name} to be gone`
  return assemble(request, deployment, deployment?.spec.replicas ?? 0, { reason: 'Terminating', message })
}

function assemble (request: HookRequest, deployment: ObservedDeployment | undefined, wanted: number, { reason, message }: Verdict): MyAppStatus {
  const { metadata } = request.parent
  const { replicas = 0, readyReplicas = 0, updatedReplicas = 0, availableReplicas = 0 } = deployment?.status ?? {}
  return {
    phase: reasons[reason].phase,
    message,
    ready: `${readyReplicas}/${wanted}`,
    replicas,
    readyReplicas,
    updatedReplicas,
    availableReplicas,
    observedGeneration: metadata.generation ?? 0,
    selector: Object.entries(selectorLabels(metadata.name)).map(([key, value]) => `${key}=${value}`).join(','),
    conditions: conditions(request, reason, message),
  }
}

function conditions (request: HookRequest, reason: Reason, message: string): Condition[] {
  const { metadata, status } = request.parent
  const { phase } = reasons[reason]
  const time = newestTime(request)
  const condition = (type: string, holds: boolean): Condition => {
    const state = holds ? 'True' : 'False'
    const before = status?.conditions?.find((condition) => condition.type === type)
    return {
      type,
      status: state,
      observedGeneration: metadata.generation ?? 0,
      lastTransitionTime: before?.status === state ? before.lastTransitionTime : time,
      reason,
      message: type === 'Ready' || holds ? message : '',
    }
  }
  return [condition('Ready', phase === 'Running'), condition('Reconciling', phase === 'Pending'), condition('Stalled', phase === 'Failed')]
}

const invalidSpec = (problem: string, { deployment, service }: Observations): Verdict => ({
  reason: 'InvalidSpec',
  message: `${problem}; ${deployment ?? service ? 'what runs is left as it is' : 'nothing is created'} until the spec is mended`,
})

function judge (parent: Parent, spec: MyAppSpec, { deployment, service, taken }: Observations): Verdict {
  const { name } = parent.metadata
  if (taken.length > 0) return nameConflict(name, taken)
  if (deployment === undefined || service === undefined) {
    const missing = [deployment === undefined && 'Deployment', service === undefined && 'Service'].filter((kind) => kind !== false)
    return { reason: 'Creating', message: `Creating ${missing.join(' and ')} ${name}` }
  }
  if (!runsWhatIsAsked(parent, spec, deployment)) return { reason: 'Updating', message: `Bringing Deployment ${name} in line with the spec` }
  if ((deployment.status?.observedGeneration ?? 0) < (deployment.metadata.generation ?? 0)) {
    return { reason: 'Updating', message: `Waiting for the Deployment controller to see the change of Deployment ${name}` }
  }
  const replicas = judgeReplicas(name, spec.replicas ?? defaults.replicas, deployment)
  if (reasons[replicas.reason].phase !== 'Running' || leadsToPods(parent, spec, service)) return replicas
  return { reason: 'Updating', message: `Bringing Service ${name} in line with the spec` }
}

function nameConflict (name: string, taken: TakenName[]): Verdict {
  const leaving = taken.every((taken) => taken.leaving)
  const kinds = taken.map((taken) => taken.kind.kind).join(' and ')
  if (leaving) return { reason: 'Creating', message: `Waiting for an older ${kinds} ${name} to be gone` }
  return { reason: 'NameConflict', message: `${kinds} ${name} ${taken.length > 1 ? 'exist already and do' : 'exists already and does'} not belong to this MyApp: delete what is there, or give one of them another name` }
}

/** Whether the pods that the Deployment makes are those of the spec. Labels do not count: pods run without them. */
function runsWhatIsAsked (parent: Parent, spec: MyAppSpec, deployment: ObservedDeployment): boolean {
  const desired = deploymentKind.desired(parent, spec).spec as { replicas: number, template: { spec: object } }
  return deployment.spec.replicas === desired.replicas && holds(deployment.spec.template.spec, desired.template.spec)
}

/** Whether the Service offers the port of the spec and selects by nothing that the pods don't have. */
function leadsToPods (parent: Parent, spec: MyAppSpec, service: ObservedService): boolean {
  const { ports } = serviceKind.desired(parent, spec).spec as { ports: unknown }
  return holds(service.spec.ports, ports) && holds(childLabels(parent.metadata.name, spec.image), service.spec.selector ?? {})
}

function judgeReplicas (name: string, wanted: number, { spec, status = {} }: ObservedDeployment): Verdict {
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status
  const condition = (type: string) => status.conditions?.find((condition) => condition.type === type)
  const failure = condition('ReplicaFailure')
  if (failure?.status === 'True') return { reason: 'ReplicaFailure', message: `Pods cannot be created: ${failure.message ?? failure.reason ?? 'the Deployment does not say why'}` }
  const progress = condition('Progressing')
  if (progress?.status === 'False' && progress.reason === 'ProgressDeadlineExceeded') {
    return { reason: 'ProgressDeadlineExceeded', message: `The rollout is stuck with ${availableReplicas} of ${wanted} replicas available: ${progress.message ?? 'no progress within the deadline'}` }
  }
  if (updatedReplicas < wanted) {
    const upToDate = `${updatedReplicas} of ${wanted} replicas are up to date`
    if (spec.paused) return { reason: 'RolloutPaused', message: `${upToDate} and the rollout is paused: kubectl rollout resume deployment/${name} lets it go on` }
    return { reason: 'RollingOut', message: upToDate }
  }
  if (replicas > updatedReplicas) return { reason: 'RollingOut', message: `${wanted} of ${wanted} replicas are up to date, ${replicas - updatedReplicas} old ones are being removed` }
  if (replicas > wanted) return { reason: 'ScalingDown', message: `${replicas - wanted} of ${replicas} pods are being removed` }
  if (availableReplicas < wanted) return { reason: 'ReplicasUnavailable', message: `${availableReplicas} of ${wanted} replicas are available` }
  if (wanted === 0) return { reason: 'ScaledToZero', message: 'Scaled to zero: no pods run' }
  return { reason: 'AllReplicasAvailable', message: `${availableReplicas} of ${wanted} replicas are available` }
}
