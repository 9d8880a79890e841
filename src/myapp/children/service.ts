import { isExposed } from '../app.ts'
import { defaults } from '../../api/myapp.ts'
import type { ChildKind } from './index.ts'
import { childLabels, selectorLabels } from './labels.ts'

/** The Service by which a MyApp is reached inside the cluster. */
export const service: ChildKind = {
  apiVersion: 'v1',
  kind: 'Service',
  resource: 'services',
  group: 'Service.v1',
  leaves: 'after the pods',
  desired: ({ name, namespace, spec }) => {
    if (!isExposed(spec)) return undefined
    const port = spec.port ?? defaults.port
    return {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace, labels: childLabels(name, spec.image) },
      spec: {
        type: 'ClusterIP',
        selector: selectorLabels(name),
        ports: [{ name: 'http', port, targetPort: port, protocol: 'TCP' }],
      },
    }
  },
  exactFields: [
    { path: ['spec', 'selector'], remedy: 'take over' },
    { path: ['spec', 'ports'], remedy: 'take over' },
  ],
}
