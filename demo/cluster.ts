import { type RunKubectl } from '../local-cluster/control-plane/kubectl.ts'

/** The cluster of the demo. */
export interface DemoCluster {
  kubectl: RunKubectl
  /** The kubeconfig of Metacontroller. */
  metacontrollerKubeconfig: string
  /** Shell lines for a second terminal, so that its kubectl uses this cluster. */
  exports: string[]
  /** The time limit for demo-app to become Running, and for its deletion. */
  timeoutSeconds: number
  /** Whether the cluster stays after the demo. Then the demo removes everything that it applied. */
  outlivesTheDemo: boolean
  /** Installs the CRDs of Metacontroller, which Metacontroller needs at its start. */
  installMetacontrollerCrds(): Promise<void>
  /** Ends the started programs and removes everything that the demo added, even after a failure. */
  close(): Promise<void>
}

/** A line that sets a variable in a POSIX shell. */
export function exportLine(name: string, value: string): string {
  const isPlain = /^[\w./:@%+,-]+$/.test(value)
  return `export ${name}=${isPlain ? value : `'${value.replaceAll("'", "'\\''")}'`}`
}
