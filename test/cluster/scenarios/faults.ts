import type { Test } from 'tap'
import type { Cluster } from '../../support/cluster/cluster.ts'
import { waitUntilIdle } from '../../support/cluster/forced-syncs.ts'
import type { Fault, FaultyProxy } from '../../support/cluster/faulty-proxy.ts'

const garbage: Record<string, Fault> = {
  'HTML in place of JSON': { code: 200, body: '<html>It works!</html>' },
  'an empty response': { code: 200, body: '' },
  'a truncated response': {
    code: 200,
    body: '{"status":{},"children":[{"apiVersion":"apps/v1","kind":"Depl',
  },
  'a response with an unknown field': { code: 200, body: '{"status":{},"children":[],"items":[]}' },
  'a redirect': { code: 302, body: '', headers: { location: 'http://127.0.0.1:1/sync' } },
  'status 500': { code: 500, body: '{"error":"injected failure"}' },
  'status 503': { code: 503, body: '{"error":"shutting down"}' },
  'a closed connection': 'closes the connection',
  'no response': 'never responds',
}

const syncErrors = (namespace: string) =>
  `/api/v1/namespaces/${namespace}/events?fieldSelector=reason=SyncError`

/** An edit that keeps the generation. */
const touched = { metadata: { annotations: { touched: 'yes' } } }

/** The requests to a hook for a namespace, without its first `before` requests. */
const callsTo = (proxy: FaultyProxy, namespace: string, hook: string, before: number) =>
  proxy
    .calls(namespace)
    .slice(before)
    .filter(({ path }) => path === hook)

/** Wrong responses and missing responses of the hook delete nothing. */
export function faults(t: Test, cluster: Cluster, proxy: FaultyProxy): void {
  for (const [what, fault] of Object.entries(garbage)) {
    t.test(`survives ${what}: no change, an Event, and recovery`, async (t) => {
      const here = await cluster.namespace(t)
      await here.create('shop', { image: 'nginx:1.28' })
      const { status } = await here.running('shop')
      const children = (['Deployment', 'Service'] as const).map(
        (kind) => here.get(kind, 'shop').metadata.uid,
      )
      proxy.set(here.name, fault)
      const before = proxy.calls(here.name).length
      // A second request proves the end of the first sync.
      const failed = (hook: string) =>
        here.until(
          `two requests to ${hook} have failed`,
          () => callsTo(proxy, here.name, hook, before).length >= 2,
        )
      await here.edit('MyApp', 'shop', touched)
      await failed('/sync')
      // Metacontroller calls customize first if the generation is new.
      await here.edit('MyApp', 'shop', { spec: { image: 'nginx:1.29' } })
      await failed('/customize')
      await here.eventually(
        'an Event reports the failure',
        async () =>
          (await cluster.api.request<{ items: object[] }>('GET', syncErrors(here.name))).items
            .length > 0,
      )
      t.strictSame(
        (['Deployment', 'Service'] as const).map((kind) => here.get(kind, 'shop').metadata.uid),
        children,
      )
      t.equal(here.get('Deployment', 'shop').spec.template.spec.containers[0]?.image, 'nginx:1.28')
      t.strictSame(here.get('MyApp', 'shop').status, status)
      proxy.set(here.name, undefined)
      await here.running('shop')
      t.equal(here.get('Deployment', 'shop').spec.template.spec.containers[0]?.image, 'nginx:1.29')
      t.equal(here.get('Service', 'shop').metadata.uid, children[1])
    })
  }

  t.test(
    'Metacontroller retries at most once a second after 429 with Retry-After: 1',
    async (t) => {
      const here = await cluster.namespace(t)
      await here.create('shop', { image: 'nginx:1.28' })
      await here.running('shop')
      await waitUntilIdle(here)
      proxy.set(here.name, {
        code: 429,
        body: '{"error":"overloaded"}',
        headers: { 'retry-after': '1' },
      })
      const before = proxy.calls(here.name).length
      await here.edit('MyApp', 'shop', touched)
      const calls = await here.until('the hook has received four requests', () => {
        const found = callsTo(proxy, here.name, '/sync', before)
        return found.length >= 4 && found
      })
      const times = calls.map(({ at }) => at)
      const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0))
      t.ok(
        gaps.every((gap) => gap > 800),
        `requests after ${gaps.join(', ')} ms`,
      )
      proxy.set(here.name, undefined)
      await here.edit('MyApp', 'shop', { spec: { image: 'nginx:1.29' } })
      await here.running('shop')
    },
  )

  t.test('completes a creation and a deletion after the hook recovers', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('old', { image: 'nginx' })
    await here.running('old')
    proxy.set(here.name, { code: 500, body: '{"error":"injected failure"}' })
    await here.create('new', { image: 'nginx' })
    await here.remove('MyApp', 'old')
    const calls = proxy.calls(here.name).length
    await here.until(
      'the hook has received many requests',
      () => proxy.calls(here.name).length > calls + 8,
    )
    t.ok(here.get('Deployment', 'old').status?.availableReplicas, 'the deleted MyApp still runs')
    t.notOk(here.find('Deployment', 'new'))
    proxy.set(here.name, undefined)
    await here.running('new')
    await here.gone('MyApp', 'old')
    t.notOk(here.find('Service', 'old'))
  })
}
