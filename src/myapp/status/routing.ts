import { ingressAddresses, isAccepted, observedIngress, observedRoute } from './conditions.ts'
import { type HookRequest, keyOf } from '../request.ts'
import type { MyAppStatus } from '../../api/myapp.ts'

/** Where a MyApp is reached, by what its children are: inside the cluster once its Service is there, from outside once that was admitted. */
export function reachableAt(request: HookRequest): Pick<MyAppStatus, 'address' | 'urls'> {
  const { name, namespace } = request.parent.metadata
  const { ports = [] } = request.children['Service.v1'][keyOf(request.parent.metadata)]?.spec ?? {}
  const { port } = ports.find(({ name }) => name === 'http') ?? ports[0] ?? {}
  const urls = [...ingressUrls(request), ...gatewayUrls(request)]
  return {
    ...(port !== undefined && { address: `http://${name}.${namespace}.svc:${port}` }),
    ...(urls.length > 0 && { urls }),
  }
}

function ingressUrls(request: HookRequest): string[] {
  const { rules = [], tls = [] } = observedIngress(request)?.spec ?? {}
  const addresses = ingressAddresses(request).flatMap(
    ({ hostname, ip }) => hostname ?? (ip === undefined ? [] : inUrl(ip)),
  )
  if (addresses.length === 0) return []
  return rules.flatMap(({ host, http }) => {
    // An entry that names no host stands for all of them.
    const scheme = tls.some(
      ({ hosts = [] }) => hosts.length === 0 || (host !== undefined && hosts.includes(host)),
    )
      ? 'https'
      : 'http'
    const hosts = (host === undefined ? addresses : [host]).filter(isOneHost)
    return hosts.flatMap((host) =>
      (http?.paths ?? []).map(({ path = '/' }) => `${scheme}://${host}${path}`),
    )
  })
}

const gatewayUrls = (request: HookRequest) =>
  isAccepted(request)
    ? (observedRoute(request)?.spec.hostnames ?? [])
        .filter(isOneHost)
        .map((host) => `http://${host}/`)
    : []

/** A name with a wildcard stands for many hosts, and makes no URL. */
const isOneHost = (host: string) => !host.startsWith('*')

const inUrl = (ip: string) => (ip.includes(':') ? `[${ip}]` : ip)
