import type {
  V1IPBlock,
  V1NetworkPolicyEgressRule,
  V1NetworkPolicyIngressRule,
  V1NetworkPolicyPeer,
  V1NetworkPolicyPort,
  V1NetworkPolicySpec,
} from '@kubernetes/client-node'
import {
  declaredPorts,
  isExposed,
  metricsPortOf,
  type Port,
  portNumberOf,
  transportOf,
} from '../../api/declared-ports.ts'
import type { MyAppSpec } from '../../api/myapp.ts'
import { defineChild } from './child.ts'
import { compact } from './compact.ts'
import { selectorLabels } from './labels.ts'

type Policy = NonNullable<MyAppSpec['networkPolicy']>
type Source = NonNullable<Policy['from']>[number]
type Destination = NonNullable<Policy['to']>[number]

/** client-node renames the field `from` to `_from`. */
interface IngressRule extends Pick<V1NetworkPolicyIngressRule, 'ports'> {
  from: V1NetworkPolicyPeer[]
}
interface NetworkPolicySpec extends Omit<V1NetworkPolicySpec, 'ingress'> {
  ingress?: IngressRule[]
}

/**
 * An app with restricted egress must still be able to resolve names. A policy sees the port of the
 * DNS pods, which is 5353 on OpenShift. Every address is allowed, because DNS runs in different
 * places: in kube-system or openshift-dns, on the nodes (NodeLocal DNSCache), outside the cluster.
 */
const dns: V1NetworkPolicyEgressRule = {
  ports: [53, 5353].flatMap((port) => [
    { port, protocol: 'UDP' },
    { port, protocol: 'TCP' },
  ]),
}

/** The namespace of Prometheus, unless the platform sets another. */
const defaultMonitoringNamespace = 'monitoring'

/**
 * The NetworkPolicy of a MyApp that sets `networkPolicy`. Its rules have no merge key, so
 * Metacontroller replaces them as a whole. Therefore fields with a default are also set.
 */
export const networkPolicy = defineChild<NetworkPolicySpec>({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  resource: 'networkpolicies',
  deleteStage: 'after the pods',
  // A foreign selector or rule would change the allowed connections.
  exact: [{ path: ['spec'], restore: 'by adoption' }],
  spec: ({ name, spec, monitoringNamespace = defaultMonitoringNamespace }) => {
    const { from, to } = spec.networkPolicy ?? {}
    if (from === undefined && to === undefined) return undefined
    return compact<NetworkPolicySpec>({
      podSelector: { matchLabels: selectorLabels(name) },
      policyTypes: [...(from ? ['Ingress'] : []), ...(to ? ['Egress'] : [])],
      ingress: from && [...ingressRules(spec, from), ...metricsRules(spec, monitoringNamespace)],
      egress: to && [...egressRules(to), dns],
    })
  },
})

/** One rule for all peers without ports, and one rule for each peer with ports. */
function ingressRules(spec: MyAppSpec, from: Source[]): IngressRule[] {
  const byDefault = declaredPorts(spec)
    .filter(({ exposed }) => exposed || !isExposed(spec))
    .map(toPolicyPort)
  const unnamed = from.filter(({ ports }) => ports === undefined)
  return [
    ...(unnamed.length > 0 && byDefault.length > 0
      ? [{ from: unnamed.map(toPeer), ports: byDefault }]
      : []),
    ...from.flatMap((peer) =>
      peer.ports === undefined
        ? []
        : [{ from: [toPeer(peer)], ports: peer.ports.map((port) => policyPortOf(spec, port)) }],
    ),
  ]
}

/** The rule that lets Prometheus read the metrics. */
function metricsRules(spec: MyAppSpec, namespace: string): IngressRule[] {
  const port = metricsPortOf(spec)
  return port === undefined ? [] : [{ from: [toPeer({ namespace })], ports: [toPolicyPort(port)] }]
}

/** One rule for all peers without ports, and one rule for each peer with ports. */
function egressRules(to: Destination[]): V1NetworkPolicyEgressRule[] {
  const onAllPorts = to.filter(({ ports }) => ports === undefined)
  return [
    ...(onAllPorts.length > 0 ? [{ to: onAllPorts.map(toPeer) }] : []),
    ...to.flatMap((peer) =>
      peer.ports === undefined
        ? []
        : [
            {
              to: [toPeer(peer)],
              ports: peer.ports.map(({ port, endPort, protocol = 'TCP' }) =>
                compact<V1NetworkPolicyPort>({ port, endPort, protocol }),
              ),
            },
          ],
    ),
  ]
}

const toPolicyPort = (port: Port) =>
  compact<V1NetworkPolicyPort>({ port: port.port, protocol: transportOf(port) })

/** A port of the app by number or name. A number that the spec does not declare is a TCP port. */
function policyPortOf(spec: MyAppSpec, reference: number | string) {
  const port = portNumberOf(spec, reference)
  const declared = declaredPorts(spec).find((one) => one.port === port)
  return declared === undefined
    ? compact<V1NetworkPolicyPort>({ port, protocol: 'TCP' })
    : toPolicyPort(declared)
}

const toPeer = ({ app, podLabels, namespace, cidr, except }: Omit<Source, 'ports'>) =>
  compact<V1NetworkPolicyPeer>({
    namespaceSelector:
      namespace === undefined
        ? undefined
        : { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    podSelector: toSelector(app === undefined ? podLabels : selectorLabels(app)),
    ipBlock: cidr === undefined ? undefined : compact<V1IPBlock>({ cidr, except }),
  })

const toSelector = (matchLabels: Record<string, string> | undefined) =>
  matchLabels === undefined ? undefined : { matchLabels }
