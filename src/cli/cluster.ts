import { spawnSync } from 'node:child_process'
import { apiVersion, group, kind } from '../api/myapp.ts'
import { isObject } from '../metacontroller/json.ts'
import type { ObservedObject } from '../metacontroller/protocol.ts'
import type { ChildKind } from '../myapp/children/child.ts'
import { childKinds } from '../myapp/children/index.ts'
import { configReferences } from '../myapp/config-references.ts'
import { type HookRequest, isListed, isOurs, keyOf, type ObservedConfig } from '../myapp/request.ts'
import { UserError } from './arguments.ts'
import { type FileMyApp, noUid } from './manifests.ts'

/** A reader of a cluster. */
export interface Kubectl {
  /** The namespace of the context. */
  namespace: () => string
  /** Gets objects. Omits those that do not exist. */
  get: (args: string[]) => ObservedObject[]
}

/** The user may not read an object, or the cluster does not have its kind. */
class Unreadable extends UserError {}

/** Runs kubectl for a context of the kubeconfig. Defaults to the current context. */
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
    if (stderr.includes("doesn't have a resource type")) {
      throw new Unreadable(
        `${message}: install its CRD (docs/install.md), or choose a cluster with --context`,
      )
    }
    throw stderr.includes('(Forbidden)') ? new Unreadable(message) : new UserError(message)
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
  const output = parse(text)
  const objects: unknown[] =
    isObject(output) && Array.isArray(output['items']) ? output['items'] : [output]
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

type Controller = NonNullable<HookRequest['controller']>

/**
 * A MyApp of a file, and a request with the MyApp and its children as they are in the cluster, and
 * with the ConfigMaps and Secrets that the file refers to.
 */
export interface LiveRequest {
  app: FileMyApp
  request: HookRequest
  /** ConfigMaps and Secrets that the user may not read. */
  unreadable: Array<{ kind: 'ConfigMap' | 'Secret'; name: string }>
}

/**
 * Builds a request for each MyApp. For several MyApps in a namespace it lists all objects of the
 * kinds, because kubectl gets named objects one by one: after the first ten, at most five per
 * second.
 */
export function liveRequests(apps: FileMyApp[], kubectl: Kubectl): LiveRequest[] {
  const controller = compositeController(kubectl)
  // If the CompositeController cannot be read, the optional kinds are left out, because the cluster
  // may not have them.
  const kinds = childKinds.filter(
    (kind) => isListed(controller, kind) ?? kind.optional === undefined,
  )
  const resources = [`myapps.${group}`, ...kinds.map(qualified)].join()
  const namespaces = [...new Set(apps.map(({ metadata: { namespace } }) => namespace))]
  const found = namespaces.flatMap((namespace) => {
    const names = apps
      .filter(({ metadata }) => metadata.namespace === namespace)
      .map(({ metadata: { name } }) => name)
    return kubectl.get([resources, ...(names.length === 1 ? names : []), '-n', namespace])
  })
  const foundFor = (app: FileMyApp) =>
    found.filter(({ metadata }) => keyOf(metadata) === keyOf(app.metadata))
  return apps.map((app) => liveRequest(app, foundFor(app), kinds, controller, kubectl))
}

function liveRequest(
  app: FileMyApp,
  found: ObservedObject[],
  kinds: ChildKind[],
  controller: Controller | undefined,
  kubectl: Kubectl,
): LiveRequest {
  const {
    metadata: { name, namespace },
    spec,
  } = app
  const parent = found.find((object) => object.kind === kind)
  const uid = parent?.metadata.uid ?? noUid
  const byKind = (own: boolean) =>
    Object.fromEntries(
      kinds.map(({ gvk }) => [
        gvk,
        byKey(
          found.filter((object) => gvkOf(object) === gvk && isOurs(uid, object.metadata) === own),
        ),
      ]),
    )
  const { config, unreadable } = readLiveConfig(spec, namespace, kubectl)
  return {
    app,
    request: {
      ...(controller && { controller }),
      parent: (parent ?? {
        apiVersion,
        kind,
        metadata: { name, namespace, uid, generation: 1 },
      }) as HookRequest['parent'],
      children: byKind(true) as HookRequest['children'],
      related: { ...byKind(false), ...config },
      finalizing: false,
    },
    unreadable,
  }
}

/** The CompositeController for MyApps. Undefined if it does not exist or cannot be read. */
function compositeController(kubectl: Kubectl): Controller | undefined {
  try {
    const all = kubectl.get(['compositecontrollers.metacontroller.k8s.io']) as unknown as Array<
      Controller & { spec: { parentResource: { apiVersion: string; resource: string } } }
    >
    return all.find(
      ({ spec: { parentResource } }) =>
        parentResource.resource === 'myapps' && parentResource.apiVersion.startsWith(`${group}/`),
    )
  } catch (error) {
    if (error instanceof Unreadable) return undefined
    throw error
  }
}

/** The name of a kind for kubectl: `deployments.v1.apps`. */
function qualified({ apiVersion, resource }: ChildKind): string {
  const [group, version] = apiVersion.split('/')
  return version === undefined ? resource : `${resource}.${version}.${group}`
}

const gvkOf = ({ apiVersion, kind }: ObservedObject) => `${kind}.${apiVersion}`
const byKey = <Item extends { metadata: { name: string; namespace: string } }>(objects: Item[]) =>
  Object.fromEntries(objects.map((object) => [keyOf(object.metadata), object]))

function readLiveConfig(
  spec: FileMyApp['spec'],
  namespace: string,
  kubectl: Kubectl,
): { config: HookRequest['related']; unreadable: LiveRequest['unreadable'] } {
  const references = configReferences(spec)
  const config: HookRequest['related'] = {}
  const unreadable: LiveRequest['unreadable'] = []
  for (const kind of ['ConfigMap', 'Secret'] as const) {
    const ofKind = references.filter((reference) => reference.kind === kind)
    const names = [...new Set(ofKind.map(({ name }) => name))]
    if (names.length === 0) continue
    try {
      config[`${kind}.v1`] = byKey(
        kubectl.get([
          `${kind.toLowerCase()}s`,
          ...names,
          '-n',
          namespace,
        ]) as unknown as ObservedConfig[],
      )
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error
      unreadable.push(...names.map((name) => ({ kind, name })))
      // The object counts as existing, with every key that the MyApp uses.
      const keysOf = (name: string) =>
        ofKind.flatMap((reference) =>
          reference.name === name && reference.key !== undefined ? [[reference.key, '']] : [],
        )
      config[`${kind}.v1`] = byKey(
        names.map((name) => ({
          metadata: { name, namespace, uid: noUid },
          data: Object.fromEntries(keysOf(name)),
        })),
      )
    }
  }
  return { config, unreadable }
}
