// Measures the cost of a fleet of MyApps for Metacontroller and the hook. The results are in
// docs/scaling.md.
//   METACONTROLLER=/path/to/metacontroller npx node bench/fleet.ts --apps 300
//   --namespaces 100   spread the MyApps
//   --rest 600         seconds at rest after the creation
//   --pod-events 1000  events of a pod that belongs to no MyApp
//   --resync 300       resyncPeriodSeconds of MyApps, if not as shipped
//   --trouble          also create a MyApp that cannot pull its image and a MyApp whose name is
//                      taken, and measure the time until their statuses report the reason
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { bootControlPlane, installMetacontrollerCrds } from '../local-cluster/control-plane/boot.ts'
import { ensureControlPlane } from '../local-cluster/control-plane/build.ts'
import { reportTo } from '../local-cluster/control-plane/progress.ts'
import { failingImage } from '../local-cluster/control-plane/stages.ts'
import { type Api, openApi } from '../test/support/cluster/api.ts'
import { startReplica } from '../test/support/cluster/hook.ts'
import { compositeControllers, installMyAppCrd } from '../test/support/cluster/install.ts'
import type { LiveMyApp } from '../test/support/cluster/kinds.ts'
import { startMetacontroller } from '../local-cluster/metacontroller.ts'

const { values } = parseArgs({
  options: {
    apps: { type: 'string', default: '300' },
    namespaces: { type: 'string', default: '1' },
    rest: { type: 'string', default: '0' },
    'pod-events': { type: 'string', default: '0' },
    resync: { type: 'string' },
    trouble: { type: 'boolean', default: false },
  },
})
const apps = integer('apps', 1)
const namespaces = integer('namespaces', 1)
const restSeconds = integer('rest', 0)
const podEvents = integer('pod-events', 0)
const resync = values.resync === undefined ? undefined : integer('resync', 1)

/** The integer in an option. Exits if the value is not an integer of at least `min`. */
function integer(option: Exclude<keyof typeof values, 'trouble'>, min: number): number {
  const text = values[option] ?? ''
  const value = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= min) return value
  console.error(`--${option} must be an integer of at least ${min}, got ${JSON.stringify(text)}`)
  process.exit(2)
}

/**
 * The heap of the manifest, so that the memory is that of a pod. No request is refused because the
 * event loop lags.
 */
const env = { NODE_OPTIONS: '--max-old-space-size=40', MAX_EVENT_LOOP_DELAY_MS: '0' }

/** Requests that are open at the same time. */
const width = 20
const phaseMs = 3_600_000
/** The kernel counts processor time in ticks of this many seconds. */
const tick = 0.01

const nameOf = (index: number) => `app-${index}`
const namespaceOf = (index: number) => `fleet-${index % namespaces}`
const myAppPath = (index: number) =>
  `/apis/example.com/v1/namespaces/${namespaceOf(index)}/myapps/${nameOf(index)}`

/** The processor time of a process in seconds. */
function processorSeconds(pid: number): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')
  const [user, system] = fields.split(' ').slice(11, 13).map(Number)
  return ((user ?? 0) + (system ?? 0)) * tick
}

/** The peak of the resident memory of a process in MiB. */
function peakMebibytes(pid: number): number {
  const [, kilobytes = '0'] =
    /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Math.round(Number(kilobytes) / 1024)
}

/** The requests of Metacontroller to the API server so far, by method. */
async function requests(metricsUrl: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  const text = await (await fetch(metricsUrl)).text()
  const samples = text.matchAll(/^rest_client_requests_total\{.*method="(\w+)".*\} (\S+)$/gm)
  for (const [, method = '', count] of samples) {
    counts.set(method, (counts.get(method) ?? 0) + Number(count))
  }
  return counts
}

/** Calls `work` with each number below `count`, `width` of them at the same time. */
async function inParallel(count: number, work: (index: number) => Promise<unknown>) {
  let next = 0
  const worker = async () => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: width }, worker))
}

type OnEvent = (type: string, object: LiveMyApp) => void

/** The MyApps in trouble, and the reason in their statuses. */
const troubled = new Map([
  ['unpullable', 'ImagePullBackOff'],
  ['taken', 'NameConflict'],
])
/** The times at which their trouble was visible in the cluster, and reported in the status. */
const [visible, reported] = [new Map<string, number>(), new Map<string, number>()]

function sawTrouble({ metadata: { name }, status }: LiveMyApp): void {
  const text = JSON.stringify(status ?? {})
  if (text.includes(troubled.get(name) ?? '') && !reported.has(name)) {
    reported.set(name, Date.now())
  }
}

function sawPod(pod: object): void {
  if (JSON.stringify(pod).includes('"reason":"ImagePullBackOff"') && !visible.has('unpullable')) {
    visible.set('unpullable', Date.now())
  }
}

/** Watches the objects at a path of the API until the signal aborts. */
async function follow(api: Api, resources: string, signal: AbortSignal, onEvent: OnEvent) {
  while (!signal.aborted) {
    const path = `${resources}?watch=true`
    const onLine = (line: string) => {
      const { type, object } = JSON.parse(line) as { type: string; object: LiveMyApp }
      // An error ends the watch. Its object is a Status.
      if (type !== 'ERROR') onEvent(type, object)
    }
    await api.lines(path, onLine, signal).catch(() => sleep(100))
  }
}

async function measure(binDir: string): Promise<void> {
  const controlPlane = await bootControlPlane({ binDir })
  const stops: Array<() => Promise<unknown>> = [() => controlPlane.stop()]
  try {
    const { dir, kubectl, kubeconfig, kubeconfigFor } = controlPlane
    const hook = await startReplica({ dir, env })
    stops.push(() => hook.stop())
    await Promise.all([installMetacontrollerCrds(controlPlane), installMyAppCrd(controlPlane)])
    const metacontroller = await startMetacontroller({
      kubeconfig: kubeconfigFor('metacontroller'),
      logFile: join(dir, 'metacontroller.log'),
      options: ['--client-go-qps=1000', '--client-go-burst=2000', '--workers=20'],
    })
    stops.push(() => metacontroller.stop())
    await kubectl(['apply', '-f', '-'], compositeControllers(hook.port, 'dynamic-apply', resync))
    const api = openApi(kubeconfig)
    const watching = new AbortController()
    await inParallel(namespaces, (index) => kubectl(['create', 'namespace', namespaceOf(index)]))

    const states = new Map<string, LiveMyApp>()
    let inspected = 0
    const group = '/apis/example.com/v1'
    const follows = [
      follow(api, `${group}/myapps`, watching.signal, (type, object) => {
        if (troubled.has(object.metadata.name)) return sawTrouble(object)
        if (type === 'DELETED') states.delete(object.metadata.name)
        else states.set(object.metadata.name, object)
      }),
      follow(api, `${group}/myappinspections`, watching.signal, (type) => {
        if (type === 'ADDED') inspected++
      }),
      follow(api, `/api/v1/namespaces/${namespaceOf(0)}/pods`, watching.signal, (_type, pod) => {
        if (pod.metadata.name.startsWith('unpullable-')) sawPod(pod)
      }),
    ]
    stops.push(async () => {
      watching.abort()
      api.close()
      await Promise.all(follows)
    })
    const areRunning = (image: string) =>
      states.size === apps &&
      [...states.values()].every(
        ({ metadata, spec, status }) =>
          spec.image === image &&
          status?.phase === 'Running' &&
          status.observedGeneration === metadata.generation,
      )

    /** Runs one phase and prints its cost for each of `count` things. */
    async function phase(name: string, count: number, work: () => Promise<unknown>) {
      const pids = { Metacontroller: metacontroller.pid, hook: hook.pid() }
      const processorTimes = () => Object.values(pids).map(processorSeconds)
      const before = await requests(metacontroller.metricsUrl)
      const [start, usedBefore] = [Date.now(), processorTimes()]
      await work()
      const [elapsed, usedAfter] = [(Date.now() - start) / 1000, processorTimes()]
      // Metacontroller counts a request when it has the response. A watch can be faster.
      await sleep(1000)
      const after = await requests(metacontroller.metricsUrl)
      const each = (amount: number) => (amount / count).toFixed(2)
      const sent = [...after].flatMap(([method, total]) => {
        const more = total - (before.get(method) ?? 0)
        return more === 0 ? [] : [`${method} ${each(more)}`]
      })
      console.log(`${name}: ${elapsed.toFixed(1)} s. For each of ${count}:`)
      console.log(`  ${each(elapsed * 1000)} ms, requests ${sent.join(', ') || 'none'}`)
      for (const [index, [program, pid]] of Object.entries(pids).entries()) {
        const seconds = (usedAfter[index] ?? NaN) - (usedBefore[index] ?? NaN)
        console.log(
          `  ${program}: ${each(seconds * 1000)} ms of processor time, ` +
            `${(seconds / elapsed).toFixed(3)} processors, ${peakMebibytes(pid)} MiB at most`,
        )
      }
    }
    const until = async (isDone: () => boolean) => {
      for (const deadline = Date.now() + phaseMs; !isDone(); await sleep(100)) {
        if (Date.now() > deadline) throw new Error(`not within ${phaseMs / 1000} s`)
      }
    }

    const create = (index: number, name: string, image: string) =>
      api.request('POST', myAppPath(index).replace(/\/[^/]*$/, ''), {
        apiVersion: 'example.com/v1',
        kind: 'MyApp',
        metadata: { name },
        spec: { image },
      })
    if (values.trouble) {
      await api.request('POST', `/api/v1/namespaces/${namespaceOf(0)}/services`, {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'taken' },
        spec: { ports: [{ port: 80 }] },
      })
    }
    const created = apps + (values.trouble ? troubled.size : 0)
    await phase('create', created, async () => {
      await inParallel(apps, async (index) => {
        if (values.trouble && index === Math.floor(apps / 2)) {
          await create(0, 'unpullable', failingImage('ImagePullBackOff'))
          await create(0, 'taken', 'app:1')
          visible.set('taken', Date.now())
        }
        await create(index, nameOf(index), 'app:1')
      })
      await until(() => areRunning('app:1'))
    })
    if (values.trouble) {
      await until(() => [...troubled.keys()].every((name) => reported.has(name)))
      for (const name of troubled.keys()) {
        const seconds = ((reported.get(name) ?? NaN) - (visible.get(name) ?? NaN)) / 1000
        console.log(`${name}: in the status ${seconds.toFixed(1)} s after it was visible`)
      }
    }
    if (restSeconds > 0) await phase('rest', apps, () => sleep(restSeconds * 1000))
    if (podEvents > 0) {
      await kubectl(['create', 'namespace', 'other'])
      const pods = '/api/v1/namespaces/other/pods'
      await api.request('POST', pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'other' },
        spec: { containers: [{ name: 'other', image: 'other' }] },
      })
      await phase('events of a pod of no MyApp', podEvents, () =>
        inParallel(podEvents, (index) =>
          api.request(
            'PATCH',
            `${pods}/other`,
            { metadata: { annotations: { index: String(index) } } },
            'application/merge-patch+json',
          ),
        ),
      )
    }
    await phase('change', apps, async () => {
      await inParallel(apps, (index) =>
        api.request(
          'PATCH',
          myAppPath(index),
          { spec: { image: 'app:2' } },
          'application/merge-patch+json',
        ),
      )
      await until(() => areRunning('app:2'))
    })
    await phase('delete', apps, async () => {
      await inParallel(apps, (index) => api.request('DELETE', myAppPath(index)))
      await until(() => states.size === 0)
    })
    console.log(`inspections: ${inspected}`)
  } finally {
    for (const stop of stops.toReversed()) await stop()
  }
}

await measure(await ensureControlPlane(reportTo(process.stderr)))
