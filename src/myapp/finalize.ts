import { asItIs } from '../metacontroller/last-applied.ts'
import type { FinalizeResponse } from '../metacontroller/protocol.ts'
import { childKinds } from './children/child-kind.ts'
import { type HookRequest, sentChildren } from './request.ts'
import type { MyAppStatus } from './schema.ts'
import { terminatingStatus } from './status.ts'

/**
 * What is left of a MyApp that is being deleted. One kind goes at a time, in the order of the list (kinds that this
 * version does not know before it): the first that is still observed is left out of the answer, the others stay as they
 * are. Only when none is left may the MyApp go.
 */
export function finalize (request: HookRequest): FinalizeResponse<MyAppStatus> {
  const order = (group: string) => childKinds.findIndex((kind) => kind.group === group)
  const left = sentChildren(request).toSorted((a, b) => order(a.group) - order(b.group))
  const leaving = left[0]
  return {
    status: terminatingStatus(request, leaving?.child.kind),
    children: left.filter(({ group }) => group !== leaving?.group).map(({ child }) => asItIs(child)),
    finalized: leaving === undefined,
  }
}
