import type { SyncResponse } from '../metacontroller/protocol.ts'
import { type HookRequest, sentChildren } from '../myapp/request.ts'
import type { MyAppStatus } from '../api/myapp.ts'

/** What the log line of a sync or finalize tells: names and counts, nothing that could be a secret. */
export function logFields(
  request: HookRequest,
  { status, children: desired }: SyncResponse<MyAppStatus>,
) {
  const { namespace, name, generation } = request.parent.metadata
  return {
    namespace,
    name,
    generation,
    phase: status.phase,
    reason: status.conditions?.[0]?.reason,
    observedChildren: sentChildren(request).length,
    desiredChildren: desired.length,
  }
}
