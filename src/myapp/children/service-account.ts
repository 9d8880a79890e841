import { defineChild } from './child.ts'

/** The ServiceAccount of a MyApp that sets `serviceAccount`. The pods use it. */
export const serviceAccount = defineChild({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  resource: 'serviceaccounts',
  // A token of a deleted ServiceAccount is refused at once.
  deleteStage: 'after the pods',
  annotations: ({ spec }) => spec.serviceAccount?.annotations,
  isDesired: ({ spec }) => spec.serviceAccount !== undefined,
})
