import type { MyAppStatus } from '../../api/myapp.ts'
import type { ObservedMetadata } from '../../metacontroller/protocol.ts'
import { age, lastWrite } from '../inspection-time.ts'
import type { Reason } from './reasons.ts'

/** Reasons of progress. They follow each other faster than anybody reads. */
const transitional: ReadonlySet<string> = new Set<Reason>([
  'Creating',
  'Updating',
  'RollingOut',
  'ScalingDown',
  'ReplicasUnavailable',
])

/** The minimum interval between two statuses that only report progress, in milliseconds. */
const writtenEvery = 15_000

/**
 * Whether the MyApp can keep its status, because the new status only reports progress of the same
 * generation. Each status costs Metacontroller a request to the API server. A slow rollout still
 * shows its progress.
 */
export function isHeldBack(
  metadata: ObservedMetadata,
  before: MyAppStatus,
  next: MyAppStatus,
  now: number,
): boolean {
  return (
    before.observedGeneration === metadata.generation &&
    before.phase === 'Pending' &&
    next.phase === 'Pending' &&
    [before, next].every((status) => transitional.has(readyReason(status) ?? '')) &&
    age(lastWrite(metadata, 'status'), now) < writtenEvery
  )
}

const readyReason = ({ conditions = [] }: MyAppStatus) =>
  conditions.find(({ type }) => type === 'Ready')?.reason
