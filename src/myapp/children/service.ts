import type { V1ServiceSpec } from '@kubernetes/client-node'
import { isExposed, portOf } from '../app.ts'
import { defineChild } from './child.ts'
import { compact } from './compact.ts'
import { selectorLabels } from './labels.ts'

/** The Service that leads to a MyApp's pods inside the cluster. */
export const service = defineChild<V1ServiceSpec>({
  apiVersion: 'v1',
  kind: 'Service',
  resource: 'services',
  deleteStage: 'after the pods',
  exact: [
    { path: ['spec', 'selector'], restore: 'by adoption' },
    { path: ['spec', 'ports'], restore: 'by adoption' },
  ],
  spec: ({ name, spec }) => {
    if (!isExposed(spec)) return undefined
    const port = portOf(spec)
    return compact<V1ServiceSpec>({
      type: 'ClusterIP',
      selector: selectorLabels(name),
      ports: [{ name: 'http', port, targetPort: port, protocol: 'TCP' }],
    })
  },
})
