/** The value below which a share of all values is. */
export function quantile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}

/** The middle one. */
export const median = (values: number[]): number => quantile(values, 0.5)
