/** CRDs that a cluster may have, from the Go modules of their projects. */
import { join } from 'node:path'
import { childKinds } from '../../src/myapp/children/index.ts'
import { type ControlPlane } from './boot.ts'
import { waitUntilEstablished } from './kubectl.ts'
import { runProgram } from './processes.ts'

/** Where a Go module has the CRDs of an API group. */
interface CrdSource {
  /** The folder beside this file whose go.mod has the version of the module. */
  folder: string
  module: string
  /** The path of a CRD's file, up to the plural of its kind. */
  prefix: string
  /** Plurals of further kinds that tests and manifests use. */
  more: string[]
}

/** The API groups of optional children. */
const crdSources: Record<string, CrdSource> = {
  'gateway.networking.k8s.io': {
    folder: 'gateway-api',
    module: 'sigs.k8s.io/gateway-api',
    prefix: 'config/crd/standard/gateway.networking.k8s.io_',
    more: ['gatewayclasses', 'gateways'],
  },
  'monitoring.coreos.com': {
    folder: 'prometheus-operator',
    module: 'github.com/prometheus-operator/prometheus-operator',
    prefix: 'example/prometheus-operator-crd/monitoring.coreos.com_',
    more: ['prometheusrules'],
  },
}

/** Installs the CRDs of all optional children. */
export async function installOptionalKinds({
  kubectl,
}: Pick<ControlPlane, 'kubectl'>): Promise<void> {
  const kinds = childKinds.filter(({ optional }) => optional !== undefined)
  const groups = Map.groupBy(kinds, ({ apiVersion }) => apiVersion.split('/')[0] ?? '')
  await Promise.all(
    [...groups].map(async ([group, children]) => {
      const source = crdSources[group]
      if (source === undefined) throw new Error(`crdSources has no entry for ${group}`)
      const { folder, module, prefix, more } = source
      const plurals = new Set([...more, ...children.map(({ resource }) => resource)])
      const files = [...plurals].map((plural) => `${prefix}${plural}.yaml`)
      await install(kubectl, folder, module, files)
    }),
  )
}

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
