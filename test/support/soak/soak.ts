import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  bootControlPlane,
  installMetacontrollerCrds,
} from '../../../local-cluster/control-plane/boot.ts'
import { ensureControlPlane } from '../../../local-cluster/control-plane/build.ts'
import { openApi } from '../cluster/api.ts'
import { type Replica, startReplica } from '../cluster/hook.ts'
import { compositeControllers, installMyAppCrd } from '../cluster/install.ts'
import {
  type RunningMetacontroller,
  startMetacontroller,
} from '../../../local-cluster/metacontroller.ts'
import { startRoundRobinProxy } from '../cluster/round-robin-proxy.ts'
import { prepareCollector } from '../otlp/collector.ts'
import { createFleet } from './fleet.ts'
import { keepLogs, linesAbout } from './logs.ts'
import { randomFrom } from './random.ts'

/** The duration and the size of a run. */
export interface SoakOptions {
  minutes: number
  apps: number
  seed: number
  /** The fleet must settle within this time after the changes and faults end, in milliseconds. */
  convergenceMs?: number
  report: (line: string) => void
}

/** The result of a run. It passed if there are no problems. */
export interface Verdict {
  problems: string[]
  /** Checks that were impossible, and the reason. */
  unchecked: string[]
  /** Figures for the report, by name. */
  figures: Record<string, number | string>
}

const changeEveryMs = 250
const faultEveryMs = 7000
const sampleEveryMs = 2000
/** The memory of the last third of a run may exceed that of the first third by this factor. */
const maxGrowth = 1.2
/** A shorter run does not check the growth of memory, because the hooks only warm up. */
const steadyMinutes = 10
/** The number of lines of each log that are shown for a MyApp in an unexpected state. */
const shownLines = 15

/**
 * Runs a fleet of MyApps under random changes while one of two hooks, Metacontroller, the API
 * server, etcd and the Collector are killed at random. Returns the problems: MyApps in an
 * unexpected state, failed calls, and growing memory. The other hook lives as long as the run, so
 * that its memory shows a leak.
 */
export async function soak({
  minutes,
  apps,
  seed,
  convergenceMs = 60_000,
  report,
}: SoakOptions): Promise<Verdict> {
  const random = randomFrom(seed)
  const controlPlane = await bootControlPlane({ binDir: await ensureControlPlane(report) })
  const stops: Array<() => Promise<unknown>> = [() => controlPlane.stop()]
  try {
    const { dir, kubeconfig, kubeconfigFor } = controlPlane
    const collector = await prepareCollector(join(dir, 'collector'), report)
    await collector.start()
    stops.push(() => collector.stop())
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, MAX_EVENT_LOOP_DELAY_MS: '0' }
    const mortal = await startReplica({ dir, name: 'hook-1', env })
    stops.push(() => mortal.stop())
    const lasting = await startReplica({ dir, name: 'hook-2', env })
    stops.push(() => lasting.stop())
    const hooks = [mortal, lasting]
    const proxy = await startRoundRobinProxy(hooks.map(({ port }) => port))
    stops.push(() => proxy.stop())
    await Promise.all([installMetacontrollerCrds(controlPlane), installMyAppCrd(controlPlane)])
    const start = () =>
      startMetacontroller({
        kubeconfig: kubeconfigFor('metacontroller'),
        logFile: join(dir, 'metacontroller.log'),
      })
    let metacontroller: RunningMetacontroller = await start()
    stops.push(() => metacontroller.stop())
    await controlPlane.kubectl(
      ['apply', '-f', '-'],
      compositeControllers(proxy.port, 'dynamic-apply'),
    )
    const api = openApi(kubeconfig)
    stops.push(async () => api.close())
    const namespace = 'soak'
    await controlPlane.kubectl(['create', 'namespace', namespace])
    const fleet = createFleet(api, namespace, apps, random)

    const victims: Record<string, { kill(): Promise<unknown>; start(): Promise<unknown> }> = {
      hook: mortal,
      metacontroller: {
        kill: () => metacontroller.kill(),
        start: async () => {
          metacontroller = await start()
        },
      },
      'API server': { kill: controlPlane.stopApiServer, start: controlPlane.startApiServer },
      etcd: { kill: controlPlane.stopEtcd, start: controlPlane.startEtcd },
      Collector: collector,
    }
    const began = Date.now()
    const end = began + minutes * 60_000
    const kills: string[] = []
    /** The programs that this round has not killed yet. After the last one a new round begins. */
    const notYetKilled: string[] = []
    const memory: Array<{ at: number; mebibytes: number }> = []
    let memoryOfMetacontroller: number | undefined

    const changing = every(changeEveryMs, end, () => fleet.change())
    const faulting = every(faultEveryMs, end, async () => {
      if (notYetKilled.length === 0) notYetKilled.push(...Object.keys(victims))
      const [what = ''] = notYetKilled.splice(random.below(notYetKilled.length), 1)
      const victim = victims[what]
      report(`${seconds(Date.now() - began)} kill ${what}`)
      await victim?.kill()
      await sleep(random.below(3000))
      await victim?.start()
      kills.push(what)
    })
    const sampling = every(sampleEveryMs, end, async () => {
      const mebibytes = residentMebibytes(lasting.pid())
      if (mebibytes !== undefined) memory.push({ at: Date.now(), mebibytes })
      const other = residentMebibytes(metacontroller.pid)
      if (other !== undefined) {
        memoryOfMetacontroller = Math.max(memoryOfMetacontroller ?? 0, other)
      }
    })
    await Promise.all([changing, faulting, sampling])

    const faultsEnded = Date.now()
    let differences = await fleet.differences()
    while (differences.length > 0 && Date.now() - faultsEnded < convergenceMs) {
      await sleep(500)
      differences = await fleet.differences()
    }
    const [first, last] = thirds(memory, began, end)
    const isMeasured = first !== undefined && last !== undefined
    const grows = isMeasured && minutes >= steadyMinutes && last / first > maxGrowth
    const problems = [
      ...differences.map(({ what }) => what),
      ...failures(hooks),
      ...(grows
        ? [`the memory of a hook grew from ${first.toFixed(0)} MiB to ${last.toFixed(0)} MiB`]
        : []),
    ]
    if (problems.length > 0) {
      report(`logs: ${await keepLogs(dir)}`)
      for (const name of new Set(differences.map(({ name }) => name))) {
        for (const line of await linesAbout(dir, name, shownLines)) report(line)
      }
    }
    return {
      problems,
      unchecked: isMeasured ? [] : ['memory: not measured'],
      figures: {
        ...fleet.counts,
        ...Object.fromEntries(
          Object.keys(victims).map((name) => [
            `kills of ${name}`,
            kills.filter((what) => what === name).length,
          ]),
        ),
        engine: metacontroller.engine,
        'converged after the end of the faults in s': Math.round((Date.now() - faultsEnded) / 1000),
        'memory of a hook, first third, MiB': rounded(first),
        'memory of a hook, last third, MiB': rounded(last),
        'memory of Metacontroller at most, MiB': rounded(memoryOfMetacontroller),
        'hook calls': hooks.reduce((sum, hook) => sum + hook.log(namespace).length, 0),
      },
    }
  } finally {
    for (const stop of stops.toReversed()) await stop()
  }
}

/** Repeats some work until a time. Never runs it twice at once. */
async function every(milliseconds: number, end: number, work: () => Promise<unknown>) {
  while (Date.now() + milliseconds < end) {
    await sleep(milliseconds)
    await work()
  }
}

/**
 * Up to five calls that were refused or failed. An incomplete request of a killed Metacontroller
 * does not count: the hook cannot read its namespace, so its log line names none.
 */
function failures(hooks: Replica[]): string[] {
  return hooks
    .flatMap((hook) => hook.log('soak'))
    .filter(({ msg }) => msg !== 'hook call')
    .map(({ hook, name, msg, reason }) => `${hook} of ${name}: ${msg}: ${reason}`)
    .slice(0, 5)
}

/** The mean memory in the first and in the last third of a run; undefined without samples. */
function thirds(samples: Array<{ at: number; mebibytes: number }>, from: number, until: number) {
  const third = (until - from) / 3
  const mean = (of: typeof samples) =>
    of.length === 0 ? undefined : of.reduce((sum, { mebibytes }) => sum + mebibytes, 0) / of.length
  return [
    mean(samples.filter(({ at }) => at < from + third)),
    mean(samples.filter(({ at }) => at > until - third)),
  ] as const
}

/** The resident memory of a process; undefined if it has ended, or without /proc. */
function residentMebibytes(pid: number): number | undefined {
  try {
    const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1024
  } catch {
    return undefined
  }
}

const rounded = (mebibytes: number | undefined) =>
  mebibytes === undefined ? 'not measured' : Math.round(mebibytes)

const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(0)} s:`
