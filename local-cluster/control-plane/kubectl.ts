import { setTimeout as sleep } from 'node:timers/promises'
import { runProgram } from './processes.ts'

/** Runs kubectl and gives what it printed; rejects with what it complained about. */
export type RunKubectl = (
  args: readonly string[],
  input?: string,
  options?: { signal?: AbortSignal; onStdout?: (text: string) => void },
) => Promise<string>

/** A kubectl that is tied to one cluster and one user. */
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

/** Waits until the API server serves the kinds of some CustomResourceDefinitions, which kubectl's arguments name. */
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
      // kubectl trips over a CRD that is so new that it has no conditions at all.
      if (!/accessor error/.test((error as Error).message) || Date.now() > deadline) throw error
      await sleep(50)
    }
  }
}
