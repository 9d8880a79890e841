import { defaults } from '../schema.ts'
import type { ChildKind } from './child-kind.ts'
import { childLabels, selectorLabels } from './labels.ts'

const container = ['spec', 'template', 'spec', 'containers', { name: 'app' }]

/** The Deployment that runs the pods of a MyApp. */
export const deployment: ChildKind = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  resource: 'deployments',
  group: 'Deployment.apps/v1',
  desired: ({ metadata: { name, namespace } }, spec) => {
    const labels = childLabels(name, spec.image)
    // `value: ''` is not stored by the API server; a variable without a value is empty all the same.
    const env = (spec.env ?? []).map(({ name, value }) => value ? { name, value } : { name })
    return {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace, labels },
      spec: {
        replicas: spec.replicas ?? defaults.replicas,
        selector: { matchLabels: selectorLabels(name) },
        // Always in full: a strategy that first comes up later can't be switched.
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } },
        template: {
          metadata: { labels },
          spec: {
            containers: [{
              name: 'app',
              image: spec.image,
              ports: [{ name: 'http', containerPort: spec.port ?? defaults.port, protocol: 'TCP' }],
              ...env.length > 0 && { env },
            }],
          },
        },
      },
    }
  },
  exactFields: [
    { path: container.slice(0, -1), remedy: 'take over', namesOnly: true },
    { path: [...container, 'env'], remedy: 'leave out' },
    { path: [...container, 'ports'], remedy: 'leave out' },
  ],
}
