import {
  inspectionGroup,
  inspectionKind,
  type InspectionSpec,
  maxMissing,
} from '../api/inspection.ts'
import { apiVersion } from '../api/myapp.ts'
import type { MyAppStatus } from '../api/myapp.ts'
import type { KubernetesObject } from '../metacontroller/protocol.ts'
import { selectorLabels } from './children/labels.ts'
import type { TimedContext } from './context.ts'
import { inspectionOf } from './findings.ts'
import { age, creationPatience, isWatched, lastWrite, rolloutWait } from './inspection-time.ts'
import { desiredReplicas, isComplete } from './replicas.ts'
import { childrenIn, type HookRequest } from './request.ts'
import type { ChildState, State } from './state.ts'

/** The inspection that a MyApp should have now, and the time of the next check. */
export interface InspectionPlan {
  /** Undefined: the MyApp needs no inspection. */
  inspection: KubernetesObject | undefined
  /** Seconds until an inspection may become necessary without an event. */
  resyncAfterSeconds: number | undefined
}

const none: InspectionPlan = { inspection: undefined, resyncAfterSeconds: undefined }
/** A shorter wait would only cause more syncs. */
const minWait = 500

/**
 * Decides whether a MyApp needs an inspection. A healthy MyApp has none. A MyApp whose Deployment
 * itself reports the problem has none either. An existing inspection stays until the MyApp is
 * ready, so that it does not come and go during a slow rollout.
 */
export function planInspection(
  request: HookRequest,
  state: State,
  { now }: TimedContext,
): InspectionPlan {
  if (childrenIn(request, inspectionGroup) === undefined) return none
  const existing = inspectionOf(request)
  const missing = state.children.filter(isMissing)
  const pods = podsAreInTrouble(state)
  const waits = [
    ...(missing.length > 0 ? [creationWait(request, now)] : []),
    ...(pods === 'current' && state.deployment ? [rolloutWait(state.deployment, now)] : []),
  ]
  const isTroubled = missing.length > 0 || pods !== 'well'
  if (!isTroubled) return none
  if (existing === undefined && !waits.some((wait) => wait <= 0)) {
    return {
      inspection: undefined,
      resyncAfterSeconds:
        waits.length === 0 ? undefined : Math.max(minWait, Math.min(...waits)) / 1000,
    }
  }
  const since = Math.max(
    Date.parse(existing?.metadata.creationTimestamp ?? '') || now,
    state.deployment ? (lastWrite(state.deployment.metadata, 'status') ?? 0) : 0,
  )
  const spec: InspectionSpec = {
    pods: pods !== 'well' && isWatched(since, now),
    missing: missing.flatMap(namesOf).slice(0, maxMissing),
  }
  return { inspection: inspection(state, spec), resyncAfterSeconds: undefined }
}

const inspection = (
  { app: { name, namespace } }: State,
  spec: InspectionSpec,
): KubernetesObject => ({
  apiVersion,
  kind: inspectionKind,
  metadata: { name, namespace, labels: selectorLabels(name) },
  spec,
})

/** A child that is answered and does not exist, except if its name is known to be taken. */
const isMissing = ({ observed, answer }: ChildState) =>
  observed === undefined && answer !== undefined

const namesOf = ({ kind, desired }: ChildState) =>
  desired === undefined ? [] : [`${kind.kind}/${desired.metadata.name}`]

/**
 * The remaining wait for a child that does not exist. It was answered before if the current status
 * reports it as missing: Metacontroller writes the status after the children.
 */
function creationWait({ parent }: HookRequest, now: number): number {
  const { observedGeneration, conditions = [] } = (parent.status ?? {}) as MyAppStatus
  const reason = conditions.find(({ type }) => type === 'Ready')?.reason
  const wasAnswered =
    observedGeneration === parent.metadata.generation &&
    (reason === 'Creating' || reason === 'NameConflict')
  return wasAnswered
    ? creationPatience - age(lastWrite(parent.metadata, 'status'), now)
    : creationPatience
}

/**
 * The state of the pods: `current` if the Deployment controller has seen the spec and created pods,
 * `stale` if its status is older than the spec.
 */
function podsAreInTrouble({ app, blocked, deployment }: State): 'well' | 'stale' | 'current' {
  if (deployment === undefined || blocked) return 'well'
  const { metadata, spec, status = {} } = deployment
  const desired = app.spec.paused ? (spec.replicas ?? 1) : desiredReplicas(app)
  if (desired === 0 || isComplete(desired, status)) return 'well'
  const isStale = (status.observedGeneration ?? 0) < (metadata.generation ?? 0)
  // With Recreate new pods wait until the old pods are gone, which `replicas` does not count.
  const isRecreated = spec.strategy?.type === 'Recreate'
  const terminating = status.terminatingReplicas ?? (isRecreated ? 1 : 0)
  return isStale || (status.replicas ?? 0) + terminating === 0 ? 'stale' : 'current'
}
