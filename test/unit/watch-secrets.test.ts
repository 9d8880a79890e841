import t from 'tap'
import { recordedCustomize } from '../support/fixtures/recorded.ts'
import { serverFor } from '../support/server.ts'

t.test('/customize requests Secrets only if watchSecrets is true', async (t) => {
  const request = recordedCustomize('customize-new')
  request.parent.spec = { image: 'nginx', envFrom: [{ secretRef: { name: 'shop' } }] }
  for (const watchSecrets of [true, false]) {
    const server = await serverFor({}, { context: { watchSecrets } })
    t.teardown(() => server.close())
    const answer = await server.inject({ method: 'POST', url: '/customize', payload: request })
    t.equal(answer.statusCode, 200)
    t.equal(answer.body.includes('"secrets"'), watchSecrets)
  }
})
