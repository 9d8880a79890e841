import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type RunKubectl,
  kubectlRunner,
  waitUntilEstablished,
} from '../local-cluster/control-plane/kubectl.ts'
import { removeAtEnd, runProgram } from '../local-cluster/control-plane/processes.ts'
import { type Report } from '../local-cluster/control-plane/progress.ts'
import { type DemoCluster, exportLine } from './cluster.ts'
import {
  type Manifest,
  childResources,
  isOfTheDemo,
  manifests,
  readManifests,
  selectsTheDemo,
  toYaml,
} from './manifests.ts'

const myAppKind = 'myapps.example.com'
const controllerKind = 'compositecontrollers.metacontroller.k8s.io'
const finalizer = 'metacontroller.io/compositecontroller-myapp'

/** Uses the cluster of a kubeconfig context. Throws if the demo could change foreign objects. */
export async function useContext(
  context: string,
  report: Report,
  signal: AbortSignal,
): Promise<DemoCluster> {
  const config = await kubeconfigOf(context, signal)
  const dir = await mkdtemp(join(tmpdir(), 'myapp-operator-context-'))
  const remove = await removeAtEnd(dir)
  try {
    const kubeconfig = join(dir, 'kubeconfig')
    await writeFile(kubeconfig, config, { mode: 0o600 })
    const kubectl = kubectlRunner({
      command: 'kubectl',
      kubeconfig,
      cacheDir: join(dir, 'kubectl'),
    })
    await assertReachable(context, kubectl, signal)
    await assertFree(context, kubectl)
    report(`Using the cluster of context ${context}.`)
    return {
      kubectl,
      metacontrollerKubeconfig: kubeconfig,
      exports: [exportLine('KUBECONFIG', kubeconfig)],
      timeoutSeconds: 300,
      outlivesTheDemo: true,
      installMetacontrollerCrds: () => installMissingCrds(kubectl),
      async close() {
        const left = await removeAll(kubectl)
        await remove()
        if (left.size > 0) {
          const reasons = [...new Set(left.values())].join('; ')
          throw new Error(
            `The cluster of context ${context} still has ${[...left.keys()].join(', ')} ` +
              `(${reasons}). To remove them: npm run demo -- --once --context ${context}`,
          )
        }
      },
    }
  } catch (error) {
    await remove()
    throw error
  }
}

/** A kubeconfig that contains only this context. */
async function kubeconfigOf(context: string, signal: AbortSignal): Promise<string> {
  const kubectl = (args: string[]) => runProgram({ command: 'kubectl', args }, { signal })
  const contexts = await kubectl(['config', 'get-contexts', '-o', 'name'])
  if (contexts.code === 127) throw new Error('--context needs kubectl on the PATH.')
  if (contexts.code !== 0) {
    throw new Error(`Your kubeconfig cannot be read: ${contexts.stderr.trim()}`)
  }
  const names = contexts.stdout.split('\n').filter((name) => name !== '')
  if (!names.includes(context)) {
    throw new Error(
      `Your kubeconfig has no context ${context}. ` +
        `Its contexts: ${names.length === 0 ? 'none' : names.join(', ')}.`,
    )
  }
  const config = await kubectl([
    'config',
    'view',
    '--raw',
    '--minify',
    '--flatten',
    `--context=${context}`,
  ])
  if (config.code !== 0) {
    throw new Error(`The context ${context} cannot be read: ${config.stderr.trim()}`)
  }
  return config.stdout
}

async function assertReachable(
  context: string,
  kubectl: RunKubectl,
  signal: AbortSignal,
): Promise<void> {
  try {
    await kubectl(['get', '--raw', '/readyz', '--request-timeout=10s'], undefined, { signal })
  } catch (error) {
    throw new Error(`The cluster of context ${context} cannot be reached: ${lastLine(error)}`, {
      cause: error,
    })
  }
}

const lastLine = (error: unknown): string =>
  (error as Error).message.trim().split('\n').at(-1) ?? ''

/**
 * Throws if the demo could change foreign objects, or if foreign objects could disturb the demo.
 */
async function assertFree(context: string, kubectl: RunKubectl): Promise<void> {
  const [controller] = await get(kubectl, controllerKind, 'myapp')
  if (controller !== undefined && !isOfTheDemo(controller)) {
    throw new Error(
      `The cluster of context ${context} has a CompositeController named myapp, ` +
        'which the demo did not create. It manages the MyApps there.',
    )
  }
  const [myApps] = await get(kubectl, 'customresourcedefinitions', myAppKind)
  if (myApps !== undefined && !isOfTheDemo(myApps)) {
    throw new Error(
      `The cluster of context ${context} has the CRD ${myAppKind}, ` +
        'which the demo did not create and would replace.',
    )
  }
  const metacontroller = await runningMetacontroller(kubectl)
  if (metacontroller !== undefined) {
    throw new Error(
      `The cluster of context ${context} runs a Metacontroller, ${metacontroller}. ` +
        "It would call the demo's hook too, and cannot reach this machine.",
    )
  }
}

/** Objects of a kind. An empty list if the cluster does not have the kind. */
async function get(kubectl: RunKubectl, kind: string, ...which: string[]): Promise<Manifest[]> {
  const found = await kubectl(['get', kind, ...which, '--ignore-not-found', '-o', 'json']).catch(
    (error: Error) => {
      if (error.message.includes("the server doesn't have a resource type")) return ''
      throw error
    },
  )
  if (found === '') return []
  const object = JSON.parse(found) as Manifest & { items?: Manifest[] }
  return object.items ?? [object]
}

async function runningMetacontroller(kubectl: RunKubectl): Promise<string | undefined> {
  const images =
    '{range .items[*]}{.kind} {.metadata.namespace}/{.metadata.name} ' +
    '{.spec.template.spec.containers[*].image}{"\\n"}{end}'
  const workloads = await kubectl([
    'get',
    'statefulsets,deployments',
    '--all-namespaces',
    '-o',
    `jsonpath=${images}`,
  ])
  return /^(\S+ \S+) .*\bmetacontroller(@|:|\s|$)/m.exec(workloads)?.[1]
}

/** Installs the CRDs of Metacontroller that the cluster does not have. */
async function installMissingCrds(kubectl: RunKubectl): Promise<void> {
  const crds = await readManifests(manifests.metacontrollerCrds)
  const names = crds.map(({ metadata }) => metadata.name)
  const there = await get(kubectl, 'customresourcedefinitions', ...names)
  const missing = crds.filter(
    (crd) => !there.some(({ metadata }) => metadata.name === crd.metadata.name),
  )
  if (missing.length > 0) await kubectl(['apply', '-f', '-'], toYaml(missing))
  await waitUntilEstablished(kubectl, ['customresourcedefinitions', ...names])
}

/**
 * Removes everything that the demo added. Needs no Metacontroller and no hook. Returns the objects
 * that it could not remove, each with the reason.
 */
async function removeAll(kubectl: RunKubectl): Promise<Map<string, string>> {
  const left = new Map<string, string>()
  async function attempt(what: string, remove: () => Promise<unknown>): Promise<void> {
    try {
      await remove()
    } catch (error) {
      left.set(what, lastLine(error))
    }
  }
  await attempt('MyApps', async () => {
    for (const myApp of await get(kubectl, myAppKind, '--all-namespaces')) {
      await attempt(`${myApp.metadata.namespace}/${myApp.metadata.name} with its children`, () =>
        release(kubectl, myApp),
      )
    }
  })
  await attempt('the CompositeController', async () => {
    const controllers = await get(kubectl, controllerKind, '-l', selectsTheDemo)
    if (controllers.length > 0) {
      await kubectl(['delete', controllerKind, '-l', selectsTheDemo, '--timeout=30s'])
    }
  })
  await attempt('CRDs', async () => {
    const crds = await get(kubectl, 'customresourcedefinitions', '-l', selectsTheDemo)
    if (crds.length === 0) return
    // The API server fails to delete a kind that no client has read yet, and retries late.
    await get(kubectl, crds.map(({ metadata }) => metadata.name).join(','), '--all-namespaces')
    // The deletion of the CRD also deletes the MyApps.
    await kubectl(['delete', 'customresourcedefinitions', '-l', selectsTheDemo, '--timeout=30s'])
  })
  return left
}

/** Deletes the children of a MyApp and removes its finalizer, without Metacontroller. */
async function release(
  kubectl: RunKubectl,
  { metadata: { name, namespace, uid, finalizers = [] } }: Manifest,
): Promise<void> {
  await kubectl([
    'delete',
    await childResources(),
    `--namespace=${namespace}`,
    '-l',
    `controller-uid=${uid}`,
    '--timeout=30s',
  ])
  const patch = { metadata: { finalizers: finalizers.filter((other) => other !== finalizer) } }
  await kubectl([
    'patch',
    myAppKind,
    name,
    `--namespace=${namespace}`,
    '--type=merge',
    '-p',
    JSON.stringify(patch),
  ])
}
