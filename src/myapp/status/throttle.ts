import type { MyAppStatus } from '../../api/myapp.ts'
import type { ObservedMetadata } from '../../metacontroller/protocol.ts'
import { age, lastWrite } from '../inspection-time.ts'
import { readyReason, type Reason } from './reasons.ts'

/** Reasons that only report progress. They can change several times a second. */
const progressReasons: ReadonlySet<string> = new Set<Reason>([
  'Creating',
  'Updating',
  'RollingOut',
  'ScalingDown',
  'ReplicasUnavailable',
])

/** The minimum interval between two statuses that only report progress, in milliseconds. */
const minWriteIntervalMs = 15_000

/**
 * Whether the answer contains the old status instead of the new one. Each new status costs
 * Metacontroller a request to the API server. So a status that only reports progress of the same
 * generation is written at most every 15 s.
 */
export function isThrottled(
  metadata: ObservedMetadata,
  before: MyAppStatus,
  next: MyAppStatus,
  now: number,
): boolean {
  return (
    before.observedGeneration === metadata.generation &&
    before.phase === 'Pending' &&
    next.phase === 'Pending' &&
    [before, next].every((status) => progressReasons.has(readyReason(status) ?? '')) &&
    age(lastWrite(metadata, 'status'), now) < minWriteIntervalMs
  )
}
