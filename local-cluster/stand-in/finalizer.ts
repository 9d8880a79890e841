import { atomicUpdate } from './atomic-update.ts'
import { type Client } from './client.ts'
import { type Resource } from './discovery.ts'
import { type KubeObject } from './kube-object.ts'

/** The garbage collector's own finalizers: while one is there, the children are its business. */
const garbageCollection = ['foregroundDeletion', 'orphan']

/** The finalizer of a CompositeController. */
export function finalizerName(controllerName: string): string {
  return `metacontroller.io/compositecontroller-${controllerName}`
}

/** Whether the object has the finalizer. */
export function hasFinalizer(object: KubeObject, name: string): boolean {
  return object.metadata.finalizers?.includes(name) ?? false
}

/** Whether the children of a parent that is being deleted are still ours to manage. */
export function shouldFinalize(parent: KubeObject, name: string): boolean {
  return (
    hasFinalizer(parent, name) && !garbageCollection.some((other) => hasFinalizer(parent, other))
  )
}

/** Adds or takes away the finalizer as needed; returns the parent as it then is. */
export async function syncFinalizer(
  client: Client,
  resource: Resource,
  parent: KubeObject,
  name: string,
  wanted: boolean,
): Promise<KubeObject> {
  if (hasFinalizer(parent, name) === wanted) return parent
  if (!wanted) return await removeFinalizer(client, resource, parent, name)
  if (parent.metadata.deletionTimestamp !== undefined) return parent
  return await atomicUpdate(client, resource, parent, (current) =>
    hasFinalizer(current, name)
      ? undefined
      : withFinalizers(current, [...(current.metadata.finalizers ?? []), name]),
  )
}

/** Takes the finalizer away. */
export async function removeFinalizer(
  client: Client,
  resource: Resource,
  parent: KubeObject,
  name: string,
): Promise<KubeObject> {
  return await atomicUpdate(client, resource, parent, (current) =>
    hasFinalizer(current, name)
      ? withFinalizers(
          current,
          (current.metadata.finalizers ?? []).filter((finalizer) => finalizer !== name),
        )
      : undefined,
  )
}

function withFinalizers(object: KubeObject, finalizers: string[]): KubeObject {
  return { ...object, metadata: { ...object.metadata, finalizers } }
}
