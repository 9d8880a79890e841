import type { ExactField } from '../../metacontroller/repair.ts'
import type { KubernetesObject } from '../../metacontroller/protocol.ts'
import type { App } from '../app.ts'
import { deployment } from './deployment.ts'
import { horizontalPodAutoscaler } from './horizontal-pod-autoscaler.ts'
import { httpRoute } from './http-route.ts'
import { ingress } from './ingress.ts'
import { networkPolicy } from './network-policy.ts'
import { podDisruptionBudget } from './pod-disruption-budget.ts'
import { service } from './service.ts'

/** One kind of child: what it is called on the API server, what it shall be, and what of it must be exact. */
export interface ChildKind {
  apiVersion: string
  kind: string
  /** The plural of the kind, as in API paths. */
  resource: string
  /** The key of its objects in `children` and `related`. */
  group: string
  /**
   * The child of a MyApp, undefined where it is to have none. In the form in which the API server stores it: no null, no
   * empty list, no field at its zero value that the server drops. Anything else is written anew at every sync.
   */
  desired: (app: App) => KubernetesObject | undefined
  exactFields: ExactField[]
  /** When it is taken away from a MyApp that is deleted: with what leads to its pods, with the pods, or after them. */
  leaves: 'before the pods' | 'with the pods' | 'after the pods'
}

/** Every kind of child. */
export const childKinds: ChildKind[] = [
  deployment,
  service,
  horizontalPodAutoscaler,
  podDisruptionBudget,
  ingress,
  httpRoute,
  networkPolicy,
]
