/** The command lines of the control plane's programs. They listen on 127.0.0.1 only. */
import { join } from 'node:path'
import { type Program } from './processes.ts'

/** The folders and addresses of a control plane. */
export interface Layout {
  dir: string
  binDir: string
  etcdUrl: string
  etcdPeerUrl: string
  apiServerPort: number
}

/** The programs have small heaps and allocate much, so a higher GOGC saves CPU time. */
const env = { ...process.env, GOGC: '400' }

function program({ dir, binDir }: Layout, name: string, args: string[], file = name): Program {
  return {
    name,
    command: join(binDir, file),
    args,
    env,
    cwd: dir,
    logFile: join(dir, `${name}.log`),
  }
}

/** etcd, without fsync. Go names its executable `server`. */
export function etcd(layout: Layout): Program {
  const { dir, etcdUrl, etcdPeerUrl } = layout
  return program(
    layout,
    'etcd',
    [
      '--name=local',
      `--data-dir=${join(dir, 'etcd')}`,
      `--listen-client-urls=${etcdUrl}`,
      `--advertise-client-urls=${etcdUrl}`,
      `--listen-peer-urls=${etcdPeerUrl}`,
      `--initial-advertise-peer-urls=${etcdPeerUrl}`,
      `--initial-cluster=local=${etcdPeerUrl}`,
      '--unsafe-no-fsync',
      '--log-level=warn',
    ],
    'server',
  )
}

/** The API server. It creates its certificate in the folder. */
export function kubeApiServer(layout: Layout): Program {
  const { dir, etcdUrl, apiServerPort } = layout
  return program(layout, 'kube-apiserver', [
    `--etcd-servers=${etcdUrl}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${apiServerPort}`,
    `--cert-dir=${dir}`,
    // The reconciler logs an error for a loopback address, repeatedly.
    '--endpoint-reconciler-type=none',
    '--service-cluster-ip-range=10.96.0.0/12',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${join(dir, 'service-account.pub')}`,
    `--service-account-signing-key-file=${join(dir, 'service-account.key')}`,
    `--token-auth-file=${join(dir, 'tokens.csv')}`,
    '--authorization-mode=RBAC,Node',
    // Pods need no ServiceAccount here, and no controller removes the taint of a new node.
    '--disable-admission-plugins=ServiceAccount,TaintNodesByCondition',
    `--audit-policy-file=${join(dir, 'audit-policy.yaml')}`,
    `--audit-log-path=${join(dir, 'audit.log')}`,
    '--audit-log-maxsize=10000',
    // Parallel tests use the same user. Their requests must not wait for each other.
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

/** The controllers for Deployments, Services and namespaces, and a few for tests. */
export function kubeControllerManager(layout: Layout, kubeconfig: string): Program {
  return program(layout, 'kube-controller-manager', [
    `--kubeconfig=${kubeconfig}`,
    `--controllers=${controllers.join(',')}`,
    // Simulated pods get no traffic, so their addresses may be updated in batches.
    '--endpointslice-updates-batch-period=1s',
    '--leader-elect=false',
    '--secure-port=0',
    '--kube-api-qps=500',
    '--kube-api-burst=1000',
  ])
}

/** The scheduler. */
export function kubeScheduler(layout: Layout, kubeconfig: string): Program {
  return program(layout, 'kube-scheduler', [
    `--kubeconfig=${kubeconfig}`,
    '--leader-elect=false',
    '--secure-port=0',
    '--kube-api-qps=500',
    '--kube-api-burst=1000',
  ])
}

/** kwok: the node that simulates pods. */
export function kwok(layout: Layout, kubeconfig: string): Program {
  return program(layout, 'kwok', [
    `--kubeconfig=${kubeconfig}`,
    `--config=${join(layout.dir, 'stages.yaml')}`,
    '--manage-all-nodes',
    '--node-ip=127.0.0.1',
    '--cidr=10.64.0.0/14',
  ])
}
