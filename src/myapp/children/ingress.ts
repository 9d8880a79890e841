import type {
  V1HTTPIngressPath,
  V1IngressRule,
  V1IngressSpec,
  V1IngressTLS,
} from '@kubernetes/client-node'
import { defineChild } from './child.ts'
import { compact } from './compact.ts'

/** The Ingress of a MyApp with one. */
export const ingress = defineChild<V1IngressSpec>({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  resource: 'ingresses',
  deleteStage: 'before the pods',
  annotations: ({ spec }) => spec.ingress?.annotations,
  spec: ({ name, spec }) => {
    if (spec.ingress === undefined) return undefined
    const { host, path = '/', pathType = 'Prefix', ingressClassName, tlsSecretName } = spec.ingress
    const route: V1HTTPIngressPath = {
      path,
      pathType,
      backend: { service: { name, port: { name: 'http' } } },
    }
    const hosts = host === undefined ? undefined : [host]
    return compact<V1IngressSpec>({
      ingressClassName,
      tls:
        tlsSecretName === undefined
          ? undefined
          : [compact<V1IngressTLS>({ hosts, secretName: tlsSecretName })],
      rules: [compact<V1IngressRule>({ host, http: { paths: [route] } })],
    })
  },
})
