import { atomicUpdate } from './atomic-update.ts'
import { type Client, isNotFound } from './client.ts'
import { type Resource, pathOfObject } from './discovery.ts'
import { type Informer } from './informer.ts'
import {
  type KubeObject,
  type OwnerReference,
  controllerOf,
  controllerReference,
  describe,
} from './kube-object.ts'
import { type Log } from './log.ts'
import { collectErrors } from './collect-errors.ts'
import { createObjectMap, type GroupedObjects } from './object-map.ts'
import { type LabelSelector, selects } from './selector.ts'

/**
 * The parent's children: those it owns and whose labels match. On the way, ownerless objects whose
 * labels match are adopted, and owned ones whose labels no longer match are released.
 */
export async function claimChildren(
  client: Client,
  parentResource: Resource,
  parent: KubeObject,
  selector: LabelSelector,
  children: Informer[],
  log: Log,
): Promise<GroupedObjects> {
  const claimed = createObjectMap()
  const checkParent = once(() => assertParentLives(client, parentResource, parent))

  for (const { resource, list } of children) {
    claimed.group(resource.apiVersion, resource.kind)
    const candidates = list().filter((object) => isCandidate(object, parent))
    await collectErrors(`can't claim ${resource.kind} children`, candidates, async (object) => {
      if (await claim(object, resource)) claimed.insert(object)
    })
  }
  return claimed

  async function claim(object: KubeObject, resource: Resource): Promise<boolean> {
    const matches = selects(selector, object.metadata.labels)
    const owned = controllerOf(object) !== undefined
    if (owned && matches) return true
    if (owned === matches || parent.metadata.deletionTimestamp !== undefined) return false
    if (owned) return await release(object, resource)
    return object.metadata.deletionTimestamp === undefined && (await adopt(object, resource))
  }

  async function adopt(object: KubeObject, resource: Resource): Promise<boolean> {
    await checkParent()
    log(`Adopting ${describe(object)} for ${describe(parent)}`)
    return await unlessGone(
      atomicUpdate(client, resource, object, (current) =>
        withOwners(current, [...otherOwners(current), controllerReference(parent)]),
      ),
    )
  }

  async function release(object: KubeObject, resource: Resource): Promise<boolean> {
    log(`Releasing ${describe(object)} from ${describe(parent)}`)
    await unlessGone(
      atomicUpdate(client, resource, object, (current) =>
        withOwners(current, otherOwners(current)),
      ),
    )
    return false
  }

  function otherOwners(object: KubeObject): OwnerReference[] {
    return (object.metadata.ownerReferences ?? []).filter(
      (owner) => owner.uid !== parent.metadata.uid,
    )
  }
}

/** An object in reach of the parent that it owns or that nobody controls. */
function isCandidate(object: KubeObject, parent: KubeObject): boolean {
  const { namespace, uid } = parent.metadata
  if (namespace && object.metadata.namespace !== namespace) return false
  const owner = controllerOf(object)
  return owner === undefined || owner.uid === uid
}

function withOwners(object: KubeObject, ownerReferences: OwnerReference[]): KubeObject {
  return { ...object, metadata: { ...object.metadata, ownerReferences } }
}

async function assertParentLives(
  client: Client,
  resource: Resource,
  parent: KubeObject,
): Promise<void> {
  const fresh = await client.request('GET', pathOfObject(resource, parent))
  if (fresh.metadata.uid !== parent.metadata.uid) {
    throw new Error(`original ${describe(parent)} is gone`)
  }
  if (fresh.metadata.deletionTimestamp !== undefined) {
    throw new Error(`${describe(parent)} has just been deleted`)
  }
}

async function unlessGone(update: Promise<unknown>): Promise<boolean> {
  try {
    await update
    return true
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}

function once<T>(run: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined
  return () => (result ??= run())
}
