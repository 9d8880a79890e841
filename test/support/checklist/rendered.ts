/** A MyApp from a file, its rendered children, and the facts that its team knows. */
import type {
  V1Container,
  V1Deployment,
  V1Ingress,
  V1PodSpec,
  V1Probe,
  V1Service,
  V2HorizontalPodAutoscaler,
  V1PodDisruptionBudget,
} from '@kubernetes/client-node'
import type { MyAppSpec } from '../../../src/api/myapp.ts'
import { filesOf } from '../../../src/cli/manifests.ts'
import { render } from '../../../src/cli/render.ts'
import type { PodMonitorSpec } from '../../../src/myapp/children/pod-monitor.ts'
import type { AppliedPolicy, Peer } from './connections.ts'

/** Facts about a workload that its spec does not contain. */
export interface Facts {
  /** Ports of the Service that callers use. */
  servicePorts?: number[]
  /** The clients of the app, and the port of its container that they use. */
  callers?: Peer[]
  /** The peers that the app connects to. */
  calls?: Peer[]
  /** The app connects to the API server, so its pods need a token. */
  usesToken?: true
  /** The pods are behind a cloud load balancer, which is slow to stop sending to a pod. */
  isBehindLoadBalancer?: true
  /** Rules that the workload breaks, each with the reason. */
  exceptions?: Partial<Record<string, string>>
  /** Other objects that the workload needs, and the reason. */
  otherObjects?: string
  /** Needs that a MyApp cannot express. */
  unsupported?: string
}

/** The children of a MyApp, by kind. */
interface AppChildren {
  Deployment: V1Deployment
  Service?: V1Service
  HorizontalPodAutoscaler?: V2HorizontalPodAutoscaler
  PodDisruptionBudget?: V1PodDisruptionBudget
  Ingress?: V1Ingress
  HTTPRoute?: { spec: { rules: Array<{ backendRefs: Array<{ name: string; port: number }> }> } }
  NetworkPolicy?: AppliedPolicy
  PodMonitor?: { spec: PodMonitorSpec }
}

export interface Workload {
  name: string
  labels: Record<string, string>
  spec: MyAppSpec
  children: AppChildren
  facts: Facts
}

/** The platform copies these labels of a MyApp to its children. */
const platformDefaults = { labels: ['team', 'cost-center'] }

/** The rendered children of each MyApp of a file, and the errors and warnings of the file. */
export function renderAll(file: string, text: string, facts: Facts) {
  const { myApps, config, findings } = filesOf([{ name: file, text }], 'shop')
  const rendered = myApps.map((app): Workload => {
    const { children } = render(app, config, { platformDefaults })
    return {
      name: app.metadata.name,
      labels: app.metadata.labels ?? {},
      spec: app.spec,
      children: Object.fromEntries(
        children.map((child) => [child.kind, child]),
      ) as unknown as AppChildren,
      facts,
    }
  })
  return {
    rendered,
    problems: findings.filter(({ severity }) => severity !== 'note').map(({ message }) => message),
  }
}

/** The pods of a MyApp. */
export const podSpecOf = ({ children }: Workload): V1PodSpec =>
  children.Deployment.spec?.template.spec ?? { containers: [] }

/** The container of the app. */
export const appContainerOf = (rendered: Workload): V1Container =>
  podSpecOf(rendered).containers.find(({ name }) => name === 'app') ?? { name: 'app' }

/** Containers that keep running beside the app. */
export const sidecarsOf = (rendered: Workload): V1Container[] =>
  (podSpecOf(rendered).initContainers ?? []).filter(
    ({ restartPolicy }) => restartPolicy === 'Always',
  )

/** Every container of the pods. */
export const containersOf = (rendered: Workload): V1Container[] => [
  ...(podSpecOf(rendered).initContainers ?? []),
  ...podSpecOf(rendered).containers,
]

/** Every probe of a container, by name. */
export const probesOf = (container: V1Container): Array<[string, V1Probe]> =>
  (['startupProbe', 'readinessProbe', 'livenessProbe'] as const).flatMap((name) => {
    const probe = container[name]
    return probe === undefined ? [] : [[name, probe]]
  })

/** The smallest and the largest number of pods. */
export function replicaBounds({ children }: Workload): { fewest: number; most: number } {
  const { spec } = children.HorizontalPodAutoscaler ?? {}
  const replicas = children.Deployment.spec?.replicas ?? 1
  return spec === undefined
    ? { fewest: replicas, most: replicas }
    : { fewest: spec.minReplicas ?? 1, most: spec.maxReplicas }
}
