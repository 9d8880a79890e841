// Measures the built hook on half a core against four targets. bench/README.md explains them.
import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, setPriority, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { reportTo } from '../local-cluster/control-plane/progress.ts'
import { prepareCollector } from '../test/support/otlp/collector.ts'
import { halfCore } from './half-core.ts'
import { latencies, postRequest, sequence } from './load.ts'
import { largeBody, runningBody } from './requests.ts'
import { runNothing, type Server, startMeasuredHook } from './servers.ts'
import { median, quantile } from './statistics.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' }, idle: { type: 'string', default: '30' } },
})
const [rounds, idleSeconds] = [Number(values.rounds), Number(values.idle)]
/** The checkouts to compare, each with its own dist/. */
const checkouts = (positionals.length > 0 ? positionals : ['.']).map((path) => resolve(path))

const report = reportTo(process.stderr)
const targets = { p99: 15, memory: 128, start: 6, idle: 0.2 }
/** After this time without work the control group has its full quota again. */
const fullQuotaMs = 200

interface Figures {
  /** 99th percentile of each window of 10 s at 200 requests/s, in ms. */
  p99: number[]
  /** Highest resident memory under that load and after requests of 1 MB, in MiB. */
  memory: number[]
  /** Start to /readyz, as a multiple of `node -e 0`. */
  start: number[]
  /** Share of one core while idle, in percent. */
  idle: number[]
  /** Processor time of a request, in ms. No target; it depends least on the machine. */
  cpu: number[]
}

const dir = await mkdtemp(join(tmpdir(), 'myapp-operator-bench-'))
const group = halfCore()
setPriority(-19)
const collector = await prepareCollector(join(dir, 'collector'), report)
await collector.start()
const found = new Map<string, Figures>(
  checkouts.map((root) => [root, { p99: [], memory: [], start: [], idle: [], cpu: [] }]),
)
const figuresOf = (root: string) => found.get(root) as Figures
const hook = async (root: string, interval = '10000') =>
  await startMeasuredHook(
    root,
    group,
    { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_METRIC_EXPORT_INTERVAL: interval },
    join(dir, 'hook.log'),
  )

const loadBefore = loadavg().map((value) => value.toFixed(1))
try {
  await starts()
  await Promise.all(checkouts.map(idle))
  await underLoad()
} finally {
  await collector.stop()
  group.remove()
  await rm(dir, { recursive: true, force: true })
}
console.log(`${new Date().toISOString()}, Node ${process.version}, load average ${loadBefore}\n`)
console.log(
  `| build | p99, ms (≤ ${targets.p99}) | memory, MiB (≤ ${targets.memory}) ` +
    `| start (≤ ${targets.start}x) | idle CPU, % (≤ ${targets.idle}) | CPU a request, ms |`,
)
console.log('| --- | --- | --- | --- | --- | --- |')
for (const [root, { p99, memory, start, idle, cpu }] of found) {
  const cells = [
    `${median(p99).toFixed(1)} (worst ${Math.max(...p99).toFixed(1)})`,
    Math.max(...memory).toFixed(0),
    `${median(start).toFixed(1)}x`,
    median(idle).toFixed(2),
    median(cpu).toFixed(2),
  ]
  console.log(`| ${root.split('/').at(-1)} | ${cells.join(' | ')} |`)
}

/** Starts the builds in turns, so that noise of the machine affects all of them. */
async function starts(): Promise<void> {
  for (let round = 0; round < rounds * 3; round++) {
    report(`start ${round + 1} of ${rounds * 3}`, 'progress')
    await wait(fullQuotaMs)
    const nothing = await runNothing(checkouts[0] as string, group)
    for (const root of checkouts) {
      await wait(fullQuotaMs)
      const server = await hook(root)
      figuresOf(root).start.push(server.startMs / nothing)
      await server.stop()
    }
  }
}

async function idle(root: string): Promise<void> {
  const server = await hook(root, '60000')
  await wait(5000)
  report(`idle for ${idleSeconds} s`, 'progress')
  const before = server.cpuMs()
  await wait(idleSeconds * 1000)
  figuresOf(root).idle.push((server.cpuMs() - before) / (idleSeconds * 10))
  await server.stop()
}

async function underLoad(): Promise<void> {
  const running = postRequest('/sync', runningBody())
  const large = postRequest('/sync', largeBody())
  const servers: Array<[string, Server]> = []
  for (const root of checkouts) servers.push([root, await hook(root)])
  for (const [, { port }] of servers) await latencies(port, running, { rate: 200, seconds: 10 })
  for (let round = 0; round < rounds; round++) {
    for (const [root, server] of servers) {
      report(`load ${round + 1} of ${rounds}`, 'progress')
      const before = server.cpuMs()
      const times = await latencies(server.port, running, { rate: 200, seconds: 10 })
      figuresOf(root).p99.push(quantile(times, 0.99))
      figuresOf(root).cpu.push((server.cpuMs() - before) / times.length)
    }
  }
  for (const [root, server] of servers) {
    await sequence(server.port, large, 20)
    figuresOf(root).memory.push(server.peakMebibytes())
    await server.stop()
  }
}
