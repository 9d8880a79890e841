import { runProgram } from './processes.ts'

/** Runs kubectl and gives what it printed; rejects with what it complained about. */
export type Kubectl = (
  args: readonly string[],
  input?: string,
  options?: { signal?: AbortSignal, onStdout?: (text: string) => void },
) => Promise<string>

/** A kubectl that is tied to one cluster and one user. */
export function kubectlFor ({ command, kubeconfig, cacheDir }: { command: string, kubeconfig: string, cacheDir: string }): Kubectl {
  const env = { ...process.env, KUBECONFIG: kubeconfig, KUBECACHEDIR: cacheDir }
  return async (args, input, options = {}) => {
    const { code, stdout, stderr } = await runProgram({ command, args, env }, { input, ...options })
    if (code !== 0) throw new Error(stderr.trim() || `kubectl ${args.join(' ')} ended with code ${code}`)
    return stdout
  }
}
