import { metricsPortOf } from '../../api/declared-ports.ts'
import { defineChild } from './child.ts'
import { compact } from './compact.ts'
import { selectorLabels } from './labels.ts'

/** The part of monitoring.coreos.com/v1 that a MyApp uses. */
export interface PodMonitorSpec {
  selector: { matchLabels: Record<string, string> }
  podMetricsEndpoints: Array<{ port: string; path: string }>
}

/** The PodMonitor of a MyApp with metrics. It makes Prometheus scrape the pods that it selects. */
export const podMonitor = defineChild<PodMonitorSpec>({
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'PodMonitor',
  resource: 'podmonitors',
  deleteStage: 'after the pods',
  optional: {
    component: 'pod-monitors',
    field: 'metrics',
    crds: 'the Prometheus Operator',
    alternative: 'scrape the port by other means',
  },
  exact: [{ path: ['spec'], restore: 'by adoption' }],
  spec: ({ name, spec }) => {
    const port = metricsPortOf(spec)
    if (port === undefined) return undefined
    return compact<PodMonitorSpec>({
      selector: { matchLabels: selectorLabels(name) },
      podMetricsEndpoints: [{ port: port.name, path: spec.metrics?.path ?? '/metrics' }],
    })
  },
})
