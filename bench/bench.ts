// Measures the built program with everything on, against baselines in the same run. bench/README.md says how to read it.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { prepareCollector } from '../test/support/otlp/collector.ts'
import { reportTo } from '../local-cluster/control-plane/progress.ts'
import { spansIn } from '../test/support/otlp/data.ts'
import { latencies, open, post, sequence, throughput } from './load.ts'
import { largeBody, runningBody } from './requests.ts'
import { pinThisProcess, runNothing, type Server, startBare, startHook } from './servers.ts'
import { nodeFlags } from '../build/flags.ts'
import { median, quantile } from './statistics.ts'

interface Row {
  what: string
  measured: number
  unit: string
  /** Against what, in the same run. */
  baseline?: number
  ratio?: number
  target: string
  reached: boolean
}

const quick = process.argv.includes('--quick')
const rounds = quick ? 3 : 7
const report = reportTo(process.stderr)
const round = (value: number) => Number(value.toPrecision(3))

if (!pinThisProcess()) {
  report('There is no taskset here: nothing is pinned to a core, and figures vary')
}
const dir = await mkdtemp(join(tmpdir(), 'myapp-operator-bench-'))
const collector = await prepareCollector(join(dir, 'collector'), report)
await collector.start()
const everythingOn = {
  OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  OTEL_METRIC_EXPORT_INTERVAL: '10000',
}
const hookLog = join(dir, 'hook.log')
const rows: Row[] = []
/** How busy the machine was before: above 1 or so, others are measured too. */
const loadBefore = loadavg().map(round)

try {
  const bare = await startBare(join(dir, 'bare.log'))
  const hook = await startHook(everythingOn, hookLog)
  await sameAnswers(bare, hook)
  await wait(quick ? 2000 : 5000)
  const idle = hook.residentMegabytes()
  rows.push(
    ...(await requestsPerSecond(bare, hook)),
    await p99(bare, hook),
    await large(bare, hook),
  )
  const loaded = hook.residentMegabytes()
  await collector.until((exports) => spansIn(exports.slice(-5)).length > 0)
  await Promise.all([bare.stop(), hook.stop()])
  rows.push(await start(), await idleCpu())
  rows.push({
    what: 'resident memory, idle',
    measured: round(idle),
    unit: 'MB',
    target: '≤ 75',
    reached: idle <= 75,
  })
  rows.push({
    what: 'resident memory, after load',
    measured: round(loaded),
    unit: 'MB',
    target: '≤ 130',
    reached: loaded <= 130,
  })
} finally {
  await collector.stop()
  await rm(dir, { recursive: true, force: true })
}
const result = {
  date: new Date().toISOString(),
  node: process.version,
  loadAverage: loadBefore,
  flags: nodeFlags,
  quick,
  rows,
}
await writeFile(
  join(import.meta.dirname, 'result.json'),
  JSON.stringify(result, undefined, 2) + '\n',
)
console.log(table(rows))

/** Both do the same work. */
async function sameAnswers(bare: Server, hook: Server): Promise<void> {
  const [first, second] = await Promise.all(
    [bare, hook].map(async ({ port }) => {
      const connection = await open(port)
      const body = await connection.call(post('/sync', runningBody()))
      connection.close()
      return body
    }),
  )
  if (first !== second) throw new Error('the baseline and the program answer differently')
}

/** Measures both in turn: what disturbs the machine for a while disturbs both. */
async function interleaved(
  measure: (server: Server) => Promise<number>,
  bare: Server,
  hook: Server,
): Promise<{ bare: number; hook: number }> {
  const [bares, hooks]: [number[], number[]] = [[], []]
  for (let index = 0; index < rounds; index++) {
    report(`round ${index + 1} of ${rounds}`, 'progress')
    bares.push(await measure(bare))
    hooks.push(await measure(hook))
  }
  return { bare: median(bares), hook: median(hooks) }
}

async function requestsPerSecond(bare: Server, hook: Server): Promise<Row[]> {
  const request = post('/sync', runningBody())
  for (const server of [bare, hook]) await throughput(server.port, request, quick ? 2 : 5)
  const cpu = new Map<Server, number[]>([
    [bare, []],
    [hook, []],
  ])
  const found = await interleaved(
    async (server) => {
      const [seconds, before] = [quick ? 1 : 3, server.cpuMs()]
      const start = performance.now()
      const rate = await throughput(server.port, request, seconds)
      cpu
        .get(server)
        ?.push((server.cpuMs() - before) / ((rate * (performance.now() - start)) / 1000))
      return rate
    },
    bare,
    hook,
  )
  const [cpuOfBare, cpuOfHook] = [bare, hook].map((server) => median(cpu.get(server) ?? [])) as [
    number,
    number,
  ]
  const ratio = found.hook / found.bare
  return [
    {
      what: 'requests/s',
      measured: round(found.hook),
      unit: '1/s',
      baseline: round(found.bare),
      ratio: round(ratio),
      target: '≥ 0.5x bare',
      reached: ratio >= 0.5,
    },
    {
      what: 'CPU for a request',
      measured: round(cpuOfHook),
      unit: 'ms',
      baseline: round(cpuOfBare),
      ratio: round(cpuOfHook / cpuOfBare),
      target: '≤ 2x bare',
      reached: cpuOfHook <= 2 * cpuOfBare,
    },
  ]
}

async function p99(bare: Server, hook: Server): Promise<Row> {
  const request = post('/sync', runningBody())
  const found = await interleaved(
    async ({ port }) =>
      quantile(await latencies(port, request, { rate: 500, seconds: quick ? 2 : 5 }), 0.99),
    bare,
    hook,
  )
  const ratio = found.hook / found.bare
  return {
    what: 'p99 at 500 requests/s',
    measured: round(found.hook),
    unit: 'ms',
    baseline: round(found.bare),
    ratio: round(ratio),
    target: '≤ 5 ms, ≤ 4x bare',
    reached: found.hook <= 5 && ratio <= 4,
  }
}

async function large(bare: Server, hook: Server): Promise<Row> {
  const body = largeBody()
  const [parse, sync] = [post('/parse', body), post('/sync', body)]
  const found = await interleaved(
    async (server) =>
      server === bare
        ? median((await sequence(server.port, parse, 20)).map(({ body }) => Number(body)))
        : median((await sequence(server.port, sync, 20)).map(({ milliseconds }) => milliseconds)),
    bare,
    hook,
  )
  const ratio = found.hook / found.bare
  return {
    what: `sync of ${(body.length / 1e6).toFixed(2)} MB`,
    measured: round(found.hook),
    unit: 'ms',
    baseline: round(found.bare),
    ratio: round(ratio),
    target: '≤ 2.5x JSON.parse',
    reached: ratio <= 2.5,
  }
}

async function start(): Promise<Row> {
  const [nothing, ready]: [number[], number[]] = [[], []]
  for (let index = 0; index < rounds * 3; index++) {
    report(`start ${index + 1} of ${rounds * 3}`, 'progress')
    nothing.push(await runNothing())
    const hook = await startHook(everythingOn, hookLog)
    ready.push(hook.startMs)
    await hook.stop()
  }
  const ratio = median(ready) / median(nothing)
  return {
    what: 'start to /readyz',
    measured: round(median(ready)),
    unit: 'ms',
    baseline: round(median(nothing)),
    ratio: round(ratio),
    target: '≤ 120 ms, ≤ 6x node -e 0',
    reached: median(ready) <= 120 && ratio <= 6,
  }
}

async function idleCpu(): Promise<Row> {
  const hook = await startHook({ ...everythingOn, OTEL_METRIC_EXPORT_INTERVAL: '60000' }, hookLog)
  await wait(5000)
  const seconds = quick ? 10 : 60
  report(`idle for ${seconds} s`, 'progress')
  const before = hook.cpuMs()
  await wait(seconds * 1000)
  const percent = (hook.cpuMs() - before) / (seconds * 10)
  await hook.stop()
  return {
    what: `CPU, idle for ${seconds} s`,
    measured: round(percent),
    unit: '%',
    target: '≤ 0.1',
    reached: percent <= 0.1,
  }
}

function table(rows: Row[]): string {
  const cells = rows.map(({ what, measured, unit, baseline, ratio, target, reached }) => [
    what,
    `${measured} ${unit}`,
    baseline === undefined ? '' : String(baseline),
    ratio === undefined ? '' : `${ratio}x`,
    target,
    reached ? 'yes' : 'no',
  ])
  return [
    ['what', 'measured', 'baseline', 'ratio', 'to reach', 'reached'],
    ['---', '---', '---', '---', '---', '---'],
    ...cells,
  ]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n')
}
