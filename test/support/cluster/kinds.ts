/** The kinds of the scenarios, with the fields that the scenarios read. */
import type { MyAppSpec, MyAppStatus } from '../../../src/api/myapp.ts'
import { childKinds } from '../../../src/myapp/children/index.ts'

export type StringMap = Record<string, string>

export interface LiveMetadata {
  name: string
  namespace?: string
  uid: string
  resourceVersion: string
  generation?: number
  deletionTimestamp?: string
  labels?: StringMap
  annotations?: StringMap
  finalizers?: string[]
  ownerReferences?: { kind: string; uid: string; controller?: boolean }[]
}

export interface LiveObject {
  apiVersion: string
  kind: string
  metadata: LiveMetadata
}

export interface LiveMyApp extends LiveObject {
  spec: Required<Omit<MyAppSpec, 'env'>> & Pick<MyAppSpec, 'env'>
  status?: MyAppStatus
}

export interface Container {
  name: string
  image: string
  ports?: { name: string; containerPort: number; protocol: string }[]
  env?: { name: string; value?: string }[]
}

interface PodTemplate {
  metadata: { labels: StringMap; annotations?: StringMap }
  spec: { containers: Container[] }
}

interface Condition {
  type: string
  status: string
  reason?: string
  message?: string
}

export interface Deployment extends LiveObject {
  spec: {
    replicas: number
    paused?: boolean
    selector: { matchLabels: StringMap }
    template: PodTemplate
    strategy: object
  }
  status?: {
    replicas?: number
    readyReplicas?: number
    updatedReplicas?: number
    availableReplicas?: number
    observedGeneration?: number
    conditions?: Condition[]
  }
}

export interface Service extends LiveObject {
  spec: {
    clusterIP: string
    selector: StringMap
    ports: { name: string; port: number; targetPort: number | string; protocol: string }[]
  }
}

export interface ReplicaSet extends LiveObject {
  spec: { replicas: number; template: PodTemplate }
}

export interface LiveIngress extends LiveObject {
  spec: {
    ingressClassName?: string
    defaultBackend?: object
    tls?: object[]
    rules?: { host?: string; http: object }[]
  }
}

export interface LiveNetworkPolicy extends LiveObject {
  spec: { podSelector: object; policyTypes: string[]; ingress?: object[]; egress?: object[] }
}

export interface PodDisruptionBudget extends LiveObject {
  spec: { minAvailable?: number | string; maxUnavailable?: number | string; selector: object }
}

export interface HorizontalPodAutoscaler extends LiveObject {
  spec: { minReplicas: number; maxReplicas: number; metrics: object[] }
}

export interface HTTPRoute extends LiveObject {
  spec: {
    parentRefs?: { name: string; namespace?: string; sectionName?: string }[]
    hostnames?: string[]
    rules: object[]
  }
}

export interface PodMonitor extends LiveObject {
  spec: { selector: object; podMetricsEndpoints?: { port?: string; path?: string }[] }
}

/** The kinds that can be watched, by name. */
export interface Kinds {
  MyApp: LiveMyApp
  Deployment: Deployment
  Service: Service
  ReplicaSet: ReplicaSet
  Ingress: LiveIngress
  NetworkPolicy: LiveNetworkPolicy
  PodDisruptionBudget: PodDisruptionBudget
  HorizontalPodAutoscaler: HorizontalPodAutoscaler
  HTTPRoute: HTTPRoute
  PodMonitor: PodMonitor
}

export type Kind = keyof Kinds

interface Resource {
  apiVersion: string
  resource: string
}

export const kinds: Record<Kind, Resource> = {
  MyApp: { apiVersion: 'example.com/v1', resource: 'myapps' },
  Deployment: { apiVersion: 'apps/v1', resource: 'deployments' },
  Service: { apiVersion: 'v1', resource: 'services' },
  ReplicaSet: { apiVersion: 'apps/v1', resource: 'replicasets' },
  Ingress: { apiVersion: 'networking.k8s.io/v1', resource: 'ingresses' },
  NetworkPolicy: { apiVersion: 'networking.k8s.io/v1', resource: 'networkpolicies' },
  PodDisruptionBudget: { apiVersion: 'policy/v1', resource: 'poddisruptionbudgets' },
  HorizontalPodAutoscaler: { apiVersion: 'autoscaling/v2', resource: 'horizontalpodautoscalers' },
  HTTPRoute: { apiVersion: 'gateway.networking.k8s.io/v1', resource: 'httproutes' },
  PodMonitor: { apiVersion: 'monitoring.coreos.com/v1', resource: 'podmonitors' },
}

export const allKinds = Object.keys(kinds) as Kind[]

/** All kinds except the optional kinds of children, whose CRDs a cluster may lack. */
export const builtInKinds = allKinds.filter(
  (name) => !childKinds.some(({ kind, optional }) => kind === name && optional !== undefined),
)

/** Kinds that scenarios create or read but do not watch. */
const unwatched = {
  MyAppInspection: { apiVersion: 'example.com/v1', resource: 'myappinspections' },
  ServiceAccount: { apiVersion: 'v1', resource: 'serviceaccounts' },
  ConfigMap: { apiVersion: 'v1', resource: 'configmaps' },
  Secret: { apiVersion: 'v1', resource: 'secrets' },
  PersistentVolumeClaim: { apiVersion: 'v1', resource: 'persistentvolumeclaims' },
  PersistentVolume: { apiVersion: 'v1', resource: 'persistentvolumes' },
  Role: { apiVersion: 'rbac.authorization.k8s.io/v1', resource: 'roles' },
  RoleBinding: { apiVersion: 'rbac.authorization.k8s.io/v1', resource: 'rolebindings' },
  CronJob: { apiVersion: 'batch/v1', resource: 'cronjobs' },
  RuntimeClass: { apiVersion: 'node.k8s.io/v1', resource: 'runtimeclasses' },
  PriorityClass: { apiVersion: 'scheduling.k8s.io/v1', resource: 'priorityclasses' },
}

export type StoredKind = Kind | keyof typeof unwatched

const resources: Record<string, Resource> = {
  ...Object.fromEntries(childKinds.map((child) => [child.kind, child])),
  ...kinds,
  ...unwatched,
}

const clusterWide: StoredKind[] = ['PersistentVolume', 'PriorityClass', 'RuntimeClass']

/** The API server's path of an object, or of all objects of a kind in one or all namespaces. */
export function kindPath(kind: StoredKind, namespace?: string, name?: string): string {
  const found = resources[kind]
  if (found === undefined) throw new Error(`unknown kind ${kind}`)
  const { apiVersion, resource } = found
  const group = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`
  return [
    group,
    ...(namespace === undefined || clusterWide.includes(kind) ? [] : ['namespaces', namespace]),
    resource,
    ...(name === undefined ? [] : [name]),
  ].join('/')
}
