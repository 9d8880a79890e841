/** The connections that a NetworkPolicy allows, as a network plugin decides. */
import { BlockList } from 'node:net'

interface Selector {
  matchLabels?: Record<string, string>
}
interface PolicyPeer {
  podSelector?: Selector
  namespaceSelector?: Selector
  ipBlock?: { cidr: string; except?: string[] }
}
interface PolicyPort {
  port: number
  endPort?: number
  protocol?: string
}
/** The part of a NetworkPolicy that the operator uses. */
export interface AppliedPolicy {
  metadata?: { labels?: Record<string, string> }
  spec: {
    podSelector: Selector
    policyTypes: string[]
    ingress?: Array<{ from?: PolicyPeer[]; ports?: PolicyPort[] }>
    egress?: Array<{ to?: PolicyPeer[]; ports?: PolicyPort[] }>
  }
}

/** The other end of a connection: pods with labels in a namespace, or an address outside. */
export interface Peer {
  /** Defaults to the namespace of the app. */
  namespace?: string
  podLabels?: Record<string, string>
  address?: string
  port: number
  protocol?: 'TCP' | 'UDP'
}

/** The namespace of the app in the checks. */
const home = 'shop'

/** Whether a policy allows a peer to connect to a port of the app. */
export const allowsFrom = ({ spec }: AppliedPolicy, peer: Peer): boolean =>
  !spec.policyTypes.includes('Ingress') ||
  (spec.ingress ?? []).some(({ from, ports }) => isPeer(from, peer) && isPort(ports, peer))

/** Whether a policy allows the app to connect to a peer. */
export const allowsTo = ({ spec }: AppliedPolicy, peer: Peer): boolean =>
  !spec.policyTypes.includes('Egress') ||
  (spec.egress ?? []).some(({ to, ports }) => isPeer(to, peer) && isPort(ports, peer))

const isPort = (ports: PolicyPort[] | undefined, { port, protocol = 'TCP' }: Peer) =>
  ports === undefined ||
  ports.some(
    (one) =>
      (one.protocol ?? 'TCP') === protocol && port >= one.port && port <= (one.endPort ?? one.port),
  )

/** An empty list of peers allows every peer. */
const isPeer = (peers: PolicyPeer[] | undefined, peer: Peer) =>
  peers === undefined || peers.length === 0 || peers.some((one) => selects(one, peer))

function selects(one: PolicyPeer, { namespace = home, podLabels = {}, address }: Peer): boolean {
  if (one.ipBlock !== undefined) {
    const { cidr, except = [] } = one.ipBlock
    return address !== undefined && isIn(cidr, address) && !except.some((net) => isIn(net, address))
  }
  const namespaceLabels = { 'kubernetes.io/metadata.name': namespace }
  return (
    address === undefined &&
    (one.namespaceSelector === undefined
      ? namespace === home
      : matches(one.namespaceSelector, namespaceLabels)) &&
    (one.podSelector === undefined || matches(one.podSelector, podLabels))
  )
}

const matches = ({ matchLabels = {} }: Selector, labels: Record<string, string>) =>
  Object.entries(matchLabels).every(([key, value]) => labels[key] === value)

function isIn(cidr: string, address: string): boolean {
  const [network = '', prefix] = cidr.split('/')
  const family = network.includes(':') ? 'ipv6' : 'ipv4'
  const list = new BlockList()
  list.addSubnet(network, Number(prefix), family)
  return list.check(address, address.includes(':') ? 'ipv6' : 'ipv4')
}
