import { spawnSync } from 'node:child_process'
import { isObject } from '../metacontroller/json.ts'
import type { ObservedObject } from '../metacontroller/protocol.ts'
import { UserError } from './arguments.ts'

/** Reads from a cluster with kubectl. */
export interface Kubectl {
  /** The namespace of the context. */
  namespace: () => string
  /** Gets objects. Omits those that do not exist. */
  get: (args: string[]) => ObservedObject[]
}

/** The user may not read an object, or the cluster does not have its kind. */
export class Refused extends UserError {}

/** A kubectl for the cluster of a context. Defaults to the current context. */
export function kubectlFor(context: string | undefined): Kubectl {
  const run = (args: string[]): string => {
    const { error, status, signal, stdout, stderr } = spawnSync(
      'kubectl',
      [...(context === undefined ? [] : ['--context', context]), ...args],
      { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 },
    )
    if (error !== undefined) {
      throw new UserError(
        (error as NodeJS.ErrnoException).code === 'ENOENT'
          ? 'kubectl is not on the PATH'
          : `kubectl: ${error.message}`,
      )
    }
    if (status === 0) return stdout
    if (stderr.includes('current-context must exist')) {
      throw new UserError(
        'the kubeconfig has no current context: set KUBECONFIG, or choose one with --context',
      )
    }
    const reason = stderr.trim().split('\n').at(-1) || `exit code ${status ?? signal}`
    const message = `kubectl: ${reason}`
    throw /\(Forbidden\)|doesn't have a resource type/.test(stderr)
      ? new Refused(message)
      : new UserError(message)
  }
  return {
    namespace: () =>
      run(['config', 'view', '--minify', '-o', 'jsonpath={..namespace}']).trim() || 'default',
    get: (args) => {
      const text = run(['get', ...args, '--ignore-not-found', '-o', 'json'])
      return text.trim() === '' ? [] : objectsOf(text)
    },
  }
}

function objectsOf(text: string): ObservedObject[] {
  const answer = parse(text)
  const objects: unknown[] =
    isObject(answer) && Array.isArray(answer['items']) ? answer['items'] : [answer]
  if (!objects.every((object) => isObject(object) && isObject(object['metadata']))) {
    throw new UserError('kubectl: the output contains something that is not a Kubernetes object')
  }
  return objects as ObservedObject[]
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new UserError('kubectl: the output is not JSON')
  }
}
