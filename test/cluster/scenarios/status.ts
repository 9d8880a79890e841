import { failingImage, failureAnnotation } from '../../../local-cluster/control-plane/stages.ts'
import type { Test } from 'tap'
import type { MyAppStatus } from '../../../src/api/myapp.ts'
import type { Cluster } from '../../support/cluster/cluster.ts'
import type { LiveMyApp } from '../../support/cluster/kinds.ts'

const reasonOf = (app: LiveMyApp) =>
  app.status?.conditions?.find(({ type }) => type === 'Ready')?.reason
const transitionsOf = (app: LiveMyApp) =>
  app.status?.conditions?.map(({ lastTransitionTime }) => lastTransitionTime) ?? []

/** The four counts that a MyApp shares with its Deployment. */
const counts = ({
  replicas = 0,
  readyReplicas = 0,
  updatedReplicas = 0,
  availableReplicas = 0,
}: Pick<
  MyAppStatus,
  'replicas' | 'readyReplicas' | 'updatedReplicas' | 'availableReplicas'
> = {}) => [replicas, readyReplicas, updatedReplicas, availableReplicas].join()

/** The status matches the children at any time. */
export function status(t: Test, cluster: Cluster): void {
  t.test(
    'a MyApp whose rollout misses its deadline is Failed with a reason, and Running once the ' +
      'image is fixed',
    async (t) => {
      const here = await cluster.namespace(t)
      await here.create('shop', { image: 'nginx:1.28', replicas: 2 })
      await here.running('shop')
      await here.edit('MyApp', 'shop', {
        spec: { image: failingImage('ImagePullBackOff'), progressDeadlineSeconds: 1 },
      })
      // On a slow machine the deadline of a second passes before the first new pod exists.
      const { status } = await here.until('the rollout has failed with that pod', () => {
        const app = here.get('MyApp', 'shop')
        return (
          reasonOf(app) === 'ProgressDeadlineExceeded' &&
          app.status?.updatedReplicas === 1 &&
          app.status.message?.includes('pods fails') &&
          app
        )
      })
      t.match(
        status?.message,
        new RegExp(
          '^The rollout is stuck with 2 of 2 replicas available: ' +
            '1 of 3 pods fails: container app is in ImagePullBackOff',
        ),
      )
      t.match(status, { phase: 'Failed', availableReplicas: 2, replicas: 3 }, 'the old pods run')
      t.match(
        status?.conditions?.map(({ type, status }) => [type, status]),
        [
          ['Ready', 'False'],
          ['Reconciling', 'False'],
          ['Stalled', 'True'],
        ],
      )
      await here.edit('MyApp', 'shop', {
        spec: { image: 'nginx:1.29', progressDeadlineSeconds: null },
      })
      await here.running('shop')
    },
  )

  for (const [what, limit] of [
    ['pods', 'pods=2'],
    ['ReplicaSet', 'count/replicasets.apps=0'],
  ] as const) {
    t.test(
      `a MyApp whose ${what} a quota refuses is Failed with the message of the quota, and ` +
        'Running once the quota is deleted',
      async (t) => {
        const here = await cluster.namespace(t)
        await here.kubectl('create', 'quota', 'small', `--hard=${limit}`)
        await here.kubectl(
          'wait',
          '--for=jsonpath={.status.hard}',
          '--timeout=60s',
          'resourcequota/small',
        )
        await here.create('shop', { image: 'nginx', replicas: 3 })
        const { status } = await here.failed('shop', 'ReplicaFailure')
        t.match(status?.message, /^Pods cannot be created: .*exceeded quota: small/)
        await here.kubectl('delete', 'quota', 'small')
        t.equal((await here.running('shop')).status?.ready, '3/3')
      },
    )
  }

  t.test('a MyApp scaled to zero is Running and reports it', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image: 'nginx', replicas: 2 })
    await here.running('shop')
    await here.kubectl('scale', 'ma', 'shop', '--replicas=0')
    const app = await here.until('all pods are gone', () => {
      const app = here.get('MyApp', 'shop')
      return (
        app.spec.replicas === 0 &&
        app.status?.phase === 'Running' &&
        app.status.replicas === 0 &&
        app
      )
    })
    t.match(app.status, { ready: '0/0', message: 'Scaled to zero: no pods run' })
    t.equal(reasonOf(app), 'ScaledToZero')
    await here.kubectl('scale', 'ma', 'shop', '--replicas=1')
    await here.until(
      'one replica is ready',
      () => here.get('MyApp', 'shop').status?.ready === '1/1',
    )
  })

  t.test('an unready pod makes the MyApp Pending until the pod is ready again', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image: 'nginx', replicas: 3 })
    await here.running('shop')
    const [pod = ''] = (await here.kubectl('get', 'pods', '-o', 'name')).split('\n')
    await here.kubectl('annotate', pod, `${failureAnnotation}=NotReady`)
    const ill = await here.until(
      '2 of 3 replicas are available',
      () => here.get('MyApp', 'shop').status?.availableReplicas === 2 && here.get('MyApp', 'shop'),
    )
    t.match(ill.status, {
      phase: 'Pending',
      ready: '2/3',
      message: '2 of 3 replicas are available',
      readyReplicas: 2,
      updatedReplicas: 3,
    })
    t.equal(reasonOf(ill), 'ReplicasUnavailable')
    await here.kubectl('annotate', pod, `${failureAnnotation}-`)
    await here.running('shop')
  })

  t.test('a MyApp with a manually paused rollout is Pending, with a remedy', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image: 'nginx:1.28', replicas: 2 })
    await here.running('shop')
    await here.kubectl('rollout', 'pause', 'deployment/shop')
    await here.edit('MyApp', 'shop', {
      spec: { image: 'nginx:1.29', env: [{ name: 'A', value: 'a' }] },
    })
    const paused = await here.until(
      'the pause is reported',
      () => reasonOf(here.get('MyApp', 'shop')) === 'RolloutPaused' && here.get('MyApp', 'shop'),
    )
    t.match(paused.status, {
      phase: 'Pending',
      message:
        '0 of 2 replicas are updated and the rollout is paused: run kubectl rollout resume ' +
        'deployment/shop',
    })
    t.equal(here.list('ReplicaSet').length, 1)
    await here.kubectl('rollout', 'resume', 'deployment/shop')
    await here.running('shop')
    t.equal(here.list('ReplicaSet').length, 2)
  })

  t.test('counts always match the Deployment, and Running never comes too early', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image: 'nginx:1.28', replicas: 3 })
    await here.running('shop')
    for (const spec of [
      { image: 'nginx:1.29' },
      { replicas: 4 },
      { image: 'nginx:1.30', replicas: 2 },
    ]) {
      await here.edit('MyApp', 'shop', { spec })
      await here.running('shop')
    }
    const known = here.watchEvents('Deployment').map(({ object }) => counts(object.status))
    const apps = here
      .watchEvents('MyApp')
      .map(({ object }) => object)
      .filter(({ status }) => status !== undefined)
    t.strictSame(
      apps.map(({ status }) => counts(status)).filter((counts) => !known.includes(counts)),
      [],
      'the Deployment had all of these counts',
    )
    const running = apps.filter(
      ({ metadata, status }) =>
        status?.phase === 'Running' && status.observedGeneration === metadata.generation,
    )
    t.strictSame(
      running.filter(
        ({ spec: { replicas }, status }) =>
          counts(status) !== [replicas, replicas, replicas, replicas].join(),
      ),
      [],
      'Running means all replicas',
    )
  })

  t.test('lastTransitionTime changes only with the status of the condition', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image: 'nginx:1.28' })
    const before = transitionsOf(await here.running('shop'))
    await here.until('a second has passed', () => Date.now() > Date.parse(before[0] ?? '') + 2000)
    await here.edit('MyApp', 'shop', { spec: { image: 'nginx:1.29' } })
    const after = transitionsOf(await here.running('shop'))
    t.not(after[0], before[0], 'Ready was False meanwhile')
    t.equal(after[2], before[2], 'Stalled did not change')
  })

  t.test('kubectl wait works with the conditions', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image: 'nginx', replicas: 2 })
    t.match(
      await here.kubectl('wait', '--for=condition=Ready', '--timeout=60s', 'ma/shop'),
      'condition met',
    )
    await here.kubectl('wait', '--for=jsonpath={.status.phase}=Running', '--timeout=60s', 'ma/shop')
  })

  t.test('the next sync corrects a manually edited status', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image: 'nginx' })
    await here.running('shop')
    await here.kubectl(
      'patch',
      'ma',
      'shop',
      '--subresource=status',
      '--type=merge',
      '--patch',
      '{"status":{"phase":"Failed","availableReplicas":7}}',
    )
    await here.edit('MyApp', 'shop', { metadata: { annotations: { touched: 'yes' } } })
    await here.until(
      'the status is correct',
      () => here.get('MyApp', 'shop').status?.availableReplicas === 1,
    )
    t.equal(here.get('MyApp', 'shop').status?.phase, 'Running')
  })
}
