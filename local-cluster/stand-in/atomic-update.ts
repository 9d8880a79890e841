import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError, type Client, isConflict } from './client.ts'
import { type Resource, pathOfObject } from './discovery.ts'
import { type KubeObject } from './kube-object.ts'

const delays = [10, 50, 250]

/**
 * Reads the object afresh, changes it and writes it back, again if somebody else wrote meanwhile.
 * `change` returns the new object, or undefined when there is nothing to do.
 */
export async function atomicUpdate(
  client: Client,
  resource: Resource,
  object: KubeObject,
  change: (current: KubeObject) => KubeObject | undefined,
  subresource?: 'status',
): Promise<KubeObject> {
  for (const delay of [...delays, undefined]) {
    const current = await client.request('GET', pathOfObject(resource, object))
    if (current.metadata.uid !== object.metadata.uid) {
      throw new ApiError(404, 'NotFound', `${resource.name} "${object.metadata.name}" not found`)
    }
    const changed = change(current)
    if (changed === undefined) return current
    try {
      return await client.request('PUT', pathOfObject(resource, object, subresource), changed)
    } catch (error) {
      if (!isConflict(error) || delay === undefined) throw error
      await sleep(delay)
    }
  }
  throw new Error('unreachable')
}
