import type { ConditionType } from '../../api/conditions.ts'
import type { Condition, MyAppSpec } from '../../api/myapp.ts'
import { httpRoute } from '../children/http-route.ts'
import { ingress } from '../children/ingress.ts'
import { podMonitor } from '../children/pod-monitor.ts'
import { configReferences } from '../config-references.ts'
import { childOf, type HookRequest } from '../request.ts'
import { maxForeignItems } from '../../metacontroller/repair.ts'
import type { ChildState, State } from '../state.ts'
import type { ConditionReason } from './reasons.ts'
import { ingressProblems, routeProblems } from './routing.ts'
import { listed } from '../../text.ts'

/** A condition without the time of its last transition. */
export interface UndatedCondition extends Pick<Condition, 'status' | 'reason' | 'message'> {
  type: ConditionType
}

/** A condition with one of the operator's own reasons. */
type OwnCondition = UndatedCondition & { reason: ConditionReason }

interface ObservedCondition {
  type: string
  status: string
  reason?: string
  message?: string
}

/**
 * The conditions besides Ready, Reconciling and Stalled. Scaled exists if the spec sets autoscaling
 * or a HorizontalPodAutoscaler exists. Routed exists if the spec sets an ingress or a gateway, or
 * if an Ingress or HTTPRoute exists. `state` is undefined if the spec is invalid.
 */
export function conditionsOf(request: HookRequest, state?: State): UndatedCondition[] {
  const spec: Partial<MyAppSpec> = state?.app.spec ?? {}
  const isScaled = spec.autoscaling ?? childOf(request, 'HorizontalPodAutoscaler')
  const isRouted =
    spec.ingress ?? spec.gateway ?? childOf(request, 'Ingress') ?? childOf(request, 'HTTPRoute')
  return [
    available(request),
    ...(state && configReferences(state.app.spec).length > 0 ? [configReady(state)] : []),
    ...(isScaled ? [scaled(request)] : []),
    ...(isRouted ? [routed(request, state)] : []),
    ...(state ? [...monitored(state), ...admissionChanged(state), ...unrepaired(state)] : []),
  ]
}

/** Available: the Deployment reports enough available pods. */
function available(request: HookRequest): UndatedCondition {
  const { conditions = [] } = childOf(request, 'Deployment')?.status ?? {}
  const condition = conditions.find(({ type }) => type === 'Available')
  return copyCondition('Available', condition, {
    type: 'Available',
    status: 'False',
    reason: 'NoDeployment',
    message: 'The Deployment does not exist, or has no status yet',
  })
}

/** ConfigReady: the ConfigMaps, Secrets and keys that the pods need exist. */
const configReady = ({ config: { missing } }: State): OwnCondition =>
  missing.length === 0
    ? {
        type: 'ConfigReady',
        status: 'True',
        reason: 'ConfigFound',
        message: 'Every ConfigMap, Secret and key that the pods need exists',
      }
    : {
        type: 'ConfigReady',
        status: 'False',
        reason: 'ConfigMissing',
        message: `Not found: ${listed(missing)}`,
      }

/** Scaled: the autoscaler gets its metrics and acts on them. */
function scaled(request: HookRequest): UndatedCondition {
  const { conditions = [] } = childOf(request, 'HorizontalPodAutoscaler')?.status ?? {}
  const condition =
    conditions.find(({ type, status }) => type === 'AbleToScale' && status !== 'True') ??
    conditions.find(({ type }) => type === 'ScalingActive')
  return copyCondition('Scaled', condition, {
    type: 'Scaled',
    status: 'Unknown',
    reason: 'NoAutoscalerStatus',
    message: 'The HorizontalPodAutoscaler does not exist, or has no status yet',
  })
}

/**
 * Monitored: the desired PodMonitor exists and matches the spec. Without a desired PodMonitor the
 * condition does not exist. A missing component does not affect Ready.
 */
function monitored({ children }: State): OwnCondition[] {
  const child = children.find(({ kind, desired }) => kind === podMonitor && desired !== undefined)
  if (child === undefined) return []
  const isFalse = (reason: ConditionReason, message: string): OwnCondition[] => [
    { type: 'Monitored', status: 'False', reason, message },
  ]
  if (!child.enabled) return isFalse('MonitoringNotEnabled', podMonitor.optional?.message ?? '')
  const problem = syncProblem(child)
  if (problem !== undefined) return isFalse('MonitorNotReady', problem)
  const message = 'A PodMonitor selects the pods'
  return [{ type: 'Monitored', status: 'True', reason: 'MonitorCreated', message }]
}

/** Routed: the Ingress has an address, every Gateway accepts the HTTPRoute, both are in sync. */
function routed(request: HookRequest, state: State | undefined): OwnCondition {
  const children = state?.children ?? []
  const notEnabled = children.find(({ kind, enabled }) => kind === httpRoute && !enabled)
  if (notEnabled?.kind.optional) {
    return {
      type: 'Routed',
      status: 'False',
      reason: 'GatewayNotEnabled',
      message: notEnabled.kind.optional.message,
    }
  }
  const problems = [ingress, httpRoute].flatMap((kind) => {
    const desired = children.find((child) => child.kind === kind && child.desired !== undefined)
    const problem = desired && syncProblem(desired)
    if (problem !== undefined) return [problem]
    return kind === ingress ? ingressProblems(request) : routeProblems(request)
  })
  return problems.length === 0
    ? {
        type: 'Routed',
        status: 'True',
        reason: 'RouteAccepted',
        message: 'Traffic from outside is routed to the Service',
      }
    : { type: 'Routed', status: 'False', reason: 'RouteNotReady', message: problems.join('; ') }
}

/**
 * AdmissionChanged: the cluster's admission changed fields of a child. Without such a change the
 * condition does not exist.
 */
function admissionChanged({ children }: State): OwnCondition[] {
  const changes = children.flatMap(({ kind, admissionChanges }) =>
    admissionChanges.map(
      ({ field, ours, theirs }) =>
        `${kind.kind} ${field}: the MyApp sets ${ours}, admission changes it to ${theirs}`,
    ),
  )
  return changes.length === 0
    ? []
    : [
        {
          type: 'AdmissionChanged',
          status: 'True',
          reason: 'ChangedByAdmission',
          message: changes.join('; '),
        },
      ]
}

/** Unrepaired: a list of a child has more foreign items than the operator removes. */
function unrepaired({ children }: State): OwnCondition[] {
  const lists = children.flatMap(({ kind, unrepaired }) =>
    unrepaired.map(({ path, items }) => `${kind.kind} ${path} has ${items} items`),
  )
  return lists.length === 0
    ? []
    : [
        {
          type: 'Unrepaired',
          status: 'True',
          reason: 'TooManyForeignItems',
          message:
            `${listed(lists)}. The operator removes nothing from a list with more than ` +
            `${maxForeignItems} foreign items. Remove the foreign items by hand`,
        },
      ]
}

function syncProblem({ kind: { kind }, observed, inSync }: ChildState): string | undefined {
  if (observed === undefined) return `the ${kind} does not exist yet`
  return inSync ? undefined : `the ${kind} does not match the spec yet`
}

const noReason: ConditionReason = 'NoReason'

/** Copies a condition of a child to the MyApp. Returns `otherwise` without such a condition. */
function copyCondition(
  type: ConditionType,
  condition: ObservedCondition | undefined,
  otherwise: OwnCondition,
): UndatedCondition {
  if (condition === undefined) return otherwise
  const { status, reason, message } = condition
  return {
    type,
    status: status === 'True' || status === 'False' ? status : 'Unknown',
    reason: reason || noReason,
    message: message ?? '',
  }
}
