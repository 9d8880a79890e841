import type { ConditionType } from '../../api/conditions.ts'
import type { Condition, MyAppStatus } from '../../api/myapp.ts'
import { selectorLabels } from '../children/labels.ts'
import { desiredReplicas } from '../replicas.ts'
import { childOf, type HookRequest, sentChildren } from '../request.ts'
import type { State } from '../state.ts'
import { conditionsOf, type UndatedCondition } from './conditions.ts'
import { phaseOf, type Summary, summarize } from './ready.ts'
import { addressesOf } from './routing.ts'
import { listed } from '../../text.ts'
import { newestTime } from './transition-time.ts'

/** The longest message and reason of a condition that the CRD accepts. */
const maxMessageLength = 32_768
const maxReasonLength = 1024

/** The status of a MyApp with a valid spec. It reports observed state, not requested state. */
export function statusOf(request: HookRequest, state: State): MyAppStatus {
  const { app, deployment } = state
  const desired = app.spec.paused ? (deployment?.spec.replicas ?? 0) : desiredReplicas(app)
  const now = newestTime(request)
  const summary = summarize(state)
  return {
    ...assemble(request, desired, summary, conditionsOf(request, state), now),
    ...addressesOf(request, app.spec),
    ...(state.defaulted.length > 0 && { platformDefaults: state.defaulted }),
  }
}

/** The status of a MyApp with an invalid spec. The conditions of its children stay. */
export function invalidStatus(request: HookRequest, problem: string): MyAppStatus {
  const effect =
    sentChildren(request).length > 0 ? 'running pods are not changed' : 'nothing is created'
  const summary: Summary = {
    reason: 'InvalidSpec',
    message: `${problem}; ${effect} until the spec is fixed`,
  }
  return {
    ...assemble(request, observedReplicas(request), summary, conditionsOf(request)),
    ...addressesOf(request),
  }
}

/** The status of a MyApp that is being deleted and waits for children of the given kinds. */
export function terminatingStatus(request: HookRequest, deleting: string[]): MyAppStatus {
  const { name } = request.parent.metadata
  const message =
    deleting.length === 0
      ? 'Terminating: all children are deleted'
      : `Terminating: waiting for ${listed([...new Set(deleting)])} ${name} to be deleted`
  return assemble(request, observedReplicas(request), { reason: 'Terminating', message }, [])
}

const observedReplicas = (request: HookRequest) =>
  childOf(request, 'Deployment')?.spec.replicas ?? 0

function assemble(
  request: HookRequest,
  desired: number,
  summary: Summary,
  conditions: UndatedCondition[],
  now = newestTime(request),
): MyAppStatus {
  const { metadata } = request.parent
  const {
    replicas = 0,
    readyReplicas = 0,
    updatedReplicas = 0,
    availableReplicas = 0,
  } = childOf(request, 'Deployment')?.status ?? {}
  return {
    phase: phaseOf(summary),
    message: summary.message.slice(0, maxMessageLength),
    ready: `${readyReplicas}/${desired}`,
    replicas,
    readyReplicas,
    updatedReplicas,
    availableReplicas,
    observedGeneration: metadata.generation ?? 0,
    selector: Object.entries(selectorLabels(metadata.name))
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    conditions: withTimes(request, [...readiness(summary), ...conditions], now),
  }
}

/** The conditions that kstatus reads: Ready, Reconciling and Stalled. Exactly one is True. */
function readiness(summary: Summary): UndatedCondition[] {
  const { reason, message } = summary
  const phase = phaseOf(summary)
  const condition = (type: ConditionType, isTrue: boolean): UndatedCondition => ({
    type,
    status: isTrue ? 'True' : 'False',
    reason,
    message: isTrue ? 'See condition Ready' : '',
  })
  return [
    { ...condition('Ready', phase === 'Running'), message },
    condition('Reconciling', phase === 'Pending'),
    condition('Stalled', phase === 'Failed'),
  ]
}

/** Conditions with the time at which their status last changed, within the bounds of the CRD. */
function withTimes(
  { parent: { metadata, status } }: HookRequest,
  conditions: UndatedCondition[],
  now: string,
): Condition[] {
  return conditions.map((condition) => {
    const before = status?.conditions?.find(({ type }) => type === condition.type)
    return {
      type: condition.type,
      status: condition.status,
      observedGeneration: metadata.generation ?? 0,
      lastTransitionTime: before?.status === condition.status ? before.lastTransitionTime : now,
      reason: condition.reason.slice(0, maxReasonLength),
      message: condition.message.slice(0, maxMessageLength),
    }
  })
}
