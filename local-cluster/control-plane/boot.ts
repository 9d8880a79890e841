/** Boots a Kubernetes control plane on 127.0.0.1, with a node that simulates pods. */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { callApiServer } from './api-call.ts'
import { type User, kubeconfigOf, writeConfiguration, writeKubeconfigs } from './configuration.ts'
import { type RunKubectl, kubectlRunner, waitUntilEstablished } from './kubectl.ts'
import {
  type Program,
  type RunningProgram,
  freePort,
  removeAtEnd,
  startProgram,
  waitUntilReady,
} from './processes.ts'
import {
  type Layout,
  etcd,
  kubeApiServer,
  kubeControllerManager,
  kubeScheduler,
  kwok,
} from './programs.ts'

/** A running control plane. */
export interface ControlPlane {
  /** The temporary folder of all its files. `stop` removes it. */
  dir: string
  /** The folder that holds kubectl. */
  binDir: string
  /** The URL of the API server. */
  url: string
  /** The kubeconfig of `admin`. */
  kubeconfig: string
  kubeconfigFor(user: User): string
  /** The audit log, one JSON object per line: every write, and every request of Metacontroller. */
  auditLog: string
  /** Runs kubectl as `admin`. */
  kubectl: RunKubectl
  /** Ends the API server at once, as a crash would. */
  stopApiServer(): Promise<void>
  /** Starts the API server again at the same address. Resolves when it is ready. */
  startApiServer(): Promise<void>
  /** Ends etcd at once, as a crash would. */
  stopEtcd(): Promise<void>
  /** Starts etcd again with the same data. The API server reconnects by itself. */
  startEtcd(): Promise<void>
  /** Ends every process and removes the folder. */
  stop(): Promise<void>
}

/** Options of `bootControlPlane`. */
export interface BootOptions {
  /** The folder that `ensureControlPlane` returned. */
  binDir: string
  signal?: AbortSignal
}

/** Boots a control plane. Several can run side by side. */
export async function bootControlPlane({ binDir, signal }: BootOptions): Promise<ControlPlane> {
  const dir = await mkdtemp(join(tmpdir(), 'myapp-operator-'))
  const remove = await removeAtEnd(dir)
  const running = new Set<RunningProgram>()
  const stop = async () => {
    // No file is kept, so no program needs a graceful shutdown.
    await Promise.all([...running].map((program) => program.stop(0)))
    await remove()
  }
  try {
    return { ...(await boot(dir, binDir, running, signal)), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function boot(
  dir: string,
  binDir: string,
  running: Set<RunningProgram>,
  signal?: AbortSignal,
): Promise<Omit<ControlPlane, 'stop'>> {
  const layout = await layOut(dir, binDir)
  const url = `https://127.0.0.1:${layout.apiServerPort}`
  const tokens = await writeConfiguration(dir)
  const access = { url, certificateFile: join(dir, 'apiserver.crt'), token: tokens.admin }
  const kubeconfigFor = (user: User) => kubeconfigOf(dir, user)

  async function start(program: Program): Promise<RunningProgram> {
    const started = await startProgram(program)
    running.add(started)
    return started
  }
  async function startApiServer(): Promise<RunningProgram> {
    const started = await start(kubeApiServer(layout))
    await waitUntilReady(started, () => callApiServer(access, 'GET', '/readyz').then(() => true), {
      timeoutMs: 60_000,
      signal,
    })
    return started
  }

  let store = await start(etcd(layout))
  let apiServer = await startApiServer()
  await writeKubeconfigs(dir, url, tokens)
  await start(kubeControllerManager(layout, kubeconfigFor('kube-controller-manager')))
  await start(kubeScheduler(layout, kubeconfigFor('kube-scheduler')))
  const nodeRunner = await start(kwok(layout, kubeconfigFor('kwok')))
  await callApiServer(access, 'POST', '/api/v1/nodes', node)
  await waitUntilReady(
    nodeRunner,
    () => callApiServer(access, 'GET', `/api/v1/nodes/${node.metadata.name}`).then(isReady),
    { timeoutMs: 60_000, signal },
  )

  return {
    dir,
    binDir,
    url,
    kubeconfig: kubeconfigFor('admin'),
    kubeconfigFor,
    auditLog: join(dir, 'audit.log'),
    kubectl: kubectlRunner({
      command: join(binDir, 'kubectl'),
      kubeconfig: kubeconfigFor('admin'),
      cacheDir: join(dir, 'kubectl'),
    }),
    async stopApiServer() {
      await apiServer.stop(0)
      running.delete(apiServer)
    },
    async startApiServer() {
      apiServer = await startApiServer()
    },
    async stopEtcd() {
      await store.stop(0)
      running.delete(store)
    },
    async startEtcd() {
      store = await start(etcd(layout))
    },
  }
}

async function layOut(dir: string, binDir: string): Promise<Layout> {
  const etcdUrl = `http://127.0.0.1:${await freePort()}`
  const etcdPeerUrl = `http://127.0.0.1:${await freePort()}`
  return { dir, binDir, etcdUrl, etcdPeerUrl, apiServerPort: await freePort() }
}

const node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name: 'on-paper',
    labels: { 'kubernetes.io/hostname': 'on-paper', 'kubernetes.io/os': 'linux' },
  },
}

function isReady(object: unknown): boolean {
  const { status } = object as { status?: { conditions?: { type: string; status: string }[] } }
  return (
    status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
  )
}

/** Installs the CRDs that Metacontroller needs when it starts. */
export async function installMetacontrollerCrds({
  kubectl,
}: Pick<ControlPlane, 'kubectl'>): Promise<void> {
  const file = join(
    import.meta.dirname,
    '../../manifests/metacontroller/custom-resource-definitions.yaml',
  )
  await kubectl(['apply', '-f', file])
  await waitUntilEstablished(kubectl, ['-f', file])
}
