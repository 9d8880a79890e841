import { defaults, type MyAppSpec } from './myapp.ts'
import type { Protocol } from './ports.ts'

/** A port that the container of an app listens on. */
export interface Port {
  /** The name in the container and in the Service. */
  name: string
  /** The number in the container. */
  port: number
  /** The number in the Service. */
  servicePort: number
  protocol: Protocol
  /** Whether the port is in the Service. */
  exposed: boolean
}

/** Whether the app listens on spec.port. */
export const isExposed = (spec: MyAppSpec) => spec.expose ?? true

/** The main port of the container. */
export const portOf = (spec: MyAppSpec) => spec.port ?? defaults.port

/** The name that a port for metrics gets if spec.ports does not declare it. */
const metricsName = 'metrics'

/**
 * The main port. Its name is its protocol, because service meshes read the protocol from the name.
 * Undefined for an app without a main port.
 */
export function mainPortOf(spec: MyAppSpec): Port | undefined {
  if (!isExposed(spec)) return undefined
  const { protocol = 'HTTP', servicePort = portOf(spec) } = spec
  return {
    name: protocol.toLowerCase(),
    port: portOf(spec),
    servicePort,
    protocol,
    exposed: true,
  }
}

/** The ports of spec.ports, in the same order. */
export const additionalPorts = (spec: MyAppSpec): Port[] =>
  (spec.ports ?? []).map(
    ({ name, port, servicePort = port, protocol = 'HTTP', expose = true }): Port => ({
      name,
      port,
      servicePort,
      protocol,
      exposed: expose && isExposed(spec),
    }),
  )

/** The ports that other fields can name: the main port, and those of spec.ports. */
export function namedPorts(spec: MyAppSpec): Port[] {
  const main = mainPortOf(spec)
  return [...(main === undefined ? [] : [main]), ...additionalPorts(spec)]
}

/** Every port of the container, the main port first. */
export function declaredPorts(spec: MyAppSpec): Port[] {
  const named = namedPorts(spec)
  const metrics = metricsPortOf(spec)
  return metrics === undefined || named.some(({ name }) => name === metrics.name)
    ? named
    : [...named, metrics]
}

/** The port with the metrics of the app; undefined if it has none. */
export function metricsPortOf(spec: MyAppSpec): Port | undefined {
  if (spec.metrics === undefined) return undefined
  const { port = portOf(spec) } = spec.metrics
  const known = namedPorts(spec).find((one) => one.name === port || one.port === port)
  if (known !== undefined || typeof port === 'string') return known
  return { name: metricsName, port, servicePort: port, protocol: 'HTTP', exposed: false }
}

/** Converts the number or the name of a port to its number in the container. */
export const portNumberOf = (spec: MyAppSpec, port: number | string): number =>
  typeof port === 'number'
    ? port
    : (namedPorts(spec).find(({ name }) => name === port)?.port ?? portOf(spec))

/** The transport protocol of a port. */
export const transportOf = ({ protocol }: { protocol?: unknown }) =>
  protocol === 'UDP' ? 'UDP' : 'TCP'

/** A port of the container, as in the pod template. */
export const containerPort = (port: Port) => ({
  name: port.name,
  containerPort: port.port,
  protocol: transportOf(port),
})
