import { fastify } from 'fastify'
import t, { type Test } from 'tap'
import { instrument } from '../../src/telemetry/requests/fastify.ts'
import { noRequestMetrics } from '../../src/telemetry/requests/metrics.ts'
import { seenMyApps } from '../../src/telemetry/requests/seen-myapps.ts'
import { recordRequest } from '../../src/telemetry/requests/span.ts'
import type { Anything } from '../support/fixtures/anything.ts'
import { recorded } from '../support/fixtures/recorded.ts'
import { serverFor } from '../support/server.ts'

/** Starts a hook. Returns its counters and a function that sends a request to it. */
async function replica(t: Test) {
  const counts: Record<string, number> = {}
  const count = (what: string) => (kind: string) => {
    counts[`${what} ${kind}`] = (counts[`${what} ${kind}`] ?? 0) + 1
  }
  const metrics = {
    ...noRequestMetrics,
    resourceCreated: count('created'),
    resourceDeleted: count('deleted'),
  }
  const records = { metrics, seen: seenMyApps({ forgetAfterMs: 90_000 }) }
  const server = await serverFor(
    { MAX_EVENT_LOOP_DELAY_MS: '0' },
    {
      createServer: instrument(fastify, {
        ended: (span, request, reply) => recordRequest(span, request, reply, records),
      }),
    },
  )
  t.teardown(() => server.close())
  const url = await server.listen({ host: '127.0.0.1', port: 0 })
  const send = async (request: Anything) => {
    const response = await fetch(`${url}/${request.finalizing ? 'finalize' : 'sync'}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify(request),
    })
    t.equal(response.status, 200)
  }
  return { counts, send }
}

const name = 'default/demo-app'

t.test('counts a repeated creation once', async (t) => {
  const { counts, send } = await replica(t)
  await send(recorded('sync-new'))
  await send(recorded('sync-new'))
  const created = { 'created Deployment': 1, 'created Service': 1 }
  t.strictSame(counts, { ...created, 'created PodDisruptionBudget': 1 })
})

t.test('counts the creation of a manually deleted child again', async (t) => {
  const { counts, send } = await replica(t)
  const lost: Anything = structuredClone(recorded('sync-running'))
  delete lost.children['Service.v1'][name]
  await send(recorded('sync-running'))
  await send(lost)
  await send(lost)
  await send(recorded('sync-running'))
  await send(lost)
  t.strictSame(counts, { 'created Service': 2 })
})

t.test('counts the deletion of a child once, also if the request is repeated', async (t) => {
  const { counts, send } = await replica(t)
  const single: Anything = structuredClone(recorded('sync-running'))
  single.parent.spec.replicas = 1
  await send(single)
  await send(single)
  t.strictSame(counts, { 'deleted PodDisruptionBudget': 1 })
  await send(recorded('sync-running'))
  await send(recorded('finalize-children-present'))
  await send(recorded('finalize-children-present'))
  t.strictSame(counts, {
    'deleted PodDisruptionBudget': 2,
    'deleted Deployment': 1,
    'deleted Service': 1,
  })
})

t.test('each replica counts separately', async (t) => {
  const [a, b] = [await replica(t), await replica(t)]
  await a.send(recorded('sync-new'))
  await b.send(recorded('sync-new'))
  t.equal(a.counts['created Service'], 1)
  t.equal(b.counts['created Service'], 1, 'the rare double count of docs/telemetry.md')
})

t.test('counts children of unknown kinds under the kind _OTHER', async (t) => {
  const { counts, send } = await replica(t)
  const request: Anything = structuredClone(recorded('finalize-children-present'))
  for (const kind of ['Forged', 'x'.repeat(1000)]) {
    const metadata = { name: 'demo-app', namespace: 'default', uid: kind.slice(0, 9) }
    const child = { apiVersion: 'v1', kind, metadata }
    request.children[`${kind}.v1`] = { [name]: child }
  }
  await send(request)
  t.equal(counts['deleted _OTHER'], 2)
  t.notOk(Object.keys(counts).some((count) => /Forged|xx/.test(count)))
})
