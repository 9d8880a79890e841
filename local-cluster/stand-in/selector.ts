import type { V1LabelSelector } from '@kubernetes/client-node'

const operators: Record<string, (value: string | undefined, values: string[]) => boolean> = {
  In: (value, values) => value !== undefined && values.includes(value),
  NotIn: (value, values) => value === undefined || !values.includes(value),
  Exists: (value) => value !== undefined,
  DoesNotExist: (value) => value === undefined,
}

/**
 * Whether a selector selects the labels. A selector without requirements selects everything.
 * @throws {Error} if an operator is invalid, whatever the labels are
 */
export function selects(
  { matchLabels = {}, matchExpressions = [] }: V1LabelSelector,
  labels: Record<string, string> = {},
): boolean {
  const areMet = matchExpressions.map(({ key, operator, values = [] }) => {
    const isMet = operators[operator]
    if (!isMet) throw new Error(`"${operator}" is not a valid label selector operator`)
    return isMet(labels[key], values)
  })
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    areMet.every(Boolean)
  )
}
