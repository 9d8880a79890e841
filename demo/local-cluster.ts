import { bootControlPlane, installMetacontrollerCrds } from '../local-cluster/control-plane/boot.ts'
import { ensureControlPlane } from '../local-cluster/control-plane/build.ts'
import { type Report } from '../local-cluster/control-plane/progress.ts'
import { type DemoCluster, exportLine } from './cluster.ts'

/** Boots the local control plane, and builds it first if necessary. */
export async function bootLocalCluster(report: Report, signal: AbortSignal): Promise<DemoCluster> {
  const binDir = await ensureControlPlane(report, signal)
  report('Booting a local Kubernetes …', 'progress')
  const started = Date.now()
  const controlPlane = await bootControlPlane({ binDir, signal })
  report(
    `A local Kubernetes runs at ${controlPlane.url}. ` +
      `It started in ${((Date.now() - started) / 1000).toFixed(1)} s.`,
  )
  report(
    'Its API server and controllers are real. Its one node simulates pods: ' +
      'the pods become ready, but no container starts.',
  )
  return {
    kubectl: controlPlane.kubectl,
    metacontrollerKubeconfig: controlPlane.kubeconfigFor('metacontroller'),
    // `$PATH` stays as text, so that the second terminal inserts its own PATH.
    exports: [
      exportLine('KUBECONFIG', controlPlane.kubeconfig),
      `${exportLine('PATH', binDir)}:$PATH`,
    ],
    timeoutSeconds: 60,
    outlivesTheDemo: false,
    installMetacontrollerCrds: () => installMetacontrollerCrds(controlPlane),
    close: controlPlane.stop,
  }
}
