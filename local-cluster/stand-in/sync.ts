import { atomicUpdate } from './atomic-update.ts'
import { type UpdateMethod, manageChildren } from './children.ts'
import { claimChildren } from './claim.ts'
import { type Client, isConflict, isNotFound } from './client.ts'
import { type CompositeController } from './composite-controller.ts'
import { type Discovery, type Resource } from './discovery.ts'
import {
  finalizerName,
  hasFinalizer,
  removeFinalizer,
  shouldFinalize,
  syncFinalizer,
} from './finalizer.ts'
import { type CompositeResponse, FatalResponse, parseCompositeResponse } from './hook-response.ts'
import { type Informer } from './informer.ts'
import { deepEqual } from './json.ts'
import { type Fields, type KubeObject, describe, isFields, objectKey } from './kube-object.ts'
import { type Log } from './log.ts'
import { type GroupedObjects, createObjectMap } from './object-map.ts'
import { type LabelSelector, isEmptySelector, selects } from './selector.ts'
import { TooManyRequests, type Webhook } from './webhook.ts'

/** What syncing the parents of one CompositeController needs. */
export interface SyncContext {
  client: Client
  discovery: Discovery
  log: Log
  /** As the hooks are to see it. */
  controller: CompositeController
  parentResource: Resource
  children: Informer[]
  sync: Webhook
  finalize: Webhook | undefined
  relatedOf(parent: KubeObject): Promise<GroupedObjects>
  enqueueAfter(key: string, milliseconds: number): void
  signal: AbortSignal
}

/** Whether the CompositeController cares for this parent. */
export function caresFor(controller: CompositeController, parent: KubeObject): boolean {
  return (
    hasFinalizer(parent, finalizerName(controller.metadata.name)) || isSelected(controller, parent)
  )
}

/** The selector that finds a parent's children. */
export function childSelector({ spec }: CompositeController, parent: KubeObject): LabelSelector {
  if (spec.generateSelector) return { matchLabels: { 'controller-uid': parent.metadata.uid ?? '' } }
  const selector = (
    isFields(parent.spec) && isFields(parent.spec.selector) ? parent.spec.selector : {}
  ) as LabelSelector
  if (isEmptySelector(selector)) {
    throw new Error('.spec.selector must have either matchLabels, matchExpressions, or both')
  }
  return selector
}

/** One round: observe, ask the hook, apply what it wants, write the status. */
export async function syncParent(context: SyncContext, cached: KubeObject): Promise<void> {
  const { client, controller, parentResource, log } = context
  if (!caresFor(controller, cached)) return
  const finalizer = finalizerName(controller.metadata.name)
  let parent = await explain(
    `can't sync finalizer for ${describe(cached)}`,
    syncFinalizer(client, parentResource, cached, finalizer, context.finalize !== undefined),
  )
  if (!caresFor(controller, parent)) return

  const selector = childSelector(controller, parent)
  const observed = await claimChildren(
    client,
    parentResource,
    parent,
    selector,
    context.children,
    log,
  )
  const related = await context.relatedOf(parent)
  const response = await callHook(context, parent, observed, related)

  if (response.resyncAfterSeconds > 0) {
    context.enqueueAfter(objectKey(parent), response.resyncAfterSeconds * 1000)
  }
  if (response.finalized) {
    parent = await explain(
      `can't remove finalizer for ${describe(parent)}`,
      removeFinalizer(client, parentResource, parent, finalizer),
    )
  }
  const desired = desiredChildren(controller, parent, response.children)

  let failure: unknown
  if (
    parent.metadata.deletionTimestamp === undefined ||
    (context.finalize && shouldFinalize(parent, finalizer))
  ) {
    const methodOf = (resource: Resource): UpdateMethod => updateMethod(controller, resource)
    await manageChildren(
      { client, discovery: context.discovery, log, parent, methodOf },
      observed,
      desired,
    ).catch((error) => {
      failure = error
    })
  }
  // The status is written even when a child could not be.
  if ((await writeStatus(context, parent, response.status)) && failure !== undefined) throw failure
}

async function callHook(
  context: SyncContext,
  parent: KubeObject,
  observed: GroupedObjects,
  related: GroupedObjects,
): Promise<CompositeResponse> {
  const { controller, sync, finalize, signal } = context
  const finalizing =
    finalize !== undefined &&
    (parent.metadata.deletionTimestamp !== undefined || !isSelected(controller, parent))
  const request = { controller, parent, children: observed, related, finalizing }
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

function desiredChildren(
  controller: CompositeController,
  parent: KubeObject,
  children: KubeObject[],
): GroupedObjects {
  const selector = childSelector(controller, parent)
  const generated = controller.spec.generateSelector
    ? { 'controller-uid': parent.metadata.uid ?? '' }
    : {}
  const desired = createObjectMap()
  for (const answered of children) {
    const child = withNamespace(answered, answered.metadata.namespace || parent.metadata.namespace)
    const labels = { ...generated, ...givenLabels(child) }
    if (!selects(selector, labels)) {
      throw new Error(`labels on desired child ${describe(child)} don't match parent selector`)
    }
    desired.insert({
      ...child,
      metadata: { ...child.metadata, ...(Object.keys(labels).length > 0 && { labels }) },
    })
  }
  return desired
}

function withNamespace(child: KubeObject, namespace: string | undefined): KubeObject {
  return namespace ? { ...child, metadata: { ...child.metadata, namespace } } : child
}

function givenLabels(child: KubeObject): Record<string, string> {
  const labels: unknown = child.metadata.labels
  if (labels === undefined) return {}
  if (isFields(labels) && Object.values(labels).every((value) => typeof value === 'string')) {
    return labels as Record<string, string>
  }
  throw new Error(`invalid labels on desired child ${describe(child)}`)
}

function updateMethod({ spec }: CompositeController, resource: Resource): UpdateMethod {
  const rule = spec.childResources?.find(
    ({ apiVersion, resource: name }) =>
      apiVersion === resource.apiVersion && name === resource.name,
  )
  return (rule?.updateStrategy?.method || 'OnDelete') as UpdateMethod
}

/** Resolves to false if the parent is gone or changed meanwhile. */
async function writeStatus(
  { client, parentResource }: SyncContext,
  parent: KubeObject,
  answered: Fields,
): Promise<boolean> {
  const status = { ...answered, observedGeneration: parent.metadata.generation }
  try {
    await atomicUpdate(
      client,
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

function isSelected({ spec }: CompositeController, parent: KubeObject): boolean {
  return selects(spec.parentResource.labelSelector ?? {}, parent.metadata.labels)
}

async function explain<T>(prefix: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw new Error(`${prefix}: ${(error as Error).message}`)
  }
}
