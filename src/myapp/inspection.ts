import {
  inspectionGvk,
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
import { age, creationTimeMs, isWatched, lastWrite, rolloutWaitMs } from './inspection-time.ts'
import { desiredReplicas, isComplete, isStale } from './replicas.ts'
import { childrenIn, type HookRequest } from './request.ts'
import { problemResyncSeconds } from './resync.ts'
import type { ChildState, State } from './state.ts'
import { readyReason } from './status/reasons.ts'

/** Whether a MyApp has an inspection now, and the time of the next sync. */
export interface InspectionPlan {
  /** Undefined: the MyApp needs no inspection. */
  inspection: KubernetesObject | undefined
  /** Seconds until an inspection may begin, end or change without an event. */
  resyncAfterSeconds: number | undefined
}

const none: InspectionPlan = { inspection: undefined, resyncAfterSeconds: undefined }
/** The shortest time until the next sync, in ms. */
const minWaitMs = 500

/**
 * Decides whether a MyApp needs an inspection. A healthy MyApp has no inspection. An existing
 * inspection stays until the problem is gone, so that it does not come and go in a slow rollout.
 */
export function planInspection(
  request: HookRequest,
  state: State,
  { now }: TimedContext,
): InspectionPlan {
  if (childrenIn(request, inspectionGvk) === undefined) return none
  const existing = inspectionOf(request)
  const missing = state.children.filter(isMissing)
  const pods = podState(state)
  if (missing.length === 0 && pods === 'ok') return none
  const waits = [
    ...(missing.length > 0 ? [creationWaitMs(request, now)] : []),
    ...(pods === 'failing' && state.deployment ? [rolloutWaitMs(state.deployment, now)] : []),
  ]
  if (existing === undefined && !waits.some((wait) => wait <= 0)) {
    return {
      inspection: undefined,
      resyncAfterSeconds:
        waits.length === 0 ? undefined : Math.max(minWaitMs, Math.min(...waits)) / 1000,
    }
  }
  const since = Math.max(
    Date.parse(existing?.metadata.creationTimestamp ?? '') || now,
    state.deployment ? (lastWrite(state.deployment.metadata, 'status') ?? 0) : 0,
  )
  const spec: InspectionSpec = {
    pods: pods !== 'ok' && isWatched(since, now),
    missing: missing.flatMap(namesOf).slice(0, maxMissing),
  }
  return { inspection: newInspection(state, spec), resyncAfterSeconds: problemResyncSeconds }
}

const newInspection = (
  { app: { name, namespace } }: State,
  spec: InspectionSpec,
): KubernetesObject => ({
  apiVersion,
  kind: inspectionKind,
  metadata: { name, namespace, labels: selectorLabels(name) },
  spec,
})

/** A child that the answer contains and that does not exist yet. */
const isMissing = ({ observed, answer }: ChildState) =>
  observed === undefined && answer !== undefined

const namesOf = ({ kind, desired }: ChildState) =>
  desired === undefined ? [] : [`${kind.kind}/${desired.metadata.name}`]

/**
 * The remaining time in which Metacontroller can create a missing child, in ms. Metacontroller
 * creates the children of an answer before it writes its status. So if the status is of this
 * generation and has the reason Creating or NameConflict, the time counts from its last write.
 */
function creationWaitMs({ parent }: HookRequest, now: number): number {
  const before = (parent.status ?? {}) as MyAppStatus
  const reason = readyReason(before)
  const wasReturned =
    before.observedGeneration === parent.metadata.generation &&
    (reason === 'Creating' || reason === 'NameConflict')
  return wasReturned
    ? creationTimeMs - age(lastWrite(parent.metadata, 'status'), now)
    : creationTimeMs
}

/**
 * The state of the pods:
 * - `ok` if there is no Deployment, enough pods are available, or config is missing;
 * - `unknown` if the status of the Deployment is older than its spec or shows no pod yet;
 * - `failing` if pods exist and too few of them are available.
 */
function podState({ app, blocked, deployment }: State): 'ok' | 'unknown' | 'failing' {
  if (deployment === undefined || blocked) return 'ok'
  const { spec, status = {} } = deployment
  const desired = app.spec.paused ? (spec.replicas ?? 1) : desiredReplicas(app)
  if (desired === 0 || isComplete(desired, status)) return 'ok'

  // With Recreate no new pod starts before the old pods are gone. `replicas` does not count
  // terminating pods. If Kubernetes does not report their number, assume that there is one.
  const isRecreated = spec.strategy?.type === 'Recreate'
  const isRefused = status.conditions?.some(
    (condition) => condition.type === 'ReplicaFailure' && condition.status === 'True',
  )
  const terminating = isRefused ? 0 : (status.terminatingReplicas ?? (isRecreated ? 1 : 0))
  return isStale(deployment) || (status.replicas ?? 0) + terminating === 0 ? 'unknown' : 'failing'
}
