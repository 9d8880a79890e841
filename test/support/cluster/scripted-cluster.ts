/** A control plane with Metacontroller and a scripted hook, to test Metacontroller itself. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import {
  bootControlPlane,
  installMetacontrollerCrds,
} from '../../../local-cluster/control-plane/boot.ts'
import { ensureControlPlane } from '../../../local-cluster/control-plane/build.ts'
import { type Api, openApi, RefusedByApi } from './api.ts'
import { followJsonLines } from './json-lines.ts'
import { startMetacontroller } from '../../../local-cluster/metacontroller.ts'
import {
  type HookCall,
  type Script,
  type ScriptedHook,
  type Thing,
  startScriptedHook,
} from './scripted-hook.ts'

/** The namespace of a scenario, with its own script. */
export interface Stage {
  namespace: string
  script(script: Script): void
  calls(): HookCall[]
  /** Creates a parent. */
  parent(name: string, spec?: object, kind?: ParentKind): Promise<Thing>
  /**
   * Makes Metacontroller sync a parent of kind Thing a number of times. Waits until Metacontroller
   * is idle.
   */
  poke(name: string, times?: number): Promise<void>
  get(plural: string, name: string): Promise<Thing>
  create(plural: string, object: object): Promise<Thing>
  patch(plural: string, name: string, patch: object): Promise<Thing>
  remove(plural: string, name: string): Promise<void>
  until<Found>(what: string, look: () => Promise<Found | undefined | false>): Promise<Found>
  isGone(plural: string, name: string): Promise<boolean>
  /** The messages of the SyncError Events of a parent. */
  errors(name: string): Promise<string[]>
  /** Resolves once no request or write has happened for 0.5 s. */
  rest(): Promise<void>
  /** Waits until Metacontroller is idle, and resets the counters. */
  mark(): Promise<void>
  /** The number of syncs of a parent since the mark. */
  syncs(name: string): number
  /** Metacontroller's writes since the mark, except Events. */
  writes(): string[]
}

/** A line of the API server's audit log. */
interface AuditEvent {
  user: { username: string }
  verb: string
  objectRef?: { resource: string; namespace?: string; name?: string; subresource?: string }
  responseStatus?: { code: number }
}

/**
 * The kinds of parents, each with its own CompositeController: one with default settings, and one
 * with the settings that save requests (ignoreStatusChanges) or bytes (etag).
 */
const parentKinds = {
  Thing: { resource: 'things', parentRule: {}, syncWebhook: {} },
  QuietThing: {
    resource: 'quietthings',
    parentRule: { ignoreStatusChanges: true },
    syncWebhook: { etag: { enabled: true, cacheTimeoutSeconds: 600, cacheCleanupSeconds: 600 } },
  },
} as const

export type ParentKind = keyof typeof parentKinds

const crd = (kind: ParentKind) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${parentKinds[kind].resource}.test.example.com` },
  spec: {
    group: 'test.example.com',
    scope: 'Namespaced',
    names: { kind, plural: parentKinds[kind].resource, singular: kind.toLowerCase() },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
              status: {
                type: 'object',
                properties: {
                  observedGeneration: { type: 'integer' },
                  count: { type: 'integer' },
                  message: { type: 'string' },
                },
              },
            },
          },
        },
      },
    ],
  },
})

/** Boots the cluster. Returns a function that opens a stage in a new namespace. */
export async function startScriptedCluster(t: Test): Promise<(name: string) => Promise<Stage>> {
  const controlPlane = await bootControlPlane({
    binDir: await ensureControlPlane((line) => t.comment(line)),
  })
  t.teardown(() => controlPlane.stop())
  const hook = await startScriptedHook()
  t.teardown(() => hook.stop())
  const { kubectl, kubeconfig, kubeconfigFor, auditLog, dir } = controlPlane
  await installMetacontrollerCrds(controlPlane)
  const kinds = Object.keys(parentKinds) as ParentKind[]
  const crds = kinds.map(crd)
  for (const crd of crds) await kubectl(['apply', '-f', '-'], JSON.stringify(crd))
  await kubectl([
    'wait',
    '--for=condition=Established',
    '--timeout=60s',
    ...crds.map(({ metadata: { name } }) => `crd/${name}`),
  ])
  const metacontroller = await startMetacontroller({
    kubeconfig: kubeconfigFor('metacontroller'),
    logFile: join(dir, 'metacontroller.log'),
  })
  t.teardown(() => metacontroller.stop())
  t.comment(`Metacontroller is the ${metacontroller.engine}`)
  for (const kind of kinds) {
    await kubectl(['apply', '-f', '-'], JSON.stringify(compositeController(kind, hook.url)))
  }
  const api = openApi(kubeconfig)
  t.teardown(() => api.close())
  const audit = followJsonLines<AuditEvent>(auditLog)
  return async (namespace) => {
    await api.request('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace },
    })
    return setStage({ api, hook, audit }, namespace)
  }
}

interface Backstage {
  api: Api
  hook: ScriptedHook
  audit(): readonly AuditEvent[]
}

function setStage({ api, hook, audit }: Backstage, namespace: string): Stage {
  const path = (plural: string, name = '') => pathOf(plural, namespace, name)
  const allWrites = () => audit().filter(isWrite(namespace)).map(describe)
  const calls = () => hook.calls(namespace)
  let mark = { calls: 0, writes: 0 }

  const stage: Stage = {
    namespace,
    calls,
    script: (script) => hook.script(namespace, script),
    parent: (name, spec = {}, kind = 'Thing') =>
      stage.create(parentKinds[kind].resource, {
        apiVersion: 'test.example.com/v1',
        kind,
        metadata: { name },
        spec,
      }),
    async poke(name, times = 1) {
      const count = () =>
        calls().filter(({ request }) => request.parent.metadata.name === name).length
      for (let n = 0; n < times; n++) {
        const before = count()
        await stage.patch('things', name, { metadata: { annotations: { poke: String(before) } } })
        await stage.until('the hook had a request', async () => count() > before)
      }
      await rest()
    },
    get: (plural, name) => api.request<Thing>('GET', path(plural, name)),
    create: (plural, object) => api.request<Thing>('POST', path(plural), object),
    patch: (plural, name, patch) =>
      api.request<Thing>(
        'PATCH',
        path(plural, name),
        patch,
        Array.isArray(patch) ? 'application/json-patch+json' : 'application/merge-patch+json',
      ),
    async remove(plural, name) {
      await api.request('DELETE', path(plural, name))
    },
    async until(what, look) {
      for (const deadline = Date.now() + 30_000; ; await sleep(50)) {
        const found = await look()
        if (found !== undefined && found !== false) return found
        if (Date.now() > deadline) throw new Error(`not within 30 s: ${what}`)
      }
    },
    isGone: (plural, name) =>
      stage.get(plural, name).then(
        () => false,
        (error: unknown) => {
          if (error instanceof RefusedByApi && error.code === 404) return true
          throw error
        },
      ),
    errors: (name) => syncErrors(api, namespace, name),
    rest,
    async mark() {
      await rest()
      mark = { calls: calls().length, writes: allWrites().length }
    },
    syncs: (name) =>
      calls()
        .slice(mark.calls)
        .filter(({ path, request }) => path === '/sync' && request.parent.metadata.name === name)
        .length,
    writes: () => allWrites().slice(mark.writes),
  }
  return stage

  async function rest(): Promise<void> {
    const count = () => calls().length + allWrites().length
    for (let last = -1; last !== count();) {
      last = count()
      await sleep(500)
    }
  }
}

function compositeController(kind: ParentKind, url: string): object {
  const { resource, parentRule, syncWebhook } = parentKinds[kind]
  const hook = (path: string) => ({
    version: 'v2',
    webhook: { url: `${url}/${path}`, ...(path === 'sync' && syncWebhook) },
  })
  return {
    apiVersion: 'metacontroller.k8s.io/v1alpha1',
    kind: 'CompositeController',
    metadata: { name: kind.toLowerCase() },
    spec: {
      generateSelector: true,
      parentResource: { apiVersion: 'test.example.com/v1', resource, ...parentRule },
      childResources: [
        { apiVersion: 'apps/v1', resource: 'deployments', updateStrategy: { method: 'InPlace' } },
        { apiVersion: 'v1', resource: 'services', updateStrategy: { method: 'InPlace' } },
      ],
      hooks: { sync: hook('sync'), finalize: hook('finalize'), customize: hook('customize') },
    },
  }
}

const roots: Record<string, string> = {
  things: 'apis/test.example.com/v1',
  quietthings: 'apis/test.example.com/v1',
  deployments: 'apis/apps/v1',
}

function pathOf(plural: string, namespace: string, name: string): string {
  return `/${roots[plural] ?? 'api/v1'}/namespaces/${namespace}/${plural}${name && `/${name}`}`
}

function isWrite(namespace: string): (event: AuditEvent) => boolean {
  return ({ user, verb, objectRef }) =>
    user.username === 'metacontroller' &&
    objectRef?.namespace === namespace &&
    objectRef.resource !== 'events' &&
    ['create', 'update', 'patch', 'delete'].includes(verb)
}

function describe({ verb, objectRef, responseStatus }: AuditEvent): string {
  const subresource = objectRef?.subresource ? `/${objectRef.subresource}` : ''
  return `${verb} ${objectRef?.resource}/${objectRef?.name}${subresource} ${responseStatus?.code}`
}

async function syncErrors(api: Api, namespace: string, name: string): Promise<string[]> {
  const { items } = await api.request<{
    items: { reason: string; message: string; involvedObject: { name: string } }[]
  }>('GET', `/api/v1/namespaces/${namespace}/events`)
  return items
    .filter(({ reason, involvedObject }) => reason === 'SyncError' && involvedObject.name === name)
    .map(({ message }) => message)
}
