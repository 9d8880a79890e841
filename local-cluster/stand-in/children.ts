import type { V1OwnerReference } from '@kubernetes/client-node'
import { isDeepStrictEqual } from 'node:util'
import { type Client, hasReason } from './client.ts'
import { type CompositeController, parentLabel } from './composite-controller.ts'
import type { Informer } from './informer.ts'
import { log, messageOf } from './log.ts'
import { applyUpdate, withLastApplied } from './merge.ts'
import {
  controllerOf,
  describe,
  type GroupedObjects,
  groupName,
  inOrder,
  insert,
  isTerminating,
  type KubeObject,
  objectKey,
  withMetadata,
} from './objects.ts'

/**
 * Returns the children of a parent: objects that it controls and that have its label. Adopts
 * objects with the label and without a controller. Releases controlled objects without the label.
 */
export async function claimChildren(
  client: Client,
  parent: KubeObject,
  children: Informer[],
): Promise<GroupedObjects> {
  const claimed: GroupedObjects = {}
  const { uid, namespace } = parent.metadata

  async function claim(object: KubeObject): Promise<boolean> {
    const matches = object.metadata.labels?.[parentLabel] === uid
    const isOwned = controllerOf(object) !== undefined
    if (isOwned === matches) return matches
    if (isTerminating(parent) || (matches && isTerminating(object))) return false
    log(`${matches ? 'Adopting' : 'Releasing'} ${describe(object)} of ${describe(parent)}`)
    if (matches) await assertParentLives(client, parent)
    try {
      await client.update(object, (current) => {
        const others = current.metadata.ownerReferences?.filter((owner) => owner.uid !== uid) ?? []
        const ownerReferences = matches ? [...others, controllerReference(parent)] : others
        return withMetadata(current, { ownerReferences })
      })
    } catch (error) {
      if (hasReason(error, 'NotFound')) return false
      throw error
    }
    return matches
  }

  for (const informer of children) {
    const { resource } = informer
    claimed[groupName(resource)] = {}
    const candidates = informer.list().filter((object) => {
      const owner = controllerOf(object)
      return (
        (!namespace || object.metadata.namespace === namespace) &&
        (owner === undefined || owner.uid === uid)
      )
    })
    await collectErrors(`can't claim ${resource.kind} children`, candidates, async (object) => {
      if (await claim(object)) insert(claimed, object)
    })
  }
  return claimed
}

async function assertParentLives(client: Client, parent: KubeObject): Promise<void> {
  const current = await client.send('GET', parent)
  if (current.metadata.uid !== parent.metadata.uid) {
    throw new Error(`original ${describe(parent)} is gone`)
  }
  if (isTerminating(current)) throw new Error(`${describe(parent)} has just been deleted`)
}

const controllerReference = ({ apiVersion, kind, metadata }: KubeObject): V1OwnerReference => ({
  apiVersion,
  kind,
  name: metadata.name,
  uid: metadata.uid ?? '',
  controller: true,
  blockOwnerDeletion: true,
})

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
    (child) => !isTerminating(child) && !sameIn(desired, child),
  )
  const steps = [
    ...unwanted.map((child) => () => remove(child)),
    ...inOrder(desired).map((child) => () => apply(sameIn(observed, child), child)),
  ]
  await collectErrors(`can't reconcile children for ${describe(parent)}`, steps, (step) => step())

  async function remove(child: KubeObject): Promise<void> {
    log(`Deleting ${describe(child)} of ${describe(parent)}`)
    try {
      await client.send('DELETE', child, {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        preconditions: { uid: child.metadata.uid },
        propagationPolicy: 'Background',
      })
    } catch (error) {
      if (hasReason(error, 'NotFound')) return
      throw new Error(`can't delete ${describe(child)}: ${messageOf(error)}`)
    }
  }

  async function apply(before: KubeObject | undefined, child: KubeObject): Promise<void> {
    if (before === undefined) return await create(child)
    const updated = applyUpdate(before, child)
    if (isDeepStrictEqual(updated, before) || isTerminating(before)) return
    const { name } = await client.resource(child.apiVersion, child.kind)
    const rule = spec.childResources?.find(
      ({ apiVersion, resource }) => apiVersion === child.apiVersion && resource === name,
    )
    if (rule?.updateStrategy?.method !== 'InPlace') return
    log(`Updating ${describe(updated)} of ${describe(parent)}`)
    try {
      await client.send('PUT', updated, updated)
    } catch (error) {
      // The child was deleted or changed. The watch reports this, which starts another sync.
      if (!hasReason(error, 'NotFound', 'Conflict')) throw error
      log(`${describe(updated)} is not updated: ${messageOf(error)}`)
    }
  }

  async function create(child: KubeObject): Promise<void> {
    log(`Creating ${describe(child)} of ${describe(parent)}`)
    const owners = child.metadata.ownerReferences ?? []
    const isOwned = owners.some((owner) => owner.uid === parent.metadata.uid)
    const ownerReferences = isOwned ? owners : [...owners, controllerReference(parent)]
    const object = withMetadata(withLastApplied(child, child), { ownerReferences })
    try {
      await client.send('POST', object, object)
    } catch (error) {
      // A foreign object may have the name. Metacontroller leaves it alone silently.
      if (!hasReason(error, 'AlreadyExists')) throw error
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
  for (const item of items) await work(item).catch((error) => messages.add(messageOf(error)))
  if (messages.size === 0) return
  const all = [...messages].join(', ')
  throw new Error(`${prefix}: ${messages.size === 1 ? all : `[${all}]`}`)
}
