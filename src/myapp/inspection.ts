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

/** The inspection that a MyApp should have now, and when to ask again. */
export interface InspectionPlan {
  /** Undefined: the MyApp needs no inspection. */
  inspection: KubernetesObject | undefined
  /** Seconds until an inspection may become necessary without any event that says so. */
  resyncAfterSeconds: number | undefined
}

const none: InspectionPlan = { inspection: undefined, resyncAfterSeconds: undefined }
/** A shorter wait would only add syncs. */
const minWait = 500

/**
 * Decides whether a MyApp needs an inspection. A healthy MyApp has none, and neither has one whose
 * Deployment says itself what is wrong. An inspection that exists stays until the MyApp is well, so
 * that it does not come and go during a slow rollout.
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

/** A child that is answered and does not exist. One whose name somebody else has is known already. */
const isMissing = ({ observed, answer }: ChildState) =>
  observed === undefined && answer !== undefined

const namesOf = ({ kind, desired }: ChildState) =>
  desired === undefined ? [] : [`${kind.kind}/${desired.metadata.name}`]

/**
 * How much longer to wait for a child that does not exist. It was answered before if the current
 * status says that it is missing: Metacontroller writes the status after the children.
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
 * Whether the pods are the ones to ask why a MyApp does not run: `current` if the Deployment
 * controller has seen the spec and made pods, `stale` if its status is older than the spec.
 */
function podsAreInTrouble({ app, blocked, deployment }: State): 'well' | 'stale' | 'current' {
  if (deployment === undefined || blocked) return 'well'
  const { metadata, spec, status = {} } = deployment
  const desired = app.spec.paused ? (spec.replicas ?? 1) : desiredReplicas(app)
  if (desired === 0 || isComplete(desired, status)) return 'well'
  const isStale = (status.observedGeneration ?? 0) < (metadata.generation ?? 0)
  // With Recreate no pod is made before the old ones are gone, which `replicas` does not count.
  const isRecreated = spec.strategy?.type === 'Recreate'
  const terminating = status.terminatingReplicas ?? (isRecreated ? 1 : 0)
  return isStale || (status.replicas ?? 0) + terminating === 0 ? 'stale' : 'current'
}
