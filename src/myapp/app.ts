import type { MyAppSpec } from '../api/myapp.ts'
import type { ObservedDeployment } from './request.ts'

/** A MyApp with a valid spec, and the observations that its children depend on. */
export interface App {
  name: string
  namespace: string
  /** The spec, with the defaults of the platform. */
  spec: MyAppSpec
  /** Labels of the MyApp that are copied to its children and pods. */
  labels?: Record<string, string> | undefined
  /** The namespace of Prometheus; a default if undefined. */
  monitoringNamespace?: string | undefined
  /** The Deployment as observed; undefined before it exists. */
  deployment?: ObservedDeployment | undefined
  /** Changes with the ConfigMaps and Secrets that the pods use; undefined if they use none. */
  configDigest?: string | undefined
}
