import type {
  V1NetworkPolicyEgressRule,
  V1NetworkPolicyIngressRule,
  V1NetworkPolicyPeer,
  V1NetworkPolicySpec,
} from '@kubernetes/client-node'
import type { MyAppSpec } from '../../api/myapp.ts'
import { isExposed, portOf } from '../app.ts'
import { defineChild } from './child.ts'
import { compact } from './compact.ts'
import { selectorLabels } from './labels.ts'

type Peer = NonNullable<NonNullable<MyAppSpec['networkPolicy']>['from']>[number]

/** client-node renames the field `from`, which is a word of some languages, to `_from`. */
interface NetworkPolicySpec extends Omit<V1NetworkPolicySpec, 'ingress'> {
  ingress?: Array<Pick<V1NetworkPolicyIngressRule, 'ports'> & { from: V1NetworkPolicyPeer[] }>
}

/** An app that may call others must be able to resolve their names. */
const dns: V1NetworkPolicyEgressRule = {
  ports: [
    { port: 53, protocol: 'UDP' },
    { port: 53, protocol: 'TCP' },
  ],
}

/** The NetworkPolicy of a MyApp with one. */
export const networkPolicy = defineChild<NetworkPolicySpec>({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  resource: 'networkpolicies',
  deleteStage: 'after the pods',
  // A selector or a rule that others add would change who may call whom.
  exact: [{ path: ['spec'], restore: 'by adoption' }],
  spec: ({ name, spec }) => {
    const { from, to } = spec.networkPolicy ?? {}
    if (from === undefined && to === undefined) return undefined
    const ports = [{ port: portOf(spec), protocol: 'TCP' }]
    return compact<NetworkPolicySpec>({
      podSelector: { matchLabels: selectorLabels(name) },
      policyTypes: [...(from ? ['Ingress'] : []), ...(to ? ['Egress'] : [])],
      ingress:
        from && from.length > 0 && isExposed(spec)
          ? [{ from: from.map(toPeer), ports }]
          : undefined,
      egress: to && [...(to.length > 0 ? [{ to: to.map(toPeer) }] : []), dns],
    })
  },
})

const toPeer = ({ app, namespace }: Peer) =>
  compact<V1NetworkPolicyPeer>({
    namespaceSelector:
      namespace === undefined
        ? undefined
        : { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    podSelector: app === undefined ? undefined : { matchLabels: selectorLabels(app) },
  })
