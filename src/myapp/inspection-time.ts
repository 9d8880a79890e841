import type { ObservedMetadata } from '../metacontroller/protocol.ts'
import { oldReplicas } from './replicas.ts'
import type { ObservedDeployment } from './request.ts'

/**
 * The times of inspections. All times are in milliseconds. Kubernetes writes times to the second,
 * and the clock of the hook may differ from the clock of the API server.
 */

/** The time after an answer in which a child must be created before an inspection looks for it. */
export const creationPatience = 2000
/** The time in which pods must make progress before an inspection, with a fast control plane. */
const minRolloutPatience = 2000
const maxRolloutPatience = 30_000
/**
 * A status that is this much newer than the spec does not measure the speed of the control plane.
 */
const longestReaction = 60_000
/** A time further in the future than clocks differ was not written by Kubernetes. */
const maxClockDifference = 60_000

/** An app with problems for longer than this is inspected at intervals only. */
const watchedFor = 600_000
const lookEvery = 300_000
/** Longer than the resync period, so that one resync falls into it. */
const lookFor = 45_000

/** The last time at which an object's status or, without a subresource, the object was written. */
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

/** The time since an event. Without a time, or for one far in the future, it is very long. */
export function age(then: number | undefined, now: number): number {
  if (then === undefined || then > now + maxClockDifference) return Infinity
  return Math.max(0, now - then)
}

/**
 * The remaining wait before the pods of a Deployment are worth an inspection. It is longer if the
 * control plane was slow to show the pods after the spec was written. So a healthy rollout of
 * hundreds of apps at once needs no inspections.
 */
export function rolloutWait({ metadata, status = {} }: ObservedDeployment, now: number): number {
  const progress = status.conditions?.find(({ type }) => type === 'Progressing')
  if (progress?.status === 'False') return 0
  const progressed = lastWrite(metadata, 'status')
  const written = lastWrite(metadata, 'spec')
  // After the first available pod, the time shows the speed of the app, not of the control plane.
  const newAvailable = (status.availableReplicas ?? 0) - oldReplicas(status)
  const reaction =
    progressed === undefined || written === undefined || newAvailable > 0 ? 0 : progressed - written
  const slowness = reaction < 0 || reaction > longestReaction ? 0 : reaction
  const patience = Math.min(minRolloutPatience + slowness, maxRolloutPatience)
  return patience - age(progressed, now)
}

/**
 * Whether to look at pods that have had problems since the given time: always at first, then for a
 * moment every few minutes. So a fleet with problems for hours costs little.
 */
export function isWatched(since: number, now: number): boolean {
  const elapsed = age(since, now)
  return elapsed < watchedFor || elapsed === Infinity || elapsed % lookEvery < lookFor
}
