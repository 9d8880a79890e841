import { aspects } from './conditions.ts'
import { judge, listed, phaseOf, type Verdict } from './ready.ts'
import { newestTime } from './transition-time.ts'
import type { Observations } from '../state.ts'
import { replicas as wantedReplicas } from '../children/deployment.ts'
import { selectorLabels } from '../children/labels.ts'
import { reachableAt } from './routing.ts'
import { type HookRequest, keyOf, type ObservedDeployment, sentChildren } from '../request.ts'
import type { Condition, MyAppStatus } from '../../api/myapp.ts'

/** The CRD has no room for more: the whole status would be refused. */
const longestMessage = 32_768

/** A condition before it is dated. */
export type Aspect = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>

/** The status of a MyApp with a valid spec, from what was observed: asking for something does not make it so. */
export function statusOf(request: HookRequest, observations: Observations): MyAppStatus {
  const wanted = observations.app.spec.paused
    ? (observations.deployment?.spec.replicas ?? 0)
    : wantedReplicas(observations.app)
  return {
    ...assemble(
      request,
      observations.deployment,
      wanted,
      judge(request, observations),
      aspects(request, observations),
    ),
    ...reachableAt(request),
  }
}

/** The status of a MyApp with a spec that can't be acted on: what runs is told as before. */
export function invalidStatus(request: HookRequest, problem: string): MyAppStatus {
  const deployment = request.children['Deployment.apps/v1'][keyOf(request.parent.metadata)]
  const message = `${problem}; ${sentChildren(request).length > 0 ? 'what runs is left as it is' : 'nothing is created'} until the spec is mended`
  return {
    ...assemble(
      request,
      deployment,
      deployment?.spec.replicas ?? 0,
      { reason: 'InvalidSpec', message },
      aspects(request),
    ),
    ...reachableAt(request),
  }
}

/** The status of a MyApp that is being deleted, waiting for its children of the given kinds to be gone. */
export function terminatingStatus(request: HookRequest, leaving: string[]): MyAppStatus {
  const { metadata } = request.parent
  const deployment = request.children['Deployment.apps/v1'][keyOf(metadata)]
  const message =
    leaving.length === 0
      ? 'Terminating: everything that belonged to it is gone'
      : `Terminating: waiting for ${listed([...new Set(leaving)])} ${metadata.name} to be gone`
  return assemble(request, deployment, deployment?.spec.replicas ?? 0, {
    reason: 'Terminating',
    message,
  })
}

function assemble(
  request: HookRequest,
  deployment: ObservedDeployment | undefined,
  wanted: number,
  verdict: Verdict,
  more: Aspect[] = [],
): MyAppStatus {
  const { metadata } = request.parent
  const {
    replicas = 0,
    readyReplicas = 0,
    updatedReplicas = 0,
    availableReplicas = 0,
  } = deployment?.status ?? {}
  const { reason, message } = verdict
  const phase = phaseOf(verdict)
  return {
    phase,
    message,
    ready: `${readyReplicas}/${wanted}`,
    replicas,
    readyReplicas,
    updatedReplicas,
    availableReplicas,
    observedGeneration: metadata.generation ?? 0,
    selector: Object.entries(selectorLabels(metadata.name))
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    conditions: dated(request, [...kstatus({ reason, message, phase }), ...more]),
  }
}

/** The conditions that kstatus goes by: Ready, and Reconciling or Stalled while the phase is Pending or Failed. */
function kstatus({ reason, message, phase }: Required<Verdict>): Aspect[] {
  const aspect = (type: string, holds: boolean): Aspect => ({
    type,
    status: holds ? 'True' : 'False',
    reason,
    message: type === 'Ready' || holds ? message : '',
  })
  return [
    aspect('Ready', phase === 'Running'),
    aspect('Reconciling', phase === 'Pending'),
    aspect('Stalled', phase === 'Failed'),
  ]
}

/** Conditions with the time at which their status changed: that of before where it has not. */
function dated(request: HookRequest, aspects: Aspect[]): Condition[] {
  const { metadata, status } = request.parent
  const now = newestTime(request)
  return aspects.map(({ type, status: state, reason, message }) => {
    const before = status?.conditions?.find((condition) => condition.type === type)
    return {
      type,
      status: state,
      observedGeneration: metadata.generation ?? 0,
      lastTransitionTime: before?.status === state ? before.lastTransitionTime : now,
      reason,
      message: message.slice(0, longestMessage),
    }
  })
}
