import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import type { ControlPlane } from '../../../local-cluster/control-plane/boot.ts'
import type { MyAppSpec } from '../../../src/api/myapp.ts'
import type { Reason } from '../../../src/myapp/status/reasons.ts'
import type { Api } from './api.ts'
import type { HookLine, Replica } from './hook.ts'
import {
  allKinds,
  type Kind,
  type Kinds,
  kinds,
  type LiveMyApp,
  kindPath,
  type StoredKind,
} from './kinds.ts'
import type { WatchEvent, View } from './view.ts'

/** A line of the API server's audit log. */
export interface AuditEvent {
  user: { username: string }
  verb: string
  objectRef?: { resource: string; namespace?: string; name?: string; subresource?: string }
  responseStatus?: { code: number }
}

/** The parts of a cluster that a namespace uses. */
export interface ObservedCluster {
  controlPlane: ControlPlane
  api: Api
  view: View
  hook: Replica
  /** The writes to a namespace, and all requests of Metacontroller. */
  audit(namespace: string): readonly AuditEvent[]
  logFile(program: string): string
}

/** One operation of a JSON patch. */
export type Operation =
  { op: 'add' | 'replace'; path: string; value: unknown } | { op: 'remove'; path: string }

/** The namespace of one scenario. */
export interface Namespace {
  name: string
  create(name: string, spec: MyAppSpec): Promise<LiveMyApp>
  /** Creates or updates an object, like `kubectl apply --server-side`. */
  put(object: { apiVersion: string; kind: StoredKind; metadata: { name: string } }): Promise<void>
  /** Edits an object as a person would, with a merge patch or a JSON patch. */
  edit<K extends Kind>(kind: K, name: string, patch: object | Operation[]): Promise<Kinds[K]>
  /** Sets the status of an object, as the controller of its kind would. */
  setStatus(kind: Kind, name: string, status: object): Promise<void>
  remove(kind: Kind, name: string): Promise<void>
  find<K extends Kind>(kind: K, name: string): Kinds[K] | undefined
  /** An existing object. Throws if it does not exist. */
  get<K extends Kind>(kind: K, name: string): Kinds[K]
  list<K extends Kind>(kind: K): Kinds[K][]
  watchEvents<K extends Kind>(kind: K): WatchEvent<K>[]
  /** Waits until `look` returns a value, and returns it. Fails with a report of the namespace. */
  until<Found>(
    what: string,
    look: () => Found | undefined | false,
    seconds?: number,
  ): Promise<Found>
  /** Like `until`, with an asynchronous condition. */
  eventually(what: string, look: () => Promise<boolean>): Promise<void>
  running(name: string, seconds?: number): Promise<LiveMyApp>
  failed(name: string, reason: Reason): Promise<LiveMyApp>
  gone(kind: Kind, name: string): Promise<void>
  /**
   * Metacontroller's writes in this namespace except Events, such as `update deployments/shop`. A
   * refused write ends with its status code.
   */
  writes(): string[]
  /** The log lines of the hook's answers to `/sync` and `/finalize` for a MyApp. */
  calls(name: string): HookLine[]
  kubectl(...args: string[]): Promise<string>
  /** Applies manifests in YAML or JSON. */
  apply(text: string): Promise<string>
}

const writeVerbs = ['create', 'update', 'patch', 'delete', 'deletecollection']

let count = 0

/** Creates a namespace with the name of the scenario. */
export async function openNamespace(cluster: ObservedCluster, t: Test): Promise<Namespace> {
  const { api, view, controlPlane } = cluster
  const name = `${t.name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 50)}-${++count}`.replace(/^-/, '')
  await api.request('POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name },
  })

  async function write<K extends Kind>(
    kind: K,
    method: string,
    path: string,
    body: object,
    contentType?: string,
  ): Promise<Kinds[K]> {
    const object = await api.request<Kinds[K]>(method, path, body, contentType)
    view.note(kind, object)
    return object
  }

  let reported: Promise<string[]> | undefined
  async function giveUp(what: string, seconds: number): Promise<never> {
    const first = reported === undefined
    reported ??= report(cluster, name)
    const lines = await reported
    if (first) for (const line of lines) t.comment(line)
    throw new Error(`not within ${seconds} s: ${what}`)
  }

  const here: Namespace = {
    name,
    create: (app, spec) =>
      write('MyApp', 'POST', kindPath('MyApp', name), {
        apiVersion: kinds.MyApp.apiVersion,
        kind: 'MyApp',
        metadata: { name: app },
        spec,
      }),
    async put(object) {
      await api.request(
        'PATCH',
        `${kindPath(object.kind, name, object.metadata.name)}` +
          '?fieldManager=person&fieldValidation=Strict',
        object,
        'application/apply-patch+yaml',
      )
    },
    edit: (kind, object, patch) =>
      write(
        kind,
        'PATCH',
        `${kindPath(kind, name, object)}?fieldManager=person`,
        patch,
        Array.isArray(patch) ? 'application/json-patch+json' : 'application/merge-patch+json',
      ),
    async setStatus(kind, object, status) {
      await write(
        kind,
        'PATCH',
        `${kindPath(kind, name, object)}/status?fieldManager=controller`,
        { status },
        'application/merge-patch+json',
      )
    },
    async remove(kind, object) {
      await api.request('DELETE', kindPath(kind, name, object))
    },
    find: (kind, object) => view.find(kind, name, object),
    get(kind, object) {
      const found = view.find(kind, name, object)
      if (found === undefined) throw new Error(`no ${kind} ${object} in ${name}`)
      return found
    },
    list: (kind) => view.list(kind, name),
    watchEvents: <K extends Kind>(kind: K) =>
      view.watchEvents(name).filter((event): event is WatchEvent<K> => event.kind === kind),
    async until(what, look, seconds = 90) {
      for (const deadline = Date.now() + seconds * 1000; ;) {
        const found = look()
        if (found !== undefined && found !== false) return found
        if (Date.now() > deadline) return await giveUp(what, seconds)
        await view.change()
      }
    },
    async eventually(what, look) {
      for (const deadline = Date.now() + 90_000; !(await look()); await sleep(250)) {
        if (Date.now() > deadline) await giveUp(what, 90)
      }
    },
    running: (app, seconds) =>
      here.until(
        `MyApp ${app} is Running`,
        () => settled(here.find('MyApp', app), 'Running'),
        seconds,
      ),
    failed: (app, reason) =>
      here.until(`MyApp ${app} is Failed with ${reason}`, () => {
        const failed = settled(here.find('MyApp', app), 'Failed')
        return failed?.status?.conditions?.[0]?.reason === reason && failed
      }),
    async gone(kind, object) {
      await here.until(`${kind} ${object} is gone`, () => here.find(kind, object) === undefined)
    },
    writes: () =>
      cluster
        .audit(name)
        .filter(
          ({ user, verb, objectRef }) =>
            user.username.endsWith('metacontroller') &&
            writeVerbs.includes(verb) &&
            objectRef?.resource !== 'events',
        )
        .map(({ verb, objectRef, responseStatus }) => {
          const code = responseStatus?.code ?? 0
          return [
            verb,
            [objectRef?.resource, objectRef?.name, objectRef?.subresource]
              .filter(Boolean)
              .join('/'),
            ...(code < 300 ? [] : [`(${code})`]),
          ].join(' ')
        }),
    calls: (app) =>
      cluster.hook
        .log(name)
        .filter((line) => line.name === app && (line.hook === 'sync' || line.hook === 'finalize')),
    kubectl: (...args) => controlPlane.kubectl(['-n', name, ...args]),
    apply: (text) => controlPlane.kubectl(['-n', name, 'apply', '-f', '-'], text),
  }
  return here
}

/** The MyApp, if its status has the current generation and this phase. */
function settled(app: LiveMyApp | undefined, phase: string): LiveMyApp | undefined {
  return app?.status?.phase === phase && app.status.observedGeneration === app.metadata.generation
    ? app
    : undefined
}

/** A report of a namespace for the analysis of a failure. */
async function report(
  { api, view, hook, logFile }: ObservedCluster,
  namespace: string,
): Promise<string[]> {
  const show = ({
    metadata: { managedFields, ...metadata },
    ...rest
  }: Kinds[Kind] & { metadata: { managedFields?: unknown } }) =>
    JSON.stringify({ ...rest, metadata })
  const events = await api
    .request<{ items: { reason: string; message: string; count: number }[] }>(
      'GET',
      `/api/v1/namespaces/${namespace}/events`,
    )
    .then(
      ({ items }) => items.map(({ reason, message, count }) => `${reason} (${count}): ${message}`),
      (error) => [String(error)],
    )
  return [
    'Objects:',
    ...allKinds.flatMap((kind) =>
      view.list(kind, namespace).map((object) => `${kind} ${show(object)}`),
    ),
    'Last Events:',
    ...events.slice(-10),
    'Last lines of the hook:',
    ...[...hook.log().slice(-3), ...hook.log(namespace).slice(-10)].map((line) =>
      JSON.stringify(line),
    ),
    'Last lines of Metacontroller:',
    ...readFileSync(logFile('metacontroller'), 'utf8')
      .split('\n')
      .filter((line) => line.includes(namespace))
      .slice(-10),
  ].map((line) => line.replaceAll(/[^\P{C}\t]|[\u2028\u2029]/gu, ' '))
}
