import { canonicalQuantity } from '../../api/quantity.ts'
import type { MyAppSpec } from '../../api/myapp.ts'
import type { ChildKind } from './index.ts'
import { compact, withoutEmptyParts } from './compact.ts'
import { childLabels } from './labels.ts'

type Autoscaling = NonNullable<MyAppSpec['autoscaling']>
type Metric = NonNullable<Autoscaling['metrics']>[number]
type Target = NonNullable<Metric['resource']>['target']

/** The HorizontalPodAutoscaler of a MyApp with autoscaling. It does nothing while the app is suspended: it leaves 0 replicas alone. */
export const horizontalPodAutoscaler: ChildKind = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  resource: 'horizontalpodautoscalers',
  group: 'HorizontalPodAutoscaler.autoscaling/v2',
  leaves: 'before the pods',
  desired: ({ name, namespace, spec }) =>
    spec.autoscaling && {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name, namespace, labels: childLabels(name, spec.image) },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
        minReplicas: spec.autoscaling.minReplicas ?? 1,
        maxReplicas: spec.autoscaling.maxReplicas,
        metrics: toMetrics(spec.autoscaling),
      },
    },
  exactFields: [],
}

function toMetrics({
  targetCPUUtilizationPercentage: cpu,
  targetMemoryUtilizationPercentage: memory,
  metrics = [],
}: Autoscaling) {
  const cpuTarget = cpu ?? (memory === undefined && metrics.length === 0 ? 80 : undefined)
  return [
    ...utilization('cpu', cpuTarget),
    ...utilization('memory', memory),
    ...metrics.map(toMetric),
  ]
}

const utilization = (name: string, averageUtilization: number | undefined) =>
  averageUtilization === undefined
    ? []
    : [
        {
          type: 'Resource',
          resource: { name, target: { type: 'Utilization', averageUtilization } },
        },
      ]

const toMetric = ({ type, resource, containerResource, pods, object, external }: Metric) =>
  withoutEmptyParts(
    compact({
      type,
      resource: resource && { ...resource, target: toTarget(resource.target) },
      containerResource: containerResource && {
        ...containerResource,
        target: toTarget(containerResource.target),
      },
      pods: pods && { ...pods, target: toTarget(pods.target) },
      object: object && { ...object, target: toTarget(object.target) },
      external: external && { ...external, target: toTarget(external.target) },
    }),
  )

const toTarget = ({ type, averageUtilization, averageValue, value }: Target) =>
  compact({
    type,
    averageUtilization,
    averageValue: averageValue === undefined ? undefined : canonicalQuantity(averageValue),
    value: value === undefined ? undefined : canonicalQuantity(value),
  })
