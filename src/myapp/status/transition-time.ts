import { isObject } from '../../metacontroller/json.ts'
import type { ObservedMetadata } from '../../metacontroller/protocol.ts'
import { type HookRequest, sentChildren } from '../request.ts'

/** The format of a metav1.Time. Such times sort as text. */
const timeFormat = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/

/**
 * The newest time in a request, in RFC 3339, in UTC and in whole seconds. It is used in place of a
 * clock, so that the same request always has the same transition times.
 */
export function newestTime(request: HookRequest): string {
  const time = newestTimeOf([request.parent, ...sentChildren(request).map(({ child }) => child)])
  return Object.values(request.related)
    .map((group) => newestTimeOf(Object.values<Dated>(group)))
    .reduce((newest, other) => (other > newest ? other : newest), time)
}

/** The newest time in some objects. */
export function newestTimeOf(objects: Dated[]): string {
  let newest = '1970-01-01T00:00:00Z'
  const consider = (time: unknown): void => {
    if (typeof time === 'string' && time > newest && timeFormat.test(time)) newest = time
  }
  // No list of all times: many pods have thousands of them.
  for (const { metadata, status } of objects) {
    const { creationTimestamp, deletionTimestamp, managedFields = [] } = metadata
    consider(creationTimestamp)
    // The end of a grace period may lie in the future.
    if (!metadata.deletionGracePeriodSeconds) consider(deletionTimestamp)
    managedFields.forEach(({ time }) => consider(time))
    if (!isObject(status) || !Array.isArray(status.conditions)) continue
    for (const condition of status.conditions) {
      if (!isObject(condition)) continue
      consider(condition.lastTransitionTime)
      consider(condition.lastUpdateTime)
    }
  }
  return newest
}

interface Dated {
  metadata: ObservedMetadata
  status?: unknown
}
