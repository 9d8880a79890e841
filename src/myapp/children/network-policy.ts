import { isExposed } from '../app.ts'
import { defaults, type MyAppSpec } from '../../api/myapp.ts'
import type { ChildKind } from './index.ts'
import { compact } from './compact.ts'
import { childLabels, selectorLabels } from './labels.ts'

type Peer = NonNullable<NonNullable<MyAppSpec['networkPolicy']>['from']>[number]

/** The NetworkPolicy of a MyApp that asks for one. */
export const networkPolicy: ChildKind = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  resource: 'networkpolicies',
  group: 'NetworkPolicy.networking.k8s.io/v1',
  leaves: 'after the pods',
  desired: ({ name, namespace, spec }) => {
    const { from, to } = spec.networkPolicy ?? {}
    if (from === undefined && to === undefined) return undefined
    const port = { port: spec.port ?? defaults.port, protocol: 'TCP' }
    return {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name, namespace, labels: childLabels(name, spec.image) },
      spec: {
        podSelector: { matchLabels: selectorLabels(name) },
        policyTypes: [...(from ? ['Ingress'] : []), ...(to ? ['Egress'] : [])],
        ...(from &&
          from.length > 0 &&
          isExposed(spec) && { ingress: [{ from: from.map(toPeer), ports: [port] }] }),
        ...(to && { egress: [...(to.length > 0 ? [{ to: to.map(toPeer) }] : []), dns] }),
      },
    }
  },
  // All of it: a selector or a rule that others add would let in or out whom the MyApp does not name.
  exactFields: [{ path: ['spec'], remedy: 'take over' }],
}

/** Without names an app can't call even where it may. */
const dns = {
  ports: [
    { port: 53, protocol: 'UDP' },
    { port: 53, protocol: 'TCP' },
  ],
}

const toPeer = ({ app, namespace }: Peer) =>
  compact({
    namespaceSelector:
      namespace === undefined
        ? undefined
        : { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    podSelector: app === undefined ? undefined : { matchLabels: selectorLabels(app) },
  })
