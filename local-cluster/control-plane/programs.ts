/** The command lines of the control plane's programs. Each listens on 127.0.0.1 or not at all. */
import { join } from 'node:path'
import { type Program } from './processes.ts'

/** Where a control plane lives. */
export interface Layout {
  dir: string
  binDir: string
  etcdUrl: string
  etcdPeerUrl: string
  apiServerPort: number
}

/** They hold little and make much garbage: collected a quarter as often, it takes a tenth off all that they do. */
const env = { ...process.env, GOGC: '400' }

function program({ dir, binDir }: Layout, name: string, args: string[], command = name): Program {
  return {
    name,
    command: join(binDir, command),
    args,
    env,
    cwd: dir,
    logFile: join(dir, `${name}.log`),
  }
}

/** etcd, which forgets all when the machine does. */
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

/** The API server, which makes its own certificate in the folder. */
export function kubeApiServer(layout: Layout): Program {
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

/** The controllers that Deployments, Services and namespaces need, and a few that tests ask for. */
export function kubeControllerManager(layout: Layout, kubeconfig: string): Program {
  return program(layout, 'kube-controller-manager', [
    `--kubeconfig=${kubeconfig}`,
    `--controllers=${controllers.join(',')}`,
    // Nobody sends anything to pods on paper: their addresses may come a moment later, all at once.
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

/** kwok: the node, which runs pods on paper. */
export function kwok(layout: Layout, kubeconfig: string): Program {
  return program(layout, 'kwok', [
    `--kubeconfig=${kubeconfig}`,
    `--config=${join(layout.dir, 'stages.yaml')}`,
    '--manage-all-nodes',
    '--node-ip=127.0.0.1',
    '--cidr=10.64.0.0/14',
  ])
}
