import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import type { Cluster } from '../../support/cluster/cluster.ts'
import { forceSyncs, rest } from '../../support/cluster/forced-syncs.ts'
import { kindPath } from '../../support/cluster/kinds.ts'
import type { Namespace } from '../../support/cluster/namespace.ts'

const image = 'nginx:1.29'
const mergePatch = 'application/merge-patch+json'

/** The numbers of replicas that the Deployment was to have, one after the other. */
const asked = (here: Namespace) =>
  here
    .happenings('Deployment')
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
  await runs(here, replicas)
}

async function runs(here: Namespace, replicas: number): Promise<void> {
  await here.until(
    `${replicas} replicas run`,
    () => here.get('MyApp', 'shop').status?.ready === `${replicas}/${replicas}`,
  )
  await here.running('shop')
}

/** From the moment that a MyApp has autoscaling its replicas are the autoscaler's. */
export function autoscaling(t: Test, cluster: Cluster): void {
  t.test(
    'what an autoscaler makes of the replicas is left alone, and spec.replicas means nothing to it',
    async (t) => {
      const here = await cluster.namespace(t)
      await here.create('shop', {
        image,
        replicas: 3,
        autoscaling: { minReplicas: 2, maxReplicas: 10, targetCPUUtilizationPercentage: 70 },
      })
      await runs(here, 3)
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
        // Metacontroller notes the number in its own copy of the child, once.
        await rest(here)
        const before = deploymentWrites(here)
        await forceSyncs(here, 'shop', 3)
        t.strictSame(deploymentWrites(here), before, 'nobody writes the Deployment')
      }
      t.strictSame(asked(here), [3, 6, 4])
    },
  )

  t.test(
    'an autoscaler that changes its mind while syncs are under way is not undone for a moment',
    async (t) => {
      const here = await cluster.namespace(t)
      await here.create('shop', { image, autoscaling: { maxReplicas: 100 } })
      await runs(here, 1)
      await scale(cluster, here, 2)
      await rest(here)
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
      await runs(here, 20)
      await forceSyncs(here, 'shop', 2)
      t.strictSame(asked(here), [1, 2, ...numbers])
    },
  )

  t.test('handed to an autoscaler and back the replicas never jump', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image, replicas: 4 })
    await runs(here, 4)
    await here.edit('MyApp', 'shop', { spec: { replicas: null, autoscaling: { maxReplicas: 10 } } })
    await here.until('there is an autoscaler', () => here.find('HorizontalPodAutoscaler', 'shop'))
    await runs(here, 4)
    await scale(cluster, here, 5)
    await forceSyncs(here, 'shop', 2)
    t.strictSame(asked(here), [4, 5])
    await here.edit('MyApp', 'shop', { spec: { replicas: 2, autoscaling: null } })
    await here.gone('HorizontalPodAutoscaler', 'shop')
    await runs(here, 2)
    t.strictSame(asked(here), [4, 5, 2])
    t.equal(here.list('ReplicaSet').length, 1, 'no pod was replaced for it')
  })

  t.test(
    'new bounds of an autoscaler hold at once, and an edit of them by hand is undone',
    async (t) => {
      const here = await cluster.namespace(t)
      await here.create('shop', { image, autoscaling: { minReplicas: 1, maxReplicas: 10 } })
      await runs(here, 1)
      await here.edit('HorizontalPodAutoscaler', 'shop', {
        spec: { minReplicas: 1, maxReplicas: 99 },
      })
      await here.until(
        'the edit is undone',
        () => here.get('HorizontalPodAutoscaler', 'shop').spec.maxReplicas === 10,
      )
      await here.edit('MyApp', 'shop', {
        spec: { autoscaling: { minReplicas: 3, maxReplicas: 4 } },
      })
      await runs(here, 3)
      t.match(here.get('HorizontalPodAutoscaler', 'shop').spec, { minReplicas: 3, maxReplicas: 4 })
      await here.edit('MyApp', 'shop', {
        spec: { autoscaling: { minReplicas: 1, maxReplicas: 2 } },
      })
      await runs(here, 2)
      t.strictSame(asked(here), [1, 3, 2])
      await here.remove('HorizontalPodAutoscaler', 'shop')
      await here.until('there is another one', () => here.find('HorizontalPodAutoscaler', 'shop'))
      await runs(here, 2)
    },
  )

  t.test(
    'suspended, the number that an autoscaler had reached is kept, each time anew',
    async (t) => {
      const here = await cluster.namespace(t)
      await here.create('shop', {
        image,
        replicas: 2,
        autoscaling: { minReplicas: 1, maxReplicas: 10 },
      })
      await runs(here, 2)
      await here.edit('Deployment', 'shop', { metadata: { annotations: { theirs: 'yes' } } })
      // A sync that is under way as it is scaled for the first time undoes that under server-side apply; an autoscaler would do it again.
      await forceSyncs(here, 'shop', 2)
      for (const replicas of [3, 4]) {
        await scale(cluster, here, replicas)
        await here.edit('MyApp', 'shop', { spec: { suspend: true } })
        await runs(here, 0)
        t.match(here.get('MyApp', 'shop').status, {
          phase: 'Running',
          conditions: [{ type: 'Ready', status: 'True', reason: 'Suspended' }],
        })
        if (replicas === 4) {
          // Not below its least number: the autoscaler would scale too, between the two.
          await here.kubectl('scale', 'deployment', 'shop', '--replicas=1')
          await here.until(
            'nobody else scales it',
            () => here.get('Deployment', 'shop').spec.replicas === 0,
          )
          await runs(here, 0)
        }
        await forceSyncs(here, 'shop', 2)
        t.ok(here.find('HorizontalPodAutoscaler', 'shop'), 'the autoscaler stays')
        await here.edit('MyApp', 'shop', { spec: { suspend: null } })
        await runs(here, replicas)
      }
      t.strictSame(asked(here), [2, 3, 0, 3, 4, 0, 1, 0, 4])
      const { annotations = {} } = here.get('Deployment', 'shop').metadata
      t.notOk(annotations['example.com/suspended-replicas'])
      t.equal(annotations['theirs'], 'yes', 'what others noted there stays')
    },
  )

  t.test('Scaled is what the autoscaler says of itself', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image, autoscaling: { maxReplicas: 10 } })
    await here.running('shop')
    const scaled = () =>
      here.get('MyApp', 'shop').status?.conditions?.find(({ type }) => type === 'Scaled')
    const unmeasured = await here.until(
      'the autoscaler has said something',
      () => scaled()?.status === 'False' && scaled(),
    )
    t.match(
      unmeasured,
      { reason: 'FailedGetResourceMetric', message: /unable to get metrics for resource cpu/ },
      'nobody measures anything here',
    )
    const says = (type: string, status: string, reason: string, message: string) => ({
      type,
      status,
      reason,
      message,
      lastTransitionTime: new Date().toISOString(),
    })
    const able = says(
      'AbleToScale',
      'True',
      'ReadyForNewScale',
      'recommended size matches current size',
    )
    const active = says(
      'ScalingActive',
      'True',
      'ValidMetricFound',
      'the HPA was able to successfully calculate a replica count from cpu resource utilization',
    )
    const unable = says(
      'AbleToScale',
      'False',
      'FailedGetScale',
      "the HPA controller was unable to get the target's current scale",
    )
    for (const [conditions, told] of [
      [[able, active], active],
      [[unable, active], unable],
    ] as const) {
      // The autoscaler itself soon says something else again, at times before anybody has heard this.
      await here.eventually(`Scaled is ${told.reason}`, async () => {
        await cluster.api.request(
          'PATCH',
          `${kindPath('HorizontalPodAutoscaler', here.name, 'shop')}/status`,
          { status: { conditions, currentReplicas: 1, desiredReplicas: 1 } },
          mergePatch,
        )
        return here
          .happenings('MyApp')
          .some(({ object }) =>
            object.status?.conditions?.some(
              ({ type, status, reason, message }) =>
                type === 'Scaled' &&
                status === told.status &&
                reason === told.reason &&
                message === told.message,
            ),
          )
      })
    }
    t.equal(
      (await here.running('shop')).status?.phase,
      'Running',
      'an autoscaler in trouble does not make the app so',
    )
  })
}
