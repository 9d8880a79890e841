import { isDeepStrictEqual } from 'node:util'
import type { Client, Resource } from './client.ts'
import {
  checkSupported,
  type CompositeController,
  isResponsible,
  parentLabel,
} from './composite-controller.ts'
import { createCustomizer } from './customize.ts'
import type { RecordWarning } from './event-recorder.ts'
import { FatalResponse } from './hook-response.ts'
import { Informer } from './informer.ts'
import { log, messageOf } from './log.ts'
import { controllerOf, describe, isTerminating, type KubeObject, objectKey } from './objects.ts'
import { WorkQueue } from './queue.ts'
import { type SyncContext, syncParent } from './sync.ts'
import { createWebhook, TooManyRequests } from './webhook.ts'

/** A CompositeController that runs until `stop`. */
export interface ParentController {
  controller: CompositeController
  stop(): Promise<void>
}

const workers = 5
const defaultResyncSeconds = 30 * 60

/** Watches the parents and children of a CompositeController and calls its hooks. */
export async function startParentController(
  client: Client,
  recordWarning: RecordWarning,
  controller: CompositeController,
): Promise<ParentController> {
  checkSupported(controller)
  const { parentResource, childResources = [], hooks, resyncPeriodSeconds } = controller.spec
  const find = (rule: { apiVersion: string; resource: string }) =>
    client.resource(rule.apiVersion, rule.resource)
  const parentKind = await find(parentResource)
  const childKinds = await Promise.all(childResources.map(find))

  const stopping = new AbortController()
  const { signal } = stopping
  const queue = new WorkQueue(syncKey)
  const informers = new Map<string, Informer>()
  const informerFor = (resource: Resource): Informer => {
    const key = `${resource.apiVersion}/${resource.name}`
    const informer = informers.get(key) ?? new Informer(client, resource)
    informers.set(key, informer)
    return informer
  }
  const parents = informerFor(parentKind)
  const children = childKinds.map(informerFor)
  const customize = hooks?.customize && createWebhook(hooks.customize)
  const context: SyncContext = {
    client,
    controller,
    children,
    sync: createWebhook(hooks?.sync ?? {}),
    finalize: hooks?.finalize && createWebhook(hooks.finalize),
    relatedOf: customize
      ? createCustomizer({
          client,
          callHook: (parent) => customize({ controller, parent }, signal),
          parents,
          informerFor,
          enqueue,
        })
      : async () => ({}),
    enqueueAfter: (key, milliseconds) => queue.addAfter(key, milliseconds),
    signal,
  }

  function enqueue(parent: KubeObject): void {
    if (isResponsible(controller, parent)) queue.add(objectKey(parent))
  }

  /** Enqueues the owner of a child. An orphan with the label of a parent enqueues that parent. */
  function enqueueParentOf(child: KubeObject): void {
    const owner = controllerOf(child)
    if (owner === undefined && isTerminating(child)) return
    const uid = owner?.uid ?? child.metadata.labels?.[parentLabel]
    const parent = parents.list().find(({ metadata }) => metadata.uid === uid)
    if (parent !== undefined) enqueue(parent)
  }

  async function syncKey(key: string): Promise<void> {
    const parent = parents.get(key)
    try {
      if (parent !== undefined) await syncParent(context, parent)
      queue.forget(key)
    } catch (error) {
      if (error instanceof FatalResponse) {
        log(error.message)
        process.exit(2)
      }
      if (error instanceof TooManyRequests) return queue.addAfter(key, error.afterSeconds * 1000)
      queue.addRateLimited(key)
      if (parent === undefined) return
      log(`failed to sync ${describe(parent)}: ${messageOf(error)}`)
      recordWarning(parent, 'SyncError', `Sync error: ${messageOf(error)}`)
    }
  }

  parents.subscribe((parent, old) => {
    const isIgnored = parentResource.ignoreStatusChanges && old && isStatusChange(old, parent)
    if (!isIgnored) enqueue(parent)
  })
  for (const informer of children) informer.subscribe(enqueueParentOf)
  const resync = setInterval(
    () => parents.list().forEach(enqueue),
    Math.max(resyncPeriodSeconds ?? defaultResyncSeconds, 1) * 1000,
  )
  Promise.all([parents, ...children].map(({ synced }) => synced)).then(() => queue.start(workers))

  return {
    controller,
    async stop() {
      clearInterval(resync)
      stopping.abort()
      const stopped = queue.stop()
      for (const informer of informers.values()) informer.stop()
      await stopped
    },
  }
}

/** Whether an update of a living parent kept its generation, labels and annotations. */
const isStatusChange = ({ metadata: old }: KubeObject, parent: KubeObject): boolean =>
  old.generation === parent.metadata.generation &&
  isDeepStrictEqual(old.labels, parent.metadata.labels) &&
  isDeepStrictEqual(old.annotations, parent.metadata.annotations) &&
  !isTerminating(parent)
