/** Two Metacontrollers share the MyApps of a cluster by a label, as in docs/scaling.md. */
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import t from 'tap'
import { installMetacontrollerCrds } from '../../local-cluster/control-plane/boot.ts'
import { openApi } from '../support/cluster/api.ts'
import { bootBare } from '../support/cluster/cluster.ts'
import { startReplica } from '../support/cluster/hook.ts'
import { compositeControllers, installMyAppCrd } from '../support/cluster/install.ts'
import { type Deployment, type LiveMyApp, kindPath } from '../support/cluster/kinds.ts'
import { startMetacontroller } from '../../local-cluster/metacontroller.ts'

t.setTimeout(240_000)

const shardLabel = 'example.com/shard'
const [shards, namespace] = [['a', 'b'] as const, 'default']
type Shard = (typeof shards)[number]

interface Controller {
  metadata: { name: string; labels: Record<string, string> }
  spec: { parentResource: { labelSelector?: object } }
}

/** The CompositeControllers of a shard: for MyApps, and in shard `a` also for MyAppInspections. */
function controllersOf(shard: Shard, port: number): Controller[] {
  const [myApps, inspections] = JSON.parse(compositeControllers(port, 'dynamic-apply')).items as [
    Controller,
    Controller,
  ]
  myApps.metadata.name = `myapp-${shard}`
  myApps.spec.parentResource.labelSelector = { matchLabels: { [shardLabel]: shard } }
  const own = shard === 'a' ? [myApps, inspections] : [myApps]
  for (const { metadata } of own) metadata.labels[shardLabel] = shard
  return own
}

t.test('each Metacontroller handles its share, and a MyApp can move between them', async (t) => {
  const controlPlane = await bootBare(t)
  const { dir, kubectl, kubeconfig, kubeconfigFor } = controlPlane
  const hook = await startReplica({ dir })
  t.teardown(() => hook.stop())
  await Promise.all([installMetacontrollerCrds(controlPlane), installMyAppCrd(controlPlane)])
  for (const shard of shards) {
    const metacontroller = await startMetacontroller({
      kubeconfig: kubeconfigFor('metacontroller'),
      logFile: join(dir, `metacontroller-${shard}.log`),
      options: [`--target-label-selector=${shardLabel}=${shard}`],
    })
    t.teardown(() => metacontroller.stop())
    const items = controllersOf(shard, hook.port)
    await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
  }
  const api = openApi(kubeconfig)
  t.teardown(() => api.close())
  const read = <Found>(kind: 'MyApp' | 'Deployment', name: string) =>
    api.request<Found>('GET', kindPath(kind, namespace, name))
  const finalizer = (shard: Shard) => `metacontroller.io/compositecontroller-myapp-${shard}`
  const until = async (name: string, isDone: (app: LiveMyApp) => boolean) => {
    for (const deadline = Date.now() + 60_000; ; await sleep(100)) {
      const app = await read<LiveMyApp>('MyApp', name)
      if (isDone(app)) return app
      if (Date.now() > deadline) throw new Error(`not settled: ${JSON.stringify(app)}`)
    }
  }
  const isRunning = ({ status }: LiveMyApp) => status?.phase === 'Running'

  for (const shard of shards) {
    await api.request('POST', kindPath('MyApp', namespace), {
      apiVersion: 'example.com/v1',
      kind: 'MyApp',
      metadata: { name: `in-${shard}`, labels: { [shardLabel]: shard } },
      spec: { image: 'nginx' },
    })
  }
  for (const shard of shards) {
    const { metadata } = await until(`in-${shard}`, isRunning)
    t.strictSame(metadata.finalizers, [finalizer(shard)])
  }
  const before = await read<Deployment>('Deployment', 'in-a')
  await kubectl(['label', 'myapp', 'in-a', `${shardLabel}=b`, '--overwrite'])
  await until('in-a', ({ metadata }) => metadata.finalizers?.join() === finalizer('b'))
  await kubectl(['patch', 'myapp', 'in-a', '--type=merge', '-p', '{"spec":{"image":"nginx:1.29"}}'])
  await until(
    'in-a',
    (app) => isRunning(app) && app.status?.observedGeneration === app.metadata.generation,
  )
  const after = await read<Deployment>('Deployment', 'in-a')
  t.equal(after.metadata.uid, before.metadata.uid, 'the Deployment is the same object')
  t.equal(
    after.spec.template.spec.containers[0]?.image,
    'nginx:1.29',
    'the Deployment follows the spec',
  )
  await kubectl(['delete', 'myapp', '--all', '--timeout=60s'])
  t.equal(
    (await kubectl(['get', 'deployments', '-o', 'name'])).trim(),
    '',
    'both Deployments are deleted',
  )
})
