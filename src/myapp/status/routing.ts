import type { MyAppStatus } from '../../api/myapp.ts'
import { childOf, type HookRequest } from '../request.ts'

/** How a MyApp is reached, read from its Service, Ingress and HTTPRoute as they are. */

interface GatewayRef {
  name?: string
  namespace?: string
  sectionName?: string
}
interface RouteCondition {
  type: string
  status: string
  reason?: string
  message?: string
  observedGeneration?: number
}

/** The longest part of a Gateway's message that is passed on. */
const maxMessageLength = 1024

/** The address inside the cluster, and the URLs outside of it that are admitted. */
export function addressesOf(request: HookRequest): Pick<MyAppStatus, 'address' | 'urls'> {
  const { name, namespace } = request.parent.metadata
  const { ports = [] } = childOf(request, 'Service')?.spec ?? {}
  const { port } = ports.find(({ name }) => name === 'http') ?? ports[0] ?? {}
  const urls = [...ingressUrls(request), ...gatewayUrls(request)]
  return {
    ...(port !== undefined && { address: `http://${name}.${namespace}.svc:${port}` }),
    ...(urls.length > 0 && { urls }),
  }
}

function ingressUrls(request: HookRequest): string[] {
  const { rules = [], tls = [] } = childOf(request, 'Ingress')?.spec ?? {}
  const addresses = ingressAddresses(request).flatMap(
    ({ hostname, ip }) => hostname ?? (ip === undefined ? [] : inUrl(ip)),
  )
  if (addresses.length === 0) return []
  return rules.flatMap(({ host, http }) => {
    // An entry without hosts is for all hosts.
    const isTls = tls.some(
      ({ hosts = [] }) => hosts.length === 0 || (host !== undefined && hosts.includes(host)),
    )
    const hosts = (host === undefined ? addresses : [host]).filter(isOneHost)
    return hosts.flatMap((host) =>
      (http?.paths ?? []).map(({ path = '/' }) => `${isTls ? 'https' : 'http'}://${host}${path}`),
    )
  })
}

const gatewayUrls = (request: HookRequest) =>
  childOf(request, 'HTTPRoute') !== undefined && routeProblems(request).length === 0
    ? (childOf(request, 'HTTPRoute')?.spec.hostnames ?? [])
        .filter(isOneHost)
        .map((host) => `http://${host}/`)
    : []

/** A wildcard stands for many hosts, so there is no URL. */
const isOneHost = (host: string) => !host.startsWith('*')

const inUrl = (ip: string) => (ip.includes(':') ? `[${ip}]` : ip)

/** The addresses that the Ingress controller has given the Ingress. */
const ingressAddresses = (request: HookRequest) =>
  childOf(request, 'Ingress')?.status?.loadBalancer?.ingress ?? []

/** What is missing for the Ingress, if it exists, to serve traffic. */
export const ingressProblems = (request: HookRequest): string[] =>
  childOf(request, 'Ingress') !== undefined && ingressAddresses(request).length === 0
    ? ['the Ingress has no address yet']
    : []

/** A sentence for each Gateway that does not accept the HTTPRoute, if it exists, as it is now. */
export function routeProblems(request: HookRequest): string[] {
  const route = childOf(request, 'HTTPRoute')
  if (route === undefined) return []
  const isCurrent = ({ observedGeneration }: RouteCondition) =>
    observedGeneration === undefined || observedGeneration >= (route.metadata.generation ?? 0)
  const { parentRefs = [] } = route.spec
  if (parentRefs.length === 0) return ['the HTTPRoute names no Gateway']
  return parentRefs.flatMap((gateway) => {
    // Each controller of a Gateway reports for itself. One that accepts the route is enough.
    const problems = (route.status?.parents ?? [])
      .filter(({ parentRef }) => isRefTo(gateway, parentRef))
      .map(({ conditions = [] }) => problemOf(conditions.filter(isCurrent)))
    const [problem = notSeen] = problems
    return problems.includes(undefined) ? [] : [`Gateway ${gateway.name} ${problem}`]
  })
}

const notSeen = 'has not seen the HTTPRoute as it is now'

const isRefTo = ({ name, namespace, sectionName }: GatewayRef, ref: GatewayRef = {}) =>
  ref.name === name &&
  (namespace === undefined || ref.namespace === namespace) &&
  (sectionName === undefined || ref.sectionName === sectionName)

/** What is wrong with an HTTPRoute by the conditions of one controller; undefined if it is accepted. */
function problemOf(conditions: RouteCondition[]): string | undefined {
  const accepted = conditions.find(({ type }) => type === 'Accepted')
  const resolved = conditions.find(({ type }) => type === 'ResolvedRefs')
  if (accepted === undefined) return notSeen
  if (accepted.status !== 'True') return `does not accept the HTTPRoute: ${messageOf(accepted)}`
  return resolved?.status === 'False'
    ? `can't follow the HTTPRoute: ${messageOf(resolved)}`
    : undefined
}

const messageOf = ({ reason, message }: RouteCondition) =>
  (message || reason || 'it does not say why').slice(0, maxMessageLength)
