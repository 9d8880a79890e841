import type { Test } from 'tap'
import type { Cluster } from '../../support/cluster/cluster.ts'
import { waitUntilIdle } from '../../support/cluster/forced-syncs.ts'

/** A status that only shows the progress of a rollout is written at most this often. */
const progressMs = 15_000
/** Kubernetes writes times in whole seconds. */
const roundingMs = 2000

/** Metacontroller makes few writes for a MyApp. */
export function fewWrites(t: Test, cluster: Cluster): void {
  t.test('a MyApp is created, changed and deleted with few writes', async (t) => {
    const here = await cluster.namespace(t)
    const statusWrite = 'update myapps/shop/status'
    let start = Date.now()
    let before = 0
    const since = () => {
      // Pods that are slow to start are inspected, which depends on the machine.
      const writes = here
        .writes()
        .slice(before)
        .filter((write) => !write.includes('myappinspections'))
      return {
        others: writes.filter((write) => write !== statusWrite).sort(),
        statuses: writes.filter((write) => write === statusWrite).length,
      }
    }
    // A write for the first status, for a sync that has not seen the first status yet, for the last
    // status, and every 15 s for the progress of a slow rollout.
    const expected = (elapsed: number) => 3 + Math.floor((elapsed + roundingMs) / progressMs)
    const write = cluster.strategy === 'dynamic-apply' ? 'update' : 'patch'
    const create = cluster.strategy === 'dynamic-apply' ? 'create' : 'patch'

    await here.create('shop', { image: 'nginx:1.28' })
    await here.running('shop')
    let elapsed = Date.now() - start
    await waitUntilIdle(here)
    t.strictSame(
      since().others,
      [`${create} deployments/shop`, `${create} services/shop`, 'update myapps/shop'].sort(),
      'one write for each child and one for the finalizer',
    )
    t.ok(since().statuses <= expected(elapsed), `${since().statuses} status writes`)

    before = here.writes().length
    start = Date.now()
    await here.edit('MyApp', 'shop', { spec: { env: [{ name: 'A', value: 'a' }] } })
    await here.running('shop')
    elapsed = Date.now() - start
    await waitUntilIdle(here)
    t.strictSame(since().others, [`${write} deployments/shop`], 'one write for the changed child')
    t.ok(since().statuses <= expected(elapsed), `${since().statuses} status writes`)

    before = here.writes().length
    await here.remove('MyApp', 'shop')
    await here.gone('MyApp', 'shop')
    await waitUntilIdle(here)
    t.strictSame(
      since().others,
      ['delete deployments/shop', 'delete services/shop', 'update myapps/shop'],
      'one deletion for each child and one write for the finalizer',
    )
    t.ok(since().statuses <= 2, `${since().statuses} status writes`)
  })
}
