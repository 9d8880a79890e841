import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError, type Client } from './client.ts'
import { type Resource, resourcePath } from './discovery.ts'
import { parseJson } from './json.ts'
import { type KubeObject, objectKey } from './kube-object.ts'
import { type Log } from './log.ts'

/** What to do when an object appears, changes or goes. */
export interface Handlers {
  add(object: KubeObject): void
  update(old: KubeObject, current: KubeObject): void
  delete(object: KubeObject): void
}

/** A local copy of all objects of one kind, kept up to date by a watch. */
export interface Informer {
  resource: Resource
  get(key: string): KubeObject | undefined
  list(): KubeObject[]
  hasSynced(): boolean
  /** Resolves when the first list is in. */
  synced: Promise<void>
  /** Calls the handlers for every change; objects already here count as updated. */
  subscribe(handlers: Handlers): void
  stop(): void
}

const firstDelay = 800
const longestDelay = 30_000
const calmAfter = 120_000

/** Lists and watches a resource until stopped, whatever happens to the API server meanwhile. */
export function startInformer(client: Client, resource: Resource, log: Log): Informer {
  const objects = new Map<string, KubeObject>()
  const subscribers: Handlers[] = []
  const stopping = new AbortController()
  const first = Promise.withResolvers<void>()
  let synced = false
  let version: string | undefined

  function store(object: KubeObject): void {
    const key = objectKey(object)
    const old = objects.get(key)
    objects.set(key, object)
    for (const handlers of subscribers) {
      if (old === undefined) handlers.add(object)
      else handlers.update(old, object)
    }
  }

  function remove(object: KubeObject): void {
    objects.delete(objectKey(object))
    for (const handlers of subscribers) handlers.delete(object)
  }

  async function list(): Promise<void> {
    const answer = await client.request('GET', resourcePath(resource))
    const items = answer.items as KubeObject[]
    const listed = items.map((item) => ({
      ...item,
      apiVersion: resource.apiVersion,
      kind: resource.kind,
    }))
    const keys = new Set(listed.map(objectKey))
    for (const [key, object] of [...objects]) {
      if (!keys.has(key)) remove(object)
    }
    listed.forEach(store)
    version = answer.metadata.resourceVersion
    synced = true
    first.resolve()
  }

  function receive(line: string): void {
    const { type, object } = parseJson(line) as { type: string; object: KubeObject }
    if (type === 'ERROR') {
      throw new ApiError(Number(object.code), String(object.reason), String(object.message))
    }
    version = object.metadata.resourceVersion
    if (type === 'DELETED') remove(object)
    else if (type !== 'BOOKMARK') store(object)
  }

  async function watch(): Promise<void> {
    const query = new URLSearchParams({
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: version ?? '',
      timeoutSeconds: String(Math.round(300 * (1 + Math.random()))),
    })
    const started = Date.now()
    await client.stream(`${resourcePath(resource)}?${query}`, receive, stopping.signal)
    if (Date.now() - started < 1000) throw new Error('very short watch')
  }

  async function run(): Promise<void> {
    const nextDelay = backoff()
    while (!stopping.signal.aborted) {
      try {
        if (version === undefined) await list()
        await watch()
      } catch (error) {
        if (stopping.signal.aborted) return
        if (error instanceof ApiError && error.code === 410) version = undefined
        log(`cannot watch ${resource.name}: ${(error as Error).message}`)
        await sleep(nextDelay(), undefined, { signal: stopping.signal }).catch(() => {})
      }
    }
  }

  run().catch((error) => log(`stopped watching ${resource.name}: ${String(error)}`))

  return {
    resource,
    get: (key) => objects.get(key),
    list: () => [...objects.values()],
    hasSynced: () => synced,
    synced: first.promise,
    subscribe(handlers) {
      subscribers.push(handlers)
      for (const object of objects.values()) handlers.update(object, object)
    },
    stop() {
      subscribers.length = 0
      stopping.abort()
    },
  }
}

/** Delays as in client-go's reflector: doubling, with jitter, and reset after a calm period. */
function backoff(): () => number {
  let delay = firstDelay
  let last = 0
  return () => {
    if (Date.now() - last > calmAfter) delay = firstDelay
    last = Date.now()
    const jittered = delay * (1 + Math.random())
    delay = Math.min(delay * 2, longestDelay)
    return jittered
  }
}
