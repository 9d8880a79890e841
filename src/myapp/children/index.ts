import type { ChildKind } from './child.ts'
import { deployment } from './deployment.ts'
import { horizontalPodAutoscaler } from './horizontal-pod-autoscaler.ts'
import { httpRoute } from './http-route.ts'
import { ingress } from './ingress.ts'
import { networkPolicy } from './network-policy.ts'
import { podDisruptionBudget } from './pod-disruption-budget.ts'
import { podMonitor } from './pod-monitor.ts'
import { service } from './service.ts'
import { serviceAccount } from './service-account.ts'

/** Every kind of child, in the order in which a sync returns the children. */
export const childKinds: ChildKind[] = [
  deployment,
  service,
  horizontalPodAutoscaler,
  podDisruptionBudget,
  ingress,
  httpRoute,
  networkPolicy,
  podMonitor,
  serviceAccount,
]
