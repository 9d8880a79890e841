import type { V1Container, V1DeploymentSpec } from '@kubernetes/client-node'
import t from 'tap'
import { defineChild } from '../../src/myapp/children/child.ts'
import { compact } from '../../src/myapp/children/compact.ts'

// The compiler checks this file. If one of the expected errors is missing, compilation fails.

const template = { spec: { containers: [{ name: 'app' }] } }

t.test('rejects a misspelled field of a child at compile time', async (t) => {
  const container = compact<V1Container>({
    name: 'app',
    // @ts-expect-error livenessProbe is misspelled
    livenesProbe: { tcpSocket: { port: 80 } },
  })
  const spec = compact<V1DeploymentSpec>({
    selector: {},
    template: { spec: { containers: [container] } },
    // @ts-expect-error minReadySeconds is misspelled
    minReadySecond: 1,
  })
  // @ts-expect-error a child needs a type, or nothing would be checked
  const untyped = compact({ selector: {}, template })
  t.strictSame(untyped, { template })

  const type = { apiVersion: 'apps/v1', kind: 'Deployment', resource: 'deployments' }
  const deleteStage = 'with the pods'
  const kind = defineChild<V1DeploymentSpec>({ ...type, deleteStage, spec: () => spec })
  t.equal(kind.gvk, 'Deployment.apps/v1')
  defineChild<V1DeploymentSpec>({
    ...type,
    deleteStage,
    // @ts-expect-error compact is required, because unknown fields of a literal would compile
    spec: () => ({ selector: {}, template, minReadySecond: 1 }),
  })
})
