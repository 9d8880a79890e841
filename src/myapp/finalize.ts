import { asItIs } from '../metacontroller/last-applied.ts'
import type { FinalizeResponse } from '../metacontroller/protocol.ts'
import { childKinds } from './children/child-kind.ts'
import type { HookRequest } from './request.ts'
import type { MyAppStatus } from './schema.ts'
import { terminatingStatus } from './status.ts'

/**
 * What is left of a MyApp that is being deleted. One kind goes at a time, in the order of the list: the first that is
 * still observed is left out of the answer, the others stay as they are. Only when none is left may the MyApp go.
 */
export function finalize (request: HookRequest): FinalizeResponse<MyAppStatus> {
  const left = childKinds.map(({ kind, group }) => ({ kind, children: Object.values(request.children[group]) })).filter(({ children }) => children.length > 0)
  const [leaving, ...staying] = left
  return {
    status: terminatingStatus(request, leaving?.kind),
    children: staying.flatMap(({ children }) => children.map(asItIs)),
    finalized: leaving === undefined,
  }
}
