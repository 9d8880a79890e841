import {
  type KubernetesListObject,
  type KubernetesObject,
  ListWatch,
  Watch,
} from '@kubernetes/client-node'
import { type Client, type Resource, resourcePath } from './client.ts'
import { type KubeObject, log, objectKey } from './objects.ts'

/** The listeners for the objects of one kind. */
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
  /** Resolves after the first list. */
  synced: Promise<void>
  /** Calls the handlers for every change. Objects that are known already count as updated. */
  subscribe(handlers: Handlers): void
  stop(): void
}

/** The watch of client-node ends at an error. Then it starts again after this time. */
const restartDelayMs = 1000

/** Lists and watches a resource until `stop`. Survives every failure of the API server. */
export function startInformer(client: Client, resource: Resource): Informer {
  const { apiVersion, kind, name } = resource
  const objects = new Map<string, KubeObject>()
  const subscribers: Handlers[] = []
  const first = Promise.withResolvers<void>()
  let [hasSynced, isStopped] = [false, false]

  const listWatch = new ListWatch(
    `${resourcePath(resource)}?allowWatchBookmarks=true`,
    new Watch(client.config),
    async () => {
      const list = await client.request('GET', resourcePath(resource))
      if (isStopped) throw new Error('the informer is stopped')
      // ListWatch reports the items before the next turn of the event loop.
      setImmediate(() => {
        hasSynced = true
        first.resolve()
      })
      const items = (list.items as KubeObject[]).map((item) => ({ ...item, apiVersion, kind }))
      return { ...list, items } as unknown as KubernetesListObject<KubernetesObject>
    },
    false,
  )

  /** ListWatch drops errors of its listeners. */
  const notify = (call: (handlers: Handlers) => void) => {
    try {
      subscribers.forEach(call)
    } catch (error) {
      log(`a handler for ${name} failed: ${(error as Error).stack}`)
    }
  }
  const store = (listed: KubernetesObject) => {
    const object = listed as unknown as KubeObject
    const old = objects.get(objectKey(object))
    objects.set(objectKey(object), object)
    notify((handlers) => (old ? handlers.update(old, object) : handlers.add(object)))
  }
  const start = () => {
    if (!isStopped) listWatch.start().catch(restart)
  }
  const restart = (error: unknown) => {
    if (isStopped) return
    log(`cannot watch ${name}: ${(error as Error | undefined)?.message}`)
    setTimeout(start, restartDelayMs)
  }
  listWatch.on('add', store)
  listWatch.on('update', store)
  listWatch.on('delete', (listed) => {
    const object = listed as unknown as KubeObject
    objects.delete(objectKey(object))
    notify((handlers) => handlers.delete(object))
  })
  listWatch.on('error', restart)
  start()

  return {
    resource,
    get: (key) => objects.get(key),
    list: () => [...objects.values()],
    hasSynced: () => hasSynced,
    synced: first.promise,
    subscribe(handlers) {
      subscribers.push(handlers)
      for (const object of objects.values()) handlers.update(object, object)
    },
    stop() {
      isStopped = true
      subscribers.length = 0
      listWatch.stop()
    },
  }
}
