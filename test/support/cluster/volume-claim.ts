import type { Namespace } from './namespace.ts'

export interface Claim {
  apiVersion: string
  kind: 'PersistentVolumeClaim'
  metadata: { name: string }
  spec: { accessModes: string[]; resources: { requests: { storage: string } } }
}

/** A claim as users write it. */
export const volumeClaim = (name: string): Claim => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
})

/**
 * Stores a claim with a volume bound to it. Other clusters have a provisioner for this. A pod with
 * an unbound claim is not scheduled.
 */
export async function putBound(here: Namespace, claim: Claim): Promise<void> {
  const {
    metadata: { name },
    spec: {
      accessModes,
      resources: { requests },
    },
  } = claim
  const volumeName = `${here.name}-${name}`
  const volume = {
    apiVersion: 'v1',
    kind: 'PersistentVolume' as const,
    metadata: { name: volumeName },
    spec: {
      accessModes,
      capacity: requests,
      claimRef: { namespace: here.name, name },
      hostPath: { path: '/on-paper' },
    },
  }
  const bound = {
    ...claim,
    metadata: { name, annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } },
    spec: { ...claim.spec, volumeName },
  }
  for (const object of [volume, bound]) await here.put(object)
}
