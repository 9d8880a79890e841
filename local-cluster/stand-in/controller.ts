import type { Client, Resource } from './client.ts'
import { asSentToHooks, type CompositeController, unsupported } from './composite-controller.ts'
import { createCustomizer, RelatedNotSynced } from './customize.ts'
import type { RecordWarning } from './event-recorder.ts'
import { FatalResponse } from './hook-response.ts'
import { type Informer, startInformer } from './informer.ts'
import { deepEqual } from './json.ts'
import { apiGroup, controllerOf, describe, type KubeObject, log, objectKey } from './objects.ts'
import { parentLabel } from './children.ts'
import { createQueue } from './queue.ts'
import { type SyncContext, syncParent } from './sync.ts'
import { createWebhook, TooManyRequests } from './webhook.ts'

/** A CompositeController that runs until `stop`. */
export interface ParentController {
  controller: CompositeController
  stop(): Promise<void>
}

const workers = 5
const relistSeconds = 30 * 60

/** Watches the parents and children of a CompositeController and calls its hooks. */
export async function startParentController(
  client: Client,
  recordWarning: RecordWarning,
  controller: CompositeController,
): Promise<ParentController> {
  const { parentResource, childResources = [], hooks, resyncPeriodSeconds } = controller.spec
  const problem = unsupported(controller)
  if (problem !== undefined) throw new Error(problem)
  const find = (rule: { apiVersion: string; resource: string }) =>
    client.resource(rule.apiVersion, { name: rule.resource })
  const resource = await find(parentResource)
  if (!resource.hasStatus) {
    throw new Error(`${resource.name} do not have subresource 'Status' enabled`)
  }
  const childKinds = await Promise.all(childResources.map(find))

  const stopping = new AbortController()
  const { signal } = stopping
  const queue = createQueue()
  const informers = new Map<string, Informer>()
  const informerFor = (kind: Resource): Informer => {
    const key = `${kind.apiVersion}/${kind.name}`
    const informer = informers.get(key) ?? startInformer(client, kind)
    informers.set(key, informer)
    return informer
  }
  const enqueue = (parent: KubeObject) => queue.add(objectKey(parent))
  const parents = informerFor(resource)
  const children = childKinds.map(informerFor)
  const sentController = asSentToHooks(controller)
  const context: SyncContext = {
    client,
    controller: sentController,
    parentResource: resource,
    children,
    sync: createWebhook(hooks?.sync ?? {}),
    finalize: hooks?.finalize && createWebhook(hooks.finalize),
    relatedOf: hooks?.customize
      ? createCustomizer({
          webhook: createWebhook(hooks.customize),
          controller: sentController,
          client,
          parents,
          informerFor,
          enqueue,
          signal,
        })
      : async () => ({}),
    enqueueAfter: queue.addAfter,
    signal,
  }

  function parentUpdated(old: KubeObject, current: KubeObject): void {
    const isIgnored = parentResource.ignoreStatusChanges && old !== current
    if (!isIgnored || !isStatusChange(old, current)) enqueue(current)
  }

  /** Enqueues the owner of a child. An orphan with the label of a parent enqueues that parent. */
  function childChanged(child: KubeObject): void {
    const parent = ownerOf(child)
    if (parent !== undefined) return enqueue(parent)
    if (controllerOf(child) || child.metadata.deletionTimestamp !== undefined) return
    const uid = child.metadata.labels?.[parentLabel]
    parents.list().filter(hasUid(uid, child)).forEach(enqueue)
  }

  const hasUid =
    (uid: string | undefined, child: KubeObject) =>
    ({ metadata }: KubeObject) =>
      metadata.uid === uid &&
      (!resource.namespaced || metadata.namespace === child.metadata.namespace)

  function ownerOf(child: KubeObject): KubeObject | undefined {
    const owner = controllerOf(child)
    if (owner?.kind !== resource.kind) return undefined
    if (apiGroup(owner.apiVersion) !== apiGroup(resource.apiVersion)) return undefined
    const namespace = resource.namespaced ? child.metadata.namespace : undefined
    const parent = parents.get(namespace ? `${namespace}/${owner.name}` : owner.name)
    return parent?.metadata.uid === owner.uid ? parent : undefined
  }

  async function work(): Promise<void> {
    for (let key = await queue.get(); key !== undefined; key = await queue.get()) {
      await syncKey(key)
      queue.done(key)
    }
  }

  async function syncKey(key: string): Promise<void> {
    const parent = parents.get(key)
    try {
      if (parent !== undefined) await syncParent(context, parent)
      queue.forget(key)
    } catch (error) {
      const { message } = error as Error
      if (error instanceof FatalResponse) {
        log(message)
        process.exit(2)
      }
      if (error instanceof TooManyRequests) return queue.addAfter(key, error.afterSeconds * 1000)
      queue.addRateLimited(key)
      if (error instanceof RelatedNotSynced || parent === undefined) return
      log(`failed to sync ${describe(parent)}: ${message}`)
      recordWarning(parent, 'SyncError', `Sync error: ${message}`)
    }
  }

  parents.subscribe({ add: enqueue, update: parentUpdated, delete: enqueue })
  for (const informer of children) {
    informer.subscribe({
      add: childChanged,
      update(old, current) {
        if (old.metadata.resourceVersion !== current.metadata.resourceVersion) childChanged(current)
      },
      delete(child) {
        const parent = ownerOf(child)
        if (parent !== undefined) enqueue(parent)
      },
    })
  }
  const resync = setInterval(
    () => parents.list().forEach(enqueue),
    Math.max(resyncPeriodSeconds ?? relistSeconds, 1) * 1000,
  )
  const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
  const synced = Promise.all([parents, ...children].map((informer) => informer.synced))
  const working = Promise.race([synced, stopped]).then(() =>
    Promise.all(Array.from({ length: workers }, work)),
  )

  return {
    controller,
    async stop() {
      clearInterval(resync)
      stopping.abort()
      queue.shutDown()
      for (const informer of informers.values()) informer.stop()
      await working
    },
  }
}

/** Whether an update changed nothing but the status. */
function isStatusChange({ metadata: old }: KubeObject, { metadata }: KubeObject): boolean {
  return (
    old.generation === metadata.generation &&
    deepEqual(old.labels, metadata.labels) &&
    deepEqual(old.annotations, metadata.annotations) &&
    metadata.deletionTimestamp === undefined
  )
}
