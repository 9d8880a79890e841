import { isDeepStrictEqual } from 'node:util'
import { inspectionGvk } from '../api/inspection.ts'
import type { MyAppSpec } from '../api/myapp.ts'
import { copiedLabels, withPlatformDefaults } from '../api/platform-defaults.ts'
import { acceptAdmission, type AdmissionChange } from '../metacontroller/admission-changes.ts'
import { contains } from '../metacontroller/compare.ts'
import { keepingForeignAnnotations } from '../metacontroller/foreign-annotations.ts'
import { asApplied, lastApplied, asObserved } from '../metacontroller/last-applied.ts'
import { merge } from '../metacontroller/merge.ts'
import type { KubernetesObject, ObservedObject } from '../metacontroller/protocol.ts'
import { repairChild, type UnrepairedList } from '../metacontroller/repair.ts'
import type { App } from './app.ts'
import type { ChildKind } from './children/child.ts'
import { childKinds } from './children/index.ts'
import { podLabels, selectorLabels } from './children/labels.ts'
import { type ReferencedConfig, readReferencedConfig } from './config-references.ts'
import type { Context } from './context.ts'
import { findingsFor, type PodFindings, takenNames } from './findings.ts'
import {
  desiredReplicas,
  isStale,
  keepReplicas,
  leaveReplicasToOwner,
  oldReplicas,
  scaleDownTo,
  withoutReplicas,
} from './replicas.ts'
import {
  childOf,
  childrenIn,
  type HookRequest,
  isOurs,
  keyOf,
  type ObservedDeployment,
  relatedIn,
  type SentChild,
  sentChildren,
} from './request.ts'

/** The reason why a MyApp cannot use the existing object with the name of its child. */
export type Conflict =
  /**
   * The object belongs to somebody else. If it is being deleted, the name becomes free soon. The
   * report of an inspection can be false, because tenants may write inspections. So the answer
   * still contains the child. Dynamic apply, Metacontroller's default, does not change foreign
   * objects.
   */
  | { type: 'owner'; isTerminating: boolean; isFromInspection: boolean }
  /** Metacontroller adopted a Deployment with another selector, and selectors are immutable. */
  | { type: 'selector'; selector: string }

/** One child of a MyApp: the desired child, the observed child and the answer. */
export interface ChildState {
  kind: ChildKind
  /** Undefined if the spec does not request the child. */
  desired: KubernetesObject | undefined
  /** Undefined if the child does not exist. */
  observed: ObservedObject | undefined
  /**
   * The CompositeController lists the kind. Metacontroller would create a child of any other kind,
   * and would never observe it.
   */
  enabled: boolean
  conflict: Conflict | undefined
  /** The child is an adopted Service, which stays unchanged until a pod of the MyApp is ready. */
  postponed: boolean
  /** The child exists and is as desired, except for changes by admission. */
  inSync: boolean
  /** The fields that the cluster's admission changed in the child. */
  admissionChanges: AdmissionChange[]
  /** Lists that are not repaired, because they have too many foreign items. */
  unrepaired: UnrepairedList[]
  /**
   * The child in the answer. Undefined: Metacontroller deletes the child, or does not create it.
   */
  answer: KubernetesObject | undefined
}

/** The state of a MyApp with a valid spec. */
export interface State {
  app: App
  /** The fields of the spec that the platform's defaults set. */
  defaulted: string[]
  config: ReferencedConfig
  /** The spec is paused, or a selector is in conflict. Every child stays unchanged. */
  frozen: boolean
  /** A ConfigMap or Secret of the desired pods is missing. Most children stay as last applied. */
  blocked: boolean
  children: ChildState[]
  deployment: ObservedDeployment | undefined
  /** The findings about the pods. */
  found: PodFindings
}

/** Derives the state of a MyApp from a valid request. `ownSpec` has no platform defaults yet. */
export function stateOf(request: HookRequest, ownSpec: MyAppSpec, context: Context): State {
  const { name, namespace, labels } = request.parent.metadata
  const { platformDefaults } = context
  const { spec, defaulted } = withPlatformDefaults({ name, namespace }, ownSpec, platformDefaults)
  const deployment = childOf(request, 'Deployment')
  const config = readReferencedConfig(request, spec, context)
  const app: App = {
    name,
    namespace,
    spec,
    labels: copiedLabels(labels, platformDefaults),
    monitoringNamespace: platformDefaults?.monitoringNamespace,
    deployment,
    configDigest: config.digest,
  }
  const children = childKinds.flatMap((kind) => childStates(request, app, kind))
  const frozen =
    spec.paused === true || children.some(({ conflict }) => conflict?.type === 'selector')
  const blocked = config.missing.length > 0 && desiredReplicas(app) > 0
  return {
    app,
    defaulted,
    config,
    frozen,
    blocked,
    children: children.map((child) => ({
      ...child,
      answer: frozen
        ? child.observed && asObserved(child.observed)
        : answerFor(request, app, blocked, child),
    })),
    deployment,
    found: findingsFor(request),
  }
}

/** The children of a kind: those of the spec, or the child that the spec no longer requests. */
function childStates(request: HookRequest, app: App, kind: ChildKind): Unanswered[] {
  const states = kind.desired(app).map((desired) => desiredState(request, app, kind, desired))
  if (states.length > 0 || isNamedBySpec(app, kind)) return states
  const surplus = childrenIn(request, kind.gvk)?.[keyOf(app)]
  return surplus === undefined ? [] : [surplusState(kind, surplus)]
}

function desiredState(
  request: HookRequest,
  app: App,
  kind: ChildKind,
  requested: KubernetesObject,
): Unanswered {
  const objects = childrenIn(request, kind.gvk)
  const key = keyOf({ namespace: app.namespace, name: requested.metadata.name })
  const observed = objects?.[key]
  const { desired, changes } =
    observed === undefined
      ? { desired: requested, changes: [] }
      : acceptAdmission(requested, observed)
  const { answer: next, unrepaired } = repairChild(desired, observed, kind.exactFields)
  return {
    kind,
    desired,
    observed,
    enabled: objects !== undefined,
    conflict:
      observed === undefined
        ? ownerConflict(request, kind, key)
        : selectorConflict(kind, desired, observed),
    postponed: kind.kind === 'Service' && isPostponed(app, desired, observed),
    inSync: observed !== undefined && isInSync(app, kind, desired, observed, next),
    admissionChanges: changes,
    unrepaired,
    next,
  }
}

const surplusState = (kind: ChildKind, observed: ObservedObject): Unanswered => ({
  kind,
  desired: undefined,
  observed,
  enabled: true,
  conflict: undefined,
  postponed: false,
  inSync: false,
  admissionChanges: [],
  unrepaired: [],
  next: undefined,
})

/**
 * Whether serviceAccountName now names the ServiceAccount that the operator created before. Then
 * `keepForeignChildren` keeps this ServiceAccount.
 */
const isNamedBySpec = ({ name, spec }: App, { kind }: ChildKind) =>
  kind === 'ServiceAccount' && spec.serviceAccountName === name

/**
 * Whether pods still use a ServiceAccount that the spec no longer requests. The API server refuses
 * the tokens of a deleted ServiceAccount at once.
 */
function isInUse({ name, deployment }: App, { kind }: ChildKind): boolean {
  if (kind !== 'ServiceAccount' || deployment === undefined) return false
  const { spec, status = {} } = deployment
  return (
    spec.template.spec.serviceAccountName === name || isStale(deployment) || oldReplicas(status) > 0
  )
}

interface Unanswered extends Omit<ChildState, 'answer'> {
  /** The answer that moves the child towards the desired state. */
  next: KubernetesObject | undefined
}

/**
 * The answer for one child. If a related object has the name of the child and is foreign, the
 * answer omits the child, so that Metacontroller does not touch the object. While a ConfigMap or
 * Secret is missing, new pods could not start, so most children stay as last applied, and the
 * Deployment can only be scaled down.
 */
function answerFor(
  request: HookRequest,
  app: App,
  blocked: boolean,
  { kind, desired, observed, enabled, conflict, postponed, next }: Unanswered,
): KubernetesObject | undefined {
  // An autoscaler that the spec no longer requests would revert the number of replicas.
  if (blocked && observed !== undefined && kind.kind !== 'HorizontalPodAutoscaler') {
    return kind.kind === 'Deployment'
      ? scaleDownTo(app, keepAsApplied(request, observed), observed)
      : asApplied(observed)
  }
  if (postponed && observed !== undefined) return asObserved(observed)
  if (desired === undefined && observed !== undefined && isInUse(app, kind)) {
    return asApplied(observed)
  }
  if (desired === undefined || next === undefined || !enabled) return undefined
  if (conflict && !(conflict.type === 'owner' && conflict.isFromInspection)) return undefined
  if (kind.kind !== 'Deployment') return keepingForeignAnnotations(next, observed)
  if (blocked) return undefined
  return keepingForeignAnnotations(leaveReplicasToOwner(app, next, observed), observed)
}

/** A child as last applied. The replicas of a Deployment stay those of its autoscaler. */
export function keepAsApplied(request: HookRequest, observed: ObservedObject): KubernetesObject {
  const answer = asApplied(observed)
  const isAutoscaled = childOf(request, 'HorizontalPodAutoscaler') !== undefined
  return observed.kind === 'Deployment' && isAutoscaled ? keepReplicas(answer, observed) : answer
}

/** Keeps every child but the inspection: as observed while paused, otherwise as last applied. */
export const keepChildren = (request: HookRequest, paused: boolean): KubernetesObject[] =>
  sentChildren(request)
    .filter(isNoInspection)
    .map(({ child }) => (paused ? asObserved(child) : keepAsApplied(request, child)))

/**
 * The answer that keeps children which this version would not create: a copy of a child under a new
 * name, which Metacontroller adopts because the copy has the label `controller-uid`, or a kind of a
 * newer version.
 */
export function keepForeignChildren(
  request: HookRequest,
  { frozen, children }: State,
): KubernetesObject[] {
  const known = new Set(children.map(({ observed }) => observed))
  return sentChildren(request)
    .filter((sent) => !known.has(sent.child) && isNoInspection(sent))
    .map(({ child }) => (frozen ? asObserved(child) : asApplied(child)))
}

/** Each sync decides whether there is an inspection: see inspection.ts. */
const isNoInspection = ({ gvk }: SentChild) => gvk !== inspectionGvk

/**
 * Whether a child is as desired: it has every desired field, and no field that was applied and is
 * no longer desired. Foreign fields do not count.
 */
function isInSync(
  app: App,
  kind: ChildKind,
  requested: KubernetesObject,
  observed: ObservedObject,
  next: KubernetesObject,
): boolean {
  const desired = keepingForeignAnnotations(requested, observed)
  const record = lastApplied(observed)
  // A Deployment without a record is compared with the fields that Metacontroller owns, or with all
  // fields after an adoption. If the answer removes one of them, the pods can roll, so the
  // Deployment is not in sync.
  const applied = kind.kind === 'Deployment' ? asApplied(observed) : record
  if (!contains(desired.spec, withoutReplicas(applied?.spec))) return false
  if (!contains(observed.spec, desired.spec)) {
    // Metacontroller's merge keeps the observed order of a list. Another order is in sync if the
    // merge would change nothing.
    const isInAnotherOrder =
      record !== undefined &&
      next === requested &&
      contains(observed.spec, merge(observed.spec, record.spec, desired.spec))
    if (!isInAnotherOrder) return false
  }
  if (kind.kind === 'Service' && !selectsPods(app, observed)) return false
  // Server-side apply has no record, and does not restore annotations.
  return (
    record === undefined ||
    (contains(observed.metadata.annotations, desired.metadata.annotations) &&
      contains(desired.metadata.annotations, record.metadata.annotations))
  )
}

/** Whether the pods have every label that the Service selects. */
function selectsPods(app: App, { spec: service }: ObservedObject): boolean {
  const { selector = {} } = service as { selector?: Record<string, string> }
  return contains(podLabels(app), selector)
}

/** The conflict if related objects or the inspection show a foreign object with a child's name. */
function ownerConflict(
  request: HookRequest,
  { kind, gvk }: ChildKind,
  key: string,
): Conflict | undefined {
  const { namespace, uid } = request.parent.metadata
  const other = relatedIn(request, gvk)[key]?.metadata
  if (other !== undefined) {
    return isOurs(uid, other)
      ? undefined
      : {
          type: 'owner',
          isTerminating: other.deletionTimestamp !== undefined,
          isFromInspection: false,
        }
  }
  const taken = takenNames(request).find(
    (taken) => taken.kind === kind && keyOf({ namespace, name: taken.name }) === key,
  )
  return taken && { type: 'owner', isTerminating: taken.terminating, isFromInspection: true }
}

function selectorConflict(
  { kind }: ChildKind,
  desired: KubernetesObject,
  observed: ObservedObject,
): Conflict | undefined {
  if (kind !== 'Deployment') return undefined
  const found = selectorOf(observed)
  return found === undefined || isDeepStrictEqual(selectorOf(desired), found)
    ? undefined
    : { type: 'selector', selector: selectorText(found) }
}

/**
 * Whether an adopted Service still selects other pods. With the selector of the MyApp it would have
 * no endpoints until a pod is ready, so it stays unchanged until then. The operator sets its own
 * labels together with the selector, so a Service without these labels is an adopted one.
 */
function isPostponed(
  { name, deployment }: App,
  desired: KubernetesObject,
  observed: ObservedObject | undefined,
): boolean {
  if (observed === undefined || contains(selectorOf(observed), selectorOf(desired))) return false
  const isAdopted = !contains(observed.metadata.labels, selectorLabels(name))
  return isAdopted && (deployment?.status?.readyReplicas ?? 0) === 0
}

const selectorOf = ({ spec }: { spec?: unknown }) =>
  (spec as { selector?: unknown } | undefined)?.selector

/** A selector as text: labels as in `kubectl get -o wide`, expressions as JSON. */
function selectorText(selector: unknown): string {
  const { matchLabels = {}, matchExpressions = [] } = selector as {
    matchLabels?: Record<string, string>
    matchExpressions?: object[]
  }
  return [
    ...Object.entries(matchLabels).map(([label, value]) => `${label}=${value}`),
    ...matchExpressions.map((expression) => JSON.stringify(expression)),
  ].join(',')
}
