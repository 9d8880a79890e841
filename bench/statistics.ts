/** Returns the value below which `share` (0 to 1) of all values are; NaN without values. */
export function quantile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}

/** Returns the median; for an even count, the greater of the two middle values. */
export const median = (values: number[]): number => quantile(values, 0.5)
