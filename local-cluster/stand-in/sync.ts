import { isDeepStrictEqual } from 'node:util'
import { claimChildren, manageChildren } from './children.ts'
import { type Client, hasReason } from './client.ts'
import {
  type CompositeController,
  finalizerOf,
  hasFinalizer,
  isResponsible,
  isSelected,
  parentLabel,
} from './composite-controller.ts'
import { type CompositeResponse, FatalResponse, parseCompositeResponse } from './hook-response.ts'
import type { Informer } from './informer.ts'
import { messageOf } from './log.ts'
import {
  describe,
  type Fields,
  type GroupedObjects,
  insert,
  isFields,
  isTerminating,
  type KubeObject,
  objectKey,
  withMetadata,
} from './objects.ts'
import { TooManyRequests, type Webhook } from './webhook.ts'

/** The dependencies of a sync, which are the same for all parents of a CompositeController. */
export interface SyncContext {
  client: Client
  controller: CompositeController
  children: Informer[]
  sync: Webhook
  finalize: Webhook | undefined
  relatedOf: (parent: KubeObject) => Promise<GroupedObjects>
  enqueueAfter: (key: string, milliseconds: number) => void
  signal: AbortSignal
}

/** While an object has one of these, the garbage collector handles its children. */
const garbageCollectorFinalizers = ['foregroundDeletion', 'orphan']

/** Syncs a parent: calls the hook, applies its children, writes the status. */
export async function syncParent(context: SyncContext, cached: KubeObject): Promise<void> {
  const { client, controller, finalize } = context
  if (!isResponsible(controller, cached)) return
  let parent = await setFinalizer(context, cached, finalize !== undefined)
  if (!isResponsible(controller, parent)) return

  const observed = await claimChildren(client, parent, context.children)
  const related = await context.relatedOf(parent)
  const response = await callHook(context, parent, observed, related)
  if (response.resyncAfterSeconds > 0) {
    context.enqueueAfter(objectKey(parent), response.resyncAfterSeconds * 1000)
  }
  if (response.finalized) parent = await setFinalizer(context, parent, false)
  const desired = desiredChildren(parent, response.children)
  let failure: unknown
  if (!isTerminating(parent) || shouldFinalize(controller, parent)) {
    await manageChildren(client, controller, parent, observed, desired).catch((error) => {
      failure = error
    })
  }
  // The status is written even if a child could not be written.
  if ((await writeStatus(client, parent, response.status)) && failure !== undefined) throw failure
}

/** Adds the finalizer if `isWanted`, else removes it. Returns the updated parent. */
async function setFinalizer(
  { client, controller }: SyncContext,
  parent: KubeObject,
  isWanted: boolean,
): Promise<KubeObject> {
  const finalizer = finalizerOf(controller)
  if (hasFinalizer(parent, finalizer) === isWanted) return parent
  // The API server refuses new finalizers of an object that is being deleted.
  if (isWanted && isTerminating(parent)) return parent
  try {
    return await client.update(parent, (current) => {
      if (hasFinalizer(current, finalizer) === isWanted) return undefined
      const others = current.metadata.finalizers?.filter((other) => other !== finalizer) ?? []
      return withMetadata(current, { finalizers: isWanted ? [...others, finalizer] : others })
    })
  } catch (error) {
    throw new Error(`can't sync finalizer for ${describe(parent)}: ${messageOf(error)}`)
  }
}

const shouldFinalize = (controller: CompositeController, parent: KubeObject) =>
  hasFinalizer(parent, finalizerOf(controller)) &&
  !garbageCollectorFinalizers.some((finalizer) => hasFinalizer(parent, finalizer))

async function callHook(
  { controller, sync, finalize, signal }: SyncContext,
  parent: KubeObject,
  children: GroupedObjects,
  related: GroupedObjects,
): Promise<CompositeResponse> {
  const finalizing =
    finalize !== undefined && (isTerminating(parent) || !isSelected(controller, parent))
  const request = { controller, parent, children, related, finalizing }
  try {
    return parseCompositeResponse(await (finalizing ? finalize : sync)(request, signal))
  } catch (error) {
    if (error instanceof TooManyRequests || error instanceof FatalResponse) throw error
    const hook = finalizing ? 'finalize' : 'sync'
    throw new Error(
      `sync hook failed for ${describe(parent)}: ${hook} hook failed (version=v2): ` +
        messageOf(error),
    )
  }
}

/** The children in the response, with the parent label. Their default namespace is the parent's. */
function desiredChildren({ metadata }: KubeObject, children: KubeObject[]): GroupedObjects {
  const desired: GroupedObjects = {}
  for (const child of children) {
    const namespace = child.metadata.namespace || metadata.namespace
    const answered: unknown = child.metadata.labels ?? {}
    if (!isFields(answered) || Object.values(answered).some((text) => typeof text !== 'string')) {
      throw new Error(`invalid labels on desired child ${describe(child)}`)
    }
    const labels = { [parentLabel]: metadata.uid ?? '', ...(answered as Record<string, string>) }
    if (labels[parentLabel] !== metadata.uid) {
      throw new Error(`labels on desired child ${describe(child)} don't match parent selector`)
    }
    insert(desired, withMetadata(child, { ...(namespace && { namespace }), labels }))
  }
  return desired
}

/** Resolves to false if the parent was deleted or changed. A change usually starts a sync. */
async function writeStatus(client: Client, parent: KubeObject, answered: Fields): Promise<boolean> {
  const status = { ...answered, observedGeneration: parent.metadata.generation }
  try {
    await client.update(
      parent,
      (current) => (isDeepStrictEqual(current.status, status) ? undefined : { ...current, status }),
      'status',
    )
    return true
  } catch (error) {
    if (hasReason(error, 'NotFound', 'Conflict')) return false
    throw new Error(`can't update status for ${describe(parent)}: ${messageOf(error)}`)
  }
}
