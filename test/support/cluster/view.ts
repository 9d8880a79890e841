import { setTimeout as sleep } from 'node:timers/promises'
import { type Api, RefusedByApi } from './api.ts'
import { builtInKinds, type Kind, type Kinds, kindPath } from './kinds.ts'

/** A change of an object, as a watch reports it. */
export interface WatchEvent<K extends Kind = Kind> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  kind: K
  object: Kinds[K]
  /** The resourceVersion as a number. It orders all changes of all kinds. */
  version: number
}

/** All objects of the watched kinds and all their changes, in every namespace. */
export interface View {
  find<K extends Kind>(kind: K, namespace: string, name: string): Kinds[K] | undefined
  list<K extends Kind>(kind: K, namespace: string): Kinds[K][]
  watchEvents(namespace: string): WatchEvent[]
  /**
   * Adds an object that the API server returned from a write, possibly before the watch reports it.
   */
  note<K extends Kind>(kind: K, object: Kinds[K]): void
  /** Resolves at the next change, or after a short time. */
  change(): Promise<void>
}

const moment = 250
/** Changes within this time wake waiting callers together. */
const pause = 20

/** Watches an API server. Resolves when all existing objects are known. */
export async function watchAll(
  api: Api,
  signal: AbortSignal,
  watched: Kind[] = builtInKinds,
): Promise<View> {
  const objects = new Map<string, Kinds[Kind]>()
  const versions = new Map<string, number>()
  const watchEvents = new Map<string, WatchEvent[]>()
  let waiting = Promise.withResolvers<void>()
  let waker: NodeJS.Timeout | undefined

  const keyOf = (kind: Kind, namespace: string, name: string) => `${kind} ${namespace}/${name}`
  const versionOf = (object: Kinds[Kind]) => Number(object.metadata.resourceVersion)

  function wake(): void {
    clearTimeout(waker)
    waker = undefined
    waiting.resolve()
    waiting = Promise.withResolvers()
  }

  function store(kind: Kind, object: Kinds[Kind], deleted = false): void {
    const { namespace = '', name } = object.metadata
    const key = keyOf(kind, namespace, name)
    const version = versionOf(object)
    if (version < (versions.get(key) ?? 0)) return
    versions.set(key, version)
    if (deleted) objects.delete(key)
    else objects.set(key, object)
    waker ??= setTimeout(wake, pause)
  }

  function happen(
    type: WatchEvent['type'],
    kind: Kind,
    object: Kinds[Kind],
    version = versionOf(object),
  ): void {
    const { namespace = '' } = object.metadata
    const before = watchEvents.get(namespace) ?? []
    before.push({ type, kind, object, version })
    watchEvents.set(namespace, before)
    store(kind, object, type === 'DELETED')
  }

  function receive(kind: Kind, line: string): string {
    const { type, object } = JSON.parse(line) as {
      type: WatchEvent['type'] | 'BOOKMARK' | 'ERROR'
      object: Kinds[Kind] & { code: number; message: string }
    }
    if (type === 'ERROR') throw new RefusedByApi(object.code, object.message)
    if (type !== 'BOOKMARK') happen(type, kind, object)
    return object.metadata.resourceVersion
  }

  /** Lists the existing objects. Returns the version from which to watch. */
  async function catchUp(kind: Kind): Promise<string> {
    const {
      metadata: { resourceVersion },
      items,
    } = await api.request<{ metadata: { resourceVersion: string }; items: Kinds[Kind][] }>(
      'GET',
      kindPath(kind),
    )
    const found = new Set(
      items.map(({ metadata: { namespace = '', name } }) => keyOf(kind, namespace, name)),
    )
    for (const [key, object] of objects) {
      if (key.startsWith(`${kind} `) && !found.has(key)) {
        happen('DELETED', kind, object, Number(resourceVersion))
      }
    }
    for (const item of items) {
      const { namespace = '', name } = item.metadata
      if (versionOf(item) !== versions.get(keyOf(kind, namespace, name))) {
        happen('MODIFIED', kind, item)
      }
    }
    return resourceVersion
  }

  async function follow(kind: Kind, from: string): Promise<void> {
    for (let version = from; !signal.aborted;) {
      try {
        const query = `watch=true&allowWatchBookmarks=true&resourceVersion=${version}`
        const path = `${kindPath(kind)}?${query}`
        await api.lines(
          path,
          (line) => {
            version = receive(kind, line)
          },
          signal,
        )
      } catch (error) {
        // The version is too old for the server, for example after a change of the CRD.
        if (error instanceof RefusedByApi && error.code === 410) {
          version = await catchUp(kind).catch(() => version)
        }
      }
      // A watch also ends when its server ends.
      await sleep(50, undefined, { signal }).catch(() => {})
    }
  }

  await Promise.all(
    watched.map(async (kind) => {
      follow(kind, await catchUp(kind)).catch((error) => {
        process.emitWarning(`the watch of ${kind}s broke: ${(error as Error).message}`)
      })
    }),
  )
  const timer = setInterval(wake, moment)
  signal.addEventListener('abort', () => clearInterval(timer))

  return {
    find: <K extends Kind>(kind: K, namespace: string, name: string) =>
      objects.get(keyOf(kind, namespace, name)) as Kinds[K] | undefined,
    list: <K extends Kind>(kind: K, namespace: string) =>
      [...objects]
        .filter(([key]) => key.startsWith(keyOf(kind, namespace, '')))
        .map(([, object]) => object as Kinds[K]),
    watchEvents: (namespace) => watchEvents.get(namespace) ?? [],
    note: store,
    change: () => waiting.promise,
  }
}
