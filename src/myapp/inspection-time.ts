import type { ObservedMetadata } from '../metacontroller/protocol.ts'
import { oldReplicas } from './replicas.ts'
import type { ObservedDeployment } from './request.ts'

/**
 * When an inspection is worth its cost. All times are in milliseconds. Kubernetes writes times to
 * the second, and the clock of the hook may differ from that of the API server.
 */

/** A child that does not exist for so long after it was answered is looked for. */
export const creationPatience = 2000
/** Pods that get nowhere for so long are looked at, if the control plane is quick. */
const minRolloutPatience = 2000
const maxRolloutPatience = 30_000
/** A status that is this much younger than the spec does not show how quick the control plane is. */
const longestReaction = 60_000
/** A time that is further in the future than clocks differ was not written by Kubernetes. */
const maxClockDifference = 60_000

/** An app that is in trouble for longer is looked at only now and then. */
const watchedFor = 600_000
const lookEvery = 300_000
/** Longer than the time between two resyncs, so that one of them falls into it. */
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
        // The Deployment controller writes no spec, but annotations.
        (part === 'status' || manager !== 'kube-controller-manager'),
    )
    .map(({ time }) => Date.parse(time ?? ''))
    .filter(Number.isFinite)
  return times.length === 0 ? undefined : Math.max(...times)
}

/** How long ago something happened. What never happened, or lies far in the future, is long ago. */
export function age(then: number | undefined, now: number): number {
  if (then === undefined || then > now + maxClockDifference) return Infinity
  return Math.max(0, now - then)
}

/**
 * How much longer to wait for the pods of a Deployment before they are worth an inspection. The
 * slower the control plane was to show the pods after the spec was written, the more patience it
 * gets: a healthy rollout of hundreds of apps at once needs no inspections.
 */
export function rolloutWait({ metadata, status = {} }: ObservedDeployment, now: number): number {
  const progress = status.conditions?.find(({ type }) => type === 'Progressing')
  if (progress?.status === 'False') return 0
  const progressed = lastWrite(metadata, 'status')
  const written = lastWrite(metadata, 'spec')
  // Once new pods are available, a status shows how quick the app is, not the control plane.
  const newAvailable = (status.availableReplicas ?? 0) - oldReplicas(status)
  const reaction =
    progressed === undefined || written === undefined || newAvailable > 0 ? 0 : progressed - written
  const slowness = reaction < 0 || reaction > longestReaction ? 0 : reaction
  const patience = Math.min(minRolloutPatience + 2 * slowness, maxRolloutPatience)
  return patience - age(progressed, now)
}

/**
 * Whether pods are watched that are in trouble since the given time: without a break at first, then
 * for a moment every few minutes. So a fleet that is in trouble for hours costs little.
 */
export function isWatched(since: number, now: number): boolean {
  const elapsed = age(since, now)
  return elapsed < watchedFor || elapsed === Infinity || elapsed % lookEvery < lookFor
}
