import { asItIs } from '../metacontroller/last-applied.ts'
import type { FinalizeResponse } from '../metacontroller/protocol.ts'
import { childKinds } from './children/index.ts'
import { type HookRequest, type SentChild, sentChildren } from './request.ts'
import type { MyAppStatus } from '../api/myapp.ts'
import { terminatingStatus } from './status/index.ts'

const stages = ['before the pods', 'with the pods', 'after the pods']

/**
 * What is left of a MyApp that is being deleted. It goes in stages: first what leads to its pods or scales them (and kinds
 * that this version does not know), then the Deployment, then the Service. What belongs to the first stage that is still
 * observed is left out of the answer, the rest stays as it is. Only when nothing is left may the MyApp go.
 */
export function finalize(request: HookRequest): FinalizeResponse<MyAppStatus> {
  const sent = sentChildren(request)
  const stageOf = ({ group }: SentChild) =>
    Math.max(0, stages.indexOf(childKinds.find((kind) => kind.group === group)?.leaves ?? ''))
  const stage = Math.min(...sent.map(stageOf))
  const leaving = sent.filter((child) => stageOf(child) === stage)
  return {
    status: terminatingStatus(
      request,
      leaving.map(({ child }) => child.kind),
    ),
    children: sent.filter((child) => stageOf(child) !== stage).map(({ child }) => asItIs(child)),
    finalized: sent.length === 0,
  }
}
