import type { ObservedMetadata } from '../metacontroller/protocol.ts'
import type { HookRequest } from './request.ts'

/**
 * The newest time that a request speaks of: the moment of the last change that it shows. It dates the conditions that
 * flip, in place of a clock, so that the same request always has the same answer. RFC 3339 in UTC, to the second.
 */
export function newestTime ({ parent, children }: HookRequest): string {
  const deployments = Object.values(children['Deployment.apps/v1'])
  const objects = [parent, ...deployments, ...Object.values(children['Service.v1'])]
  const times = [
    ...objects.flatMap(({ metadata }) => metadataTimes(metadata)),
    ...(parent.status?.conditions ?? []).map((condition) => condition.lastTransitionTime),
    ...deployments.flatMap(({ status }) => status?.conditions ?? []).flatMap((condition) => [condition.lastTransitionTime, condition.lastUpdateTime]),
  ]
  return times.reduce<string>((newest, time) => time !== undefined && wellFormed.test(time) && time > newest ? time : newest, '1970-01-01T00:00:00Z')
}

/** As Kubernetes writes a metav1.Time; such times sort as text. */
const wellFormed = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/

const metadataTimes = ({ creationTimestamp, deletionTimestamp, managedFields = [] }: ObservedMetadata) =>
  [creationTimestamp, deletionTimestamp, ...managedFields.map((owner) => owner.time)]
