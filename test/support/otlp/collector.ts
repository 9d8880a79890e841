import { existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { ensureCollector } from '../../../local-cluster/control-plane/build.ts'
import {
  freePort,
  type RunningProgram,
  startProgram,
  waitUntilReady,
} from '../../../local-cluster/control-plane/processes.ts'
import { type Report } from '../../../local-cluster/control-plane/progress.ts'
import type { Export } from './data.ts'

/** The OpenTelemetry Collector, which writes what it receives to a file. */
export interface Collector {
  /** The endpoint for OTLP over HTTP. */
  url: string
  grpcUrl: string
  /** All exports received, across restarts. */
  exports: () => Export[]
  /** All exports as text. */
  text: () => string
  /** Calls `look` until it returns something. */
  until<Found>(
    look: (exports: Export[]) => Found | undefined | false,
    seconds?: number,
  ): Promise<Found>
  start(): Promise<void>
  /** Kills it. */
  kill(): Promise<void>
  stop(): Promise<void>
}

/** Prepares a Collector that keeps its files in `dir`. `start` starts it. */
export async function prepareCollector(dir: string, report: Report): Promise<Collector> {
  const command = join(await ensureCollector(report), 'collector')
  await mkdir(dir, { recursive: true })
  const [http, grpc] = [await freePort(), await freePort()]
  const config = join(dir, 'collector.json')
  // One file per start: a killed Collector can leave an incomplete line at the end.
  const outputs: string[] = []
  let running: RunningProgram | undefined
  // The last line may be incomplete.
  const lines = () =>
    outputs
      .filter((output) => existsSync(output))
      .flatMap((output) => readFileSync(output, 'utf8').split('\n').slice(0, -1))
  const exports = (): Export[] => lines().map((line) => JSON.parse(line))
  return {
    url: `http://127.0.0.1:${http}`,
    grpcUrl: `http://127.0.0.1:${grpc}`,
    text: () => lines().join('\n'),
    exports,
    until: async (look, seconds = 30) => {
      for (const deadline = Date.now() + seconds * 1000; ;) {
        const found = look(exports())
        if (found !== undefined && found !== false) return found
        if (Date.now() > deadline) {
          throw new Error(`not found in ${dir} after ${seconds} s: ${look.toString()}`)
        }
        await wait(50)
      }
    },
    start: async () => {
      const output = join(dir, `telemetry-${outputs.length + 1}.jsonl`)
      outputs.push(output)
      await writeFile(config, JSON.stringify(configuration(http, grpc, output)))
      running = await startProgram({
        name: 'collector',
        command,
        args: ['--config', config],
        cwd: dir,
        logFile: join(dir, 'collector.log'),
      })
      await waitUntilReady(
        running,
        async () =>
          (
            await fetch(`http://127.0.0.1:${http}/v1/traces`, {
              method: 'POST',
              headers: { 'content-type': 'application/json' },
              body: '{}',
            })
          ).ok,
      )
    },
    kill: async () => {
      await running?.stop(0)
    },
    stop: async () => {
      await running?.stop()
    },
  }
}

function configuration(http: number, grpc: number, path: string): object {
  const pipeline = { receivers: ['otlp'], exporters: ['file'] }
  return {
    receivers: {
      otlp: {
        protocols: {
          http: { endpoint: `127.0.0.1:${http}` },
          grpc: { endpoint: `127.0.0.1:${grpc}` },
        },
      },
    },
    exporters: { file: { path, append: true, flush_interval: '100ms' } },
    service: {
      telemetry: { metrics: { level: 'none' }, logs: { level: 'warn' } },
      pipelines: { traces: pipeline, metrics: pipeline, logs: pipeline },
    },
  }
}
