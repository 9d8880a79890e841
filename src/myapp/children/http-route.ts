import { defaults } from '../../api/myapp.ts'
import type { ChildKind } from './index.ts'
import { compact } from './compact.ts'
import { childLabels } from './labels.ts'

/**
 * The HTTPRoute of a MyApp that asks for a gateway. What its schema fills in is spelled out: lists without a merge key are
 * replaced as a whole, and a default that is missing would be written anew at every sync.
 */
export const httpRoute: ChildKind = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  resource: 'httproutes',
  group: 'HTTPRoute.gateway.networking.k8s.io/v1',
  leaves: 'before the pods',
  desired: ({ name, namespace, spec }) =>
    spec.gateway && {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name, namespace, labels: childLabels(name, spec.image) },
      spec: compact({
        parentRefs: spec.gateway.parentRefs.map((parentRef) =>
          compact({ group: 'gateway.networking.k8s.io', kind: 'Gateway', ...parentRef }),
        ),
        hostnames: spec.gateway.hostnames,
        rules: [
          {
            matches: [{ path: { type: 'PathPrefix', value: '/' } }],
            backendRefs: [
              { group: '', kind: 'Service', name, port: spec.port ?? defaults.port, weight: 1 },
            ],
          },
        ],
      }),
    },
  exactFields: [
    { path: ['spec', 'parentRefs'], remedy: 'take over', namesOnly: true },
    { path: ['spec', 'hostnames'], remedy: 'take over' },
  ],
}
