import type { Test } from 'tap'
import { failingImage } from '../../../local-cluster/control-plane/stages.ts'
import type { Cluster } from '../../support/cluster/cluster.ts'
import type { WatchEvent } from '../../support/cluster/view.ts'

const names = (list: { name: string }[] | undefined) => (list ?? []).map(({ name }) => name)

/** The values of a field in order, without repetitions in a row. */
const course = <Value>(values: Value[]) =>
  values.filter((value, index) => value !== values[index - 1])

const phases = (watchEvents: WatchEvent<'MyApp'>[]) =>
  course(
    watchEvents.map(({ object }) => object.status?.phase).filter((phase) => phase !== undefined),
  )

/** A MyApp gets the children that its spec requests, and they follow every change of the spec. */
export function createAndChange(t: Test, cluster: Cluster): void {
  t.test('a MyApp gets a Deployment and a Service, and becomes Running', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', {
      image: 'nginx:1.29',
      replicas: 3,
      port: 80,
      env: [
        { name: 'WHO', value: 'you' },
        { name: 'GREETING', value: 'hello $(WHO)' },
        { name: 'EMPTY', value: '' },
      ],
    })
    const shop = await here.running('shop')
    t.match(shop.status, {
      ready: '3/3',
      replicas: 3,
      readyReplicas: 3,
      updatedReplicas: 3,
      availableReplicas: 3,
      selector: 'app=shop,managed-by=myapp-operator',
    })
    t.match(
      shop.status?.conditions?.map(({ type, status, reason }) => [type, status, reason]),
      [
        ['Ready', 'True', 'AllReplicasAvailable'],
        ['Reconciling', 'False', 'AllReplicasAvailable'],
        ['Stalled', 'False', 'AllReplicasAvailable'],
      ],
    )

    const [deployment, service] = [here.get('Deployment', 'shop'), here.get('Service', 'shop')]
    const selector = { app: 'shop', 'managed-by': 'myapp-operator' }
    const labels = {
      ...selector,
      'app.kubernetes.io/name': 'shop',
      'app.kubernetes.io/instance': 'shop',
      'app.kubernetes.io/managed-by': 'myapp-operator',
    }
    const version = { 'app.kubernetes.io/version': '1.29' }
    for (const { metadata } of [deployment, service]) {
      t.match(metadata.labels, labels)
      t.match(metadata.ownerReferences, [
        { kind: 'MyApp', uid: shop.metadata.uid, controller: true },
      ])
    }
    t.match(deployment.metadata.labels, version)
    t.notOk('app.kubernetes.io/version' in (service.metadata.labels ?? {}))
    t.match(deployment.spec, {
      replicas: 3,
      template: { metadata: { labels: { ...labels, ...version } } },
    })
    t.strictSame(deployment.spec.selector.matchLabels, selector)
    t.match(deployment.spec.template.spec.containers, [
      {
        name: 'app',
        image: 'nginx:1.29',
        ports: [{ name: 'http', containerPort: 80 }],
        env: [
          { name: 'WHO', value: 'you' },
          { name: 'GREETING', value: 'hello $(WHO)' },
          { name: 'EMPTY' },
        ],
      },
    ])
    t.match(service.spec, {
      type: 'ClusterIP',
      ports: [{ name: 'http', port: 80, targetPort: 80 }],
    })
    t.strictSame(service.spec.selector, selector)

    const [heading = '', line = ''] = (await here.kubectl('get', 'ma', '-o', 'wide')).split('\n')
    t.strictSame(heading.split(/\s+/), [
      'NAME',
      'READY',
      'PHASE',
      'REASON',
      'URL',
      'AGE',
      'IMAGE',
      'PORT',
      'MESSAGE',
    ])
    t.match(
      line,
      new RegExp(
        '^shop +3/3 +Running +AllReplicasAvailable +\\d+s +nginx:1\\.29 +80 +' +
          '3 of 3 replicas are available$',
      ),
    )
  })

  t.test('a MyApp settles when its volumes or pull secrets change their order', async (t) => {
    const here = await cluster.namespace(t)
    const volume = (name: string) => ({ name, mountPath: `/${name}`, emptyDir: {} })
    const spec = {
      image: 'nginx',
      podSecurity: 'Restricted' as const,
      imagePullSecrets: [{ name: 'a' }, { name: 'b' }],
    }
    await here.create('shop', spec)
    await here.running('shop')
    await here.edit('MyApp', 'shop', {
      spec: { volumes: [volume('a')], imagePullSecrets: [{ name: 'b' }, { name: 'a' }] },
    })
    await here.running('shop')
    await here.edit('MyApp', 'shop', {
      spec: {
        volumes: [volume('b'), volume('a')],
        imagePullSecrets: [{ name: 'c' }, { name: 'a' }],
      },
    })
    await here.running('shop')
    const { volumes, imagePullSecrets } = here.get('Deployment', 'shop').spec.template
      .spec as unknown as Record<string, { name: string }[]>
    t.strictSame(names(volumes).toSorted(), ['a', 'b', 'tmp'])
    t.strictSame(names(imagePullSecrets).toSorted(), ['a', 'c'])
  })

  t.test('a MyApp needs only an image', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image: 'nginx' })
    const { status } = await here.running('shop')
    t.equal(status?.ready, '1/1')
    const { replicas, template } = here.get('Deployment', 'shop').spec
    t.equal(replicas, 1)
    t.match(template.spec.containers[0]?.ports, [{ containerPort: 8080 }])
    t.notOk(template.spec.containers[0]?.env)
    t.match(here.get('Service', 'shop').spec.ports, [{ port: 8080, targetPort: 8080 }])
  })

  t.test('a MyApp can be scaled by an edit and by kubectl scale', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image: 'nginx' })
    await here.running('shop')
    await here.edit('MyApp', 'shop', { spec: { replicas: 3 } })
    t.equal((await here.running('shop')).status?.ready, '3/3')
    await here.kubectl('scale', 'ma', 'shop', '--replicas=5')
    const scaled = await here.until(
      'there are 5 replicas',
      () => here.get('MyApp', 'shop').status?.ready === '5/5' && here.get('MyApp', 'shop'),
    )
    t.match([scaled.spec.replicas, scaled.status?.phase], [5, 'Running'])
    t.equal(here.get('Deployment', 'shop').spec.replicas, 5)
    await here.kubectl('scale', 'ma', 'shop', '--replicas=2')
    await here.until(
      'there are 2 replicas',
      () => here.get('MyApp', 'shop').status?.ready === '2/2',
    )
    t.equal((await here.running('shop')).status?.replicas, 2)
    t.equal(here.list('ReplicaSet').length, 1, 'no pod was replaced')
  })

  t.test('a new image rolls out with the phases Pending and Running', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image: 'nginx:1.28', replicas: 3 })
    await here.running('shop')
    const before = here.watchEvents('MyApp').length
    await here.edit('MyApp', 'shop', { spec: { image: failingImage('NotReady') } })
    await here.until('the rollout waits for its first pod', () =>
      here.get('MyApp', 'shop').status?.message?.startsWith('1 of 3 replicas are updated'),
    )
    await here.edit('MyApp', 'shop', { spec: { image: 'nginx:1.29' } })
    await here.running('shop')
    t.equal(here.get('Deployment', 'shop').spec.template.spec.containers[0]?.image, 'nginx:1.29')
    t.equal(here.get('Deployment', 'shop').metadata.labels?.['app.kubernetes.io/version'], '1.29')
    t.equal(here.list('ReplicaSet').length, 3, 'two rolls')
    t.strictSame(
      phases(
        here
          .watchEvents('MyApp')
          .slice(before)
          .filter(({ object }) => (object.status?.observedGeneration ?? 0) > 1),
      ),
      ['Pending', 'Running'],
    )
  })

  t.test('pods get changed, added and removed variables in the order of the spec', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', {
      image: 'nginx',
      env: [
        { name: 'A', value: '1' },
        { name: 'B', value: '2' },
        { name: 'C', value: '3' },
      ],
    })
    await here.running('shop')
    const env = [
      { name: 'A', value: '1' },
      { name: 'C', value: 'three' },
      { name: 'D', value: '$(C)' },
      { name: 'E' },
    ]
    await here.edit('MyApp', 'shop', { spec: { env } })
    await here.running('shop')
    t.strictSame(here.get('Deployment', 'shop').spec.template.spec.containers[0]?.env, env)
    t.equal(here.list('ReplicaSet').length, 2, 'one roll')
    await here.edit('MyApp', 'shop', { spec: { env: null } })
    await here.running('shop')
    t.notOk(here.get('Deployment', 'shop').spec.template.spec.containers[0]?.env)
  })

  t.test('one of several Service ports can get another number', async (t) => {
    const here = await cluster.namespace(t)
    const ports = [{ name: 'admin', port: 9090 }]
    await here.create('shop', { image: 'nginx', port: 8080, servicePort: 80, ports })
    await here.running('shop')
    await here.edit('MyApp', 'shop', { spec: { servicePort: 81 } })
    await here.running('shop')
    t.strictSame(
      Object.fromEntries(
        here.get('Service', 'shop').spec.ports.map(({ name, port }) => [name, port]),
      ),
      { http: 81, admin: 9090 },
    )
  })

  t.test('a new port changes the container and the Service, which keeps its address', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', { image: 'nginx', port: 8080 })
    await here.running('shop')
    const { clusterIP } = here.get('Service', 'shop').spec
    await here.edit('MyApp', 'shop', { spec: { port: 9090 } })
    await here.running('shop')
    t.match(here.get('Deployment', 'shop').spec.template.spec.containers[0]?.ports, [
      { name: 'http', containerPort: 9090 },
    ])
    const { spec } = here.get('Service', 'shop')
    t.match(spec.ports, [{ name: 'http', port: 9090, targetPort: 9090 }])
    t.equal(spec.ports.length, 1)
    t.equal(spec.clusterIP, clusterIP)
  })

  t.test(
    'foreign annotations of children stay, such as that of kubectl rollout restart',
    async (t) => {
      const here = await cluster.namespace(t)
      await here.create('shop', { image: 'nginx:1.28' })
      await here.running('shop')
      const theirs = { metadata: { labels: { team: 'blue' }, annotations: { note: 'ours' } } }
      await here.edit('Deployment', 'shop', theirs)
      await here.edit('Service', 'shop', theirs)
      await here.kubectl('rollout', 'restart', 'deployment/shop')
      await here.until('the pods have rolled', () => here.list('ReplicaSet').length === 2)
      await here.edit('MyApp', 'shop', { spec: { image: 'nginx:1.29', port: 9090 } })
      await here.running('shop')
      for (const kind of ['Deployment', 'Service'] as const) {
        t.match(here.get(kind, 'shop').metadata, theirs.metadata)
      }
      t.ok(
        here.get('Deployment', 'shop').spec.template.metadata.annotations?.[
          'kubectl.kubernetes.io/restartedAt'
        ],
      )
      t.equal(here.get('Deployment', 'shop').spec.template.spec.containers[0]?.image, 'nginx:1.29')
      t.equal(
        here.list('ReplicaSet').length,
        3,
        'the restart is not reverted, and the pods roll once',
      )
    },
  )

  t.test('the longest name, a hundred variables and values in any script work', async (t) => {
    const here = await cluster.namespace(t)
    const name = 'a'.repeat(62) + '9'
    const values = [
      'grüß Gott',
      '日本語のテキスト',
      '🚀 👩‍👩‍👧',
      'العربية',
      'a "quoted"\nline\twith \\ and $(V0) and $$',
      ' ',
      '<&>',
    ]
    if (!cluster.differs('line separators in values become spaces')) {
      values.push('\u0085 \u2028 \u2029')
    }
    const env = Array.from({ length: 100 }, (_, index) => ({
      name: `V${index}`,
      value: values[index % values.length] ?? '',
    }))
    await here.create(name, { image: 'nginx', env })
    await here.running(name)
    t.strictSame(here.get('Deployment', name).spec.template.spec.containers[0]?.env, env)
    t.ok(here.get('Service', name))
    await here.edit('MyApp', name, { spec: { env: env.toReversed() } })
    await here.running(name)
    t.strictSame(
      names(here.get('Deployment', name).spec.template.spec.containers[0]?.env),
      names(env.toReversed()),
    )
  })

  t.test('a recreated MyApp has new children', async (t) => {
    const here = await cluster.namespace(t)
    const first = await here.create('shop', {
      image: 'nginx:1.28',
      env: [{ name: 'OLD', value: 'yes' }],
    })
    await here.running('shop')
    const copy = JSON.parse(await here.kubectl('get', 'ma', 'shop', '-o', 'json')) as {
      metadata: { resourceVersion?: string; uid?: string }
    }
    await here.kubectl('delete', 'ma', 'shop')
    delete copy.metadata.resourceVersion
    delete copy.metadata.uid
    await here.apply(JSON.stringify(copy))
    await here.until(
      'the new MyApp is observed',
      () => here.find('MyApp', 'shop')?.metadata.uid !== first.metadata.uid,
    )
    const second = await here.running('shop')
    for (const kind of ['Deployment', 'Service'] as const) {
      t.match(here.get(kind, 'shop').metadata.ownerReferences, [{ uid: second.metadata.uid }])
    }
    t.match(here.get('Deployment', 'shop').spec.template.spec.containers[0]?.env, [
      { name: 'OLD', value: 'yes' },
    ])
  })
}
