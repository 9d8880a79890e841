import { fastify } from 'fastify'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { readConfig } from '../../src/config.ts'
import { buildServer } from '../../src/server.ts'
import { instrument } from '../../src/telemetry/requests/fastify.ts'
import { knownMyApps } from '../../src/telemetry/requests/seen-myapps.ts'
import type { Anything } from '../support/fixtures/anything.ts'
import { context } from '../support/fixtures/context.ts'
import { recorded } from '../support/fixtures/recorded.ts'

/** Two hooks behind one address, and what they count together. */
async function twoReplicas(t: Test) {
  const counts: Record<string, number> = {}
  const count = (what: string) => (kind: string) => {
    counts[`${what} ${kind}`] = (counts[`${what} ${kind}`] ?? 0) + 1
  }
  const metrics = {
    ended: () => {},
    reconciled: () => {},
    resourceCreated: count('created'),
    resourceDeleted: count('deleted'),
  }
  const replica = async () => {
    const createServer = instrument(
      fastify,
      metrics,
      knownMyApps({ most: 100, forgetAfterMs: 90_000 }),
    )
    const server = await buildServer(readConfig({ MAX_EVENT_LOOP_DELAY_MS: '0' }), {
      logger: pino({ level: 'silent' }),
      isReady: () => true,
      context,
      createServer,
    })
    t.teardown(() => server.close())
    const url = await server.listen({ host: '127.0.0.1', port: 0 })
    /** Has it answer, and gives the request that Metacontroller sends next if no child has changed meanwhile. */
    return async (request: Anything): Promise<Anything> => {
      const response = await fetch(`${url}/${request.finalizing ? 'finalize' : 'sync'}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(request),
      })
      t.equal(response.status, 200)
      const { status } = (await response.json()) as Anything
      return later(request, (next) => {
        next.parent.status = status
      })
    }
  }
  return { a: await replica(), b: await replica(), counts }
}

/** The request after something has been written to the MyApp. */
function later(request: Anything, change: (request: Anything) => void): Anything {
  const next = structuredClone(request)
  change(next)
  next.parent.metadata.resourceVersion = String(Number(next.parent.metadata.resourceVersion) + 1)
  return next
}

const name = 'default/demo-app'
const groups = {
  Deployment: 'Deployment.apps/v1',
  Service: 'Service.v1',
  PodDisruptionBudget: 'PodDisruptionBudget.policy/v1',
}
/** The request with children that are there, as they were recorded. */
const withChildren = (request: Anything, ...kinds: Array<keyof typeof groups>): Anything => {
  const next = structuredClone(request)
  for (const kind of kinds) {
    next.children[groups[kind]][name] = (recorded('sync-running') as Anything).children[
      groups[kind]
    ][name]
  }
  return next
}

t.test(
  'a creation counts once, though a second replica is asked before the children are seen',
  async (t) => {
    const { a, b, counts } = await twoReplicas(t)
    const next = await b(await a(recorded('sync-new')))
    await a(next)
    t.strictSame(counts, {
      'created Deployment': 1,
      'created Service': 1,
      'created PodDisruptionBudget': 1,
    })
  },
)

t.test('the same while config is missing, and the Deployment once it is there', async (t) => {
  const { a, b, counts } = await twoReplicas(t)
  const request: Anything = recorded('sync-new')
  request.parent.spec.envFrom = [{ secretRef: { name: 'db' } }]
  const waiting = await b(await a(request))
  t.match(waiting.parent.status.conditions, [{ reason: 'ConfigMissing' }])
  t.strictSame(counts, { 'created Service': 1, 'created PodDisruptionBudget': 1 })
  const ready = withChildren(waiting, 'Service', 'PodDisruptionBudget')
  ready.related['Secret.v1'] = {
    'default/db': {
      metadata: { name: 'db', namespace: 'default', uid: 'db' },
      data: { a: 'Yg==' },
    },
  }
  await a(await b(ready))
  t.equal(counts['created Deployment'], 1)
})

t.test('a child that is deleted by hand counts again, whoever saw it, and once', async (t) => {
  const { a, b, counts } = await twoReplicas(t)
  const running = await b(
    withChildren(await a(recorded('sync-new')), 'Deployment', 'Service', 'PodDisruptionBudget'),
  )
  const lost = later(running, (request) => {
    delete request.children['Service.v1'][name]
  })
  await a(lost)
  await a(lost)
  t.equal(counts['created Service'], 2, 'a retry with an old status is none')
  await b(await a(lost))
  t.equal(counts['created Service'], 2)
  t.equal(counts['created Deployment'], 1)
})

t.test('one that is deleted while others are still to be created counts again', async (t) => {
  const { a, b, counts } = await twoReplicas(t)
  const creating = await b(withChildren(await a(recorded('sync-new')), 'Service'))
  await a(
    later(creating, (request) => {
      delete request.children['Service.v1'][name]
    }),
  )
  t.strictSame(counts, {
    'created Deployment': 1,
    'created Service': 2,
    'created PodDisruptionBudget': 1,
  })
})

t.test(
  'a deletion counts once for a change of the spec, and once for the end of the MyApp',
  async (t) => {
    const { a, b, counts } = await twoReplicas(t)
    const running = await b(await a(recorded('sync-running')))
    const single = later(running, (request) => {
      request.parent.spec.replicas = 1
      request.parent.metadata.generation += 1
    })
    await a(await b(await a(single)))
    t.strictSame(counts, { 'deleted PodDisruptionBudget': 1 })
    const ending = recorded('finalize-children-present')
    await a(await b(await a(ending)))
    t.strictSame(counts, { 'deleted PodDisruptionBudget': 2, 'deleted Deployment': 1 })
  },
)
