import type { V1Container, V1DeploymentSpec } from '@kubernetes/client-node'
import t from 'tap'
import { defineChild } from '../../src/myapp/children/child.ts'
import { compact } from '../../src/myapp/children/compact.ts'

// The compiler checks this file: without one of the expected errors it does not compile.

const template = { spec: { containers: [{ name: 'app' }] } }

t.test('a misspelled field of a child does not compile', async (t) => {
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
  // @ts-expect-error without a type nothing would be checked
  const untyped = compact({ selector: {}, template })
  t.strictSame(untyped, { template })

  const type = { apiVersion: 'apps/v1', kind: 'Deployment', resource: 'deployments' }
  const deleteStage = 'with the pods'
  const kind = defineChild<V1DeploymentSpec>({ ...type, deleteStage, spec: () => spec })
  t.equal(kind.group, 'Deployment.apps/v1')
  defineChild<V1DeploymentSpec>({
    ...type,
    deleteStage,
    // @ts-expect-error unknown fields of a literal would compile, so compact is required
    spec: () => ({ selector: {}, template, minReadySecond: 1 }),
  })
})
