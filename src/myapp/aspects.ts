import { configReferences } from './config-digest.ts'
import { childOf, type Observations } from './observed.ts'
import type { HookRequest } from './request.ts'
import type { Aspect } from './status.ts'

interface GatewayRef { name?: string, namespace?: string, sectionName?: string }
interface ObservedCondition { type: string, status: string, reason?: string, message?: string }

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
function configReady ({ config: { missing } }: Observations): Aspect {
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

/** Routed: the Ingress has an address, the HTTPRoute is accepted by every Gateway. */
function routed (request: HookRequest, observations: Observations): Aspect {
  const { spec } = observations.app
  const waiting = [
    ...spec.ingress && !hasAddress(request) ? ['the Ingress has no address yet'] : [],
    ...spec.gateway && !isAccepted(request, observations) ? ['the HTTPRoute is not accepted by every Gateway'] : [],
  ]
  return waiting.length === 0
    ? { type: 'Routed', status: 'True', reason: 'RouteAccepted', message: 'Traffic from outside is led to the Service' }
    : { type: 'Routed', status: 'False', reason: 'RouteNotReady', message: waiting.join(' and ') }
}

/** The addresses of the Ingress, once its controller has given it some. */
export function ingressAddresses (request: HookRequest): Array<{ hostname?: string, ip?: string }> {
  const ingress = childOf(request, 'Ingress.networking.k8s.io/v1') as { status?: { loadBalancer?: { ingress?: Array<{ hostname?: string, ip?: string }> } } } | undefined
  return ingress?.status?.loadBalancer?.ingress ?? []
}

const hasAddress = (request: HookRequest) => ingressAddresses(request).length > 0

/** Whether every Gateway that is asked for has accepted the HTTPRoute. */
export function isAccepted (request: HookRequest, { app: { spec } }: Observations): boolean {
  const route = childOf(request, 'HTTPRoute.gateway.networking.k8s.io/v1') as { status?: { parents?: Array<{ parentRef?: GatewayRef, conditions?: ObservedCondition[] }> } } | undefined
  const accepting = (route?.status?.parents ?? [])
    .filter(({ conditions = [] }) => conditions.some(({ type, status }) => type === 'Accepted' && status === 'True'))
    .map(({ parentRef }) => parentRef)
  const wanted = spec.gateway?.parentRefs ?? []
  return wanted.length > 0 && wanted.every(({ name, namespace, sectionName }) => accepting.some((ref) =>
    ref?.name === name && (namespace === undefined || ref.namespace === namespace) && (sectionName === undefined || ref.sectionName === sectionName)))
}

/** A condition of a child, said of the MyApp. */
function said (type: string, condition: ObservedCondition | undefined, otherwise: Aspect): Aspect {
  if (condition === undefined) return otherwise
  const { status, reason, message } = condition
  return { type, status: status === 'True' || status === 'False' ? status : 'Unknown', reason: reason || 'NoReason', message: message ?? '' }
}
