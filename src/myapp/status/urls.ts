/** Derives URLs of an Ingress or HTTPRoute without its controller. */

/** Returns the URL of a host, without a path. */
type Origin = (host: string) => string

const originOf =
  (scheme: 'http' | 'https', port: number): Origin =>
  (host) =>
    `${scheme}://${host}${port === (scheme === 'https' ? 443 : 80) ? '' : `:${port}`}`

/** Annotations with which a controller serves HTTPS without `tls`. No value means any value. */
const httpsAnnotations: Array<[annotation: string, value?: string]> = [
  ['alb.ingress.kubernetes.io/certificate-arn'],
  ['networking.gke.io/managed-certificates'],
  ['ingress.gcp.kubernetes.io/pre-shared-cert'],
  ['kubernetes.io/ingress.allow-http', 'false'],
  ['traefik.ingress.kubernetes.io/router.tls', 'true'],
]

const listenPortsAnnotation = 'alb.ingress.kubernetes.io/listen-ports'
/** The longest value of listen-ports that is read. */
const maxListenPortsLength = 1000

/** The origin of an Ingress; undefined if its annotations cannot be understood. */
export function ingressOrigin(
  isTls: boolean,
  annotations: Record<string, string> = {},
): Origin | undefined {
  const listenPorts = annotations[listenPortsAnnotation]
  if (listenPorts !== undefined) return listenerOrigin(listenPorts)
  const isHttps = httpsAnnotations.some(([annotation, value]) => {
    const set = annotations[annotation]
    return set !== undefined && (value === undefined || set === value)
  })
  return isTls || isHttps ? originOf('https', 443) : originOf('http', 80)
}

/** The first HTTPS or else the first HTTP listener of a list such as `[{"HTTPS":443}]`. */
function listenerOrigin(listenPorts: string): Origin | undefined {
  const listeners = parsed(listenPorts)
  for (const scheme of ['https', 'http'] as const) {
    for (const listener of listeners) {
      const port = listener[scheme.toUpperCase()]
      if (typeof port === 'number') return originOf(scheme, port)
    }
  }
  return undefined
}

function parsed(listenPorts: string): Array<Record<string, unknown>> {
  if (listenPorts.length > maxListenPortsLength) return []
  try {
    const value: unknown = JSON.parse(listenPorts)
    return Array.isArray(value) ? value.filter((item) => typeof item === 'object' && item) : []
  } catch {
    return []
  }
}

/**
 * The origin of an HTTPRoute. The listener of the Gateway decides the scheme, and the hook does not
 * see the listener. But a section name or a port can show the scheme: `https`, `tls` and 443 mean
 * HTTPS, `http` and 80 mean HTTP. Undefined without such a name or port.
 */
export function routeOrigin({
  sectionName = '',
  port,
}: {
  sectionName?: string
  port?: number
}): Origin | undefined {
  const scheme = schemeOfSection(sectionName) ?? schemeOfPort(port)
  if (scheme === undefined) return undefined
  return originOf(scheme, port ?? (scheme === 'https' ? 443 : 80))
}

function schemeOfSection(sectionName: string) {
  const words = sectionName.toLowerCase().split(/[-.]/)
  if (words.includes('https') || words.includes('tls')) return 'https'
  return words.includes('http') ? 'http' : undefined
}

const schemeOfPort = (port: number | undefined) =>
  port === 443 ? 'https' : port === 80 ? 'http' : undefined

/** Endings of path patterns that also match an empty string, in the syntax of some controllers. */
const optionalEnds = ['(/|$)(.*)', '/?(.*)', '(/.*)?', '(.*)', '.*', '*']

/** A path of characters that match themselves in the patterns of every controller. */
const plainPath = /^\/[\w./~@:,;=%-]*$/

/**
 * A path that an Ingress with the given path or pattern certainly serves; undefined if the pattern
 * does not show one. The meaning of a pattern depends on the controller.
 */
export function pathPrefix(path: string): string | undefined {
  const end = optionalEnds.find((end) => path.endsWith(end)) ?? ''
  const prefix = path.slice(0, path.length - end.length) || '/'
  return plainPath.test(prefix) ? prefix : undefined
}
