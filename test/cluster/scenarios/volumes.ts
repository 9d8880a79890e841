import type { Test } from 'tap'
import type { MyAppSpec } from '../../../src/api/myapp.ts'
import type { Cluster } from '../../support/cluster/cluster.ts'
import type { Namespace } from '../../support/cluster/namespace.ts'
import { putBound, volumeClaim } from '../../support/cluster/volume-claim.ts'
import { checkNoWrites } from './no-write.ts'

type Volume = NonNullable<MyAppSpec['volumes']>[number]

interface Mount {
  name: string
  mountPath: string
  subPath?: string
  readOnly?: boolean
}

const data = { persistentVolumeClaim: { claimName: 'data', accessMode: 'ReadWriteMany' as const } }
const volume = (name: string, more: Partial<Volume> = {}): Volume => ({
  name,
  mountPath: `/${name}`,
  subPath: name,
  ...data,
  ...more,
})

/** A mount as volume, path in the volume and path in the container: `html one /one`. */
const textOf = ({ name, subPath = '', mountPath, readOnly }: Mount) =>
  `${name} ${subPath} ${mountPath}${readOnly === true ? ' read-only' : ''}`

function mounts(here: Namespace) {
  const pods = here.get('Deployment', 'shop').spec.template.spec as unknown as Record<
    'containers' | 'initContainers',
    { volumeMounts?: Mount[] }[] | undefined
  > & { volumes?: { name: string }[] }
  const first = (list: { volumeMounts?: Mount[] }[] | undefined) =>
    list?.[0]?.volumeMounts?.map(textOf)
  return {
    volumes: pods.volumes?.map(({ name }) => name),
    app: first(pods.containers),
    init: first(pods.initContainers),
  }
}

/** Volumes that a container mounts at several paths. */
export function volumes(t: Test, cluster: Cluster): void {
  t.test('one claim can be mounted at several paths, and the paths can change', async (t) => {
    const here = await cluster.namespace(t)
    const init = (...mountPaths: string[]): NonNullable<MyAppSpec['init']> => [
      {
        name: 'copy',
        volumeMounts: mountPaths.map((mountPath) => ({
          name: 'html',
          mountPath,
          subPath: mountPath.slice(1),
        })),
      },
    ]
    const spec: MyAppSpec = {
      image: 'nginx:1.29',
      volumes: [volume('html'), volume('config', { readOnly: true })],
      init: init('/one', '/two'),
    }
    await putBound(here, volumeClaim('data'))
    await putBound(here, volumeClaim('own'))
    await here.create('shop', spec)
    await here.running('shop')
    t.strictSame(mounts(here), {
      volumes: ['html'],
      app: ['html html /html', 'html config /config read-only'],
      init: ['html one /one', 'html two /two'],
    })
    const steps: Array<[object, ReturnType<typeof mounts>]> = [
      [
        { image: 'nginx:1.30' },
        {
          volumes: ['html'],
          app: ['html html /html', 'html config /config read-only'],
          init: ['html one /one', 'html two /two'],
        },
      ],
      [
        {
          volumes: [
            volume('html'),
            volume('themes'),
            volume('config', { mountPath: '/etc/config' }),
          ],
          init: init('/zero', '/two'),
        },
        {
          volumes: ['html'],
          app: ['html html /html', 'html themes /themes', 'html config /etc/config'],
          init: ['html zero /zero', 'html two /two'],
        },
      ],
      [
        {
          volumes: [
            volume('themes'),
            volume('own', { persistentVolumeClaim: { claimName: 'own' } }),
          ],
          replicas: 1,
          init: null,
        },
        {
          volumes: ['themes', 'own'],
          app: ['themes themes /themes', 'own own /own'],
          init: undefined,
        },
      ],
    ]
    for (const [change, expected] of steps) {
      await here.edit('MyApp', 'shop', { spec: change })
      await here.running('shop')
      t.strictSame(mounts(here), expected)
    }
    await here.edit('MyApp', 'shop', {
      spec: { files: { '/etc/a.conf': 'a', '/etc/b.conf': 'b' } },
    })
    await here.running('shop')
    await here.edit('MyApp', 'shop', {
      spec: { files: { '/etc/a.conf': null, '/etc/c.conf': 'c' }, image: 'nginx:1.31' },
    })
    await here.running('shop')
    t.match(mounts(here), {
      volumes: ['themes', 'own', 'files'],
      app: [
        'themes themes /themes',
        'own own /own',
        /^files b\.conf\.\w+ \/etc\/b\.conf read-only$/,
        /^files c\.conf\.\w+ \/etc\/c\.conf read-only$/,
      ],
    })
    await here.edit('Deployment', 'shop', [
      {
        op: 'add',
        path: '/spec/template/spec/containers/0/volumeMounts/-',
        value: { name: 'own', mountPath: '/stray' },
      },
      {
        op: 'replace',
        path: '/spec/template/spec/containers/0/volumeMounts/0/subPath',
        value: 'stray',
      },
    ])
    await here.until('the manual edits are reverted', () => {
      // The repair pauses the Deployment in between.
      const isPaused = here.get('Deployment', 'shop').spec.paused === true
      const app = mounts(here).app ?? []
      const isStray = (mount: string) =>
        cluster.differs('foreign list items stay')
          ? mount.startsWith('themes stray')
          : mount.includes('stray')
      return !isPaused && !app.some(isStray)
    })
    await checkNoWrites(t, here, ['shop'])
  })
}
