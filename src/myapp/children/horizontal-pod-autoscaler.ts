import type {
  V2HorizontalPodAutoscalerSpec,
  V2MetricSpec,
  V2MetricTarget,
} from '@kubernetes/client-node'
import type { MyAppSpec } from '../../api/myapp.ts'
import { canonicalQuantity } from '../../api/quantity.ts'
import { defineChild } from './child.ts'
import { compact, withoutEmptyParts } from './compact.ts'

type Autoscaling = NonNullable<MyAppSpec['autoscaling']>
type Metric = NonNullable<Autoscaling['metrics']>[number]
type Target = NonNullable<Metric['resource']>['target']

/** Average utilization of the CPU, in percent, when the spec sets no metric. */
const defaultCpuUtilization = 80

/**
 * The HorizontalPodAutoscaler of a MyApp with autoscaling. It does not scale a Deployment with 0
 * replicas, so it does nothing while the app is suspended.
 */
export const horizontalPodAutoscaler = defineChild<V2HorizontalPodAutoscalerSpec>({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  resource: 'horizontalpodautoscalers',
  deleteStage: 'before the pods',
  spec: ({ name, spec: { autoscaling } }) =>
    autoscaling &&
    compact<V2HorizontalPodAutoscalerSpec>({
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      minReplicas: autoscaling.minReplicas ?? 1,
      maxReplicas: autoscaling.maxReplicas,
      metrics: toMetrics(autoscaling),
      behavior: withoutEmptyParts(autoscaling.behavior),
    }),
})

function toMetrics({
  targetCPUUtilizationPercentage: cpu,
  targetMemoryUtilizationPercentage: memory,
  metrics = [],
}: Autoscaling): V2MetricSpec[] {
  const hasMetric = cpu !== undefined || memory !== undefined || metrics.length > 0
  return [
    ...utilization('cpu', hasMetric ? cpu : defaultCpuUtilization),
    ...utilization('memory', memory),
    ...metrics.map(toMetric),
  ]
}

const utilization = (name: string, averageUtilization: number | undefined): V2MetricSpec[] =>
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
    compact<V2MetricSpec>({
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
  compact<V2MetricTarget>({
    type,
    averageUtilization,
    averageValue: averageValue === undefined ? undefined : canonicalQuantity(averageValue),
    value: value === undefined ? undefined : canonicalQuantity(value),
  })
