/**
 * Quantities (cpu, memory, sizes): an integer or a decimal with an optional suffix of Kubernetes.
 */
export const quantityPattern = '^\\d{1,15}(\\.\\d{1,3})?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$'

const decimal: Array<[suffix: string, thousandths: bigint]> = [
  'E',
  'P',
  'T',
  'G',
  'M',
  'k',
  '',
  'm',
].map((suffix, index) => [suffix, 1000n ** BigInt(7 - index)])
const binary: Array<[suffix: string, thousandths: bigint]> = [
  'Ei',
  'Pi',
  'Ti',
  'Gi',
  'Mi',
  'Ki',
].map((suffix, index) => [suffix, 1000n * 1024n ** BigInt(6 - index)])

/**
 * A quantity in thousandths, rounded up as Kubernetes does. Expects a string that matches
 * quantityPattern.
 */
export function thousandthsOf(quantity: string | number): bigint {
  const [, whole = '0', fraction = '', suffix = ''] = parts(quantity)
  const unit = [...decimal, ...binary].find(([name]) => name === suffix)?.[1] ?? 1000n
  const scale = 10n ** BigInt(fraction.length)
  return (BigInt(whole + fraction) * unit + scale - 1n) / scale
}

const parts = (quantity: string | number) => /^(\d+)(?:\.(\d+))?(\D*)$/.exec(String(quantity)) ?? []

/** The largest binary quantity, in thousandths. The API server replaces larger ones by it. */
const largestBinary = (2n ** 63n - 1n) * 1000n

/**
 * A quantity as the API server stores it: with the largest suffix that needs no fraction (`0.5` is
 * `500m`, `1024Mi` is `1Gi`). With another spelling, every sync would write the child again.
 */
export function canonicalQuantity(quantity: string | number): string {
  const isBinary = String(quantity).endsWith('i')
  const thousandths = thousandthsOf(quantity)
  if (thousandths === 0n) return '0'
  if (isBinary && thousandths > largestBinary) return String(largestBinary / 1000n)
  // Below 1024 a binary quantity is written without a binary suffix, as a decimal quantity.
  const suffixes =
    isBinary && thousandths >= 1024n * 1000n ? [...binary, ['', 1000n] as const] : decimal
  const [name, size] = suffixes.find(([, size]) => thousandths % size === 0n) ?? ['m', 1n]
  return `${thousandths / size}${name}`
}

/** The divisors that Kubernetes knows for a resource of a container. */
export const divisors = (resource: string) => [
  '0',
  '1',
  ...(resource.endsWith('.cpu')
    ? ['1m']
    : ['k', 'M', 'G', 'T', 'P', 'E', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'].map((unit) => `1${unit}`)),
]
/** The message for any other divisor. */
export const divisorMessage =
  'divisor must be 1 or 1m for cpu, and 1 or a unit such as 1k or 1Mi for other resources'
