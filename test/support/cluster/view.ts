import { setTimeout as sleep } from 'node:timers/promises'
import { type Api, RefusedByApi } from './api.ts'
import { builtInKinds, type Kind, type Kinds, kindPath } from './kinds.ts'

/** Something that happened to an object, as a watch tells it. */
export interface Happening<K extends Kind = Kind> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  kind: K
  object: Kinds[K]
  /** When it was, counted in writes to the API server: the order of all happenings, of whatever kinds. */
  version: number
}

/** All objects of the kinds that the scenarios look at, and all that happened to them, in every namespace. */
export interface View {
  find<K extends Kind>(kind: K, namespace: string, name: string): Kinds[K] | undefined
  list<K extends Kind>(kind: K, namespace: string): Kinds[K][]
  happenings(namespace: string): Happening[]
  /** Takes in what the API server answered to a write, which can be ahead of the watch. */
  note<K extends Kind>(kind: K, object: Kinds[K]): void
  /** Settles at the next change, or after a moment. */
  change(): Promise<void>
}

const moment = 250
/** So much is gathered before those who wait are woken: there can be many. */
const pause = 20

/** Watches an API server until told to stop. Settles when everything that is there has been seen. */
export async function watchAll(
  api: Api,
  signal: AbortSignal,
  watched: Kind[] = builtInKinds,
): Promise<View> {
  const objects = new Map<string, Kinds[Kind]>()
  const versions = new Map<string, number>()
  const happenings = new Map<string, Happening[]>()
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
    type: Happening['type'],
    kind: Kind,
    object: Kinds[Kind],
    version = versionOf(object),
  ): void {
    const { namespace = '' } = object.metadata
    const before = happenings.get(namespace) ?? []
    before.push({ type, kind, object, version })
    happenings.set(namespace, before)
    store(kind, object, type === 'DELETED')
  }

  function receive(kind: Kind, line: string): string {
    const { type, object } = JSON.parse(line) as {
      type: Happening['type'] | 'BOOKMARK' | 'ERROR'
      object: Kinds[Kind] & { code: number; message: string }
    }
    if (type === 'ERROR') throw new RefusedByApi(object.code, object.message)
    if (type !== 'BOOKMARK') happen(type, kind, object)
    return object.metadata.resourceVersion
  }

  /** Catches up with what is there; gives the version from which to watch on. */
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
        const path = `${kindPath(kind)}?watch=true&allowWatchBookmarks=true&resourceVersion=${version}`
        await api.lines(
          path,
          (line) => {
            version = receive(kind, line)
          },
          signal,
        )
      } catch (error) {
        // The server does not remember that far back: so it is when the definition of the kind has changed.
        if (error instanceof RefusedByApi && error.code === 410) {
          version = await catchUp(kind).catch(() => version)
        }
      }
      // A watch ends with its server too.
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
    happenings: (namespace) => happenings.get(namespace) ?? [],
    note: store,
    change: () => waiting.promise,
  }
}
