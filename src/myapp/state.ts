import { answerNow } from '../metacontroller/repair.ts'
import { holds } from '../metacontroller/compare.ts'
import { keepingForeignAnnotations } from '../metacontroller/foreign-annotations.ts'
import { asItIs, lastApplied } from '../metacontroller/last-applied.ts'
import { merge } from '../metacontroller/merge.ts'
import type {
  KubernetesObject,
  ObservedMetadata,
  ObservedObject,
} from '../metacontroller/protocol.ts'
import type { App } from './app.ts'
import { type ChildKind, childKinds } from './children/index.ts'
import { replicas } from './children/deployment.ts'
import { type Config, readConfig } from './config-references.ts'
import { type HookRequest, keyOf, type ObservedDeployment, type ObservedPod } from './request.ts'
import type { MyAppSpec } from '../api/myapp.ts'

/** A child that a MyApp is to have, of a kind that Metacontroller manages here. */
export interface DesiredChild {
  kind: ChildKind
  desired: KubernetesObject
  /** Set where an object that is not this MyApp's has the name: whether it is on its way out. */
  taken?: { leaving: boolean }
}

/** A MyApp with a valid spec as it is to be and as it is. */
export interface Observations {
  app: App
  config: Config
  /** What it is to have. */
  wanted: DesiredChild[]
  /** Kinds that it asks for and the CompositeController does not declare. */
  undeclared: ChildKind[]
  deployment: ObservedDeployment | undefined
  pods: ObservedPod[]
}

/** Puts together what a request tells of a MyApp with the given spec. */
export function observe(request: HookRequest, spec: MyAppSpec): Observations {
  const { name, namespace } = request.parent.metadata
  const key = keyOf(request.parent.metadata)
  const deployment = request.children['Deployment.apps/v1'][key]
  const config = readConfig(request, spec)
  const app: App = { name, namespace, spec, deployment, configDigest: config.digest }
  const all = childKinds.flatMap((kind) => {
    const desired = kind.desired(app)
    return desired === undefined ? [] : [{ kind, desired, ...takenBy(request, kind, key) }]
  })
  return {
    app,
    config,
    wanted: all.filter(({ kind }) => isDeclared(request, kind)),
    undeclared: all.map(({ kind }) => kind).filter((kind) => !isDeclared(request, kind)),
    deployment,
    pods: Object.values(request.related['Pod.v1'] ?? {}).filter(isOfDeployment),
  }
}

/** Somebody may run a pod by hand that has the labels. */
const isOfDeployment = ({ metadata: { ownerReferences = [] } }: ObservedPod) =>
  ownerReferences.some(({ controller }) => controller)

/** Whether config is missing for pods that are to run. */
export const isHeld = ({ app, config }: Observations) =>
  config.missing.length > 0 && replicas(app) > 0

/** The observed child of a kind that bears the name of the parent. */
export function childOf(
  { children, parent }: HookRequest,
  group: string,
): ObservedObject | undefined {
  const groups: Record<string, Record<string, ObservedObject>> = children
  return groups[group]?.[keyOf(parent.metadata)]
}

/**
 * Whether a child is there and as it is to be, to the last annotation: it has all that is desired, and nothing that was applied
 * and is still to go. What others put in besides does not count.
 */
export function isAsDesired(
  request: HookRequest,
  { kind, desired }: Pick<DesiredChild, 'kind' | 'desired'>,
): boolean {
  const child = childOf(request, kind.group)
  if (child === undefined) return false
  const wanted = keepingForeignAnnotations(desired, child)
  const copy = lastApplied(child)
  // Pods roll for what goes from them, so of a Deployment it is told without a copy too.
  const applied = kind.kind === 'Deployment' ? asItIs(child) : copy
  if (!holds(wanted.spec, withoutReplicas(applied?.spec))) return false
  if (!holds(child.spec, wanted.spec) && !isInAnotherOrder(child, copy, wanted, kind)) return false
  // Server-side apply, which keeps no copy, does not put annotations back.
  return (
    copy === undefined ||
    (holds(child.metadata.annotations, wanted.metadata.annotations) &&
      holds(wanted.metadata.annotations, copy.metadata.annotations))
  )
}

/** Whether all that keeps a child from what is wanted is the order of lists in which it does not count: Metacontroller's merge leaves them as they are. */
function isInAnotherOrder(
  child: ObservedObject,
  applied: KubernetesObject | undefined,
  wanted: KubernetesObject,
  { exactFields }: ChildKind,
): boolean {
  return (
    applied !== undefined &&
    answerNow(wanted, child, exactFields) === wanted &&
    holds(child.spec, merge(child.spec, applied.spec, wanted.spec))
  )
}

/** What was applied less the number of replicas: an autoscaler may have written another one since. */
function withoutReplicas(applied: unknown): unknown {
  const { replicas, ...rest } = (applied ?? {}) as { replicas?: unknown }
  return rest
}

/** Of a kind that is not declared Metacontroller would create a child and never look at it again. */
const isDeclared = ({ children }: HookRequest, { group }: ChildKind) =>
  Object.hasOwn(children, group)

function takenBy(
  request: HookRequest,
  { group }: ChildKind,
  key: string,
): Pick<DesiredChild, 'taken'> {
  const related: Record<string, Record<string, { metadata: ObservedMetadata }>> = request.related
  const other = related[group]?.[key]?.metadata
  if (
    other === undefined ||
    childOf(request, group) !== undefined ||
    belongsTo(request.parent.metadata.uid, other)
  ) {
    return {}
  }
  return { taken: { leaving: other.deletionTimestamp !== undefined } }
}

/** Ours is what has us for its controller, or what has none and bears the label by which Metacontroller will adopt it. */
function belongsTo(uid: string, { ownerReferences = [], labels }: ObservedMetadata): boolean {
  const controller = ownerReferences.find((owner) => owner.controller)
  return controller === undefined ? labels?.['controller-uid'] === uid : controller.uid === uid
}
