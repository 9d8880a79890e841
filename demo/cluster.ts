import { type RunKubectl } from '../local-cluster/control-plane/kubectl.ts'

/** Where the demo takes place. */
export interface DemoCluster {
  kubectl: RunKubectl
  /** The kubeconfig that Metacontroller works with. */
  metacontrollerKubeconfig: string
  /** What a second terminal needs so that its kubectl talks to this cluster. */
  exports: string[]
  /** How long a MyApp may take to get to Running. */
  patienceSeconds: number
  /** Whether all that the demo applied must be taken away again, because the cluster stays. */
  outlivesTheDemo: boolean
  /** Installs Metacontroller's own kinds, which must be there before it starts. */
  installMetacontrollerCrds(): Promise<void>
  /** Gives it up; what was started for it ends, what was added to it goes, whatever state it is in. */
  close(): Promise<void>
}

/** A line that sets a variable in a POSIX shell. */
export function exportLine(name: string, value: string): string {
  return `export ${name}=${/^[\w./:@%+,-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`}`
}
