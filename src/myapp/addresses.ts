import { isExposed } from './app.ts'
import { ingressAddresses, isAccepted } from './aspects.ts'
import type { Observations } from './observed.ts'
import type { HookRequest } from './request.ts'
import { defaults, type MyAppStatus } from './schema.ts'

/** Where a MyApp is reached: inside the cluster once its Service is there, from outside once that was admitted. */
export function reachableAt (request: HookRequest, observations: Observations): Pick<MyAppStatus, 'address' | 'urls'> {
  const { app: { name, namespace, spec }, service } = observations
  const urls = [...ingressUrls(request, spec.ingress), ...isAccepted(request, observations) ? (spec.gateway?.hostnames ?? []).filter(isOneHost).map((host) => `http://${host}/`) : []]
  return {
    ...isExposed(spec) && service !== undefined && { address: `http://${name}.${namespace}.svc:${spec.port ?? defaults.port}` },
    ...urls.length > 0 && { urls },
  }
}

function ingressUrls (request: HookRequest, ingress: Observations['app']['spec']['ingress']): string[] {
  if (ingress === undefined) return []
  const addresses = ingressAddresses(request).map(({ hostname, ip }) => hostname ?? ip).filter((address) => address !== undefined)
  const hosts = ingress.host !== undefined && addresses.length > 0 ? [ingress.host] : addresses
  return hosts.filter(isOneHost).map((host) => `${ingress.tlsSecretName === undefined ? 'http' : 'https'}://${host}${ingress.path ?? '/'}`)
}

/** A name with a wildcard stands for many hosts, and makes no URL. */
const isOneHost = (host: string) => !host.startsWith('*')
