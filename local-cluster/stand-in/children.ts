import {
  type Client,
  isAlreadyExists,
  isConflict,
  isNotFound,
  pathOfObject,
  type Resource,
  resourcePath,
} from './client.ts'
import type { CompositeController } from './composite-controller.ts'
import type { Informer } from './informer.ts'
import { deepEqual } from './json.ts'
import { applyUpdate, withLastApplied } from './merge.ts'
import {
  controllerOf,
  controllerReference,
  describe,
  type GroupedObjects,
  groupName,
  inOrder,
  insert,
  type KubeObject,
  log,
  objectKey,
  type OwnerReference,
  withMetadata,
} from './objects.ts'

/** The label by which a parent finds its children. */
export const parentLabel = 'controller-uid'

/**
 * Returns the children of a parent: objects that it controls and that have its label. Adopts
 * objects with the label and without a controller. Releases controlled objects without the label.
 */
export async function claimChildren(
  client: Client,
  parentResource: Resource,
  parent: KubeObject,
  children: Informer[],
): Promise<GroupedObjects> {
  const claimed: GroupedObjects = {}
  const { uid = '', namespace, deletionTimestamp } = parent.metadata

  async function claim(object: KubeObject, resource: Resource): Promise<boolean> {
    const matches = object.metadata.labels?.[parentLabel] === uid
    const isOwned = controllerOf(object) !== undefined
    if (isOwned && matches) return true
    if (isOwned === matches || deletionTimestamp !== undefined) return false
    if (matches && object.metadata.deletionTimestamp !== undefined) return false
    log(`${matches ? 'Adopting' : 'Releasing'} ${describe(object)} of ${describe(parent)}`)
    if (matches) await assertParentLives(client, parentResource, parent)
    const change = (owners: OwnerReference[]) => {
      const others = owners.filter((owner) => owner.uid !== uid)
      return matches ? [...others, controllerReference(parent)] : others
    }
    try {
      await client.update(resource, object, (current) =>
        withMetadata(current, { ownerReferences: change(current.metadata.ownerReferences ?? []) }),
      )
    } catch (error) {
      if (isNotFound(error)) return false
      throw error
    }
    return matches
  }

  for (const { resource, list } of children) {
    claimed[groupName(resource)] = {}
    const candidates = list().filter((object) => {
      const owner = controllerOf(object)
      return (
        (!namespace || object.metadata.namespace === namespace) &&
        (owner === undefined || owner.uid === uid)
      )
    })
    await collectErrors(`can't claim ${resource.kind} children`, candidates, async (object) => {
      if (await claim(object, resource)) insert(claimed, object)
    })
  }
  return claimed
}

async function assertParentLives(client: Client, resource: Resource, parent: KubeObject) {
  const { metadata } = await client.request('GET', pathOfObject(resource, parent))
  if (metadata.uid !== parent.metadata.uid) throw new Error(`original ${describe(parent)} is gone`)
  if (metadata.deletionTimestamp !== undefined) {
    throw new Error(`${describe(parent)} has just been deleted`)
  }
}

/** Deletes children that are not desired. Creates and updates the desired ones. */
export async function manageChildren(
  client: Client,
  { spec }: CompositeController,
  parent: KubeObject,
  observed: GroupedObjects,
  desired: GroupedObjects,
): Promise<void> {
  const sameIn = (groups: GroupedObjects, object: KubeObject) =>
    groups[groupName(object)]?.[objectKey(object)]
  const unwanted = inOrder(observed).filter(
    (child) => child.metadata.deletionTimestamp === undefined && !sameIn(desired, child),
  )
  const steps = [
    ...unwanted.map((child) => () => remove(child)),
    ...inOrder(desired).map((child) => () => apply(sameIn(observed, child), child)),
  ]
  await collectErrors(`can't reconcile children for ${describe(parent)}`, steps, (step) => step())

  async function remove(child: KubeObject): Promise<void> {
    log(`Deleting ${describe(child)} of ${describe(parent)}`)
    const resource = await client.resource(child.apiVersion, { kind: child.kind })
    try {
      await client.request('DELETE', pathOfObject(resource, child), {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        preconditions: { uid: child.metadata.uid },
        propagationPolicy: 'Background',
      })
    } catch (error) {
      if (isNotFound(error)) return
      throw new Error(`can't delete ${describe(child)}: ${(error as Error).message}`)
    }
  }

  async function apply(before: KubeObject | undefined, child: KubeObject): Promise<void> {
    const resource = await client.resource(child.apiVersion, { kind: child.kind })
    if (before === undefined) return await create(resource, child)
    const updated = applyUpdate(before, child)
    if (deepEqual(updated, before) || before.metadata.deletionTimestamp !== undefined) return
    const rule = spec.childResources?.find(
      (rule) => rule.apiVersion === resource.apiVersion && rule.resource === resource.name,
    )
    if (rule?.updateStrategy?.method !== 'InPlace') return
    log(`Updating ${describe(updated)} of ${describe(parent)}`)
    try {
      await client.request('PUT', pathOfObject(resource, updated), updated)
    } catch (error) {
      // The child was deleted or changed. The event of that starts another sync.
      if (!isNotFound(error) && !isConflict(error)) throw error
      log(`not updated: ${(error as Error).message}`)
    }
  }

  async function create(resource: Resource, child: KubeObject): Promise<void> {
    log(`Creating ${describe(child)} of ${describe(parent)}`)
    const owners = child.metadata.ownerReferences ?? []
    const isOwned = owners.some((owner) => owner.uid === parent.metadata.uid)
    const ownerReferences = isOwned ? owners : [...owners, controllerReference(parent)]
    const object = withMetadata(withLastApplied(child, child), { ownerReferences })
    try {
      await client.request('POST', resourcePath(resource, child.metadata.namespace), object)
    } catch (error) {
      // A foreign object may have the name. Metacontroller leaves it alone silently.
      if (!isAlreadyExists(error)) throw error
      log(`${describe(child)} already exists`)
    }
  }
}

/** Works on every item, even if one fails. Then throws the messages of all errors. */
async function collectErrors<T>(
  prefix: string,
  items: T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const messages = new Set<string>()
  for (const item of items) await work(item).catch((error) => messages.add(error.message))
  if (messages.size === 0) return
  const [first = '', ...more] = messages
  throw new Error(`${prefix}: ${more.length === 0 ? first : `[${[first, ...more].join(', ')}]`}`)
}
