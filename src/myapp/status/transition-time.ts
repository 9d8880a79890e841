import type { ObservedMetadata } from '../../metacontroller/protocol.ts'
import { isObject } from '../../metacontroller/merge.ts'
import { type HookRequest, sentChildren } from '../request.ts'

/**
 * The newest time that a request speaks of: the moment of the last change that it shows. It dates the conditions that
 * flip, in place of a clock, so that the same request always has the same answer. RFC 3339 in UTC, to the second.
 */
export function newestTime(request: HookRequest): string {
  let newest = '1970-01-01T00:00:00Z'
  const note = (time: unknown): void => {
    if (typeof time === 'string' && time > newest && wellFormed.test(time)) newest = time
  }
  // With many pods there are thousands of times, so nothing is made of them on the way.
  const look = ({
    metadata: { creationTimestamp, deletionTimestamp, managedFields = [] },
    status,
  }: Dated): void => {
    note(creationTimestamp)
    note(deletionTimestamp)
    managedFields.forEach(({ time }) => note(time))
    if (!isObject(status) || !Array.isArray(status.conditions)) return
    for (const condition of status.conditions.filter(isObject)) {
      note(condition.lastTransitionTime)
      note(condition.lastUpdateTime)
    }
  }
  look(request.parent)
  for (const { child } of sentChildren(request)) look(child)
  for (const group of Object.values(request.related)) Object.values<Dated>(group).forEach(look)
  return newest
}

interface Dated {
  metadata: ObservedMetadata
  status?: unknown
}

/** As Kubernetes writes a metav1.Time; such times sort as text. */
const wellFormed = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/
