import { parser } from '@prometheus-io/lezer-promql'

/** The labels of metrics, by metric name. */
export type Series = Map<string, Set<string>>

/** Returns the metrics of a page in Prometheus' text format, with their labels. */
export function seriesOf(page: string): Series {
  const series: Series = new Map()
  for (const [, name = '', labels = ''] of page.matchAll(/^([a-z_:][\w:]*)(?:\{(.*)\})? /gim)) {
    add(
      series,
      name,
      [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label),
    )
  }
  return series
}

/**
 * Returns the metrics in a PromQL expression, and the labels by which the expression selects or
 * groups each metric. Throws if the expression is invalid.
 */
export function seriesIn(expression: string): Series {
  const series: Series = new Map()
  const textOf = ({ from, to }: { from: number; to: number }) => expression.slice(from, to)
  parser.parse(expression).iterate({
    enter: ({ type, node }) => {
      if (type.isError) throw new Error(`not PromQL at ${node.from}: ${expression}`)
      if (type.name !== 'VectorSelector') return
      const labels =
        node
          .getChild('LabelMatchers')
          ?.getChildren('UnquotedLabelMatcher')
          .map((matcher) => matcher.getChild('LabelName')) ?? []
      for (let outer = node.parent; outer !== null; outer = outer.parent) {
        labels.push(
          ...(outer
            .getChild('AggregateModifier')
            ?.getChild('GroupingLabels')
            ?.getChildren('LabelName') ?? []),
        )
      }
      const name = node.getChild('Identifier')
      if (name === null) throw new Error(`a metric without a name in ${expression}`)
      add(series, textOf(name), labels.filter((label) => label !== null).map(textOf))
    },
  })
  return series
}

/**
 * Returns the metrics and labels in `used` that `present` lacks. The labels namespace and pod do
 * not count, because Prometheus adds them.
 */
export function missing(used: Series, present: Series): string[] {
  return [...used].flatMap(([name, labels]) => {
    const found = present.get(name)
    if (found === undefined) return [name]
    return [...labels]
      .filter((label) => !found.has(label) && !['namespace', 'pod'].includes(label))
      .map((label) => `${name}{${label}}`)
  })
}

/** Merges several sets of series. */
export function together(all: Series[]): Series {
  const series: Series = new Map()
  for (const [name, labels] of all.flatMap((one) => [...one])) add(series, name, [...labels])
  return series
}

function add(series: Series, name: string, labels: string[]): void {
  series.set(name, new Set([...(series.get(name) ?? []), ...labels]))
}
