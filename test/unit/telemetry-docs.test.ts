import { createNoopMeter, type MetricOptions } from '@opentelemetry/api'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { attribute, event } from '../../src/telemetry/requests/attributes.ts'
import { requestMetrics, serverMetrics } from '../../src/telemetry/requests/metrics.ts'
import { seenMyApps } from '../../src/telemetry/requests/seen-myapps.ts'

const docs = readFileSync(new URL('../../docs/telemetry.md', import.meta.url), 'utf8')

/** The rows of the table whose first header is `header`, as lists of cells without backquotes. */
function tableOf(header: string): string[][] {
  const lines = docs.split('\n')
  const start = lines.findIndex((line) => line.startsWith(`| ${header} `))
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'))
  return lines
    .slice(start + 2, end)
    .map((line) => line.slice(1, -1).split('|'))
    .map((cells) => cells.map((cell) => cell.trim().replaceAll('`', '')))
}

t.test('docs/telemetry.md lists the attributes and events that the code sets', async (t) => {
  t.same(
    tableOf('attribute')
      .map(([name]) => name)
      .sort(),
    Object.values(attribute).sort(),
  )
  t.same(
    tableOf('event')
      .map(([name]) => name)
      .sort(),
    Object.values(event).sort(),
  )
})

/** Creates all instruments and records a value with each. Returns kind, unit and attributes. */
function instruments(): Record<string, { kind: string; attributes: Set<string> }> {
  const found: Record<string, { kind: string; attributes: Set<string> }> = {}
  const callbacks: Array<() => void> = []
  const create =
    (kind: string) =>
    (name: string, { unit }: MetricOptions) => {
      const attributes = new Set<string>()
      const isPlain = unit === undefined || unit.startsWith('{')
      found[name] = { kind: isPlain ? kind : `${kind}, ${unit}`, attributes }
      const record = (_value: number, recorded: object = {}) => {
        for (const attribute of Object.keys(recorded)) attributes.add(attribute)
      }
      return {
        add: record,
        record,
        addCallback: (callback: (result: { observe: typeof record }) => void) => {
          callbacks.push(() => callback({ observe: record }))
        },
      }
    }
  const meter = Object.assign(Object.create(createNoopMeter()), {
    createCounter: create('counter'),
    createHistogram: create('histogram'),
    createObservableGauge: create('gauge'),
  })
  const metrics = requestMetrics(meter, seenMyApps({ forgetAfterMs: 1000 }))
  for (const [statusCode, errorType] of [
    [200, undefined],
    [422, '422'],
    [undefined, 'aborted'],
  ] as const) {
    metrics.ended({ hook: 'sync', statusCode, seconds: 1, scheme: 'https', errorType })
  }
  metrics.reconciled('sync', 1)
  metrics.resourceCreated('Service')
  metrics.resourceDeleted('Service')
  const server = serverMetrics(meter)
  server.authenticationRefused('token')
  server.certificateExpires('server', () => new Date())
  for (const callback of callbacks) callback()
  return found
}

t.test('docs/telemetry.md lists the metrics with kind, unit and attributes', async (t) => {
  const documented = tableOf('metric').map(([name, kind, attributes = '']) => [
    name,
    kind,
    attributes
      .split(', ')
      .filter((text) => text !== '')
      .sort(),
  ])
  const created = Object.entries(instruments()).map(([name, { kind, attributes }]) => [
    name,
    kind,
    [...attributes].sort(),
  ])
  const byName = (a: unknown[], b: unknown[]) => String(a[0]).localeCompare(String(b[0]))
  t.same(documented.sort(byName), created.sort(byName))
})
