/** Boots a Kubernetes control plane on this machine's loopback, with a node that runs pods on paper. */
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type Program, type RunningProgram, freePort, removeAtEnd, runProgram, startProgram, waitUntilReady } from './processes.ts'
import { stages } from './stages.ts'

/** Everybody who asks something of the API server, so that its audit log tells them apart. */
const groups = {
  admin: 'system:masters',
  metacontroller: 'system:masters',
  // May do what a test's role bindings let it.
  'restricted-metacontroller': '',
  'kube-controller-manager': 'system:masters',
  'kube-scheduler': 'system:masters',
  kwok: 'system:masters',
} as const

/** A user of the API server. */
export type User = keyof typeof groups

/** A running control plane. */
export interface ControlPlane {
  /** The temporary folder that holds all it writes; gone once it has stopped. */
  dir: string
  binDir: string
  /** The API server. */
  url: string
  /** The kubeconfig of `admin`. */
  kubeconfig: string
  kubeconfigFor(user: User): string
  /**
   * The API server's audit log, a JSON object a line: each write of anybody, and all that
   * Metacontroller asks for.
   */
  auditLog: string
  /** Runs kubectl as `admin` and gives what it printed; rejects with what it complained about. */
  kubectl(args: readonly string[], input?: string): Promise<string>
  stopApiServer(): Promise<void>
  /** Starts a stopped API server again, at the same address; settles when it is ready. */
  startApiServer(): Promise<void>
  /** Ends every process and removes the folder. */
  stop(): Promise<void>
}

interface Layout {
  dir: string
  binDir: string
  tokens: Record<User, string>
  etcdUrl: string
  etcdPeerUrl: string
  apiServerPort: number
}

/** Boots a control plane from the programs in a folder; any number of them run side by side. */
export async function bootControlPlane ({ binDir }: { binDir: string }): Promise<ControlPlane> {
  const layout = await layOut(binDir)
  const remove = await removeAtEnd(layout.dir)
  const running: RunningProgram[] = []
  const stop = async () => {
    // Nothing of it is kept, so nothing needs an orderly end.
    await Promise.all(running.map(program => program.stop(0)))
    await remove()
  }
  try {
    return await boot(layout, running, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

async function layOut (binDir: string): Promise<Layout> {
  const tokens = Object.fromEntries(Object.keys(groups).map(user => [user, randomUUID()])) as Record<User, string>
  const ports = [await freePort(), await freePort(), await freePort()] as const
  return {
    dir: await mkdtemp(join(tmpdir(), 'myapp-operator-')),
    binDir,
    tokens,
    etcdUrl: `http://127.0.0.1:${ports[0]}`,
    etcdPeerUrl: `http://127.0.0.1:${ports[1]}`,
    apiServerPort: ports[2],
  }
}

async function boot (layout: Layout, running: RunningProgram[], stop: () => Promise<void>): Promise<ControlPlane> {
  const { dir, binDir, apiServerPort } = layout
  const url = `https://127.0.0.1:${apiServerPort}`
  const kubeconfigFor = (user: User) => join(dir, `${user}.kubeconfig`)
  const call = (method: string, path: string, body?: object) => callApiServer(layout, method, path, body)
  await writeConfiguration(layout)

  const start = async (program: Program) => {
    const started = await startProgram(program)
    running.push(started)
    return started
  }
  let apiServer: RunningProgram | undefined
  const startApiServer = async () => {
    apiServer = await start(kubeApiServer(layout))
    await waitUntilReady(apiServer, () => call('GET', '/readyz').then(() => true), 60_000)
  }

  await start(etcd(layout))
  await startApiServer()
  await writeKubeconfigs(layout, url, kubeconfigFor)
  await Promise.all([
    start(kubeControllerManager(layout, kubeconfigFor('kube-controller-manager'))),
    start(kubeScheduler(layout, kubeconfigFor('kube-scheduler'))),
  ])
  const kwok = await start(kwokProgram(layout, kubeconfigFor('kwok')))
  await call('POST', '/api/v1/nodes', node)
  await waitUntilReady(kwok, () => call('GET', `/api/v1/nodes/${node.metadata.name}`).then(isReady), 60_000)

  return {
    dir,
    binDir,
    url,
    kubeconfig: kubeconfigFor('admin'),
    kubeconfigFor,
    auditLog: join(dir, 'audit.log'),
    kubectl: (args, input) => kubectl(layout, kubeconfigFor('admin'), args, input),
    // At once: asked to end, it would wait for its watches for more than 5 s.
    stopApiServer: async () => apiServer?.stop(0),
    startApiServer,
    stop,
  }
}

/** Metacontroller's own kinds, which must be there before it starts. */
export async function installMetacontrollerCrds ({ kubectl }: Pick<ControlPlane, 'kubectl'>): Promise<void> {
  const file = join(import.meta.dirname, 'metacontroller-crds.yaml')
  await kubectl(['apply', '-f', file])
  await kubectl(['wait', '--for=condition=Established', '--timeout=30s', '-f', file])
}

const node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'on-paper', labels: { 'kubernetes.io/hostname': 'on-paper', 'kubernetes.io/os': 'linux' } },
}

function isReady (object: unknown): boolean {
  const { status } = object as { status?: { conditions?: { type: string, status: string }[] } }
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}

/** What the API server logs of requests: metadata only, and of reads only Metacontroller's. */
const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'Metadata', users: ['metacontroller', 'restricted-metacontroller'] },
    { level: 'None', verbs: ['get', 'list', 'watch'] },
    { level: 'Metadata' },
  ],
}

async function writeConfiguration ({ dir, tokens }: Layout): Promise<void> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  const users = Object.entries(groups).map(([user, group]) => `${tokens[user as User]},${user},${user},"${group}"\n`)
  await mkdir(join(dir, 'kubectl'))
  await Promise.all([
    writeFile(join(dir, 'tokens.csv'), users.join('')),
    writeFile(join(dir, 'service-account.key'), privateKey),
    writeFile(join(dir, 'service-account.pub'), publicKey),
    writeFile(join(dir, 'audit-policy.yaml'), stringify(auditPolicy)),
    writeFile(join(dir, 'stages.yaml'), stages.map(stage => stringify(stage)).join('---\n')),
  ])
}

async function writeKubeconfigs ({ dir, tokens }: Layout, server: string, path: (user: User) => string): Promise<void> {
  const certificate = await readFile(join(dir, 'apiserver.crt'), 'base64')
  await Promise.all(Object.entries(tokens).map(([user, token]) => writeFile(path(user as User), stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'local',
    clusters: [{ name: 'local', cluster: { server, 'certificate-authority-data': certificate } }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: 'local', context: { cluster: 'local', user } }],
  }))))
}

function program ({ dir, binDir }: Layout, name: string, args: string[], command = name): Program {
  return { name, command: join(binDir, command), args, cwd: dir, logFile: join(dir, `${name}.log`) }
}

function etcd (layout: Layout): Program {
  const { dir, etcdUrl, etcdPeerUrl } = layout
  return program(layout, 'etcd', [
    '--name=local',
    `--data-dir=${join(dir, 'etcd')}`,
    `--listen-client-urls=${etcdUrl}`,
    `--advertise-client-urls=${etcdUrl}`,
    `--listen-peer-urls=${etcdPeerUrl}`,
    `--initial-advertise-peer-urls=${etcdPeerUrl}`,
    `--initial-cluster=local=${etcdPeerUrl}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
  ], 'server')
}

function kubeApiServer (layout: Layout): Program {
  const { dir, etcdUrl, apiServerPort } = layout
  return program(layout, 'kube-apiserver', [
    `--etcd-servers=${etcdUrl}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${apiServerPort}`,
    `--cert-dir=${dir}`,
    // It would say for ever that a loopback address is no endpoint.
    '--endpoint-reconciler-type=none',
    '--service-cluster-ip-range=10.96.0.0/12',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${join(dir, 'service-account.pub')}`,
    `--service-account-signing-key-file=${join(dir, 'service-account.key')}`,
    `--token-auth-file=${join(dir, 'tokens.csv')}`,
    '--authorization-mode=RBAC,Node',
    // Nobody makes tokens for pods here, nor takes the taint of a new node away.
    '--disable-admission-plugins=ServiceAccount,TaintNodesByCondition',
    `--audit-policy-file=${join(dir, 'audit-policy.yaml')}`,
    `--audit-log-path=${join(dir, 'audit.log')}`,
    '--audit-log-maxsize=10000',
    // Tests that run side by side are all one user: none of them is to wait for the others.
    '--enable-priority-and-fairness=false',
    '--max-requests-inflight=0',
    '--max-mutating-requests-inflight=0',
    '--profiling=false',
  ])
}

const controllers = [
  'clusterrole-aggregation-controller',
  'deployment-controller',
  'disruption-controller',
  'endpointslice-controller',
  'garbage-collector-controller',
  'horizontal-pod-autoscaler-controller',
  'namespace-controller',
  'replicaset-controller',
  'resourcequota-controller',
  'serviceaccount-controller',
]

function kubeControllerManager (layout: Layout, kubeconfig: string): Program {
  return program(layout, 'kube-controller-manager', [
    `--kubeconfig=${kubeconfig}`,
    `--controllers=${controllers.join(',')}`,
    '--leader-elect=false',
    '--secure-port=0',
    '--kube-api-qps=500',
    '--kube-api-burst=1000',
  ])
}

function kubeScheduler (layout: Layout, kubeconfig: string): Program {
  return program(layout, 'kube-scheduler', [
    `--kubeconfig=${kubeconfig}`,
    '--leader-elect=false',
    '--secure-port=0',
    '--kube-api-qps=500',
    '--kube-api-burst=1000',
  ])
}

function kwokProgram (layout: Layout, kubeconfig: string): Program {
  return program(layout, 'kwok', [
    `--kubeconfig=${kubeconfig}`,
    `--config=${join(layout.dir, 'stages.yaml')}`,
    '--manage-all-nodes',
    '--node-ip=127.0.0.1',
    '--cidr=10.64.0.0/14',
  ])
}

async function kubectl ({ dir, binDir }: Layout, kubeconfig: string, args: readonly string[], input?: string): Promise<string> {
  const env = { ...process.env, KUBECONFIG: kubeconfig, KUBECACHEDIR: join(dir, 'kubectl') }
  const { code, stdout, stderr } = await runProgram({ command: join(binDir, 'kubectl'), args, env }, { input })
  if (code !== 0) throw new Error(stderr.trim() || `kubectl ${args.join(' ')} ended with code ${code}`)
  return stdout
}

/** Calls the API server as `admin`; rejects unless it answers 2xx. */
async function callApiServer ({ dir, tokens, apiServerPort }: Layout, method: string, path: string, body?: object): Promise<unknown> {
  const ca = await readFile(join(dir, 'apiserver.crt'))
  return await new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${tokens.admin}`, 'content-type': 'application/json' }
    request({ host: '127.0.0.1', port: apiServerPort, method, path, ca, headers, agent: false, timeout: 10_000 }, async response => {
      try {
        const text = (await response.toArray()).join('')
        const { statusCode = 0 } = response
        if (statusCode < 200 || statusCode > 299) throw new Error(`${method} ${path}: ${statusCode} ${text}`)
        resolve(response.headers['content-type']?.startsWith('application/json') ? JSON.parse(text) : text)
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)))
      }
    }).on('error', reject).on('timeout', () => reject(new Error(`${method} ${path} took too long`)))
      .end(body && JSON.stringify(body))
  })
}
