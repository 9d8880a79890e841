import { createHash } from 'node:crypto'
import type { Test } from 'tap'
import type { MyAppSpec } from '../../../src/api/myapp.ts'
import type { Cluster } from '../../support/cluster/cluster.ts'
import { forceSyncs, waitUntilIdle } from '../../support/cluster/forced-syncs.ts'
import type { StringMap } from '../../support/cluster/kinds.ts'
import type { Namespace } from '../../support/cluster/namespace.ts'

const image = 'nginx:1.29'

/** Uses config as single variables, as all variables of a ConfigMap, and as files. */
const spec: MyAppSpec = {
  image,
  env: [
    { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'keys', key: 'password' } } },
    {
      name: 'MODE',
      valueFrom: { configMapKeyRef: { name: 'settings', key: 'mode', optional: true } },
    },
  ],
  envFrom: [{ configMapRef: { name: 'settings' } }],
  volumes: [
    {
      name: 'token',
      mountPath: '/run/token',
      secret: { secretName: 'token', items: [{ key: 'token', path: 'token' }] },
    },
  ],
}

interface Config {
  kind: 'ConfigMap' | 'Secret'
  name: string
  data: StringMap
  metadata?: object
}

/** Stores a ConfigMap or a Secret with the given plain text. */
const store = (here: Namespace, { kind, name, data, metadata }: Config) =>
  here.put({
    apiVersion: 'v1',
    kind,
    metadata: { name, ...metadata },
    [kind === 'Secret' ? 'stringData' : 'data']: data,
  })

const settings = (data: StringMap, metadata = {}): Config => ({
  kind: 'ConfigMap',
  name: 'settings',
  data,
  metadata,
})
const keys = (data: StringMap, metadata = {}): Config => ({
  kind: 'Secret',
  name: 'keys',
  data,
  metadata,
})
const token = (data: StringMap): Config => ({ kind: 'Secret', name: 'token', data })
const first = [
  settings({ greeting: 'hello' }),
  keys({ password: 'hunter2-hunter2' }),
  token({ token: 'one' }),
]

/** The revision of the Deployment. Every rollout of new pods increases it. */
const revision = (here: Namespace) =>
  Number(here.get('Deployment', 'shop').metadata.annotations?.['deployment.kubernetes.io/revision'])

/** Waits until the app runs with exactly this revision. After an extra rollout the wait fails. */
async function runsIn(here: Namespace, expected: number): Promise<void> {
  await here.until(`the revision is ${expected}`, () => revision(here) === expected)
  await here.running('shop')
}

const condition = (here: Namespace, type: string) =>
  here.get('MyApp', 'shop').status?.conditions?.find((condition) => condition.type === type)

/** Changes config, and waits until Metacontroller has synced the change and is idle. */
async function change(here: Namespace, ...configs: Config[]): Promise<void> {
  const calls = here.calls('shop').length
  for (const config of configs) await store(here, config)
  await here.until('the hook had a request', () => here.calls('shop').length > calls)
  await forceSyncs(here, 'shop', 2)
  await waitUntilIdle(here)
}

/** Pods follow the config that they use. */
export function configRollout(t: Test, cluster: Cluster): void {
  t.test(
    'rolls the pods once for new data in a ConfigMap or a Secret that the pods use',
    async (t) => {
      const here = await cluster.namespace(t)
      for (const config of first) await store(here, config)
      await here.create('shop', spec)
      await here.running('shop')
      t.match(condition(here, 'ConfigReady'), { status: 'True', reason: 'ConfigFound' })
      const changes: Array<[what: string, change: Config[], rolls: number]> = [
        ['a changed value in a ConfigMap', [settings({ greeting: 'good morning' })], 1],
        [
          'a new key in a ConfigMap that is used as a whole',
          [settings({ greeting: 'good morning', more: 'yes' })],
          1,
        ],
        [
          'an optional key that was missing',
          [settings({ greeting: 'good morning', mode: 'quick' })],
          1,
        ],
        ['a changed value in a Secret', [keys({ password: 'hunter3-hunter3' })], 1],
        ['a changed file of a Secret', [token({ token: 'two' })], 1],
        [
          'a label and an annotation',
          [
            settings({ greeting: 'good morning', mode: 'quick' }, { labels: { a: 'b' } }),
            keys({ password: 'hunter3-hunter3' }, { annotations: { note: 'x' } }),
          ],
          0,
        ],
        ['a key that no pod uses', [keys({ password: 'hunter3-hunter3', other: 'x' })], 0],
      ]
      for (const [what, configs, rolls] of changes) {
        const [before, { generation = 0 }] = [
          revision(here),
          here.get('Deployment', 'shop').metadata,
        ]
        await change(here, ...configs)
        await runsIn(here, before + rolls)
        t.equal(
          (here.get('Deployment', 'shop').metadata.generation ?? 0) - generation,
          rolls,
          `${what}: ${rolls} rolls`,
        )
      }
      t.equal(here.list('ReplicaSet').length, 6)
      await store(here, token({ token: 'two' }))
      await forceSyncs(here, 'shop', 2)
      await waitUntilIdle(here)
      t.equal(here.list('ReplicaSet').length, 6, 'no rollout for unchanged data')
    },
  )

  t.test('rolloutOnConfigChange decides whether pods roll for changed config', async (t) => {
    const here = await cluster.namespace(t)
    for (const config of first) await store(here, config)
    await here.create('shop', { ...spec, rolloutOnConfigChange: false })
    await here.running('shop')
    await change(
      here,
      settings({ greeting: 'good evening' }),
      keys({ password: 'hunter4-hunter4' }),
    )
    await here.running('shop')
    t.equal(revision(here), 1)
    await here.edit('MyApp', 'shop', { spec: { rolloutOnConfigChange: null } })
    await runsIn(here, 2)
    await here.edit('MyApp', 'shop', { spec: { rolloutOnConfigChange: false } })
    await here.running('shop')
    await change(here, settings({ greeting: 'good night' }))
    t.equal(revision(here), 2, 'no rollout after the field is false again')
    await here.edit('MyApp', 'shop', { spec: { rolloutOnConfigChange: true } })
    await runsIn(here, 3)
  })

  t.test('starts no pod before its config exists, and names the missing config', async (t) => {
    const here = await cluster.namespace(t)
    await here.create('shop', spec)
    const says = (missing: string) =>
      here.until(`reported as missing: ${missing}`, () => {
        const { status } = here.get('MyApp', 'shop')
        return (
          status?.phase === 'Pending' &&
          status.message === `${missing} not found: no pod is started until they exist` &&
          condition(here, 'ConfigReady')?.message === `Not found: ${missing}`
        )
      })
    await says('Secret keys, ConfigMap settings and Secret token')
    t.match(condition(here, 'Ready'), { status: 'False', reason: 'ConfigMissing' })
    t.match(condition(here, 'ConfigReady'), { status: 'False', reason: 'ConfigMissing' })
    await store(here, settings({ greeting: 'hello' }))
    await store(here, keys({ user: 'me' }))
    await says('key password of Secret keys and Secret token')
    t.notOk(here.find('Deployment', 'shop'))
    for (const config of first) await store(here, config)
    await here.running('shop')
    t.match(condition(here, 'ConfigReady'), { status: 'True' })
  })

  t.test('keeps the pods of an app while its config is missing, and can remove pods', async (t) => {
    const here = await cluster.namespace(t)
    for (const config of first) await store(here, config)
    await here.create('shop', { ...spec, replicas: 2 })
    await here.running('shop')
    const before = here.get('Deployment', 'shop')
    await here.kubectl('delete', 'secret', 'keys')
    const missing = await here.until(
      'the missing Secret is reported',
      () => here.get('MyApp', 'shop').status?.phase === 'Pending' && here.get('MyApp', 'shop'),
    )
    t.match(missing.status, {
      message: 'Secret keys not found: running pods are not changed until it exists',
      ready: '2/2',
    })
    await here.edit('MyApp', 'shop', { spec: { image: 'nginx:1.30', replicas: 3 } })
    await forceSyncs(here, 'shop', 3)
    t.strictSame(here.get('Deployment', 'shop').spec, before.spec)
    t.equal(here.get('Deployment', 'shop').metadata.uid, before.metadata.uid)
    t.match(condition(here, 'ConfigReady'), {
      status: 'False',
      message: 'Not found: Secret keys',
    })
    await here.kubectl('scale', 'myapp/shop', '--replicas=1')
    await here.until(
      'one replica is ready',
      () => here.get('MyApp', 'shop').status?.ready === '1/1',
    )
    t.strictSame(
      here.get('Deployment', 'shop').spec.template,
      before.spec.template,
      'only the number of replicas changes',
    )
    await here.kubectl('scale', 'myapp/shop', '--replicas=0')
    await here.running('shop')
    t.match(condition(here, 'Ready'), { reason: 'ScaledToZero' })
    await here.kubectl('scale', 'myapp/shop', '--replicas=3')
    await store(here, keys({ password: 'hunter2-hunter2' }))
    t.equal((await here.running('shop')).status?.ready, '3/3')
    t.match(here.get('Deployment', 'shop').spec, {
      replicas: 3,
      template: { spec: { containers: [{ image: 'nginx:1.30' }] } },
    })
    await runsIn(here, 3)
  })

  t.test('no object and no log contains a secret or a plain hash of a secret', async (t) => {
    const here = await cluster.namespace(t)
    for (const config of first) await store(here, config)
    await here.create('shop', spec)
    await here.create('twin', spec)
    await Promise.all(['shop', 'twin'].map((name) => here.running(name)))
    await change(here, keys({ password: 'hunter5-hunter5' }))
    await Promise.all(['shop', 'twin'].map((name) => here.running(name)))
    const kinds = [
      'myapps,deployments,replicasets,pods,services',
      'endpointslices,events,controllerrevisions.apps',
    ].join()
    const published =
      (await here.kubectl('get', kinds, '-o', 'json', '--show-managed-fields')) +
      JSON.stringify(cluster.hook.log(here.name))
    for (const password of ['hunter2-hunter2', 'hunter5-hunter5']) {
      const stored = Buffer.from(password).toString('base64')
      const plain = [
        password,
        stored,
        ...[{ password }, { password: stored }].map((data) => JSON.stringify(data)),
      ]
      const digests = plain.flatMap((text) =>
        ['md5', 'sha1', 'sha256', 'sha512'].flatMap((name) =>
          (['hex', 'base64'] as const).map((encoding) =>
            createHash(name).update(text).digest(encoding).slice(0, 12),
          ),
        ),
      )
      t.strictSame(
        [...plain, ...digests].filter((text) => published.includes(text)),
        [],
      )
    }
    const [one, other] = ['shop', 'twin'].map(
      (name) =>
        here.get('Deployment', name).spec.template.metadata.annotations?.[
          'example.com/config-digest'
        ],
    )
    t.ok(one)
    t.not(one, other, 'the digests do not show that two apps use the same secret')
  })
}
