import { configReferences } from './config-digest.ts'
import { childOf, type Observations } from './observed.ts'
import type { AspectReason } from './reasons.ts'
import type { HookRequest } from './request.ts'
import type { Aspect } from './status.ts'
import { gatewayNotEnabled } from './verdict.ts'

interface GatewayRef { name?: string, namespace?: string, sectionName?: string }
interface ObservedCondition { type: string, status: string, reason?: string, message?: string, observedGeneration?: number }
interface ObservedRoute { metadata: { generation?: number }, status?: { parents?: Array<{ parentRef?: GatewayRef, conditions?: ObservedCondition[] }> } }

/** A condition that is not just passed on. */
type OwnAspect = Aspect & { reason: AspectReason }

/** The conditions for one concern each, of those concerns that the MyApp has. */
export function aspects (request: HookRequest, observations: Observations): Aspect[] {
  const { spec } = observations.app
  return [
    available(observations),
    ...configReferences(spec).length > 0 ? [configReady(observations)] : [],
    ...spec.autoscaling ? [scaled(request)] : [],
    ...spec.ingress || spec.gateway ? [routed(request, observations)] : [],
  ]
}

/** Available: enough pods are there to serve, as the Deployment sees it. */
function available ({ deployment }: Observations): Aspect {
  const condition = deployment?.status?.conditions?.find(({ type }) => type === 'Available')
  return said('Available', condition, { type: 'Available', status: 'False', reason: 'NoDeployment', message: 'There is no Deployment that says so' })
}

/** ConfigReady: what the pods need of ConfigMaps and Secrets is there. */
function configReady ({ config: { missing } }: Observations): OwnAspect {
  return missing.length === 0
    ? { type: 'ConfigReady', status: 'True', reason: 'ConfigFound', message: 'Every ConfigMap, Secret and key that the pods need is there' }
    : { type: 'ConfigReady', status: 'False', reason: 'ConfigMissing', message: `Missing: ${missing.join(', ')}` }
}

/** Scaled: the autoscaler gets its metrics and acts on them. */
function scaled (request: HookRequest): Aspect {
  const autoscaler = childOf(request, 'HorizontalPodAutoscaler.autoscaling/v2') as { status?: { conditions?: ObservedCondition[] } } | undefined
  const conditions = autoscaler?.status?.conditions ?? []
  const condition = conditions.find(({ type, status }) => type === 'AbleToScale' && status !== 'True') ?? conditions.find(({ type }) => type === 'ScalingActive')
  return said('Scaled', condition, { type: 'Scaled', status: 'Unknown', reason: 'NoAutoscalerStatus', message: 'The autoscaler has not said anything yet' })
}

/** Routed: the Ingress has an address, and every Gateway takes the HTTPRoute. */
function routed (request: HookRequest, observations: Observations): OwnAspect {
  if (observations.undeclared.some(({ kind }) => kind === 'HTTPRoute')) return { type: 'Routed', status: 'False', reason: 'GatewayNotEnabled', message: gatewayNotEnabled }
  const waiting = [
    ...observations.app.spec.ingress && !hasAddress(request) ? ['the Ingress has no address yet'] : [],
    ...gatewayProblems(request, observations),
  ]
  return waiting.length === 0
    ? { type: 'Routed', status: 'True', reason: 'RouteAccepted', message: 'Traffic from outside is led to the Service' }
    : { type: 'Routed', status: 'False', reason: 'RouteNotReady', message: waiting.join('; ') }
}

/** The addresses of the Ingress, once its controller has given it some. */
export function ingressAddresses (request: HookRequest): Array<{ hostname?: string, ip?: string }> {
  const ingress = childOf(request, 'Ingress.networking.k8s.io/v1') as { status?: { loadBalancer?: { ingress?: Array<{ hostname?: string, ip?: string }> } } } | undefined
  return ingress?.status?.loadBalancer?.ingress ?? []
}

const hasAddress = (request: HookRequest) => ingressAddresses(request).length > 0

/** Whether every Gateway that is asked for takes the HTTPRoute. */
export const isAccepted = (request: HookRequest, observations: Observations) =>
  observations.app.spec.gateway !== undefined && gatewayProblems(request, observations).length === 0

/** What keeps Gateways from taking the HTTPRoute as it is now: a sentence for each of them. */
function gatewayProblems (request: HookRequest, { app: { spec } }: Observations): string[] {
  const route = childOf(request, 'HTTPRoute.gateway.networking.k8s.io/v1') as ObservedRoute | undefined
  const isCurrent = ({ observedGeneration }: ObservedCondition) => observedGeneration === undefined || observedGeneration >= (route?.metadata.generation ?? 0)
  return (spec.gateway?.parentRefs ?? []).flatMap((wanted) => {
    // A Gateway of several controllers has said something for each; one that takes the route will do.
    const answers = (route?.status?.parents ?? []).filter(({ parentRef }) => isRefTo(wanted, parentRef)).map(({ conditions = [] }) => problemOf(conditions.filter(isCurrent)))
    const [problem = 'has not seen the HTTPRoute as it is now'] = answers
    return answers.includes(undefined) ? [] : [`Gateway ${wanted.name} ${problem}`]
  })
}

const isRefTo = ({ name, namespace, sectionName }: GatewayRef, ref: GatewayRef = {}) =>
  ref.name === name && (namespace === undefined || ref.namespace === namespace) && (sectionName === undefined || ref.sectionName === sectionName)

/** What is wrong with an HTTPRoute by the conditions that a Gateway gave it; undefined where nothing is. */
function problemOf (conditions: ObservedCondition[]): string | undefined {
  const [accepted, resolved] = ['Accepted', 'ResolvedRefs'].map((wanted) => conditions.find(({ type }) => type === wanted))
  if (accepted === undefined) return 'has not seen the HTTPRoute as it is now'
  if (accepted.status !== 'True') return `does not accept the HTTPRoute: ${wordsOf(accepted)}`
  return resolved?.status === 'False' ? `can't follow the HTTPRoute: ${wordsOf(resolved)}` : undefined
}

/** Not too long: a status has room for several of them. */
const wordsOf = ({ reason, message }: ObservedCondition) => (message || reason || 'it does not say why').slice(0, 1024)

const noReason: AspectReason = 'NoReason'

/** A condition of a child, said of the MyApp. */
function said (type: string, condition: ObservedCondition | undefined, otherwise: OwnAspect): Aspect {
  if (condition === undefined) return otherwise
  const { status, reason, message } = condition
  return { type, status: status === 'True' || status === 'False' ? status : 'Unknown', reason: reason || noReason, message: message ?? '' }
}
