import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import type { Cluster } from '../../support/cluster/cluster.ts'
import type { Replica } from '../../support/cluster/hook.ts'

const names = (count: number) => Array.from({ length: count }, (_, index) => `app-${index}`)

/** Many MyApps, and two processes of the hook. */
export async function many(t: Test, cluster: Cluster, hooks: [Replica, Replica]): Promise<void> {
  await t.test('two processes are killed in turn without an effect on MyApps', async (t) => {
    const here = await cluster.namespace(t)
    const apps = names(12)
    for (const [index, name] of apps.entries()) {
      const victim = hooks[index % 2] as Replica
      await victim.kill()
      await here.create(name, { image: 'nginx:1.28', env: [{ name: 'A', value: 'a' }] })
      const earlier = apps[index - 4]
      if (earlier !== undefined) {
        await here.edit('MyApp', earlier, {
          spec: {
            image: 'nginx:1.29',
            env: [
              { name: 'B', value: 'b' },
              { name: 'A', value: '$(B)' },
            ],
          },
        })
      }
      await sleep(50)
      await victim.start()
    }
    await Promise.all(apps.map((name) => here.running(name)))
    const images = apps.map(
      (name) => here.get('Deployment', name).spec.template.spec.containers[0]?.image,
    )
    t.strictSame(
      images,
      apps.map((_, index) => (index < apps.length - 4 ? 'nginx:1.29' : 'nginx:1.28')),
    )
    const watchEvents = [...here.watchEvents('Deployment'), ...here.watchEvents('Service')]
    t.strictSame(
      watchEvents.filter(({ type }) => type === 'DELETED'),
      [],
      'no child was deleted',
    )
  })

  await t.test('two hundred MyApps created at once become Running', async (t) => {
    const here = await cluster.namespace(t)
    const apps = names(200)
    const start = Date.now()
    await Promise.all(apps.map((name) => here.create(name, { image: 'nginx:1.29' })))
    await Promise.all(apps.map((name) => here.running(name, 180)))
    t.comment(`Running after ${((Date.now() - start) / 1000).toFixed(1)} s`)
    t.equal(here.list('Deployment').length, 200)
    t.equal(here.list('Service').length, 200)
  })
}
