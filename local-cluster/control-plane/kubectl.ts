import { setTimeout as sleep } from 'node:timers/promises'
import { runProgram } from './processes.ts'

/** Runs kubectl. Resolves to its standard output, or rejects with its standard error. */
export type RunKubectl = (
  args: readonly string[],
  input?: string,
  options?: { signal?: AbortSignal; onStdout?: (text: string) => void },
) => Promise<string>

/** A kubectl for one cluster and one user. */
export function kubectlRunner({
  command,
  kubeconfig,
  cacheDir,
}: {
  command: string
  kubeconfig: string
  cacheDir: string
}): RunKubectl {
  const env = { ...process.env, KUBECONFIG: kubeconfig, KUBECACHEDIR: cacheDir, GOGC: '400' }
  return async (args, input, options = {}) => {
    const { code, stdout, stderr } = await runProgram({ command, args, env }, { input, ...options })
    if (code !== 0) {
      throw new Error(stderr.trim() || `kubectl ${args.join(' ')} ended with code ${code}`)
    }
    return stdout
  }
}

/** Waits until CustomResourceDefinitions are established. `crds` are arguments of kubectl. */
export async function waitUntilEstablished(
  kubectl: RunKubectl,
  crds: readonly string[],
  timeoutMs = 30_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    try {
      await kubectl(['wait', '--for=condition=Established', `--timeout=${timeoutMs}ms`, ...crds])
      return
    } catch (error) {
      // kubectl fails for a new CRD that has no conditions yet.
      if (!/accessor error/.test((error as Error).message) || Date.now() > deadline) throw error
      await sleep(50)
    }
  }
}
