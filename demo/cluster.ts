import { type RunKubectl } from '../local-cluster/control-plane/kubectl.ts'

/** The cluster of the demo. */
export interface DemoCluster {
  kubectl: RunKubectl
  /** The kubeconfig that Metacontroller works with. */
  metacontrollerKubeconfig: string
  /** Shell lines for a second terminal, so that its kubectl uses this cluster. */
  exports: string[]
  /** The longest time for a MyApp to get to Running. */
  timeoutSeconds: number
  /** Whether the cluster stays, so that the demo must remove what it applied. */
  outlivesTheDemo: boolean
  /** Installs Metacontroller's own kinds, which must be there before it starts. */
  installMetacontrollerCrds(): Promise<void>
  /** Ends the programs that were started and removes what the demo added, in any state. */
  close(): Promise<void>
}

/** A line that sets a variable in a POSIX shell. */
export function exportLine(name: string, value: string): string {
  const isPlain = /^[\w./:@%+,-]+$/.test(value)
  return `export ${name}=${isPlain ? value : `'${value.replaceAll("'", "'\\''")}'`}`
}
