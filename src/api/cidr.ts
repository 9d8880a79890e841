/** A network as numbers. */
interface Network {
  /** The number of bits of an address: 32 or 128. */
  size: number
  address: bigint
  /** The number of leading bits that are equal in the whole network. */
  prefix: number
}

/** Parses a string of the format `cidr`. */
function parse(cidr: string): Network {
  const [address = '', prefix] = cidr.split('/')
  const isIpv6 = address.includes(':')
  const groups = isIpv6
    ? expand(address).map((group) => parseInt(group, 16))
    : address.split('.').map(Number)
  const bits = isIpv6 ? 16n : 8n
  return {
    size: isIpv6 ? 128 : 32,
    address: groups.reduce((sum, group) => (sum << bits) + BigInt(group), 0n),
    prefix: Number(prefix),
  }
}

/** The eight groups of an IPv6 address. */
function expand(address: string): string[] {
  const [start = [], end] = address.split('::').map((half) => (half === '' ? [] : half.split(':')))
  return end === undefined
    ? start
    : [...start, ...Array<string>(8 - start.length - end.length).fill('0'), ...end]
}

const networkOf = ({ size, address }: Network, prefix: number) => address >> BigInt(size - prefix)

/** Whether a network is written with its first address. API servers may refuse any other form. */
export function isFirstAddress(cidr: string): boolean {
  const { size, address, prefix } = parse(cidr)
  return address % (1n << BigInt(size - prefix)) === 0n
}

/**
 * Whether `inner` is a smaller network within `outer`. The API server refuses any other network in
 * `except`.
 */
export function isWithin(inner: string, outer: string): boolean {
  const [part, whole] = [parse(inner), parse(outer)]
  return (
    part.size === whole.size &&
    part.prefix > whole.prefix &&
    networkOf(part, whole.prefix) === networkOf(whole, whole.prefix)
  )
}
