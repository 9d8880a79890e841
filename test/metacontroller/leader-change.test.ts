/**
 * The high-availability component: two Metacontrollers, whose leader is killed. Needs the real
 * Metacontroller, because the stand-in has no leader election.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { installMetacontrollerCrds } from '../../local-cluster/control-plane/boot.ts'
import { openApi } from '../support/cluster/api.ts'
import { bootBare } from '../support/cluster/cluster.ts'
import { installMyAppCrd, pointAt } from '../support/cluster/install.ts'
import { startReplica } from '../support/cluster/hook.ts'
import { requireMetacontroller } from './real.ts'
import { type Deployment, type LiveMyApp, kindPath } from '../support/cluster/kinds.ts'
import { kustomize } from '../support/cluster/kustomize.ts'
import {
  type RunningMetacontroller,
  startMetacontroller,
} from '../../local-cluster/metacontroller.ts'
import { grant } from '../support/cluster/rights.ts'

t.setTimeout(300_000)
const user = 'restricted-metacontroller'
const count = 10

requireMetacontroller()
t.test('another Metacontroller takes over when the leader is killed', takesOver)

async function takesOver(t: Test): Promise<void> {
  const controlPlane = await bootBare(t)
  const { dir, kubectl, kubeconfig, kubeconfigFor } = controlPlane
  const objects = await kustomize(controlPlane, 'metacontroller', ['high-availability'])
  await Promise.all([
    installMetacontrollerCrds(controlPlane),
    installMyAppCrd(controlPlane),
    grant(controlPlane, objects, user),
  ])
  const hook = await startReplica({ dir })
  t.teardown(() => hook.stop())
  const api = openApi(kubeconfig)
  t.teardown(() => api.close())

  const { spec } = objects.find(({ kind }) => kind === 'StatefulSet') as unknown as {
    spec: { replicas: number; template: { spec: { containers: [{ args: string[] }] } } }
  }
  t.equal(spec.replicas, 2)
  const options = spec.template.spec.containers[0].args.filter((arg) => /leader/.test(arg))
  t.strictSame(options, ['--leader-election'])
  const start = async (name: string): Promise<RunningMetacontroller> => {
    const started = await startMetacontroller({
      kubeconfig: kubeconfigFor(user),
      logFile: join(dir, `${name}.log`),
      // In a pod, this is the namespace of the pod.
      options: [...options, '--leader-election-namespace=metacontroller'],
    })
    t.teardown(() => started.stop())
    return started
  }
  const leads = async ({ metricsUrl }: RunningMetacontroller) =>
    /^leader_election_master_status\{.*\} 1$/m.test(await (await fetch(metricsUrl)).text())
  const until = async (what: string, look: () => Promise<boolean>): Promise<number> => {
    const from = Date.now()
    while (!(await look())) {
      if (Date.now() - from > 90_000) {
        t.comment(readFileSync(join(dir, 'second.log'), 'utf8').slice(-2000))
        throw new Error(`not within 90 s: ${what}`)
      }
      await sleep(100)
    }
    return Date.now() - from
  }

  const first = await start('first')
  await until('the first Metacontroller is the leader', () => leads(first))
  const second = await start('second')
  const controller = objects.find(({ kind }) => kind === 'CompositeController')
  await kubectl(
    ['apply', '-f', '-'],
    JSON.stringify(pointAt(hook.port, controller as unknown as Parameters<typeof pointAt>[1])),
  )
  const create = (name: string) =>
    api.request('POST', kindPath('MyApp', 'default'), {
      apiVersion: 'example.com/v1',
      kind: 'MyApp',
      metadata: { name },
      spec: { image: 'nginx:1' },
    })
  const myApps = async () =>
    (await api.request<{ items: LiveMyApp[] }>('GET', kindPath('MyApp', 'default'))).items
  const deployments = async () =>
    (await api.request<{ items: Deployment[] }>('GET', kindPath('Deployment', 'default'))).items
  const running = async () =>
    (await myApps()).filter(
      ({ status, metadata }) =>
        status?.phase === 'Running' && status.observedGeneration === metadata.generation,
    ).length

  for (let index = 0; index < count; index++) await create(`before-${index}`)
  await until('all are Running', async () => (await running()) === count)
  const before = new Set((await deployments()).map(({ metadata }) => metadata.uid))
  t.notOk(await leads(second), 'the second Metacontroller is not the leader')

  // The leader is killed while MyApps are created, changed and deleted.
  for (let index = 0; index < count; index++) await create(`after-${index}`)
  await api.request('DELETE', kindPath('MyApp', 'default', 'before-0'))
  await first.kill()
  await api.request(
    'PATCH',
    kindPath('MyApp', 'default', 'before-1'),
    { spec: { image: 'nginx:2' } },
    'application/merge-patch+json',
  )
  const elapsed = await until('the second Metacontroller is the leader', () => leads(second))
  const settled = await until('all are Running', async () => (await running()) === 2 * count - 1)
  t.comment(`new leader ${elapsed} ms after the kill, settled ${settled} ms later`)

  const names = (await myApps()).map(({ metadata }) => metadata.name)
  t.equal(names.length, 2 * count - 1)
  t.notOk(names.includes('before-0'), 'the deletion is complete')
  const after = await deployments()
  t.equal(after.length, 2 * count - 1)
  const kept = after.filter(({ metadata }) => before.has(metadata.uid))
  t.equal(kept.length, count - 1, 'no Deployment was recreated')
  t.equal(
    after.find(({ metadata }) => metadata.name === 'before-1')?.spec.template.spec.containers[0]
      ?.image,
    'nginx:2',
  )
}
