import { type KubernetesListObject, ListWatch, Watch } from '@kubernetes/client-node'
import { type Client, type Resource, resourcePath } from './client.ts'
import { log, messageOf } from './log.ts'
import { type KubeObject, objectKey } from './objects.ts'

/** Receives an added, changed or deleted object. `old` is the object before a change. */
export type Listener = (object: KubeObject, old?: KubeObject) => void

/** The watch of client-node ends at an error. The informer restarts the watch after this time. */
const restartDelayMs = 1000

/** A local copy of all objects of one kind. A watch keeps it up to date until `stop`. */
export class Informer {
  readonly resource: Resource
  readonly #objects = new Map<string, KubeObject>()
  readonly #listeners: Listener[] = []
  readonly #synced = Promise.withResolvers<void>()
  /** Resolves after the first list, or at `stop`. */
  readonly synced = this.#synced.promise
  readonly #listWatch: ListWatch<KubeObject>
  #isStopped = false

  constructor(client: Client, resource: Resource) {
    this.resource = resource
    const { apiVersion, kind } = resource
    const path = resourcePath(resource)
    const list = async () => {
      const answer = await client.request<KubernetesListObject<KubeObject>>('GET', path)
      if (this.#isStopped) throw new Error('the informer is stopped')
      // The items of a list have no kind.
      return { ...answer, items: answer.items.map((item) => ({ ...item, apiVersion, kind })) }
    }
    const watch = new Watch(client.config)
    this.#listWatch = new ListWatch(`${path}?allowWatchBookmarks=true`, watch, list, false)
    const store = (object: KubeObject) => {
      const old = this.#objects.get(objectKey(object))
      this.#objects.set(objectKey(object), object)
      this.#notify(object, old)
    }
    this.#listWatch.on('add', store)
    this.#listWatch.on('update', store)
    this.#listWatch.on('delete', (object) => {
      this.#objects.delete(objectKey(object))
      this.#notify(object)
    })
    this.#listWatch.on('error', (error) => this.#restart(error))
    this.#start()
  }

  readonly get = (key: string): KubeObject | undefined => this.#objects.get(key)
  readonly list = (): KubeObject[] => [...this.#objects.values()]

  /** Calls the listener for every object and every change. */
  subscribe(listener: Listener): void {
    this.#listeners.push(listener)
    for (const object of this.#objects.values()) listener(object)
  }

  stop(): void {
    this.#isStopped = true
    this.#listeners.length = 0
    this.#listWatch.stop()
    this.#synced.resolve()
  }

  #start(): void {
    if (this.#isStopped) return
    this.#listWatch
      .start()
      .then(() => this.#listWatch.latestResourceVersion() && this.#synced.resolve())
      .catch((error) => this.#restart(error))
  }

  #restart(error: unknown): void {
    if (this.#isStopped) return
    log(`cannot watch ${this.resource.name}: ${messageOf(error)}`)
    setTimeout(() => this.#start(), restartDelayMs)
  }

  #notify(object: KubeObject, old?: KubeObject): void {
    try {
      for (const listener of this.#listeners) listener(object, old)
    } catch (error) {
      // Otherwise the error would end the process as an unhandled rejection, or restart the watch.
      log(`a listener for ${this.resource.name} failed: ${(error as Error).stack}`)
    }
  }
}
