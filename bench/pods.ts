// Measures what it costs to see the pods of a MyApp: size and time of a sync, and the number of syncs in
// a rollout. docs/observing-pods.md has the results.
import { readFileSync } from 'node:fs'
import { createServer, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parse, stringify } from 'yaml'
import type { HookRequest } from '../src/myapp/request.ts'
import { sync } from '../src/myapp/sync.ts'
import { hookRequestValidator } from '../src/myapp/compiled.ts'
import { startHook } from '../test/support/cluster/hook.ts'
import { startMetacontroller } from '../test/support/cluster/metacontroller.ts'
import {
  bootControlPlane,
  type ControlPlane,
  installMetacontrollerCrds,
} from '../local-cluster/control-plane/boot.ts'
import { ensureControlPlane } from '../local-cluster/control-plane/build.ts'
import { waitUntilEstablished } from '../local-cluster/control-plane/kubectl.ts'
import { reportTo } from '../local-cluster/control-plane/progress.ts'
import { median } from './statistics.ts'

const manifest = (path: string) => readFileSync(join(import.meta.dirname, '..', path), 'utf8')
const report = reportTo(process.stderr)

/** Starts a proxy that forwards requests to the hook and keeps the bodies of syncs. */
async function startRecorder(hookPort: number) {
  const syncs: string[] = []
  const server = createServer(async (call, answer) => {
    const body = (await call.setEncoding('utf8').toArray()).join('')
    if (call.url === '/sync') syncs.push(body)
    send(
      {
        host: '127.0.0.1',
        port: hookPort,
        method: 'POST',
        path: call.url,
        headers: { 'content-type': 'application/json' },
      },
      (response) => {
        answer.writeHead(response.statusCode ?? 500, response.headers)
        response.pipe(answer)
      },
    )
      .on('error', () => answer.destroy())
      .end(body)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    syncs,
    port: (server.address() as AddressInfo).port,
    stop: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function running({ kubectl }: ControlPlane, name: string, generation: number): Promise<void> {
  for (;;) {
    const { status } = JSON.parse(await kubectl(['get', 'myapp', name, '-o', 'json'])) as {
      status?: { phase?: string; observedGeneration?: number; message?: string }
    }
    if (status?.phase === 'Running' && status.observedGeneration === generation) return
    report(`${name}: ${status?.message ?? 'not seen yet'}`, 'progress')
    await wait(500)
  }
}

const body = (request: HookRequest) => JSON.stringify(request)
const without = (request: HookRequest, ...groups: string[]): HookRequest => ({
  ...request,
  related: Object.fromEntries(
    Object.entries(request.related).filter(([group]) => !groups.includes(group)),
  ),
})

/** Returns the median time to parse, validate, answer and serialize each body, in µs. They take turns. */
function microseconds(bodies: string[]): number[] {
  const once = (body: string) => {
    const start = performance.now()
    const request = JSON.parse(body) as HookRequest
    if (!hookRequestValidator(request)) throw new Error('a recorded request is not valid')
    JSON.stringify(sync(request, { now: Date.now() }))
    return (performance.now() - start) * 1000
  }
  const times = bodies.map((): number[] => [])
  for (let round = 0; round < 400; round++) {
    for (const [index, body] of bodies.entries()) times[index]?.push(once(body))
  }
  return times.map((all) => median(all.slice(100)))
}

const controlPlane = await bootControlPlane({ binDir: await ensureControlPlane(report) })
const { dir, kubectl, kubeconfigFor } = controlPlane
const hook = await startHook({ dir })
const recorder = await startRecorder(hook.port)
try {
  await installMetacontrollerCrds(controlPlane)
  await kubectl(['apply', '-f', '-'], manifest('manifests/crd.yaml'))
  await waitUntilEstablished(kubectl, ['crd/myapps.example.com'])
  const controller = parse(
    manifest('metacontroller/composite-controller.yaml').replaceAll(
      /http:\/\/[^/\s]+/g,
      `http://127.0.0.1:${recorder.port}`,
    ),
  ) as object
  const metacontroller = await startMetacontroller({
    kubeconfig: kubeconfigFor('metacontroller'),
    logFile: join(dir, 'metacontroller.log'),
  })
  try {
    await kubectl(['apply', '-f', '-'], stringify(controller))
    const rows: string[] = []
    for (const replicas of [3, 100]) {
      const name = `app-${replicas}`
      const counts: number[] = []
      for (const [index, image] of ['nginx:1.28', 'nginx:1.29'].entries()) {
        recorder.syncs.length = 0
        await kubectl(
          ['apply', '-f', '-'],
          stringify({
            apiVersion: 'example.com/v1',
            kind: 'MyApp',
            metadata: { name },
            spec: { image, replicas },
          }),
        )
        await running(controlPlane, name, index + 1)
        await wait(2000) // pods of the previous generation are still ending
        counts.push(
          recorder.syncs.filter(
            (text) => (JSON.parse(text) as HookRequest).parent.metadata.name === name,
          ).length,
        )
      }
      const largest = Math.max(...recorder.syncs.map((text) => text.length))
      const last = JSON.parse(recorder.syncs.at(-1) ?? '') as HookRequest
      const names = Object.keys(last.related).filter((group) => group !== 'Pod.v1')
      const bodies = [
        body(without(last, 'Pod.v1', ...names)),
        body(without(last, 'Pod.v1')),
        body(last),
      ]
      const times = microseconds(bodies)
      const cells = bodies.map(
        (text, index) => `${(text.length / 1024).toFixed(1)} KiB, ${times[index]?.toFixed(0)} µs`,
      )
      rows.push(
        `| ${replicas} | ${cells.join(' | ')} | ${(largest / 1024).toFixed(0)} KiB | ${counts.join(' | ')} |`,
      )
    }
    console.log(`Metacontroller is the ${metacontroller.engine}\n`)
    console.log(
      '| replicas | a sync without related objects | with those of the same names | with the pods as well | largest in the rollout | syncs, from nothing to Running | syncs of an image change |\n| --- | --- | --- | --- | --- | --- | --- |',
    )
    console.log(rows.join('\n'))
  } finally {
    await metacontroller.stop()
  }
} finally {
  recorder.stop()
  await hook.stop()
  await controlPlane.stop()
}
