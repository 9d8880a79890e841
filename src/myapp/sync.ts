import type { MyAppStatus } from '../api/myapp.ts'
import type { SyncResponse } from '../metacontroller/protocol.ts'
import type { TimedContext } from './context.ts'
import { planInspection } from './inspection.ts'
import type { HookRequest } from './request.ts'
import { changesChild, problemResyncSeconds } from './resync.ts'
import { safeAnswer } from './safe-answer.ts'
import { keepChildren, keepForeignChildren, stateOf } from './state.ts'
import { invalidStatus, statusOf } from './status/index.ts'
import { isThrottled } from './status/throttle.ts'
import { validSpec } from './valid-spec.ts'

/**
 * The children that a MyApp should have, and its status. With an invalid spec there is no
 * inspection, and every other child stays as last applied or, while the MyApp is paused, as
 * observed.
 */
export function sync(request: HookRequest, context: TimedContext): SyncResponse<MyAppStatus> {
  const validated = validSpec(request.parent)
  if ('problem' in validated) {
    return {
      status: invalidStatus(request, validated.problem),
      children: safeAnswer(request, keepChildren(request, isPaused(request))),
      resyncAfterSeconds: problemResyncSeconds,
    }
  }
  const state = stateOf(request, validated.spec, context)
  const status = statusOf(request, state)
  const { inspection, resyncAfterSeconds } = planInspection(request, state, context)
  const hasProblem = status.phase === 'Failed' || changesChild(state)
  const resync = resyncAfterSeconds ?? (hasProblem ? problemResyncSeconds : undefined)
  const before = request.parent.status as MyAppStatus | undefined
  return {
    status:
      before !== undefined &&
      inspection === undefined &&
      isThrottled(request.parent.metadata, before, status, context.now)
        ? before
        : status,
    children: safeAnswer(request, [
      ...state.children.flatMap(({ answer }) => answer ?? []),
      ...keepForeignChildren(request, state),
      ...(inspection === undefined ? [] : [inspection]),
    ]),
    ...(resync !== undefined && { resyncAfterSeconds: resync }),
  }
}

/** Whether the spec sets paused, even if the rest of the spec is invalid. */
const isPaused = ({ parent }: HookRequest) =>
  (parent.spec as { paused?: unknown } | null | undefined)?.paused === true
