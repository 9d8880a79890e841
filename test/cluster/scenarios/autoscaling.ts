import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import type { Cluster } from '../../support/cluster/cluster.ts'
import { forceSyncs, waitUntilIdle } from '../../support/cluster/forced-syncs.ts'
import { kindPath } from '../../support/cluster/kinds.ts'
import type { Namespace } from '../../support/cluster/namespace.ts'

const image = 'nginx:1.29'
const mergePatch = 'application/merge-patch+json'

/** The numbers of replicas that the Deployment had in its spec, in order. */
const replicaHistory = (here: Namespace) =>
  here
    .watchEvents('Deployment')
    .map(({ object }) => object.spec.replicas)
    .filter((replicas, index, all) => replicas !== all[index - 1])

const deploymentWrites = (here: Namespace) =>
  here.writes().filter((write) => write.endsWith(' deployments/shop'))

/** Scales the Deployment as an autoscaler does. */
async function scale({ api }: Cluster, here: Namespace, replicas: number): Promise<void> {
  await api.request(
    'PATCH',
    `${kindPath('Deployment', here.name, 'shop')}/scale`,
    { spec: { replicas } },
    mergePatch,
  )
  await runsWith(here, replicas)
}

/** Waits until the MyApp is Running with this number of replicas. */
async function runsWith(here: Namespace, replicas: number): Promise<void> {
  await here.until(
    `${replicas} replicas run`,
    () => here.get('MyApp', 'shop').status?.ready === `${replicas}/${replicas}`,
  )
  await here.running('shop')
}

/** While a MyApp has autoscaling, the autoscaler decides its replicas. */
export function autoscaling(t: Test, cluster: Cluster): void {
  t.test('spec.replicas does not change the replicas of an autoscaler', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', {
      image,
      replicas: 3,
      autoscaling: { minReplicas: 2, maxReplicas: 10, targetCPUUtilizationPercentage: 70 },
    })
    await runsWith(here, 3)
    t.match(here.get('HorizontalPodAutoscaler', 'shop').spec, {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop' },
      minReplicas: 2,
      maxReplicas: 10,
      metrics: [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } },
        },
      ],
    })
    for (const change of [
      () => scale(cluster, here, 6),
      () => scale(cluster, here, 4),
      () => here.edit('MyApp', 'shop', { spec: { replicas: 9 } }),
    ]) {
      await change()
      await here.running('shop')
      // Metacontroller writes once more to record the number in its copy of the child.
      await waitUntilIdle(here)
      const before = deploymentWrites(here)
      await forceSyncs(here, 'shop', 3)
      t.strictSame(deploymentWrites(here), before, 'no write of the Deployment')
    }
    t.strictSame(replicaHistory(here), [3, 6, 4])
  })

  t.test('after its first scaling, concurrent syncs do not revert an autoscaler', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image, autoscaling: { maxReplicas: 100 } })
    await runsWith(here, 1)
    await scale(cluster, here, 2)
    await waitUntilIdle(here)
    const numbers = Array.from({ length: 18 }, (_, index) => index + 3)
    for (const replicas of numbers) {
      await cluster.api.request(
        'PATCH',
        `${kindPath('Deployment', here.name, 'shop')}/scale`,
        { spec: { replicas } },
        mergePatch,
      )
      if (replicas % 3 === 0) {
        await here.edit('MyApp', 'shop', {
          metadata: { annotations: { touched: String(replicas) } },
        })
      }
      await sleep(15 + (replicas % 7) * 12)
    }
    await runsWith(here, 20)
    await forceSyncs(here, 'shop', 2)
    t.strictSame(replicaHistory(here), [1, 2, ...numbers])
  })

  t.test('the replicas do not jump when an autoscaler is added or removed', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image, replicas: 4 })
    await runsWith(here, 4)
    await here.edit('MyApp', 'shop', { spec: { replicas: null, autoscaling: { maxReplicas: 10 } } })
    await here.until('the autoscaler exists', () => here.find('HorizontalPodAutoscaler', 'shop'))
    await runsWith(here, 4)
    await scale(cluster, here, 5)
    await forceSyncs(here, 'shop', 2)
    t.strictSame(replicaHistory(here), [4, 5])
    await here.edit('MyApp', 'shop', { spec: { replicas: 2, autoscaling: null } })
    await here.gone('HorizontalPodAutoscaler', 'shop')
    await runsWith(here, 2)
    t.strictSame(replicaHistory(here), [4, 5, 2])
    t.equal(here.list('ReplicaSet').length, 1, 'no pod was replaced')
  })

  t.test('new bounds of an autoscaler apply at once, and manual edits are reverted', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image, autoscaling: { minReplicas: 1, maxReplicas: 10 } })
    await runsWith(here, 1)
    await here.edit('HorizontalPodAutoscaler', 'shop', {
      spec: { minReplicas: 1, maxReplicas: 99 },
    })
    await here.until(
      'the edit is reverted',
      () => here.get('HorizontalPodAutoscaler', 'shop').spec.maxReplicas === 10,
    )
    await here.edit('MyApp', 'shop', {
      spec: { autoscaling: { minReplicas: 3, maxReplicas: 4 } },
    })
    await runsWith(here, 3)
    t.match(here.get('HorizontalPodAutoscaler', 'shop').spec, { minReplicas: 3, maxReplicas: 4 })
    await here.edit('MyApp', 'shop', {
      spec: { autoscaling: { minReplicas: 1, maxReplicas: 2 } },
    })
    await runsWith(here, 2)
    t.strictSame(replicaHistory(here), [1, 3, 2])
    await here.remove('HorizontalPodAutoscaler', 'shop')
    await here.until('a new autoscaler exists', () => here.find('HorizontalPodAutoscaler', 'shop'))
    await runsWith(here, 2)
  })

  t.test('the replicas of the autoscaler return after every suspension', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', {
      image,
      replicas: 2,
      autoscaling: { minReplicas: 1, maxReplicas: 10 },
    })
    await runsWith(here, 2)
    await here.edit('Deployment', 'shop', { metadata: { annotations: { theirs: 'yes' } } })
    // Under server-side apply a concurrent sync can revert the first scaling. Avoid such a sync.
    await forceSyncs(here, 'shop', 2)
    for (const replicas of [3, 4]) {
      await scale(cluster, here, replicas)
      await here.edit('MyApp', 'shop', { spec: { suspend: true } })
      await runsWith(here, 0)
      t.match(here.get('MyApp', 'shop').status, {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'True', reason: 'Suspended' }],
      })
      if (replicas === 4) {
        // Not below minReplicas, or the autoscaler would also scale.
        await here.kubectl('scale', 'deployment', 'shop', '--replicas=1')
        await here.until(
          'the replicas are 0 again',
          () => here.get('Deployment', 'shop').spec.replicas === 0,
        )
        await runsWith(here, 0)
      }
      await forceSyncs(here, 'shop', 2)
      t.ok(here.find('HorizontalPodAutoscaler', 'shop'), 'the autoscaler stays')
      await here.edit('MyApp', 'shop', { spec: { suspend: null } })
      await runsWith(here, replicas)
    }
    t.strictSame(replicaHistory(here), [2, 3, 0, 3, 4, 0, 1, 0, 4])
    const { annotations = {} } = here.get('Deployment', 'shop').metadata
    t.notOk(annotations['example.com/suspended-replicas'])
    t.equal(annotations['theirs'], 'yes', 'a foreign annotation stays')
  })

  t.test('condition Scaled copies the condition of the autoscaler', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image, autoscaling: { maxReplicas: 10 } })
    await here.running('shop')
    const scaled = () =>
      here.get('MyApp', 'shop').status?.conditions?.find(({ type }) => type === 'Scaled')
    const unmeasured = await here.until(
      'the autoscaler has a status',
      () => scaled()?.status === 'False' && scaled(),
    )
    t.match(
      unmeasured,
      { reason: 'FailedGetResourceMetric', message: /unable to get metrics for resource cpu/ },
      'this cluster has no metrics',
    )
    const condition = (type: string, status: string, reason: string, message: string) => ({
      type,
      status,
      reason,
      message,
      lastTransitionTime: new Date().toISOString(),
    })
    const able = condition(
      'AbleToScale',
      'True',
      'ReadyForNewScale',
      'recommended size matches current size',
    )
    const active = condition(
      'ScalingActive',
      'True',
      'ValidMetricFound',
      'the HPA was able to successfully calculate a replica count from cpu resource utilization',
    )
    const unable = condition(
      'AbleToScale',
      'False',
      'FailedGetScale',
      "the HPA controller was unable to get the target's current scale",
    )
    for (const [conditions, expected] of [
      [[able, active], active],
      [[unable, active], unable],
    ] as const) {
      // The autoscaler itself soon overwrites this status, sometimes before the hook has seen it.
      await here.eventually(`Scaled is ${expected.reason}`, async () => {
        await cluster.api.request(
          'PATCH',
          `${kindPath('HorizontalPodAutoscaler', here.name, 'shop')}/status`,
          { status: { conditions, currentReplicas: 1, desiredReplicas: 1 } },
          mergePatch,
        )
        return here
          .watchEvents('MyApp')
          .some(({ object }) =>
            object.status?.conditions?.some(
              ({ type, status, reason, message }) =>
                type === 'Scaled' &&
                status === expected.status &&
                reason === expected.reason &&
                message === expected.message,
            ),
          )
      })
    }
    await here.running('shop')
    t.notOk(
      here.watchEvents('MyApp').some(({ object }) => object.status?.phase === 'Failed'),
      'a failing autoscaler does not fail the app',
    )
  })
}
