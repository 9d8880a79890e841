// Measures what each layer adds to the processor time of a call. bench/README.md says how to read it.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { reportTo } from '../local-cluster/control-plane/progress.ts'
import { prepareCollector } from '../test/support/otlp/collector.ts'
import { post, throughput } from './load.ts'
import { runningBody } from './requests.ts'
import { pinThisProcess, startBare, startHook } from './servers.ts'
import { median } from './statistics.ts'

pinThisProcess()
const dir = await mkdtemp(join(tmpdir(), 'myapp-operator-layers-'))
const collector = await prepareCollector(join(dir, 'collector'), reportTo(process.stderr))
await collector.start()
const log = join(dir, 'server.log')
const exported = {
  OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  OTEL_METRIC_EXPORT_INTERVAL: '10000',
}
const request = post('/sync', runningBody())

try {
  const servers = [
    { layer: 'node:http that parses, computes and stringifies', server: await startBare(log) },
    { layer: '+ Fastify and validation', server: await startHook({ LOG_LEVEL: 'warn' }, log) },
    { layer: '+ a log line', server: await startHook({}, log) },
    {
      layer: '+ metrics',
      server: await startHook({ ...exported, OTEL_TRACES_EXPORTER: 'none' }, log),
    },
    { layer: '+ traces: everything', server: await startHook(exported, log) },
  ]
  const times = new Map<string, number[]>(servers.map(({ layer }) => [layer, []]))
  for (const { server } of servers) await throughput(server.port, request, 4)
  for (let round = 0; round < 7; round++) {
    for (const { layer, server } of servers) {
      const [start, before] = [performance.now(), server.cpuMs()]
      const rate = await throughput(server.port, request, 2)
      times
        .get(layer)
        ?.push((server.cpuMs() - before) / ((rate * (performance.now() - start)) / 1000))
    }
  }
  await Promise.all(servers.map(({ server }) => server.stop()))
  const bare = median(times.get(servers[0]?.layer ?? '') ?? [])
  for (const { layer } of servers) {
    const cpu = median(times.get(layer) ?? [])
    console.log(`| ${layer} | ${(cpu * 1000).toFixed(0)} µs | ${(cpu / bare).toFixed(2)}x |`)
  }
} finally {
  await collector.stop()
  await rm(dir, { recursive: true, force: true })
}
