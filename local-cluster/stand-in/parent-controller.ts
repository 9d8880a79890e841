import { type Client } from './client.ts'
import { type CompositeController, asSentToHooks, unsupported } from './composite-controller.ts'
import { RelatedNotSynced, createCustomizer } from './customize.ts'
import { type Discovery, type Resource } from './discovery.ts'
import { type RecordEvent } from './event-recorder.ts'
import { FatalResponse } from './hook-response.ts'
import { type Informer, startInformer } from './informer.ts'
import { deepEqual } from './json.ts'
import { type KubeObject, controllerOf, describe, groupOf, objectKey } from './kube-object.ts'
import { type Log } from './log.ts'
import { createQueue } from './queue.ts'
import { selects } from './selector.ts'
import { type SyncContext, caresFor, childSelector, syncParent } from './sync.ts'
import { TooManyRequests, createWebhook } from './webhook.ts'

/** The work that one CompositeController asks for, going on until stopped. */
export interface ParentController {
  controller: CompositeController
  stop(): Promise<void>
}

/** What all CompositeControllers share. */
export interface Runtime {
  client: Client
  discovery: Discovery
  recordEvent: RecordEvent
  log: Log
}

const workers = 5
const relistSeconds = 30 * 60

/** Starts to watch the parents and children of a CompositeController and to call its hooks. */
export async function startParentController(
  environment: Runtime,
  controller: CompositeController,
): Promise<ParentController> {
  const { client, discovery, recordEvent, log } = environment
  const {
    parentResource: parentRule,
    childResources = [],
    hooks,
    resyncPeriodSeconds,
  } = controller.spec
  const refusal = unsupported(controller)
  if (refusal !== undefined) throw new Error(refusal)

  const parentResource = await discovery.byName(parentRule.apiVersion, parentRule.resource)
  if (!parentResource.hasStatus) {
    throw new Error(`${parentResource.name} do not have subresource 'Status' enabled`)
  }
  const childKinds = await Promise.all(
    childResources.map((rule) => discovery.byName(rule.apiVersion, rule.resource)),
  )

  const stopping = new AbortController()
  const queue = createQueue()
  const informers = new Map<string, Informer>()
  const parents = informerFor(parentResource)
  const children = childKinds.map(informerFor)
  const seen = asSentToHooks(controller)
  const context: SyncContext = {
    client,
    discovery,
    log,
    controller: seen,
    parentResource,
    children,
    sync: createWebhook(hooks?.sync ?? {}),
    finalize: hooks?.finalize && createWebhook(hooks.finalize),
    relatedOf: createCustomizer({
      webhook: hooks?.customize && createWebhook(hooks.customize),
      controller: seen,
      discovery,
      parents,
      informerFor,
      enqueue,
      signal: stopping.signal,
      log,
    }),
    enqueueAfter: queue.addAfter,
    signal: stopping.signal,
  }

  function informerFor(resource: Resource): Informer {
    const key = `${resource.apiVersion}/${resource.name}`
    const existing = informers.get(key)
    if (existing !== undefined) return existing
    const started = startInformer(client, resource, log)
    informers.set(key, started)
    return started
  }

  function enqueue(parent: KubeObject): void {
    if (caresFor(controller, parent)) queue.add(objectKey(parent))
  }

  function parentUpdated(old: KubeObject, current: KubeObject): void {
    if (parentRule.ignoreStatusChanges && old !== current && isStatusChange(old, current)) return
    enqueue(current)
  }

  function childChanged(child: KubeObject): void {
    const owner = controllerOf(child)
    if (owner !== undefined) {
      const parent = ownerOf(child)
      if (parent !== undefined) enqueue(parent)
    } else if (child.metadata.deletionTimestamp === undefined) {
      potentialParents(child).forEach(enqueue)
    }
  }

  function childDeleted(child: KubeObject): void {
    const parent = ownerOf(child)
    if (parent !== undefined) enqueue(parent)
  }

  function ownerOf(child: KubeObject): KubeObject | undefined {
    const owner = controllerOf(child)
    if (
      owner === undefined ||
      owner.kind !== parentResource.kind ||
      groupOf(owner.apiVersion) !== parentResource.group
    ) {
      return undefined
    }
    const namespace = parentResource.namespaced ? child.metadata.namespace : undefined
    const parent = parents.get(namespace ? `${namespace}/${owner.name}` : owner.name)
    return parent?.metadata.uid === owner.uid ? parent : undefined
  }

  function potentialParents(orphan: KubeObject): KubeObject[] {
    return parents.list().filter((parent) => {
      if (parentResource.namespaced && parent.metadata.namespace !== orphan.metadata.namespace) {
        return false
      }
      try {
        return selects(childSelector(controller, parent), orphan.metadata.labels)
      } catch {
        return false
      }
    })
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
      if (error instanceof FatalResponse) crash(error)
      if (error instanceof TooManyRequests) {
        queue.addAfter(key, error.afterSeconds * 1000)
        return
      }
      queue.addRateLimited(key)
      if (error instanceof RelatedNotSynced || parent === undefined) return
      log(`failed to sync ${describe(parent)}: ${(error as Error).message}`)
      recordEvent(parent, 'Warning', 'SyncError', `Sync error: ${(error as Error).message}`)
    }
  }

  function crash(error: Error): never {
    log(error.message)
    process.exit(2)
  }

  parents.subscribe({ add: enqueue, update: parentUpdated, delete: enqueue })
  for (const informer of children) {
    informer.subscribe({
      add: childChanged,
      update(old, current) {
        if (old.metadata.resourceVersion !== current.metadata.resourceVersion) childChanged(current)
      },
      delete: childDeleted,
    })
  }
  const resync = setInterval(
    () => {
      for (const parent of parents.list()) parentUpdated(parent, parent)
    },
    Math.max(resyncPeriodSeconds ?? relistSeconds, 1) * 1000,
  )

  const synced = Promise.all([parents, ...children].map((informer) => informer.synced))
  const stopped = new Promise<void>((resolve) =>
    stopping.signal.addEventListener('abort', () => resolve()),
  )
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

/** Nothing changed but what a status update changes. */
function isStatusChange(old: KubeObject, current: KubeObject): boolean {
  return (
    old.metadata.generation === current.metadata.generation &&
    deepEqual(old.metadata.labels, current.metadata.labels) &&
    deepEqual(old.metadata.annotations, current.metadata.annotations) &&
    current.metadata.deletionTimestamp === undefined
  )
}
