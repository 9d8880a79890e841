import type { SyncResponse } from '../metacontroller/protocol.ts'
import type { HookRequest } from '../myapp/request.ts'
import type { MyAppStatus } from '../myapp/schema.ts'

/** What the log line of a sync or finalize tells: names and counts, nothing that could be a secret. */
export function logFields ({ parent, children }: HookRequest, { status, children: desired }: SyncResponse<MyAppStatus>) {
  const { namespace, name, generation } = parent.metadata
  return {
    namespace,
    name,
    generation,
    phase: status.phase,
    reason: status.conditions?.[0]?.reason,
    observedChildren: Object.values(children).reduce((sum, group) => sum + Object.keys(group).length, 0),
    desiredChildren: desired.length,
  }
}
