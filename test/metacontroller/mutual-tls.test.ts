/**
 * Metacontroller calls the hook with the shipped CompositeControllers: over mutual TLS and by the
 * name of the Service. The steps for a new CA in docs/upgrade.md cause no failed request. Needs the
 * real Metacontroller, because the stand-in has no endpointConfigs.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect as connectTo, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { installMetacontrollerCrds } from '../../local-cluster/control-plane/boot.ts'
import { runProgram } from '../../local-cluster/control-plane/processes.ts'
import { openApi } from '../support/cluster/api.ts'
import { bootBare } from '../support/cluster/cluster.ts'
import { startReplica } from '../support/cluster/hook.ts'
import { installMyAppCrd, manifest } from '../support/cluster/install.ts'
import { type Deployment, type LiveMyApp, kindPath } from '../support/cluster/kinds.ts'
import {
  type RunningMetacontroller,
  startMetacontroller,
} from '../../local-cluster/metacontroller.ts'
import { mountedFolder, serverName, tlsEnvironment } from '../support/tls.ts'
import { requireMetacontroller } from './real.ts'

t.setTimeout(300_000)
requireMetacontroller()
t.test('certificates and CAs can change under load without a failed request', rotation)

/** A Secret or a ConfigMap of the cluster. */
interface Data {
  data: Record<string, string>
}

async function rotation(t: Test): Promise<void> {
  const controlPlane = await bootBare(t)
  const { dir, kubectl, kubeconfig, kubeconfigFor } = controlPlane
  await Promise.all([installMetacontrollerCrds(controlPlane), installMyAppCrd(controlPlane)])
  for (const namespace of ['myapp-operator', 'metacontroller']) {
    await kubectl(['create', 'namespace', namespace])
  }
  const api = openApi(kubeconfig)
  t.teardown(() => api.close())

  /** Runs `myapp-operator certificates`, applies its output, and returns it. */
  const applyCertificates = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await runProgram({
      command: process.execPath,
      args: [manifest('dist/cli.js'), 'certificates', ...args],
    })
    if (code !== 0) throw new Error(stderr)
    await kubectl(['apply', '-f', '-'], stdout)
    return stdout
  }
  const dataOf = async (namespace: string, resource: string, name: string) =>
    (await api.request<Data>('GET', `/api/v1/namespaces/${namespace}/${resource}/${name}`)).data
  /** The files that the kubelet mounts for the hook. */
  const files = async () => {
    const [secret, bundle] = await Promise.all([
      dataOf('myapp-operator', 'secrets', 'myapp-operator-tls'),
      dataOf('myapp-operator', 'configmaps', 'myapp-operator-ca'),
    ])
    const decoded = (key: string) => Buffer.from(secret[key] ?? '', 'base64').toString()
    return {
      'tls.crt': decoded('tls.crt'),
      'tls.key': decoded('tls.key'),
      'ca.crt': bundle['ca.crt'] ?? '',
    }
  }

  const old = join(dir, 'old.yaml')
  writeFileSync(old, await applyCertificates())
  const folder = mountedFolder(t, await files())
  const hook = await startReplica({ dir, env: tlsEnvironment(folder) })
  t.teardown(() => hook.stop())
  const service = await startService(t, hook.port)
  const start = () =>
    startMetacontroller({
      kubeconfig: kubeconfigFor('metacontroller'),
      logFile: join(dir, 'metacontroller.log'),
      // The cluster has no DNS. A proxy connects the name of the Service to the hook.
      env: { HTTPS_PROXY: `http://127.0.0.1:${service.port}` },
    })
  let metacontroller: RunningMetacontroller = await start()
  t.teardown(() => metacontroller.stop())
  for (const file of ['composite-controller', 'inspection-composite-controller']) {
    await kubectl(['apply', '-f', manifest(`metacontroller/${file}.yaml`)])
  }

  // Three MyApps are created. Then their images change continuously.
  const names = ['a', 'b', 'c']
  let image = 0
  const over = new AbortController()
  const load = async (name: string) => {
    await api.request('POST', kindPath('MyApp', 'default'), {
      apiVersion: 'example.com/v1',
      kind: 'MyApp',
      metadata: { name },
      spec: { image: 'nginx:0', replicas: 0 },
    })
    while (!over.signal.aborted) {
      await api.request(
        'PATCH',
        kindPath('MyApp', 'default', name),
        { spec: { image: `nginx:${++image}` } },
        'application/merge-patch+json',
      )
      await sleep(50)
    }
  }
  const settled = async () => {
    for (const name of names) {
      const [app, deployment] = await Promise.all([
        api.request<LiveMyApp>('GET', kindPath('MyApp', 'default', name)),
        api
          .request<Deployment>('GET', kindPath('Deployment', 'default', name))
          .catch(() => undefined),
      ])
      const runs = deployment?.spec.template.spec.containers[0]?.image
      if (runs !== app.spec.image || app.status?.observedGeneration !== app.metadata.generation) {
        return false
      }
    }
    return true
  }
  const calls = () => hook.log('default').filter(({ msg }) => msg === 'hook call').length
  const until = async (what: string, isSo: () => boolean | Promise<boolean>) => {
    for (const deadline = Date.now() + 60_000; !(await isSo()); await sleep(50)) {
      if (Date.now() < deadline) continue
      const log = readFileSync(join(dir, 'metacontroller.log'), 'utf8')
      throw new Error(`not within 60 s: ${what}: ${log.slice(-1500)}`)
    }
  }
  const answered = async (what: string) => {
    const before = calls()
    await until(`calls are answered ${what}`, () => calls() >= before + 20)
  }
  const loaded = () => hook.log().filter(({ msg }) => msg === 'certificates loaded').length
  /** The function `replace` of docs/upgrade.md, after its `kubectl apply`. */
  const mountAndRestart = async (what: string) => {
    const before = loaded()
    folder.replace(await files())
    await until('the hook has loaded the files', () => loaded() > before)
    await answered(`${what}, before the restart of Metacontroller`)
    await metacontroller.stop()
    metacontroller = await start()
    await answered(`${what}, after the restart`)
  }

  const loads = names.map(load)
  await answered('with the first certificates')
  const next = join(dir, 'new.yaml')
  const { stdout } = await runProgram({
    command: process.execPath,
    args: [manifest('dist/cli.js'), 'certificates'],
  })
  writeFileSync(next, stdout)
  await applyCertificates('--ca', old)
  await mountAndRestart('with new certificates of the same CA')
  await applyCertificates('--ca', old, '--trust', next)
  await mountAndRestart('while both CAs are trusted')
  await applyCertificates('--ca', next, '--trust', old)
  await mountAndRestart('with certificates of the new CA')
  await applyCertificates('--ca', next)
  await mountAndRestart('while only the new CA is trusted')
  over.abort()
  await Promise.all(loads)
  await until('every MyApp has its last image', settled)

  t.comment(`${calls()} calls, ${service.connections()} connections`)
  t.strictSame(
    [...hook.log('default'), ...hook.log()].filter(({ level }) => level > 30),
    [],
    'the hook refused no request',
  )
  const { items } = await api.request<{ items: Array<{ reason: string; message: string }> }>(
    'GET',
    '/api/v1/namespaces/default/events',
  )
  t.strictSame(
    items
      .filter(({ reason }) => /Error/.test(reason))
      .map(({ message }) => message)
      // A Metacontroller that stops cancels its own requests to the API server.
      .filter((message) => !message.endsWith('context canceled')),
    [],
    'Metacontroller reports no error',
  )
  t.strictSame(service.others(), [], 'every request goes to the Service')
}

/** A proxy in place of cluster DNS. It connects clients of the Service to the hook. */
async function startService(t: Test, port: number) {
  const sockets = new Set<Socket>()
  const others: string[] = []
  let connections = 0
  const proxy = createServer((_request, response) => {
    others.push('plain HTTP')
    response.writeHead(502).end()
  })
  proxy.on('connect', ({ url = '' }, client: Socket) => {
    if (url !== `${serverName}:443`) {
      others.push(url)
      client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
      return
    }
    connections++
    const upstream = connectTo(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      client.pipe(upstream).pipe(client)
    })
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => other.destroy())
      socket.on('close', () => sockets.delete(socket))
    }
  })
  await new Promise<void>((resolve) => {
    proxy.listen(0, '127.0.0.1', resolve)
  })
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    proxy.close()
  })
  return {
    port: (proxy.address() as AddressInfo).port,
    connections: () => connections,
    others: () => others,
  }
}
