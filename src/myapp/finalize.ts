import { asApplied, asObserved } from '../metacontroller/last-applied.ts'
import type { FinalizeResponse } from '../metacontroller/protocol.ts'
import type { MyAppStatus } from '../api/myapp.ts'
import { deleteStages } from './children/child.ts'
import { childKinds } from './children/index.ts'
import { type HookRequest, type SentChild, sentChildren } from './request.ts'
import { problemResyncSeconds } from './resync.ts'
import { safeAnswer } from './safe-answer.ts'
import { terminatingStatus } from './status/index.ts'

/**
 * Deletes the children of a deleted MyApp in stages: first the objects that send traffic to the
 * pods or scale them (and unknown kinds), then the Deployment, then the objects that the pods need,
 * such as the Service. The last two stages usually happen together (`lastStage`). The answer omits
 * the children to delete now, and keeps the others as last applied. The MyApp is finalized when all
 * children are gone.
 *
 * Metacontroller also finalizes a MyApp that is not being deleted, if its labels no longer match
 * the selector of the CompositeController. Such a MyApp moves to another CompositeController
 * together with all its children.
 */
export function finalize(request: HookRequest): FinalizeResponse<MyAppStatus> {
  const sent = sentChildren(request)
  if (request.parent.metadata.deletionTimestamp === undefined) {
    return {
      status: (request.parent.status ?? {}) as MyAppStatus,
      children: safeAnswer(
        request,
        sent.map(({ child }) => asObserved(child)),
      ),
      finalized: true,
    }
  }
  const stage = lastStage(sent)
  const deleting = sent.filter((child) => stageOf(child) <= stage)
  const kept = sent.filter((child) => stageOf(child) > stage)
  return {
    status: terminatingStatus(
      request,
      deleting.map(({ child }) => child.kind),
    ),
    children: safeAnswer(
      request,
      kept.map(({ child }) => asApplied(child)),
    ),
    finalized: sent.length === 0,
    // An admission policy that refuses a deletion can change without an event.
    ...(sent.length > 0 && { resyncAfterSeconds: problemResyncSeconds }),
  }
}

/**
 * The last stage to delete now. A Deployment without finalizers is gone at once, and its pods stop
 * on their own, so the objects of the last stage can be deleted together with the Deployment.
 */
function lastStage(sent: SentChild[]): number {
  const first = Math.min(...sent.map(stageOf))
  const pods = deleteStages.indexOf('with the pods')
  const isDeletedLater = ({ metadata }: SentChild['child']) =>
    (metadata.finalizers ?? []).length > 0 || metadata.deletionTimestamp !== undefined
  return first === pods &&
    !sent.some((sent) => stageOf(sent) === pods && isDeletedLater(sent.child))
    ? deleteStages.length - 1
    : first
}

function stageOf({ gvk }: SentChild): number {
  const kind = childKinds.find((kind) => kind.gvk === gvk)
  return kind === undefined ? 0 : deleteStages.indexOf(kind.deleteStage)
}
