import type { ChildKind } from '../children/index.ts'
import { horizontalPodAutoscaler } from '../children/horizontal-pod-autoscaler.ts'
import { httpRoute } from '../children/http-route.ts'
import { ingress } from '../children/ingress.ts'
import { configReferences } from '../config-references.ts'
import { childOf, isAsDesired, type Observations } from '../state.ts'
import type { AspectReason } from './reasons.ts'
import { type HookRequest, keyOf } from '../request.ts'
import type { MyAppSpec } from '../../api/myapp.ts'
import type { Aspect } from './index.ts'
import { gatewayNotEnabled, listed } from './ready.ts'

interface GatewayRef {
  name?: string
  namespace?: string
  sectionName?: string
}
interface ObservedCondition {
  type: string
  status: string
  reason?: string
  message?: string
  observedGeneration?: number
}

/** A condition that is not just passed on. */
type OwnAspect = Aspect & { reason: AspectReason }

/**
 * The conditions for one concern each, of those concerns that the spec has or that a child is there for. Of a spec that can't be
 * acted on nothing is known but the children.
 */
export function aspects(request: HookRequest, observations?: Observations): Aspect[] {
  const spec: Partial<MyAppSpec> = observations?.app.spec ?? {}
  const isThere = (kind: ChildKind) => childOf(request, kind.group) !== undefined
  return [
    available(request),
    ...(observations && configReferences(observations.app.spec).length > 0
      ? [configReady(observations)]
      : []),
    ...(spec.autoscaling || isThere(horizontalPodAutoscaler) ? [scaled(request)] : []),
    ...(spec.ingress || spec.gateway || isThere(ingress) || isThere(httpRoute)
      ? [routed(request, observations)]
      : []),
  ]
}

/** Available: enough pods are there to serve, as the Deployment sees it. */
function available(request: HookRequest): Aspect {
  const deployment = request.children['Deployment.apps/v1'][keyOf(request.parent.metadata)]
  const condition = deployment?.status?.conditions?.find(({ type }) => type === 'Available')
  return said('Available', condition, {
    type: 'Available',
    status: 'False',
    reason: 'NoDeployment',
    message: 'There is no Deployment that says so',
  })
}

/** ConfigReady: what the pods need of ConfigMaps and Secrets is there. */
function configReady({ config: { missing } }: Observations): OwnAspect {
  return missing.length === 0
    ? {
        type: 'ConfigReady',
        status: 'True',
        reason: 'ConfigFound',
        message: 'Every ConfigMap, Secret and key that the pods need is there',
      }
    : {
        type: 'ConfigReady',
        status: 'False',
        reason: 'ConfigMissing',
        message: `Missing: ${listed(missing)}`,
      }
}

/** Scaled: the autoscaler gets its metrics and acts on them. */
function scaled(request: HookRequest): Aspect {
  const autoscaler =
    request.children['HorizontalPodAutoscaler.autoscaling/v2']?.[keyOf(request.parent.metadata)]
  const conditions = autoscaler?.status?.conditions ?? []
  const condition =
    conditions.find(({ type, status }) => type === 'AbleToScale' && status !== 'True') ??
    conditions.find(({ type }) => type === 'ScalingActive')
  return said('Scaled', condition, {
    type: 'Scaled',
    status: 'Unknown',
    reason: 'NoAutoscalerStatus',
    message: 'The autoscaler has not said anything yet',
  })
}

/** Routed: the Ingress and the HTTPRoute are as the spec asks, the one has an address, and every Gateway takes the other. */
function routed(request: HookRequest, observations: Observations | undefined): OwnAspect {
  if (observations?.undeclared.some(({ kind }) => kind === 'HTTPRoute')) {
    return {
      type: 'Routed',
      status: 'False',
      reason: 'GatewayNotEnabled',
      message: gatewayNotEnabled,
    }
  }
  const waiting = [ingress, httpRoute].flatMap((kind) => {
    const wanted = observations?.wanted.find((child) => child.kind === kind)
    if (wanted && childOf(request, kind.group) === undefined) {
      return [`there is no ${kind.kind} of this MyApp yet`]
    }
    if (wanted && !isAsDesired(request, wanted)) {
      return [`the ${kind.kind} is not yet as the spec asks`]
    }
    return kind === ingress ? ingressProblems(request) : gatewayProblems(request)
  })
  return waiting.length === 0
    ? {
        type: 'Routed',
        status: 'True',
        reason: 'RouteAccepted',
        message: 'Traffic from outside is led to the Service',
      }
    : { type: 'Routed', status: 'False', reason: 'RouteNotReady', message: waiting.join('; ') }
}

/** The Ingress of a MyApp, where it is there. */
export const observedIngress = ({ children, parent }: HookRequest) =>
  children['Ingress.networking.k8s.io/v1']?.[keyOf(parent.metadata)]

/** The HTTPRoute of a MyApp, where it is there. */
export const observedRoute = ({ children, parent }: HookRequest) =>
  children['HTTPRoute.gateway.networking.k8s.io/v1']?.[keyOf(parent.metadata)]

/** The addresses of the Ingress, once its controller has given it some. */
export const ingressAddresses = (request: HookRequest) =>
  observedIngress(request)?.status?.loadBalancer?.ingress ?? []

const ingressProblems = (request: HookRequest) =>
  observedIngress(request) !== undefined && ingressAddresses(request).length === 0
    ? ['the Ingress has no address yet']
    : []

/** Whether there is an HTTPRoute, and every Gateway that it asks for takes it. */
export const isAccepted = (request: HookRequest) =>
  observedRoute(request) !== undefined && gatewayProblems(request).length === 0

/** What keeps Gateways from taking the HTTPRoute as it is now: a sentence for each of them. */
function gatewayProblems(request: HookRequest): string[] {
  const route = observedRoute(request)
  if (route === undefined) return []
  const isCurrent = ({ observedGeneration }: ObservedCondition) =>
    observedGeneration === undefined || observedGeneration >= (route.metadata.generation ?? 0)
  const { parentRefs = [] } = route.spec
  if (parentRefs.length === 0) return ['the HTTPRoute names no Gateway']
  return parentRefs.flatMap((asked) => {
    // A Gateway of several controllers has said something for each; one that takes the route will do.
    const answers = (route.status?.parents ?? [])
      .filter(({ parentRef }) => isRefTo(asked, parentRef))
      .map(({ conditions = [] }) => problemOf(conditions.filter(isCurrent)))
    const [problem = 'has not seen the HTTPRoute as it is now'] = answers
    return answers.includes(undefined) ? [] : [`Gateway ${asked.name} ${problem}`]
  })
}

const isRefTo = ({ name, namespace, sectionName }: GatewayRef, ref: GatewayRef = {}) =>
  ref.name === name &&
  (namespace === undefined || ref.namespace === namespace) &&
  (sectionName === undefined || ref.sectionName === sectionName)

/** What is wrong with an HTTPRoute by the conditions that a Gateway gave it; undefined where nothing is. */
function problemOf(conditions: ObservedCondition[]): string | undefined {
  const [accepted, resolved] = ['Accepted', 'ResolvedRefs'].map((wanted) =>
    conditions.find(({ type }) => type === wanted),
  )
  if (accepted === undefined) return 'has not seen the HTTPRoute as it is now'
  if (accepted.status !== 'True') return `does not accept the HTTPRoute: ${wordsOf(accepted)}`
  return resolved?.status === 'False'
    ? `can't follow the HTTPRoute: ${wordsOf(resolved)}`
    : undefined
}

/** Not too long: a status has room for several of them. */
const wordsOf = ({ reason, message }: ObservedCondition) =>
  (message || reason || 'it does not say why').slice(0, 1024)

const noReason: AspectReason = 'NoReason'

/** A condition of a child, said of the MyApp. */
function said(
  type: string,
  condition: ObservedCondition | undefined,
  otherwise: OwnAspect,
): Aspect {
  if (condition === undefined) return otherwise
  const { status, reason, message } = condition
  return {
    type,
    status: status === 'True' || status === 'False' ? status : 'Unknown',
    reason: reason || noReason,
    message: message ?? '',
  }
}
