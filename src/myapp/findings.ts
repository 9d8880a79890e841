import {
  type InspectedPod,
  inspectionGroup,
  type InspectionStatus,
  maxListedPods,
  maxMissing,
  sentenceMaxLength,
  type TakenName,
} from '../api/inspection.ts'
import { isObject } from '../metacontroller/json.ts'
import type { ObservedObject } from '../metacontroller/protocol.ts'
import { childrenIn, type HookRequest, keyOf, type ObservedPod } from './request.ts'
import { endedPods, failingPods, isAlive, waitingPods } from './status/pod-failures.ts'
import { newestTimeOf } from './status/transition-time.ts'

/** The observed inspection of a MyApp. */
export const inspectionOf = (request: HookRequest): ObservedObject | undefined =>
  childrenIn(request, inspectionGroup)?.[keyOf(request.parent.metadata)]

/**
 * The foreign objects with names of children, as the inspection of a MyApp found them. Whoever may
 * write inspections can write anything there.
 */
export function takenNames(request: HookRequest): TakenName[] {
  const { taken } = (inspectionOf(request)?.status ?? {}) as InspectionStatus
  return Array.isArray(taken) ? taken.slice(0, maxMissing).filter((name) => isObject(name)) : []
}

/**
 * Findings about the pods: why the MyApp does not run. Sentences without a finding are undefined.
 */
export type PodFindings = Pick<InspectionStatus, 'failing' | 'stuck' | 'awaited' | 'ended' | 'pods'>

/** Derives the findings from the pods of a MyApp, observed at the given time. */
export function findingsOf(all: ObservedPod[], now: string): PodFindings {
  const pods = all.filter(hasController)
  return {
    ...sentences({
      failing: failingPods(pods, now),
      stuck: failingPods(pods, now, true),
      awaited: waitingPods(pods, now),
      ended: endedPods(pods, now),
    }),
    ...(pods.length > 0 && { pods: listPods(pods, now) }),
  }
}

/** The findings for a request: from its pods or, as usual, from the inspection. */
export function findingsFor(request: HookRequest): PodFindings {
  if (request.related['Pod.v1'] === undefined) return readFindings(inspectionOf(request)?.status)
  const pods = Object.values(request.related['Pod.v1'])
  return findingsOf(pods, newestTimeOf(pods))
}

/** The findings in the status of an inspection, which anybody with that right may have written. */
export function readFindings(status: unknown): PodFindings {
  const { failing, stuck, awaited, ended, pods } = (status ?? {}) as InspectionStatus
  return {
    ...sentences({ failing, stuck, awaited, ended }),
    ...(Array.isArray(pods) && { pods }),
  }
}

type Sentences = Omit<PodFindings, 'pods'>

/** Keeps the defined sentences, within the length that the CRD accepts. */
const sentences = (found: Record<keyof Sentences, unknown>): Sentences =>
  Object.fromEntries(
    Object.entries(found).flatMap(([name, sentence]) =>
      typeof sentence === 'string' && sentence !== ''
        ? [[name, sentence.slice(0, sentenceMaxLength)]]
        : [],
    ),
  )

/** A pod without a controller is not counted: somebody may run one with the labels of the app. */
const hasController = ({ metadata: { ownerReferences = [] } }: ObservedPod) =>
  ownerReferences.some(({ controller }) => controller)

/** The pods to list, those that are not ready first. */
const listPods = (pods: ObservedPod[], now: string): InspectedPod[] =>
  pods
    .map((pod) => listed(pod, now))
    .sort((a, b) => Number(a.ready) - Number(b.ready) || a.name.localeCompare(b.name))
    .slice(0, maxListedPods)

function listed(pod: ObservedPod, now: string): InspectedPod {
  const { metadata, spec, status = {} } = pod
  const containers = status.containerStatuses ?? []
  const reason = isAlive(pod) ? failingPods([pod], now, true) : endedPods([pod], now)
  return {
    name: metadata.name,
    ...(status.phase !== undefined && { phase: status.phase }),
    ...(spec?.nodeName !== undefined && { node: spec.nodeName }),
    ready: containers.length > 0 && containers.every(({ ready }) => ready === true),
    restarts: containers.reduce((sum, { restartCount = 0 }) => sum + restartCount, 0),
    ...(reason !== undefined && {
      reason: reason.replace(/^1 of 1 pod fails: /, '').slice(0, sentenceMaxLength),
    }),
  }
}
