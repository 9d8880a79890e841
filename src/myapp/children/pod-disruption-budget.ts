import type { V1PodDisruptionBudgetSpec } from '@kubernetes/client-node'
import { mostReplicas } from '../replicas.ts'
import { defineChild } from './child.ts'
import { compact } from './compact.ts'
import { selectorLabels } from './labels.ts'

/**
 * The PodDisruptionBudget of a MyApp that sets one, or that may have two or more replicas. By
 * default, a drain evicts one healthy pod at a time. For one pod there is no default budget.
 */
export const podDisruptionBudget = defineChild<V1PodDisruptionBudgetSpec>({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  resource: 'poddisruptionbudgets',
  deleteStage: 'with the pods',
  // The API server refuses two bounds, and a longer selector would protect fewer pods.
  exact: [{ path: ['spec'], restore: 'by adoption' }],
  spec: (app) => {
    const { name, spec } = app
    if (spec.disruption === undefined && mostReplicas(app) < 2) return undefined
    return compact<V1PodDisruptionBudgetSpec>({
      ...(spec.disruption ?? { maxUnavailable: 1 }),
      selector: { matchLabels: selectorLabels(name) },
      // An unhealthy pod serves no traffic and would block a drain forever.
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    })
  },
})
