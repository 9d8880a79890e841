import type { V1ServicePort, V1ServiceSpec } from '@kubernetes/client-node'
import { declaredPorts, isExposed, type Port, transportOf } from '../../api/declared-ports.ts'
import { defineChild } from './child.ts'
import { compact } from './compact.ts'
import { selectorLabels } from './labels.ts'

/** The Service that leads to a MyApp's pods inside the cluster. */
export const service = defineChild<V1ServiceSpec>({
  apiVersion: 'v1',
  kind: 'Service',
  resource: 'services',
  deleteStage: 'after the pods',
  exact: [
    { path: ['spec', 'selector'], restore: 'by adoption' },
    { path: ['spec', 'ports'], restore: 'by adoption', anyOrder: true },
  ],
  spec: ({ name, spec }) =>
    isExposed(spec)
      ? compact<V1ServiceSpec>({
          type: 'ClusterIP',
          selector: selectorLabels(name),
          ports: declaredPorts(spec)
            .filter(({ exposed }) => exposed)
            .map(toServicePort),
        })
      : undefined,
})

const toServicePort = (port: Port) =>
  compact<V1ServicePort>({
    name: port.name,
    port: port.servicePort,
    targetPort: port.port,
    protocol: transportOf(port),
    appProtocol: appProtocolOf(port),
  })

/**
 * The application protocol of a port. The Gateway API and Istio both read kubernetes.io/h2c as
 * HTTP/2 without TLS, which includes gRPC. The Gateway API does not define grpc.
 */
function appProtocolOf({ name, protocol }: Port): string | undefined {
  if (protocol === 'HTTP2' || protocol === 'GRPC') return 'kubernetes.io/h2c'
  // Meshes detect HTTP. Detection breaks a protocol in which the server speaks first, unless the
  // name of the port starts with the protocol.
  const word = protocol.toLowerCase()
  const isInName = name === word || name.startsWith(`${word}-`)
  return (protocol === 'TLS' || protocol === 'TCP') && !isInName ? word : undefined
}
