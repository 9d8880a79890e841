/** CRDs that a cluster may have, from the Go modules of their projects. */
import { join } from 'node:path'
import { childKinds } from '../../src/myapp/children/index.ts'
import { type ControlPlane } from './boot.ts'
import { waitUntilEstablished } from './kubectl.ts'
import { runProgram } from './processes.ts'

/** The kinds of children in an API group. */
const childrenIn = (group: string) =>
  childKinds
    .filter(({ apiVersion }) => apiVersion.startsWith(`${group}/`))
    .map(({ resource }) => resource)

/** Installs the CRDs of the Gateway API. */
export const installGatewayApi = ({ kubectl }: Pick<ControlPlane, 'kubectl'>): Promise<void> =>
  install(
    kubectl,
    'gateway-api',
    'sigs.k8s.io/gateway-api',
    ['gatewayclasses', 'gateways', ...childrenIn('gateway.networking.k8s.io')].map(
      (kind) => `config/crd/standard/gateway.networking.k8s.io_${kind}.yaml`,
    ),
  )

/** Installs the CRDs of the Prometheus Operator for scraping and alerting. */
export const installPrometheusOperatorKinds = ({
  kubectl,
}: Pick<ControlPlane, 'kubectl'>): Promise<void> =>
  install(
    kubectl,
    'prometheus-operator',
    'github.com/prometheus-operator/prometheus-operator',
    ['prometheusrules', ...childrenIn('monitoring.coreos.com')].map(
      (kind) => `example/prometheus-operator-crd/monitoring.coreos.com_${kind}.yaml`,
    ),
  )

/** Installs the CRDs of cert-manager that manifests/cert-manager uses. */
export const installCertManagerKinds = ({
  kubectl,
}: Pick<ControlPlane, 'kubectl'>): Promise<void> =>
  install(
    kubectl,
    'cert-manager',
    'github.com/cert-manager/cert-manager',
    ['certificates', 'clusterissuers'].map((kind) => `deploy/crds/cert-manager.io_${kind}.yaml`),
  )

/** Installs CRDs of a Go module. The go.mod in `folder` has its version. */
async function install(
  kubectl: ControlPlane['kubectl'],
  folder: string,
  module: string,
  paths: string[],
): Promise<void> {
  const { code, stdout, stderr } = await runProgram({
    command: 'go',
    args: ['mod', 'download', '-json', module],
    cwd: join(import.meta.dirname, folder),
    env: { ...process.env, GOWORK: 'off' },
  })
  if (code !== 0) throw new Error(`${module} could not be fetched: ${(stderr || stdout).trim()}`)
  const { Dir } = JSON.parse(stdout) as { Dir: string }
  const files = paths.flatMap((path) => ['-f', join(Dir, path)])
  await kubectl(['apply', '--server-side', ...files])
  await waitUntilEstablished(kubectl, files)
}
