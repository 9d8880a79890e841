import {
  type FindingName,
  findingNames,
  type InspectedPod,
  inspectionGvk,
  type InspectionStatus,
  maxListedPods,
  maxMissing,
  sentenceMaxLength,
  type TakenName,
} from '../api/inspection.ts'
import { isObject } from '../metacontroller/json.ts'
import type { ObservedObject } from '../metacontroller/protocol.ts'
import { childrenIn, type HookRequest, keyOf, type ObservedPod } from './request.ts'
import { endedPods, failingPods, problemOfPod, waitingPods } from './status/pod-failures.ts'
import { newestTimeOf } from './status/transition-time.ts'
import { truncated } from '../text.ts'

/** The observed inspection of a MyApp. */
export const inspectionOf = (request: HookRequest): ObservedObject | undefined =>
  childrenIn(request, inspectionGvk)?.[keyOf(request.parent.metadata)]

/**
 * The foreign objects that have the name of a child, as the inspection reports them. The status of
 * an inspection can contain anything, because tenants may have the right to write it.
 */
export function takenNames(request: HookRequest): TakenName[] {
  const { taken } = (inspectionOf(request)?.status ?? {}) as InspectionStatus
  return Array.isArray(taken) ? taken.slice(0, maxMissing).filter(isTakenName) : []
}

const isTakenName = (taken: unknown) => isObject(taken) && typeof taken.name === 'string'

/**
 * Findings about the pods: why the MyApp does not run. A field is missing if there is nothing to
 * report.
 */
export type PodFindings = Pick<InspectionStatus, FindingName | 'pods'>

/** Derives the findings from the pods of a MyApp that were observed at `now`. */
export function findingsOf(all: ObservedPod[], now: string): PodFindings {
  const pods = all.filter(hasController)
  const found: Record<FindingName, string | undefined> = {
    failing: failingPods(pods, now),
    stuck: failingPods(pods, now, true),
    awaited: waitingPods(pods, now),
    ended: endedPods(pods, now),
  }
  return {
    ...validFindings(found),
    ...(pods.length > 0 && { pods: listPods(pods, now) }),
  }
}

/**
 * The findings for a request: from its related pods if it has the group `Pod.v1`, even an empty
 * one, otherwise from the inspection.
 */
export function findingsFor(request: HookRequest): PodFindings {
  if (request.related['Pod.v1'] === undefined) return readFindings(inspectionOf(request)?.status)
  const pods = Object.values(request.related['Pod.v1'])
  return findingsOf(pods, newestTimeOf(pods))
}

/** The findings in the status of an inspection, which can contain anything. */
export function readFindings(status: unknown): PodFindings {
  const found = (status ?? {}) as InspectionStatus
  return { ...validFindings(found), ...(Array.isArray(found.pods) && { pods: found.pods }) }
}

/** Keeps the defined sentences, within the length that the CRD accepts. */
const validFindings = (
  found: Partial<Record<FindingName, unknown>>,
): Partial<Record<FindingName, string>> =>
  Object.fromEntries(
    findingNames.flatMap((name) => {
      const { [name]: sentence } = found
      return typeof sentence === 'string' && sentence !== ''
        ? [[name, sentence.slice(0, sentenceMaxLength)]]
        : []
    }),
  )

/** Somebody may run a pod with the labels of the app. It has no controller and does not count. */
const hasController = ({ metadata: { ownerReferences = [] } }: ObservedPod) =>
  ownerReferences.some(({ controller }) => controller)

/** The pods to list, those that are not ready first. */
const listPods = (pods: ObservedPod[], now: string): InspectedPod[] =>
  pods
    .map((pod) => listed(pod, now))
    .sort((a, b) => Number(a.ready) - Number(b.ready) || a.name.localeCompare(b.name))
    .slice(0, maxListedPods)

/** The largest int32. The API server refuses a status with a larger number. */
const maxRestarts = 2_147_483_647
/** The longest name of a node. The API server accepts a phase of any length. */
const wordMaxLength = 253

function listed(pod: ObservedPod, now: string): InspectedPod {
  const { metadata, spec, status = {} } = pod
  const containers = status.containerStatuses ?? []
  const reason = problemOfPod(pod, now)
  return {
    name: metadata.name,
    ...(status.phase !== undefined && { phase: truncated(status.phase, wordMaxLength) }),
    ...(spec?.nodeName !== undefined && { node: truncated(spec.nodeName, wordMaxLength) }),
    ready: containers.length > 0 && containers.every(({ ready }) => ready === true),
    restarts: Math.max(
      0,
      Math.min(
        maxRestarts,
        containers.reduce((sum, { restartCount = 0 }) => sum + restartCount, 0),
      ),
    ),
    ...(reason !== undefined && { reason: reason.slice(0, sentenceMaxLength) }),
  }
}
