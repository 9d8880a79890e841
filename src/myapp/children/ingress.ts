import type {
  V1HTTPIngressPath,
  V1IngressSpec,
  V1IngressTLS,
  V1ServiceBackendPort,
} from '@kubernetes/client-node'
import { mainPortOf } from '../../api/declared-ports.ts'
import type { MyAppSpec } from '../../api/myapp.ts'
import { defineChild } from './child.ts'
import { compact } from './compact.ts'

type Ingress = NonNullable<MyAppSpec['ingress']>

/** The Ingress of a MyApp that sets `ingress`. */
export const ingress = defineChild<V1IngressSpec>({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  resource: 'ingresses',
  deleteStage: 'before the pods',
  annotations: ({ spec }) => spec.ingress?.annotations,
  spec: ({ name, spec }) => {
    if (spec.ingress === undefined) return undefined
    const { host, hosts = [], ingressClassName, tlsSecretName } = spec.ingress
    const mainPort = mainPortOf(spec)?.name
    const paths = pathsOf(spec.ingress).map(
      ({ path, pathType = 'Prefix', port = mainPort }): V1HTTPIngressPath => ({
        path,
        pathType,
        backend: { service: { name, port: compact<V1ServiceBackendPort>({ name: port }) } },
      }),
    )
    // Each host has one rule. A valid spec names no host twice.
    const allHosts = [...new Set([...(host === undefined ? [] : [host]), ...hosts])]
    return compact<V1IngressSpec>({
      ingressClassName,
      tls:
        tlsSecretName === undefined
          ? undefined
          : [compact<V1IngressTLS>({ hosts: allHosts, secretName: tlsSecretName })],
      rules:
        allHosts.length === 0
          ? [{ http: { paths } }]
          : allHosts.map((host) => ({ host, http: { paths } })),
    })
  },
})

/** All paths of an Ingress. The default is the path "/". */
const pathsOf = ({ path, pathType, port, paths = [] }: Ingress) =>
  path === undefined && paths.length > 0 ? paths : [{ path: path ?? '/', pathType, port }, ...paths]
