import { claimChildren, manageChildren, parentLabel } from './children.ts'
import { type Client, isConflict, isNotFound, type Resource } from './client.ts'
import type { CompositeController } from './composite-controller.ts'
import { type CompositeResponse, FatalResponse, parseCompositeResponse } from './hook-response.ts'
import type { Informer } from './informer.ts'
import { deepEqual } from './json.ts'
import {
  describe,
  type Fields,
  type GroupedObjects,
  insert,
  isFields,
  type KubeObject,
  objectKey,
  withMetadata,
} from './objects.ts'
import { TooManyRequests, type Webhook } from './webhook.ts'

/** The dependencies of a sync, which are the same for all parents of a CompositeController. */
export interface SyncContext {
  client: Client
  /** The form for the hooks. */
  controller: CompositeController
  parentResource: Resource
  children: Informer[]
  sync: Webhook
  finalize: Webhook | undefined
  relatedOf: (parent: KubeObject) => Promise<GroupedObjects>
  enqueueAfter: (key: string, milliseconds: number) => void
  signal: AbortSignal
}

/** Syncs a parent: calls the hook, applies its children, writes the status. */
export async function syncParent(context: SyncContext, cached: KubeObject): Promise<void> {
  const { client, controller, parentResource, finalize } = context
  const finalizer = `metacontroller.io/compositecontroller-${controller.metadata.name}`
  const setFinalizer = (object: KubeObject, isWanted: boolean) =>
    client.update(parentResource, object, (current) => {
      const { finalizers = [] } = current.metadata
      if (finalizers.includes(finalizer) === isWanted) return undefined
      return withMetadata(current, {
        finalizers: isWanted
          ? [...finalizers, finalizer]
          : finalizers.filter((other) => other !== finalizer),
      })
    })

  let parent = cached
  const isDeleted = parent.metadata.deletionTimestamp !== undefined
  const isWanted = finalize !== undefined
  if (hasFinalizer(parent, finalizer) !== isWanted && !(isWanted && isDeleted)) {
    parent = await explain(
      `can't sync finalizer for ${describe(cached)}`,
      setFinalizer(parent, isWanted),
    )
  }

  const observed = await claimChildren(client, parentResource, parent, context.children)
  const related = await context.relatedOf(parent)
  const response = await callHook(context, parent, observed, related)
  if (response.resyncAfterSeconds > 0) {
    context.enqueueAfter(objectKey(parent), response.resyncAfterSeconds * 1000)
  }
  if (response.finalized) {
    parent = await explain(
      `can't remove finalizer for ${describe(parent)}`,
      setFinalizer(parent, false),
    )
  }
  const desired = desiredChildren(parent, response.children)
  let failure: unknown
  if (parent.metadata.deletionTimestamp === undefined || shouldFinalize(parent, finalizer)) {
    await manageChildren(client, controller, parent, observed, desired).catch((error) => {
      failure = error
    })
  }
  // The status is written even if a child could not be written.
  if ((await writeStatus(context, parent, response.status)) && failure !== undefined) throw failure
}

const hasFinalizer = ({ metadata }: KubeObject, name: string) =>
  metadata.finalizers?.includes(name) ?? false

/** The garbage collector owns the children while the parent has one of its finalizers. */
const shouldFinalize = (parent: KubeObject, finalizer: string) =>
  hasFinalizer(parent, finalizer) &&
  !['foregroundDeletion', 'orphan'].some((other) => hasFinalizer(parent, other))

async function callHook(
  { controller, sync, finalize, signal }: SyncContext,
  parent: KubeObject,
  children: GroupedObjects,
  related: GroupedObjects,
): Promise<CompositeResponse> {
  const finalizing = finalize !== undefined && parent.metadata.deletionTimestamp !== undefined
  const request = { controller, parent, children, related, finalizing }
  try {
    return parseCompositeResponse(await (finalizing ? finalize : sync)(request, signal))
  } catch (error) {
    if (error instanceof TooManyRequests || error instanceof FatalResponse) throw error
    const hook = finalizing ? 'finalize' : 'sync'
    throw new Error(
      `sync hook failed for ${describe(parent)}: ${hook} hook failed (version=v2): ` +
        (error as Error).message,
    )
  }
}

/** The answered children with the namespace and the label of their parent. */
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

/** Resolves to false if the parent was deleted or changed. Another sync then follows. */
async function writeStatus(
  { client, parentResource }: SyncContext,
  parent: KubeObject,
  answered: Fields,
): Promise<boolean> {
  const status = { ...answered, observedGeneration: parent.metadata.generation }
  try {
    await client.update(
      parentResource,
      parent,
      (current) => (deepEqual(current.status, status) ? undefined : { ...current, status }),
      'status',
    )
    return true
  } catch (error) {
    if (isNotFound(error) || isConflict(error)) return false
    throw new Error(`can't update status for ${describe(parent)}: ${(error as Error).message}`)
  }
}

async function explain<T>(prefix: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw new Error(`${prefix}: ${(error as Error).message}`)
  }
}
