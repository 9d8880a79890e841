import type { ObservedDeployment } from './request.ts'
import type { MyAppSpec } from '../api/myapp.ts'

/** A MyApp with a spec that can be acted on, and what its children depend on besides. */
export interface App {
  name: string
  namespace: string
  spec: MyAppSpec
  /** Its Deployment, where there is one already. */
  deployment?: ObservedDeployment | undefined
  /** Stands for the data of the ConfigMaps and Secrets that the pods use; undefined where they use none. */
  configDigest?: string | undefined
}

/** Whether the app listens on its port. */
export const isExposed = (spec: MyAppSpec) => spec.expose ?? true
