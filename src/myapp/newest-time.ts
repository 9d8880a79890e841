import type { ObservedMetadata } from '../metacontroller/protocol.ts'
import { isObject } from '../metacontroller/merge.ts'
import { type HookRequest, sentChildren } from './request.ts'

/**
 * The newest time that a request speaks of: the moment of the last change that it shows. It dates the conditions that
 * flip, in place of a clock, so that the same request always has the same answer. RFC 3339 in UTC, to the second.
 */
export function newestTime (request: HookRequest): string {
  const { parent, related } = request
  const objects: Dated[] = [parent, ...sentChildren(request).map(({ child }) => child), ...Object.values(related).flatMap((group) => Object.values<Dated>(group))]
  const times = objects.flatMap(({ metadata, status }) => [...metadataTimes(metadata), ...conditionTimes(status)])
  return times.reduce<string>((newest, time) => typeof time === 'string' && time > newest && wellFormed.test(time) ? time : newest, '1970-01-01T00:00:00Z')
}

interface Dated { metadata: ObservedMetadata, status?: unknown }

/** As Kubernetes writes a metav1.Time; such times sort as text. */
const wellFormed = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/

const metadataTimes = ({ creationTimestamp, deletionTimestamp, managedFields = [] }: ObservedMetadata) =>
  [creationTimestamp, deletionTimestamp, ...managedFields.map((owner) => owner.time)]

/** The times of all conditions, of whatever kind of object. */
function conditionTimes (status: unknown): unknown[] {
  const conditions = isObject(status) && Array.isArray(status.conditions) ? status.conditions.filter(isObject) : []
  return conditions.flatMap(({ lastTransitionTime, lastUpdateTime }) => [lastTransitionTime, lastUpdateTime])
}
