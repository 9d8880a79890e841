import { type Client, isAlreadyExists, isConflict, isNotFound } from './client.ts'
import { collectErrors } from './collect-errors.ts'
import { type Discovery, type Resource, resourcePath, pathOfObject } from './discovery.ts'
import { deepEqual } from './json.ts'
import { type KubeObject, controllerReference, describe } from './kube-object.ts'
import { type Log } from './log.ts'
import { applyUpdate, withLastApplied } from './merge.ts'
import { type GroupedObjects } from './object-map.ts'

/** How an existing child may be changed. */
export type UpdateMethod = 'OnDelete' | 'Recreate' | 'InPlace'

/** What managing children needs to know. */
export interface ChildContext {
  client: Client
  discovery: Discovery
  log: Log
  parent: KubeObject
  methodOf(resource: Resource): UpdateMethod
}

/** Deletes what is observed and not desired, then creates and updates what is desired. */
export async function manageChildren(
  context: ChildContext,
  observed: GroupedObjects,
  desired: GroupedObjects,
): Promise<void> {
  const steps: Array<() => Promise<void>> = []
  for (const { apiVersion, kind, objects } of observed.groups()) {
    for (const [key, object] of objects) {
      if (
        object.metadata.deletionTimestamp !== undefined ||
        desired.find(apiVersion, kind, key) !== undefined
      ) {
        continue
      }
      steps.push(() => deleteChild(context, object))
    }
  }
  for (const { apiVersion, kind, objects } of desired.groups()) {
    for (const [key, object] of objects) {
      steps.push(() => applyChild(context, observed.find(apiVersion, kind, key), object))
    }
  }
  await collectErrors(`can't reconcile children for ${describe(context.parent)}`, steps, (step) =>
    step(),
  )
}

async function deleteChild(
  { client, discovery, log, parent }: ChildContext,
  child: KubeObject,
): Promise<void> {
  const resource = await discovery.byKind(child.apiVersion, child.kind)
  log(`Deleting ${describe(child)} of ${describe(parent)}`)
  try {
    await client.request('DELETE', pathOfObject(resource, child), {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions: { uid: child.metadata.uid },
      propagationPolicy: 'Background',
    })
  } catch (error) {
    if (!isNotFound(error)) {
      throw new Error(`can't delete ${describe(child)}: ${(error as Error).message}`)
    }
  }
}

async function applyChild(
  context: ChildContext,
  observed: KubeObject | undefined,
  desired: KubeObject,
): Promise<void> {
  const resource = await context.discovery.byKind(desired.apiVersion, desired.kind)
  if (observed === undefined) await createChild(context, resource, desired)
  else await updateChild(context, resource, observed, desired)
}

async function createChild(
  { client, log, parent }: ChildContext,
  resource: Resource,
  desired: KubeObject,
): Promise<void> {
  log(`Creating ${describe(desired)} of ${describe(parent)}`)
  const object = withOwner(withLastApplied(desired, desired), parent)
  try {
    await client.request('POST', resourcePath(resource, desired.metadata.namespace), object)
  } catch (error) {
    // The name may belong to somebody else's object. Metacontroller leaves it alone silently.
    if (!isAlreadyExists(error)) throw error
    log(`${describe(desired)} already exists`)
  }
}

async function updateChild(
  context: ChildContext,
  resource: Resource,
  observed: KubeObject,
  desired: KubeObject,
): Promise<void> {
  const updated = applyUpdate(observed, desired)
  if (deepEqual(updated, observed)) return
  if (observed.metadata.deletionTimestamp !== undefined) return
  switch (context.methodOf(resource)) {
    case 'OnDelete':
      return
    // Deleted now; the next sync creates it.
    case 'Recreate':
      return await deleteChild(context, observed)
    case 'InPlace':
      return await writeChild(context, resource, updated)
  }
}

async function writeChild(
  { client, log, parent }: ChildContext,
  resource: Resource,
  updated: KubeObject,
): Promise<void> {
  log(`Updating ${describe(updated)} of ${describe(parent)}`)
  try {
    await client.request('PUT', pathOfObject(resource, updated), updated)
  } catch (error) {
    // Gone or changed meanwhile: either brings an event, and that another sync.
    if (!isNotFound(error) && !isConflict(error)) throw error
    log(`not updated: ${(error as Error).message}`)
  }
}

function withOwner(child: KubeObject, parent: KubeObject): KubeObject {
  const owners = child.metadata.ownerReferences ?? []
  if (owners.some((owner) => owner.uid === parent.metadata.uid)) return child
  return {
    ...child,
    metadata: { ...child.metadata, ownerReferences: [...owners, controllerReference(parent)] },
  }
}
