import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import type { Cluster } from '../../support/cluster/cluster.ts'
import type { Replica } from '../../support/cluster/hook.ts'

/**
 * Stops all processes of the hook while one MyApp is created, one changed and one deleted. Returns
 * the time in ms from the restart until all three have settled. Metacontroller retries after 5 ms,
 * then after twice as long each time. So after the restart the next retry comes at the latest in
 * about the length of the outage.
 */
async function costOf(
  t: Test,
  cluster: Cluster,
  hooks: Replica[],
  outage: number,
): Promise<number> {
  const here = await cluster.namespace(t)
  await Promise.all(
    ['changed', 'deleted'].map((name) => here.create(name, { image: 'nginx:1.28' })),
  )
  await Promise.all(['changed', 'deleted'].map((name) => here.running(name)))
  const up = sleep(outage)
  await Promise.all(hooks.map((hook) => hook.kill()))
  await here.create('created', { image: 'nginx:1.28' })
  await here.edit('MyApp', 'changed', { spec: { image: 'nginx:1.29' } })
  await here.remove('MyApp', 'deleted')
  const children = () =>
    (['Deployment', 'Service'] as const).flatMap((kind) =>
      here.list(kind).map(({ metadata }) => metadata.uid),
    )
  const before = children()
  await up
  t.strictSame(children(), before, 'no child is created, deleted or replaced')
  t.notOk(here.get('Deployment', 'deleted').metadata.deletionTimestamp)
  await Promise.all(hooks.map((hook) => hook.start()))
  const returned = Date.now()
  await here.running('created')
  await here.running('changed')
  await here.gone('MyApp', 'deleted')
  t.equal(here.get('Deployment', 'changed').spec.template.spec.containers[0]?.image, 'nginx:1.29')
  return Date.now() - returned
}

/** Apps keep running while the hook is down, and pending changes follow after its restart. */
export async function outage(t: Test, cluster: Cluster, hooks: Replica[]): Promise<void> {
  await t.test('recovers from a failure of one second within 5 s', async (t) => {
    const cost = await costOf(t, cluster, hooks, 1000)
    t.ok(cost < 5000, `recovered after ${cost} ms`)
  })
  await t.test('recovers from an outage of 30 s within 30 s', async (t) => {
    const cost = await costOf(t, cluster, hooks, 30_000)
    t.ok(cost < 30_000, `recovered after ${cost} ms`)
  })
}
