import type { ChildKind } from './index.ts'
import { compact } from './compact.ts'
import { childLabels } from './labels.ts'

/** The Ingress of a MyApp that asks for one. */
export const ingress: ChildKind = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  resource: 'ingresses',
  group: 'Ingress.networking.k8s.io/v1',
  leaves: 'before the pods',
  desired: ({ name, namespace, spec }) => {
    if (spec.ingress === undefined) return undefined
    const {
      host,
      path = '/',
      pathType = 'Prefix',
      ingressClassName,
      tlsSecretName,
      annotations,
    } = spec.ingress
    return {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: {
        name,
        namespace,
        labels: childLabels(name, spec.image),
        ...compact({ annotations }),
      },
      spec: compact({
        ingressClassName,
        tls:
          tlsSecretName === undefined
            ? undefined
            : [
                compact({
                  hosts: host === undefined ? undefined : [host],
                  secretName: tlsSecretName,
                }),
              ],
        rules: [
          compact({
            host,
            http: {
              paths: [{ path, pathType, backend: { service: { name, port: { name: 'http' } } } }],
            },
          }),
        ],
      }),
    }
  },
  exactFields: [],
}
