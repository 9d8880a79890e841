import { answerNow } from '../metacontroller/repair.ts'
import { keepingForeignAnnotations } from '../metacontroller/foreign-annotations.ts'
import { asItIs, isServerSideApplied, leftAlone } from '../metacontroller/last-applied.ts'
import type { KubernetesObject, ObservedObject, SyncResponse } from '../metacontroller/protocol.ts'
import type { App } from './app.ts'
import { childKinds } from './children/index.ts'
import { replicas } from './children/deployment.ts'
import { horizontalPodAutoscaler } from './children/horizontal-pod-autoscaler.ts'
import { childOf, type DesiredChild, isHeld, type Observations, observe } from './state.ts'
import { type HookRequest, keyOf, type SentChild, sentChildren } from './request.ts'
import type { MyAppStatus } from '../api/myapp.ts'
import { invalidStatus, statusOf } from './status/index.ts'
import { validSpec } from './valid-spec.ts'

/**
 * What a MyApp shall have and how it is. Of an invalid MyApp the children stay as they were applied last, of a paused one
 * as they are. What this version would not have made stays too: a manifest copied under a new name, which
 * Metacontroller adopts for its label, or a kind that only a newer version knows.
 */
export function sync(request: HookRequest): SyncResponse<MyAppStatus> {
  const validated = validSpec(request.parent)
  const sent = sentChildren(request)
  const isPaused = (request.parent.spec as { paused?: unknown } | null | undefined)?.paused === true
  if ('problem' in validated) {
    return {
      status: invalidStatus(request, validated.problem),
      children: sent.map(({ child }) => (isPaused ? leftAlone(child) : kept(request, child))),
    }
  }
  const observations = observe(request, validated.spec)
  const status = statusOf(request, observations)
  if (isPaused) return { status, children: sent.map(({ child }) => leftAlone(child)) }
  const key = keyOf(request.parent.metadata)
  const isWanted = (group: string) => observations.wanted.some(({ kind }) => kind.group === group)
  const isJudged = ({ group, key: sentKey }: SentChild) =>
    sentKey === key &&
    childKinds.some((kind) => kind.group === group) &&
    (isWanted(group) || !isHeld(observations))
  return {
    status,
    children: [
      ...observations.wanted.flatMap((wanted) => answerFor(request, observations, wanted)),
      ...sent.filter((sent) => !isJudged(sent)).map(({ child }) => asItIs(child)),
    ],
  }
}

/**
 * The answer for one child. One whose name somebody else has is left out, which touches nothing: an object that is not in
 * `children` is not deleted either. While config is missing that the pods need they would not start: what is there stays as it is,
 * what leads to the pods too, but there may be fewer of them.
 */
function answerFor(
  request: HookRequest,
  observations: Observations,
  { kind, desired, taken }: DesiredChild,
): KubernetesObject[] {
  const { app } = observations
  const child = childOf(request, kind.group)
  if (taken !== undefined) return []
  if (isHeld(observations)) {
    if (child !== undefined) {
      return [kind.kind === 'Deployment' ? withAtMost(app, kept(request, child)) : asItIs(child)]
    }
    if (kind.kind === 'Deployment') return []
  }
  return [
    keepingForeignAnnotations(
      withoutOthersReplicas(app, answerNow(desired, child, kind.exactFields), child),
      child,
    ),
  ]
}

/**
 * Under server-side apply an answer without the replicas that an autoscaler has written: they stay as its own, where a
 * number that it has changed in the meantime would be forced back. (The default strategy is refused then, and asks again.)
 */
function withoutOthersReplicas(
  { spec: { autoscaling, suspend } }: App,
  answer: KubernetesObject,
  child: ObservedObject | undefined,
): KubernetesObject {
  if (
    answer.kind !== 'Deployment' ||
    autoscaling === undefined ||
    suspend ||
    child === undefined ||
    !isServerSideApplied(child)
  ) {
    return answer
  }
  const { replicas, ...rest } = answer.spec as { replicas: number }
  const isWritten = (child.metadata.managedFields ?? []).some(
    ({ subresource, fieldsV1 }) =>
      subresource === 'scale' &&
      'f:replicas' in ((fieldsV1 as { 'f:spec'?: object } | undefined)?.['f:spec'] ?? {}),
  )
  return isWritten && replicas === (child.spec as { replicas?: number }).replicas
    ? { ...answer, spec: rest }
    : answer
}

/** A Deployment with no more replicas than a MyApp without an autoscaler asks for. */
function withAtMost(app: App, answer: KubernetesObject): KubernetesObject {
  const spec = answer.spec as { replicas?: number } | undefined
  return app.spec.autoscaling === undefined
    ? { ...answer, spec: { ...spec, replicas: Math.min(spec?.replicas ?? 1, replicas(app)) } }
    : answer
}

/** A child as it was applied last; the number of a Deployment that has an autoscaler is the autoscaler's all the same. */
function kept(request: HookRequest, child: ObservedObject): KubernetesObject {
  const answer = asItIs(child)
  const isScaled =
    child.kind === 'Deployment' && childOf(request, horizontalPodAutoscaler.group) !== undefined
  const spec = answer.spec as { replicas?: number } | undefined
  return isScaled && spec?.replicas !== undefined
    ? {
        ...answer,
        spec: { ...spec, replicas: (child.spec as { replicas?: number }).replicas ?? 1 },
      }
    : answer
}
