import { isObject } from '../metacontroller/json.ts'
import { isServerSideApplied } from '../metacontroller/last-applied.ts'
import { owns } from '../metacontroller/managed-fields.ts'
import type { KubernetesObject, ObservedObject } from '../metacontroller/protocol.ts'
import { defaults } from '../api/myapp.ts'
import type { App } from './app.ts'
import type { ObservedDeployment } from './request.ts'

/**
 * The number of replicas comes from:
 * - the operator, which sets 0 while the app is suspended
 * - otherwise the HorizontalPodAutoscaler with autoscaling, within the bounds of the spec
 * - otherwise spec.replicas
 */

/** While an app with autoscaling is suspended, this annotation has the number to restore. */
export const suspendedReplicasAnnotation = 'example.com/suspended-replicas'

/**
 * The desired number of replicas. With autoscaling it is the observed number, within the bounds of
 * the spec, so that no sync reverts a change of the autoscaler.
 */
export function desiredReplicas(app: App): number {
  if (app.spec.suspend) return 0
  return app.spec.autoscaling ? autoscaledReplicas(app) : (app.spec.replicas ?? defaults.replicas)
}

/** The value of the annotation for a suspended app; undefined if there is no number to remember. */
export const suspendedReplicas = (app: App): string | undefined =>
  app.spec.suspend && app.spec.autoscaling ? String(autoscaledReplicas(app)) : undefined

/** The largest number of replicas that the spec allows. The disruption budget depends on it. */
export const mostReplicas = ({ spec: { autoscaling, replicas } }: App): number =>
  autoscaling?.maxReplicas ?? replicas ?? defaults.replicas

/** The number of replicas that the autoscaler chose, within the bounds of the spec. */
function autoscaledReplicas({ spec: { autoscaling, suspend, replicas }, deployment }: App): number {
  const annotation = Number(deployment?.metadata.annotations?.[suspendedReplicasAnnotation] ?? NaN)
  const remembered = Number.isInteger(annotation) ? annotation : undefined
  // Somebody may scale a suspended Deployment by hand. That number is not the autoscaler's.
  const reached =
    (suspend ? remembered : undefined) ??
    (deployment?.spec.replicas || remembered) ??
    replicas ??
    defaults.replicas
  const { minReplicas = 1, maxReplicas = reached } = autoscaling ?? {}
  return Math.min(Math.max(reached, minReplicas), maxReplicas)
}

/** The field of a Deployment's spec that the following functions change. */
interface Scaled {
  replicas?: number
}
const scaled = ({ spec }: { spec?: unknown }) => (spec ?? {}) as Scaled

/**
 * The Deployment without replicas, if the autoscaler owns that field under server-side apply and
 * has set the desired number. A number in the answer would revert a concurrent change of the
 * autoscaler. (With dynamic apply, Metacontroller's default, the API server refuses a write over a
 * concurrent change, and Metacontroller syncs again.)
 */
export function leaveReplicasToOwner(
  { spec: { autoscaling, suspend } }: App,
  answer: KubernetesObject,
  observed: ObservedObject | undefined,
): KubernetesObject {
  if (
    autoscaling === undefined ||
    suspend ||
    observed === undefined ||
    !isServerSideApplied(observed)
  ) {
    return answer
  }
  const isAutoscaled = (observed.metadata.managedFields ?? []).some(
    (owner) => owner.subresource === 'scale' && owns(owner, 'f:spec', 'f:replicas'),
  )
  const { replicas, ...spec } = scaled(answer)
  return isAutoscaled && replicas === scaled(observed).replicas ? { ...answer, spec } : answer
}

/**
 * The answer with at most the replicas of the spec. With autoscaling the answer is unchanged. Under
 * server-side apply an answer has no replicas if an autoscaler has set the observed ones.
 */
export function scaleDownTo(
  app: App,
  answer: KubernetesObject,
  observed: ObservedObject,
): KubernetesObject {
  if (app.spec.autoscaling !== undefined) return answer
  const spec = scaled(answer)
  const replicas = spec.replicas ?? scaled(observed).replicas ?? 1
  return { ...answer, spec: { ...spec, replicas: Math.min(replicas, desiredReplicas(app)) } }
}

/** The answer with the observed replicas, for a Deployment that an autoscaler scales. */
export function keepReplicas(answer: KubernetesObject, observed: ObservedObject): KubernetesObject {
  const spec = scaled(answer)
  return spec.replicas === undefined
    ? answer
    : { ...answer, spec: { ...spec, replicas: scaled(observed).replicas ?? 1 } }
}

/** A spec without its replicas, which an autoscaler may have changed since they were applied. */
export function withoutReplicas(spec: unknown): unknown {
  if (!isObject(spec)) return undefined
  const { replicas, ...rest } = spec as Scaled
  return rest
}

/** Whether the Deployment controller has not observed the last change of the spec yet. */
export const isStale = ({ metadata, status }: ObservedDeployment): boolean =>
  (status?.observedGeneration ?? 0) < (metadata.generation ?? 0)

/** The counts of a Deployment's status that show the progress of a rollout. */
interface Counts {
  replicas?: number
  updatedReplicas?: number
  availableReplicas?: number
}

/** The number of pods that do not have the current pod template. */
export const oldReplicas = ({ replicas = 0, updatedReplicas = 0 }: Counts): number =>
  Math.max(0, replicas - updatedReplicas)

/**
 * Whether enough pods of the current pod template are available. The status does not say which pods
 * are available, so assume that all old pods are.
 */
export function isComplete(desired: number, status: Counts): boolean {
  const { updatedReplicas = 0, availableReplicas = 0 } = status
  return updatedReplicas >= desired && availableReplicas - oldReplicas(status) >= desired
}
