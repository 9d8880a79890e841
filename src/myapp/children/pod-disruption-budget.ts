import { defaults } from '../../api/myapp.ts'
import type { ChildKind } from './index.ts'
import { compact } from './compact.ts'
import { childLabels, selectorLabels } from './labels.ts'

/** The PodDisruptionBudget of a MyApp that asks for one or has two replicas or more: a drain takes one pod at a time. */
export const podDisruptionBudget: ChildKind = {
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  resource: 'poddisruptionbudgets',
  group: 'PodDisruptionBudget.policy/v1',
  leaves: 'with the pods',
  desired: ({ name, namespace, spec }) => {
    const atLeast = spec.autoscaling
      ? (spec.autoscaling.minReplicas ?? 1)
      : (spec.replicas ?? defaults.replicas)
    if (spec.disruption === undefined && atLeast < 2) return undefined
    return {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name, namespace, labels: childLabels(name, spec.image) },
      spec: {
        ...compact(spec.disruption ?? { maxUnavailable: 1 }),
        selector: { matchLabels: selectorLabels(name) },
        // A pod that is not healthy protects nobody, and would hold up a drain for ever.
        unhealthyPodEvictionPolicy: 'AlwaysAllow',
      },
    }
  },
  // All of it: one bound beside the other is refused, and more in the selector would protect fewer pods.
  exactFields: [{ path: ['spec'], remedy: 'take over' }],
}
