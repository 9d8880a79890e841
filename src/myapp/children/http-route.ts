import { mainPortOf, namedPorts, portOf } from '../../api/declared-ports.ts'
import type { MyAppSpec } from '../../api/myapp.ts'
import { defineChild } from './child.ts'
import { compact } from './compact.ts'

/** The part of gateway.networking.k8s.io/v1 that a MyApp uses. */
export interface HTTPRouteSpec {
  parentRefs: ParentReference[]
  hostnames?: string[]
  rules: Array<{
    matches: Array<{ path: { type: string; value: string } }>
    backendRefs: Array<{ group: string; kind: string; name: string; port: number; weight: number }>
  }>
}
interface ParentReference {
  group: string
  kind: string
  name: string
  namespace?: string
  sectionName?: string
  port?: number
}

/**
 * The HTTPRoute of a MyApp with a gateway. Fields with a default are also set: Metacontroller
 * replaces lists without a merge key as a whole, so it would write a missing default at every sync.
 */
export const httpRoute = defineChild<HTTPRouteSpec>({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  resource: 'httproutes',
  deleteStage: 'before the pods',
  optional: {
    component: 'gateway',
    field: 'gateway',
    crds: 'the Gateway API v1',
    alternative: 'use spec.ingress',
    reason: 'GatewayNotEnabled',
  },
  exact: [
    { path: ['spec', 'parentRefs'], restore: 'by adoption', namesOnly: true },
    { path: ['spec', 'hostnames'], restore: 'by adoption' },
  ],
  spec: ({ name, spec }) =>
    spec.gateway &&
    compact<HTTPRouteSpec>({
      parentRefs: spec.gateway.parentRefs.map((parentRef) =>
        compact<ParentReference>({
          group: 'gateway.networking.k8s.io',
          kind: 'Gateway',
          ...parentRef,
        }),
      ),
      hostnames: spec.gateway.hostnames,
      rules: [
        {
          matches: [{ path: { type: 'PathPrefix', value: '/' } }],
          backendRefs: [{ group: '', kind: 'Service', name, port: backendPort(spec), weight: 1 }],
        },
      ],
    }),
})

/** The port of the Service that traffic goes to. */
function backendPort(spec: MyAppSpec): number {
  const { port } = spec.gateway ?? {}
  const backend =
    port === undefined ? mainPortOf(spec) : namedPorts(spec).find(({ name }) => name === port)
  return backend?.servicePort ?? portOf(spec)
}
