import { mainPortOf } from '../../api/declared-ports.ts'
import type { MyAppSpec, MyAppStatus } from '../../api/myapp.ts'
import { protocols } from '../../api/ports.ts'
import { childOf, type HookRequest } from '../request.ts'
import { truncated } from '../../text.ts'
import { ingressOrigin, pathPrefix, routeOrigin } from './urls.ts'

/** The addresses of a MyApp and the problems of its routes, from the observed children. */

interface GatewayRef {
  name?: string
  namespace?: string
  sectionName?: string
  port?: number
}
interface RouteCondition {
  type: string
  status: string
  reason?: string
  message?: string
  observedGeneration?: number
}

/** The largest number of URLs in the status: an Ingress may have many hosts and paths. */
const maxUrls = 32
/** A longer URL is not reported. The status must fit into the MyApp. */
const maxUrlLength = 2048
/** The largest number of reported problems of a route. */
const maxProblems = 32

/** The longest quoted part of a Gateway's message. */
const maxMessageLength = 1024

/**
 * The address for callers inside the cluster, and the URLs for callers outside. An Ingress has URLs
 * only if it has an address. An HTTPRoute has URLs only if every Gateway accepts it.
 */
export function addressesOf(
  request: HookRequest,
  spec?: MyAppSpec,
): Pick<MyAppStatus, 'address' | 'urls'> {
  const address = addressOf(request, spec && mainPortOf(spec)?.name)
  const urls = firstOf(allUrls(request))
  return { ...(address !== undefined && { address }), ...(urls.length > 0 && { urls }) }
}

function* allUrls(request: HookRequest): Generator<string> {
  yield* ingressUrls(request)
  yield* routeUrls(request)
}

/**
 * The first distinct texts that are short enough for a URL. Stops as soon as it has enough, because
 * the number of URLs is the product of two numbers that a tenant can choose.
 */
function firstOf(texts: Iterable<string>): string[] {
  const found = new Set<string>()
  for (const text of texts) {
    if (text.length <= maxUrlLength) found.add(text)
    if (found.size === maxUrls) break
  }
  return [...found]
}

/**
 * The address of the main port in the Service, with a scheme if the port speaks HTTP. If the
 * Service has no port with the name of the main port, the first port with the name of a protocol
 * counts, and otherwise the first port.
 */
function addressOf(request: HookRequest, mainPort: string | undefined): string | undefined {
  const { name, namespace } = request.parent.metadata
  const { ports = [] } = childOf(request, 'Service')?.spec ?? {}
  const port =
    ports.find(({ name }) => name === mainPort) ??
    ports.find(({ name = '' }) => isProtocol(name)) ??
    ports[0]
  if (port === undefined) return undefined
  const scheme = schemeOf(port, request)
  return `${scheme === undefined ? '' : `${scheme}://`}${name}.${namespace}.svc:${port.port}`
}

interface ServicePort {
  name?: string
  appProtocol?: string
  targetPort?: number | string
}

/** Whether a name is a protocol in lower case. The name of a main port always is. */
const isProtocol = (name: string) => protocols.some((protocol) => protocol.toLowerCase() === name)

/** The scheme of URLs to a port: from its appProtocol, the probes of the port, or its name. */
function schemeOf(
  { name, appProtocol, targetPort }: ServicePort,
  request: HookRequest,
): 'http' | 'https' | undefined {
  // gRPC has no URL, although its appProtocol is kubernetes.io/h2c.
  if (name === 'grpc') return undefined
  if (appProtocol !== undefined) return schemes.get(appProtocol.toLowerCase())
  const { containers = [] } = childOf(request, 'Deployment')?.spec.template.spec ?? {}
  const app = containers.find(({ name }) => name === 'app')
  for (const probe of [app?.readinessProbe, app?.livenessProbe, app?.startupProbe]) {
    const isOfPort = (port: number | string | undefined) =>
      port !== undefined && (port === targetPort || port === name)
    if (isOfPort(probe?.grpc?.port)) return undefined
    if (isOfPort(probe?.httpGet?.port)) {
      return probe?.httpGet?.scheme === 'HTTPS' ? 'https' : 'http'
    }
  }
  return schemes.get(name ?? '')
}

/** The scheme of URLs by the protocol of a port: its appProtocol or its name. */
const schemes = new Map<string, 'http' | 'https'>([
  ['http', 'http'],
  ['http2', 'http'],
  ['kubernetes.io/h2c', 'http'],
  ['kubernetes.io/ws', 'http'],
  ['https', 'https'],
  ['kubernetes.io/wss', 'https'],
])

function* ingressUrls(request: HookRequest): Generator<string> {
  const ingress = childOf(request, 'Ingress')
  const addresses = firstOf(
    ingressAddresses(request).flatMap(
      ({ hostname, ip }) => hostname ?? (ip === undefined ? [] : bracketedIp(ip)),
    ),
  )
  if (ingress === undefined || addresses.length === 0) return
  const { rules = [], tls = [] } = ingress.spec
  const tlsHosts = new Set(tls.flatMap(({ hosts = [] }) => hosts))
  // An entry without hosts is for all hosts.
  const isTlsForAll = tls.some(({ hosts = [] }) => hosts.length === 0)
  for (const { host, http } of rules) {
    const isTls = isTlsForAll || (host !== undefined && tlsHosts.has(host))
    const origin = ingressOrigin(isTls, ingress.metadata.annotations)
    if (origin === undefined) continue
    const hosts = (host === undefined ? addresses : [host]).filter(isOneHost)
    const paths = firstOf((http?.paths ?? []).flatMap(({ path = '/' }) => pathPrefix(path) ?? []))
    for (const host of hosts) for (const path of paths) yield `${origin(host)}${path}`
  }
}

function* routeUrls(request: HookRequest): Generator<string> {
  const route = childOf(request, 'HTTPRoute')
  if (route === undefined || routeProblems(request).length > 0) return
  const { parentRefs = [], hostnames = [] } = route.spec
  const hosts = firstOf(hostnames.filter(isOneHost))
  for (const gateway of parentRefs) {
    const origin = routeOrigin(gateway)
    if (origin !== undefined) for (const host of hosts) yield `${origin(host)}/`
  }
}

/** A wildcard matches many hosts, so it has no URL. */
const isOneHost = (host: string) => !host.startsWith('*')

/** An IP address as the host of a URL. */
const bracketedIp = (ip: string) => (ip.includes(':') ? `[${ip}]` : ip)

/** The addresses in the status of the Ingress. */
const ingressAddresses = (request: HookRequest) =>
  childOf(request, 'Ingress')?.status?.loadBalancer?.ingress ?? []

/** The problems of the observed Ingress. */
export const ingressProblems = (request: HookRequest): string[] =>
  childOf(request, 'Ingress') !== undefined && ingressAddresses(request).length === 0
    ? ['the Ingress has no address yet']
    : []

/** The distinct problems of the Gateways that do not accept the observed HTTPRoute. */
export function routeProblems(request: HookRequest): string[] {
  const route = childOf(request, 'HTTPRoute')
  if (route === undefined) return []
  const isCurrent = ({ observedGeneration }: RouteCondition) =>
    observedGeneration === undefined || observedGeneration >= (route.metadata.generation ?? 0)
  const { parentRefs = [] } = route.spec
  if (parentRefs.length === 0) return ['the HTTPRoute names no Gateway']
  const reports = new Map<string, Report>()
  for (const { parentRef = {}, conditions = [] } of route.status?.parents ?? []) {
    const problem = problemOf(conditions.filter(isCurrent))
    for (const ref of refsTo(parentRef)) {
      const report = reports.get(ref) ?? { isAccepted: false, problem }
      // Several controllers can report on one Gateway. One of them must accept the route.
      report.isAccepted ||= problem === undefined
      reports.set(ref, report)
    }
  }
  const problems = new Set<string>()
  for (const { name, namespace, sectionName } of parentRefs) {
    const { isAccepted = false, problem = notReported } =
      reports.get(refText(name, namespace, sectionName)) ?? {}
    if (!isAccepted) problems.add(`Gateway ${name} ${problem}`)
    if (problems.size === maxProblems) break
  }
  return [...problems]
}

const notReported = 'has not reported on the current HTTPRoute'

/** The reports of all controllers on one reference: the problem is that of the first controller. */
interface Report {
  isAccepted: boolean
  problem: string | undefined
}

const refText = (name?: string, namespace?: string, sectionName?: string) =>
  JSON.stringify([name, namespace, sectionName])

/** Every reference that a report is about. A reference can omit the namespace and the section. */
function refsTo({ name, namespace, sectionName }: GatewayRef): Set<string> {
  return new Set([
    refText(name),
    refText(name, namespace),
    refText(name, undefined, sectionName),
    refText(name, namespace, sectionName),
  ])
}

/** The problem that a controller reports; undefined if the controller accepts the route. */
function problemOf(conditions: RouteCondition[]): string | undefined {
  const accepted = conditions.find(({ type }) => type === 'Accepted')
  const resolved = conditions.find(({ type }) => type === 'ResolvedRefs')
  if (accepted === undefined) return notReported
  if (accepted.status !== 'True') return `does not accept the HTTPRoute: ${messageOf(accepted)}`
  return resolved?.status === 'False'
    ? `cannot resolve references of the HTTPRoute: ${messageOf(resolved)}`
    : undefined
}

const messageOf = ({ reason, message }: RouteCondition) =>
  truncated(message || reason || 'it gives no reason', maxMessageLength)
