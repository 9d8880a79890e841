import type { ExactField } from '../../metacontroller/converge.ts'
import type { KubernetesObject } from '../../metacontroller/protocol.ts'
import type { Parent } from '../request.ts'
import type { MyAppSpec } from '../schema.ts'
import { deployment } from './deployment.ts'
import { service } from './service.ts'

/** One kind of child: what it is called on the API server, what it shall be, and what of it must be exact. */
export interface ChildKind {
  apiVersion: 'apps/v1' | 'v1'
  kind: string
  /** The plural of the kind, as in API paths. */
  resource: string
  /** The key of its objects in `children` and `related`. */
  group: 'Deployment.apps/v1' | 'Service.v1'
  /**
   * The child of a MyApp, in the form in which the API server stores it: no null, no empty list, no field at its zero
   * value that the server drops. Anything else is written anew at every sync.
   */
  desired: (parent: Parent, spec: MyAppSpec) => KubernetesObject
  exactFields: ExactField[]
}

/** Every kind of child, in the order in which they are taken away when a MyApp is deleted. */
export const childKinds: ChildKind[] = [deployment, service]
