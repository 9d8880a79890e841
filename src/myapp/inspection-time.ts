import type { ObservedMetadata } from '../metacontroller/protocol.ts'
import { oldReplicas } from './replicas.ts'
import type { ObservedDeployment } from './request.ts'

/**
 * The times of inspections. All times are in milliseconds. Kubernetes writes times to the second,
 * and the clock of the hook may differ from the clock of the API server.
 */

/** The time until an inspection looks for an object with the name of a missing child. */
export const creationTimeMs = 2000
/** The time without progress of pods until an inspection begins, with a fast control plane. */
const minProgressTimeMs = 2000
/** The same with a slow control plane. */
const maxProgressTimeMs = 30_000
/** A longer time between spec and status does not measure the speed of the control plane. */
const maxReactionMs = 60_000
/** Clocks differ by at most this. A time further in the future counts as unknown. */
const maxClockDifferenceMs = 60_000

/** Pods with problems are watched all the time for this long, then at intervals. */
const alwaysWatchedMs = 600_000
const watchIntervalMs = 300_000
/** Longer than `problemResyncSeconds`, so that each watch includes at least one sync. */
const watchDurationMs = 45_000

/** The time of the last write of an object's status, or of the rest of the object. */
export function lastWrite(
  { managedFields = [] }: ObservedMetadata,
  part: 'status' | 'spec',
): number | undefined {
  const times = managedFields
    .filter(
      ({ subresource, manager }) =>
        (subresource === 'status') === (part === 'status') &&
        // The Deployment controller does not write the spec, but it writes annotations.
        (part === 'status' || manager !== 'kube-controller-manager'),
    )
    .map(({ time }) => Date.parse(time ?? ''))
    .filter(Number.isFinite)
  return times.length === 0 ? undefined : Math.max(...times)
}

/** The time since an event; Infinity if its time is unknown or far in the future. */
export function age(then: number | undefined, now: number): number {
  if (then === undefined || then > now + maxClockDifferenceMs) return Infinity
  return Math.max(0, now - then)
}

/**
 * The remaining time in which the pods of a Deployment can make progress without an inspection. It
 * is longer if the control plane was slow to update the status after a change of the spec. So a
 * healthy rollout of hundreds of apps at once needs no inspections.
 */
export function rolloutWaitMs({ metadata, status = {} }: ObservedDeployment, now: number): number {
  const progress = status.conditions?.find(({ type }) => type === 'Progressing')
  if (progress?.status === 'False') return 0
  const progressed = lastWrite(metadata, 'status')
  const written = lastWrite(metadata, 'spec')
  // After the first available pod, the time shows the speed of the app, not of the control plane.
  const newAvailable = (status.availableReplicas ?? 0) - oldReplicas(status)
  const reaction =
    progressed === undefined || written === undefined || newAvailable > 0 ? 0 : progressed - written
  const slowness = reaction < 0 || reaction > maxReactionMs ? 0 : reaction
  const progressTime = Math.min(minProgressTimeMs + slowness, maxProgressTimeMs)
  return progressTime - age(progressed, now)
}

/**
 * Whether an inspection looks at pods that have had problems since the given time: always at first,
 * then for a short time every few minutes. So a fleet that has problems for hours costs little.
 */
export function isWatched(since: number, now: number): boolean {
  const elapsed = age(since, now)
  return (
    elapsed < alwaysWatchedMs || elapsed === Infinity || elapsed % watchIntervalMs < watchDurationMs
  )
}
