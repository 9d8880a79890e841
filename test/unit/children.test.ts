import fc from 'fast-check'
import t from 'tap'
import type { App } from '../../src/myapp/app.ts'
import { childKinds } from '../../src/myapp/children/index.ts'
import type { KubernetesObject } from '../../src/metacontroller/protocol.ts'
import { MyAppSpec } from '../../src/api/myapp.ts'
import { validSpec } from '../../src/myapp/valid-spec.ts'
import * as arbitrary from '../support/fixtures/arbitrary.ts'
import { recorded } from '../support/fixtures/recorded.ts'

const children = (spec: Partial<MyAppSpec>, more: Partial<App> = {}): KubernetesObject[] =>
  childKinds.flatMap(({ desired }) =>
    desired({ name: 'shop', namespace: 'default', spec: { image: 'nginx', ...spec }, ...more }),
  )

interface Template {
  metadata: { annotations?: object; labels: object }
  spec: { containers: [Record<string, unknown>]; volumes?: object[]; [field: string]: unknown }
}
const without = (object: object, ...fields: string[]) =>
  Object.fromEntries(Object.entries(object).filter(([field]) => !fields.includes(field)))
const deploymentSpec = (spec: Partial<MyAppSpec>, more?: Partial<App>) =>
  children(spec, more)[0]?.spec as { replicas: number; strategy: object; template: Template }
const pods = (spec: Partial<MyAppSpec>, more?: Partial<App>) => deploymentSpec(spec, more).template
const container = (spec: Partial<MyAppSpec>) => pods(spec).spec.containers[0]

/** Paths at which the API server keeps an empty object or an empty string. */
const mayBeEmpty = [
  /files\.example\.com\/.*$/,
  /emptyDir$/,
  /[sS]elector$/,
  /nodeSelectorTerms\.\d+$/,
  /preference$/,
  /grpc\.service$/,
  /dnsConfig\.options\.\d+\.value$/,
  /httpHeaders\.\d+\.value$/,
  /backendRefs\.\d+\.group$/,
  /(labels|annotations|nodeSelector|matchLabels)\.[^.]*([^.]|\.com)*$/,
  /(args|command|values)\.\d+$/,
]

/**
 * The paths of a child that hold nothing. The API server drops such values, so every sync would
 * write them again.
 */
function nothings(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) {
    return value === null || value === undefined || value === '' ? [path] : []
  }
  const entries = Object.entries(value)
  return entries.length === 0
    ? [path]
    : entries.flatMap(([key, part]) => nothings(part, `${path}.${key}`))
}

t.test('no child of any MyApp holds a value that the API server drops', async () => {
  fc.assert(
    fc.property(arbitrary.grownSpec, (spec) => {
      const found = children(spec)
        .flatMap((child) => nothings(child, child.kind))
        .filter((path) => !mayBeEmpty.some((place) => place.test(path)))
      if (found.length > 0) throw new Error(found.join())
    }),
    { numRuns: 500 },
  )
})

t.test(
  'children of any MyApp have its name and namespace, and pods have the selected labels',
  async () => {
    fc.assert(
      fc.property(arbitrary.grownSpec, (spec) => {
        const all = children(spec)
        if (new Set(all.map(({ kind }) => kind)).size !== all.length) {
          throw new Error('a kind exists twice')
        }
        if (
          all.some(
            ({ metadata: { name, namespace } }) => name !== 'shop' || namespace !== 'default',
          )
        ) {
          throw new Error('another name')
        }
        const { template, selector } = all[0]?.spec as {
          template: Template
          selector: { matchLabels: Record<string, string> }
        }
        for (const [label, value] of Object.entries(selector.matchLabels)) {
          if ((template.metadata.labels as Record<string, string>)[label] !== value) {
            throw new Error(`label ${label} is missing`)
          }
        }
      }),
    )
  },
)

t.test('together, the generated specs set every field except paused', async (t) => {
  const sample = fc.sample(arbitrary.grownSpec, { numRuns: 500, seed: 1 })
  const set = new Set(sample.flatMap((spec) => Object.keys(spec)))
  t.strictSame(
    Object.keys(MyAppSpec.properties).filter((field) => !set.has(field)),
    ['paused'],
    'a new field needs a line in arbitrary.ts',
  )
})

t.test('the generated specs are valid', async () => {
  const { parent } = recorded('sync-new')
  fc.assert(
    fc.property(arbitrary.grownSpec, (spec) => {
      const judged = validSpec({ ...parent, spec })
      if ('problem' in judged) throw new Error(judged.problem)
    }),
  )
})

const containers: Array<[when: string, spec: Partial<MyAppSpec>, has: object]> = [
  [
    'no field is set',
    {},
    {
      readinessProbe: { tcpSocket: { port: 8080 } },
      lifecycle: { preStop: { sleep: { seconds: 5 } } },
      securityContext: { allowPrivilegeEscalation: false },
      terminationMessagePolicy: 'FallbackToLogsOnError',
    },
  ],
  [
    'it has no port',
    { expose: false },
    { ports: undefined, readinessProbe: undefined, lifecycle: undefined },
  ],
  [
    'it has a readiness probe but no port',
    { expose: false, probes: { readiness: { exec: { command: ['true'] } } } },
    { readinessProbe: { exec: { command: ['true'] } } },
  ],
  [
    'a probe sets no port',
    { port: 80, probes: { liveness: { httpGet: {} } } },
    { livenessProbe: { httpGet: { path: '/', port: 80, scheme: 'HTTP' } } },
  ],
  [
    'a probe sets a port',
    {
      probes: {
        readiness: { grpc: { port: 9 } },
        startup: { tcpSocket: { port: 7 }, initialDelaySeconds: 0, periodSeconds: 1 },
      },
    },
    {
      readinessProbe: { grpc: { port: 9, service: '' } },
      startupProbe: { tcpSocket: { port: 7 }, periodSeconds: 1 },
    },
  ],
  [
    'the grace period is short',
    { terminationGracePeriodSeconds: 4 },
    { lifecycle: { preStop: { sleep: { seconds: 2 } } } },
  ],
  [
    'the grace period is one second',
    { terminationGracePeriodSeconds: 1 },
    { lifecycle: { preStop: { sleep: { seconds: 1 } } } },
  ],
  [
    'variables come from fields of the pod and of its resources',
    {
      env: [
        { name: 'A', value: '', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        { name: 'B', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
      ],
    },
    {
      env: [
        { name: 'A', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
        {
          name: 'B',
          valueFrom: {
            resourceFieldRef: { containerName: 'app', resource: 'limits.cpu', divisor: '0' },
          },
        },
      ],
    },
  ],
  [
    'volumes are mounted',
    {
      volumes: [
        { name: 'a', mountPath: '/a', secret: { secretName: 's' } },
        { name: 'b', mountPath: '/b', emptyDir: {} },
        { name: 'c', mountPath: '/c', readOnly: false, persistentVolumeClaim: { claimName: 'c' } },
        { name: 'd', mountPath: '/d', readOnly: true, emptyDir: {} },
      ],
    },
    {
      volumeMounts: [
        { name: 'a', mountPath: '/a', readOnly: true },
        { name: 'b', mountPath: '/b' },
        { name: 'c', mountPath: '/c' },
        { name: 'd', mountPath: '/d', readOnly: true },
      ],
    },
  ],
  [
    'podSecurity is Restricted',
    { podSecurity: 'Restricted' },
    {
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      },
      volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
    },
  ],
  [
    'a volume is mounted at /tmp',
    { podSecurity: 'Restricted', volumes: [{ name: 'own', mountPath: '/tmp', emptyDir: {} }] },
    { volumeMounts: [{ name: 'own', mountPath: '/tmp' }] },
  ],
  [
    'a volume is mounted at another spelling of /tmp',
    { podSecurity: 'Restricted', volumes: [{ name: 'own', mountPath: '//tmp/./', emptyDir: {} }] },
    { volumeMounts: [{ name: 'own', mountPath: '//tmp/./' }] },
  ],
  [
    'a volume named tmp is mounted elsewhere',
    { podSecurity: 'Restricted', volumes: [{ name: 'tmp', mountPath: '/scratch', emptyDir: {} }] },
    {
      volumeMounts: [
        { name: 'tmp', mountPath: '/scratch' },
        { name: 'tmp-1', mountPath: '/tmp' },
      ],
    },
  ],
  [
    'podSecurity is Custom',
    {
      podSecurity: 'Custom',
      containerSecurityContext: {
        privileged: false,
        capabilities: { add: ['NET_ADMIN'], drop: [] },
      },
    },
    {
      securityContext: {
        allowPrivilegeEscalation: false,
        privileged: false,
        capabilities: { add: ['NET_ADMIN'] },
      },
    },
  ],
  [
    'it is privileged, which excludes allowPrivilegeEscalation: false',
    { podSecurity: 'Custom', containerSecurityContext: { privileged: true } },
    { securityContext: { privileged: true } },
  ],
  [
    'it has CAP_SYS_ADMIN, which excludes allowPrivilegeEscalation: false',
    {
      podSecurity: 'Custom',
      containerSecurityContext: { capabilities: { add: ['CAP_SYS_ADMIN'] } },
    },
    { securityContext: { capabilities: { add: ['CAP_SYS_ADMIN'] } } },
  ],
  [
    'drainSeconds is set',
    { drainSeconds: 20 },
    { lifecycle: { preStop: { sleep: { seconds: 20 } } } },
  ],
  ['drainSeconds is 0', { drainSeconds: 0 }, { lifecycle: undefined }],
  [
    'drainSeconds is set without a port',
    { expose: false, drainSeconds: 3 },
    { lifecycle: { preStop: { sleep: { seconds: 3 } } } },
  ],
  [
    'it uses extended resources',
    { resources: { limits: { cpu: 1 }, extended: { 'nvidia.com/gpu': 2, 'example.com/a': 1000 } } },
    {
      resources: {
        requests: { 'nvidia.com/gpu': '2', 'example.com/a': '1k' },
        limits: { cpu: '1', 'nvidia.com/gpu': '2', 'example.com/a': '1k' },
      },
    },
  ],
  [
    'podSecurity is Baseline and the root file system is read-only',
    { readOnlyRootFilesystem: true },
    {
      securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
      volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
    },
  ],
  [
    'podSecurity is Restricted and the root file system is writable',
    { podSecurity: 'Restricted', readOnlyRootFilesystem: false },
    {
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      volumeMounts: undefined,
    },
  ],
  [
    'podSecurity is Custom and containerSecurityContext makes the root file system writable',
    {
      podSecurity: 'Custom',
      readOnlyRootFilesystem: true,
      containerSecurityContext: { readOnlyRootFilesystem: false },
    },
    { securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: false } },
  ],
  [
    'a probe has headers',
    { probes: { readiness: { httpGet: { httpHeaders: [{ name: 'Host', value: '' }] } } } },
    {
      readinessProbe: {
        httpGet: {
          path: '/',
          scheme: 'HTTP',
          port: 8080,
          httpHeaders: [{ name: 'Host', value: '' }],
        },
      },
    },
  ],
]
for (const [when, spec, has] of containers) {
  t.test(`renders the container when ${when}`, async (t) => {
    const found = container(spec)
    for (const [field, value] of Object.entries(has)) t.strictSame(found[field], value, field)
  })
}

const seccompProfile = { type: 'RuntimeDefault' }
const podSpecs: Array<[when: string, spec: Partial<MyAppSpec>, has: object]> = [
  [
    'no field is set',
    {},
    { securityContext: { seccompProfile }, enableServiceLinks: false, hostAliases: undefined },
  ],
  ['service links are enabled', { enableServiceLinks: true }, { enableServiceLinks: true }],
  [
    'it has init containers and sidecars, which get no service links either',
    { init: [{ name: 'migrate' }], sidecars: [{ name: 'proxy' }] },
    { enableServiceLinks: false },
  ],
  [
    'a user and groups are set',
    {
      podSecurity: 'Restricted',
      runAsUser: 1,
      runAsGroup: 0,
      fsGroup: 2,
      fsGroupChangePolicy: 'OnRootMismatch',
      supplementalGroups: [3, 4],
    },
    {
      securityContext: {
        seccompProfile,
        runAsNonRoot: true,
        runAsUser: 1,
        runAsGroup: 0,
        fsGroup: 2,
        fsGroupChangePolicy: 'OnRootMismatch',
        supplementalGroups: [3, 4],
      },
    },
  ],
  [
    'podSecurity is Custom and securityContext has no seccompProfile',
    { podSecurity: 'Custom', runAsUser: 1, securityContext: { fsGroup: 2 } },
    { securityContext: { seccompProfile, runAsUser: 1, fsGroup: 2 } },
  ],
  [
    'podSecurity is Custom and securityContext has a seccompProfile',
    { podSecurity: 'Custom', securityContext: { seccompProfile: { type: 'Unconfined' } } },
    { securityContext: { seccompProfile: { type: 'Unconfined' } } },
  ],
  [
    'dnsPolicy and dnsConfig are set',
    {
      hostAliases: [{ ip: '192.0.2.1', hostnames: ['a'] }],
      dnsPolicy: 'None',
      dnsConfig: { nameservers: ['192.0.2.2'], searches: [], options: [{ name: 'edns0' }] },
      runtimeClassName: 'gvisor',
    },
    {
      hostAliases: [{ ip: '192.0.2.1', hostnames: ['a'] }],
      dnsPolicy: 'None',
      dnsConfig: { nameservers: ['192.0.2.2'], options: [{ name: 'edns0' }] },
      runtimeClassName: 'gvisor',
    },
  ],
]
for (const [when, spec, has] of podSpecs) {
  t.test(`renders the pod when ${when}`, async (t) => {
    const found = pods(spec).spec
    for (const [field, value] of Object.entries(has)) t.strictSame(found[field], value, field)
  })
}

t.test('a variable that is named like a service link keeps its value', async (t) => {
  const env = [{ name: 'SHOP_PORT', value: '5006' }]
  const { enableServiceLinks, containers, initContainers } = pods({
    env,
    sidecars: [{ name: 'proxy' }],
  }).spec
  t.equal(enableServiceLinks, false)
  t.match(containers, [{ name: 'app', env }])
  t.match(initContainers, [{ name: 'proxy', env }])
})

t.test(
  'init containers and sidecars inherit the image, variables, resources and mounts',
  async (t) => {
    const app: Partial<MyAppSpec> = {
      image: 'app:1',
      imagePullPolicy: 'Always',
      command: ['serve'],
      env: [{ name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } }],
      envFrom: [{ secretRef: { name: 's' } }],
      resources: { limits: { cpu: 1 }, extended: { 'nvidia.com/gpu': 1 } },
      podSecurity: 'Restricted',
      volumes: [{ name: 'data', mountPath: '/data', readOnly: true, emptyDir: {} }],
    }
    const inherited = {
      image: 'app:1',
      imagePullPolicy: 'Always',
      envFrom: [{ secretRef: { name: 's' } }],
      resources: { limits: { cpu: '1' } },
      terminationMessagePolicy: 'FallbackToLogsOnError',
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      },
      volumeMounts: [
        { name: 'data', mountPath: '/data', readOnly: true },
        { name: 'tmp', mountPath: '/tmp' },
      ],
    }
    const cpuOf = (containerName: string) => ({
      name: 'CPU',
      valueFrom: { resourceFieldRef: { containerName, resource: 'limits.cpu', divisor: '0' } },
    })
    t.strictSame(
      pods({
        ...app,
        init: [
          { name: 'migrate', command: ['migrate'] },
          {
            name: 'own',
            image: 'busybox',
            args: ['x'],
            workingDir: '/w',
            env: [],
            envFrom: [],
            resources: {},
            volumeMounts: [{ name: 'data', mountPath: '/own', subPath: 's', readOnly: false }],
          },
        ],
        sidecars: [
          { name: 'proxy', probes: { startup: { tcpSocket: { port: 1 } } } },
          { name: 'plain', volumeMounts: [] },
        ],
      }).spec['initContainers'],
      [
        {
          name: 'proxy',
          ...inherited,
          env: [cpuOf('proxy')],
          restartPolicy: 'Always',
          startupProbe: { tcpSocket: { port: 1 } },
        },
        {
          name: 'plain',
          ...without(inherited, 'volumeMounts'),
          env: [cpuOf('plain')],
          restartPolicy: 'Always',
        },
        { name: 'migrate', ...inherited, command: ['migrate'], env: [cpuOf('migrate')] },
        {
          ...without(inherited, 'envFrom', 'resources'),
          name: 'own',
          image: 'busybox',
          args: ['x'],
          workingDir: '/w',
          volumeMounts: [{ name: 'data', mountPath: '/own', subPath: 's' }],
        },
      ],
    )
    t.equal(pods({}).spec['initContainers'], undefined)
  },
)

t.test('pods have the volumes of the spec', async (t) => {
  const projected = {
    sources: [
      { serviceAccountToken: { path: 'token' } },
      { secret: { name: 's', items: [] } },
      { configMap: { name: 'c', items: [{ key: 'k', path: 'p' }] } },
    ],
  }
  const csi = { driver: 'd', readOnly: false, volumeAttributes: {} }
  t.strictSame(
    pods({
      volumes: [
        { name: 'p', mountPath: '/p', projected },
        { name: 'm', mountPath: '/m', projected: { ...projected, defaultMode: 0 } },
        { name: 'd', mountPath: '/d', csi },
      ],
    }).spec.volumes,
    [
      ...[0o644, 0].map((defaultMode, index) => ({
        name: 'pm'.charAt(index),
        projected: {
          sources: [
            { serviceAccountToken: { expirationSeconds: 3600, path: 'token' } },
            { secret: { name: 's' } },
            { configMap: { name: 'c', items: [{ key: 'k', path: 'p' }] } },
          ],
          defaultMode,
        },
      })),
      { name: 'd', csi: { driver: 'd', readOnly: false } },
    ],
    'list items have the defaults of the API server',
  )
})

t.test('files are annotations of the pods, mounted at their paths', async (t) => {
  const { metadata, spec } = pods({
    podSecurity: 'Restricted',
    files: { '/etc/app.conf': 'a=1', '/home/.npmrc': '' },
  })
  const keys = Object.keys(metadata.annotations ?? {})
  t.match(keys, [/^files\.example\.com\/app\.conf\.[0-9a-f]{16}$/, /\/npmrc\.[0-9a-f]{16}$/])
  t.strictSame(Object.values(metadata.annotations ?? {}), ['a=1', ''])
  const files = keys.map((key) => key.slice('files.example.com/'.length))
  t.strictSame(spec.volumes, [
    {
      name: 'files',
      downwardAPI: {
        items: keys.map((key, index) => ({
          path: files[index],
          fieldRef: { apiVersion: 'v1', fieldPath: `metadata.annotations['${key}']` },
        })),
      },
    },
    { name: 'tmp', emptyDir: {} },
  ])
  t.strictSame(spec.containers[0]['volumeMounts'], [
    { name: 'files', mountPath: '/etc/app.conf', subPath: files[0], readOnly: true },
    { name: 'files', mountPath: '/home/.npmrc', subPath: files[1], readOnly: true },
    { name: 'tmp', mountPath: '/tmp' },
  ])
})

t.test('one claim at several paths is one volume', async (t) => {
  const claim = { persistentVolumeClaim: { claimName: 'data' } }
  const { spec } = pods({
    volumes: [
      { name: 'html', mountPath: '/html', subPath: 'html', ...claim },
      { name: 'other', mountPath: '/other', persistentVolumeClaim: { claimName: 'other' } },
      { name: 'config', mountPath: '/config', subPath: 'config', readOnly: true, ...claim },
      { name: 'a', mountPath: '/a', configMap: { name: 'same' } },
      { name: 'b', mountPath: '/b', configMap: { name: 'same' } },
    ],
    init: [{ name: 'copy', volumeMounts: [{ name: 'config', mountPath: '/target' }] }],
  })
  t.strictSame(
    spec.volumes?.map((volume) => (volume as { name: string }).name),
    ['html', 'other', 'a', 'b'],
  )
  t.match(spec.containers[0]['volumeMounts'], [
    { name: 'html', mountPath: '/html', subPath: 'html' },
    { name: 'other', mountPath: '/other' },
    { name: 'html', mountPath: '/config', subPath: 'config', readOnly: true },
    { name: 'a', mountPath: '/a' },
    { name: 'b', mountPath: '/b' },
  ])
  t.match(spec['initContainers'], [{ volumeMounts: [{ name: 'html', mountPath: '/target' }] }])
})

t.test('the annotation of a file has a valid name for any path', async () => {
  fc.assert(
    fc.property(fc.stringMatching(/^(\/[-._a-zA-Z0-9]{1,90}){1,3}$/), (path) => {
      const [key = ''] = Object.keys(pods({ files: { [path]: 'a' } }).metadata.annotations ?? {})
      if (!/^files\.example\.com\/[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/.test(key)) throw key
    }),
  )
})

t.test('Recreate is the default with a claim that pods of several nodes cannot use', async (t) => {
  const strategyOf = (more: object, strategy?: MyAppSpec['strategy']) => {
    const volume = { name: 'v', mountPath: '/v', persistentVolumeClaim: { claimName: 'c' } }
    const spec = deploymentSpec({
      volumes: [{ ...volume, ...more }],
      ...(strategy && { strategy }),
    })
    return (spec as { strategy?: { type: string } }).strategy?.type
  }
  const mode = (accessMode: string) => ({
    persistentVolumeClaim: { claimName: 'c', accessMode },
  })
  t.equal(strategyOf({}), 'Recreate')
  t.equal(strategyOf(mode('ReadWriteOnce')), 'Recreate')
  t.equal(strategyOf({ ...mode('ReadWriteOncePod'), readOnly: true }), 'Recreate')
  t.equal(strategyOf({ readOnly: true }), 'RollingUpdate')
  t.equal(strategyOf(mode('ReadWriteMany')), 'RollingUpdate')
  t.equal(strategyOf({}, { type: 'RollingUpdate' }), 'RollingUpdate', 'an explicit type wins')
})

t.test('the volume for /tmp gets an unused name', async (t) => {
  const volumes = ['tmp', 'tmp-1'].map((name) => ({
    name,
    mountPath: `/var/${name}`,
    emptyDir: {},
  }))
  t.strictSame(pods({ podSecurity: 'Restricted', volumes }).spec.volumes, [
    { name: 'tmp', emptyDir: {} },
    { name: 'tmp-1', emptyDir: {} },
    { name: 'tmp-2', emptyDir: {} },
  ])
  t.strictSame(pods({ podSecurity: 'Restricted' }).spec.volumes, [{ name: 'tmp', emptyDir: {} }])
})

t.test('pods mount no token, and spread unless topologySpreadConstraints is empty', async (t) => {
  t.equal(pods({}).spec['automountServiceAccountToken'], false)
  t.equal((pods({}).spec['topologySpreadConstraints'] as unknown[]).length, 2)
  t.equal(pods({ topologySpreadConstraints: [] }).spec['topologySpreadConstraints'], undefined)
})

t.test(
  'pods set serviceAccountName and the old serviceAccount, so that a later spec can remove both',
  async (t) => {
    t.match(pods({ serviceAccountName: 'robot' }).spec, {
      serviceAccountName: 'robot',
      serviceAccount: 'robot',
    })
  },
)

t.test('serviceAccount creates a ServiceAccount with the name of the app', async (t) => {
  const annotations = { 'eks.amazonaws.com/role-arn': 'arn' }
  const found = (serviceAccount: MyAppSpec['serviceAccount']) =>
    children({ ...(serviceAccount && { serviceAccount }) }, { labels: { team: 'blue' } }).find(
      ({ kind }) => kind === 'ServiceAccount',
    )
  t.equal(found(undefined), undefined)
  t.match(found({ annotations }), {
    apiVersion: 'v1',
    metadata: { name: 'shop', namespace: 'default', labels: { app: 'shop', team: 'blue' } },
  })
  t.strictSame(found({ annotations })?.metadata.annotations, annotations)
  t.notOk('annotations' in (found({ annotations: {} })?.metadata ?? {}))
  t.notOk('spec' in (found({}) ?? {}))
  t.match(pods({ serviceAccount: {} }).spec, {
    serviceAccountName: 'shop',
    serviceAccount: 'shop',
    automountServiceAccountToken: false,
  })
})

t.test(
  'values of pod labels and annotations may be empty, and replace no labels of the operator',
  async (t) => {
    t.strictSame(pods({ podAnnotations: { 'example.com/note': '' } }).metadata.annotations, {
      'example.com/note': '',
    })
    t.match(pods({ podLabels: { app: 'other', tier: '' } }).metadata.labels, {
      app: 'shop',
      tier: '',
    })
  },
)

t.test('in an affinity, empty selectors are kept and other empty parts are removed', async (t) => {
  const affinity = {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        {
          topologyKey: 'kubernetes.io/hostname',
          namespaceSelector: {},
          labelSelector: { matchLabels: { tier: '' }, matchExpressions: [] },
          namespaces: [],
        },
      ],
    },
    podAffinity: {},
  }
  t.strictSame(pods({ affinity }).spec['affinity'], {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        {
          topologyKey: 'kubernetes.io/hostname',
          namespaceSelector: {},
          labelSelector: { matchLabels: { tier: '' } },
        },
      ],
    },
  })
})

t.test('a rolling update with both bounds at 0 may remove one pod', async (t) => {
  const bounds = (rollingUpdate: object) =>
    deploymentSpec({ strategy: { type: 'RollingUpdate', rollingUpdate } }).strategy
  t.match(bounds({}), { rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } })
  t.match(bounds({ maxSurge: 0 }), { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } })
  t.match(bounds({ maxSurge: '0%', maxUnavailable: '0%' }), {
    rollingUpdate: { maxSurge: '0%', maxUnavailable: 1 },
  })
  t.match(bounds({ maxSurge: 0, maxUnavailable: '20%' }), {
    rollingUpdate: { maxSurge: 0, maxUnavailable: '20%' },
  })
  t.strictSame(deploymentSpec({ strategy: { type: 'Recreate' } }).strategy, { type: 'Recreate' })
})

const deployment = (replicas: number, annotations = {}, podAnnotations = {}) => ({
  deployment: {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'shop', namespace: 'default', uid: 'd', annotations },
    spec: {
      replicas,
      template: { metadata: { annotations: podAnnotations }, spec: { containers: [] } },
    },
  },
})

const autoscaling = { minReplicas: 2, maxReplicas: 10 }
const numbers: Array<
  [when: string, spec: Partial<MyAppSpec>, more: Partial<App>, replicas: number]
> = [
  ['a new Deployment starts with spec.replicas', { autoscaling, replicas: 5 }, {}, 5],
  ['a new Deployment starts within the bounds', { autoscaling, replicas: 50 }, {}, 10],
  ['the current number is kept', { autoscaling, replicas: 5 }, deployment(7), 7],
  ['a number above the bounds is reduced', { autoscaling }, deployment(12), 10],
  ['a number below the bounds is raised', { autoscaling }, deployment(1), 2],
  ['a suspended app has no replicas', { autoscaling, suspend: true }, deployment(7), 0],
  [
    'a resumed app gets its former number',
    { autoscaling },
    deployment(0, { 'example.com/suspended-replicas': '7' }),
    7,
  ],
  [
    'a resumed app stays within changed bounds',
    { autoscaling: { maxReplicas: 4 } },
    deployment(0, { 'example.com/suspended-replicas': '7' }),
    4,
  ],
  [
    'a resumed app ignores an invalid annotation',
    { autoscaling, replicas: 3 },
    deployment(0, { 'example.com/suspended-replicas': 'many' }),
    3,
  ],
  ['an app whose autoscaling was removed gets spec.replicas', { replicas: 5 }, deployment(7), 5],
]
for (const [when, spec, more, replicas] of numbers) {
  t.test(`replicas and autoscaling: ${when}`, async (t) => {
    t.equal(deploymentSpec(spec, more).replicas, replicas)
  })
}

t.test(
  'suspension records the autoscaled number of replicas, and manual scaling changes no record',
  async (t) => {
    const noted = (more: Partial<App>) =>
      children({ autoscaling, replicas: 3, suspend: true }, more)[0]?.metadata.annotations
    const note = (replicas: string) => ({ 'example.com/suspended-replicas': replicas })
    t.strictSame(noted(deployment(7)), note('7'))
    t.strictSame(noted(deployment(0, note('7'))), note('7'))
    t.strictSame(noted(deployment(1, note('7'))), note('7'))
    t.strictSame(noted(deployment(4, note('many'))), note('4'))
  },
)

t.test('pods keep their config digest if rolloutOnConfigChange is false', async (t) => {
  const annotation = 'example.com/config-digest'
  const spec = { envFrom: [{ configMapRef: { name: 'c' } }] }
  const found = (more: Partial<MyAppSpec>, pods = {}) =>
    (
      childKinds[0]?.desired({
        name: 'shop',
        namespace: 'default',
        spec: { image: 'nginx', ...spec, ...more },
        configDigest: 'new',
        ...deployment(1, {}, pods),
      })[0]?.spec as { template: Template }
    ).template.metadata.annotations
  t.strictSame(found({}, { [annotation]: 'old' }), { [annotation]: 'new' })
  t.strictSame(found({ rolloutOnConfigChange: false }, { [annotation]: 'old' }), {
    [annotation]: 'old',
  })
  t.strictSame(found({ rolloutOnConfigChange: false }), undefined)
})

const specOf = (kind: string, spec: Partial<MyAppSpec>) =>
  children(spec).find((child) => child.kind === kind)?.spec as Record<string, unknown> | undefined

t.test('an app that can have two pods has a PodDisruptionBudget', async (t) => {
  const budget = (spec: Partial<MyAppSpec>) =>
    specOf('PodDisruptionBudget', spec)?.['maxUnavailable']
  t.equal(budget({ autoscaling: { maxReplicas: 2 } }), 1)
  t.equal(budget({ autoscaling: { maxReplicas: 1 }, replicas: 2 }), undefined)
  t.equal(budget({ replicas: 2 }), 1)
  t.equal(budget({}), undefined)
})

t.test('an autoscaler has the behavior of the spec without empty parts', async (t) => {
  const behavior = (behavior: NonNullable<NonNullable<MyAppSpec['autoscaling']>['behavior']>) =>
    specOf('HorizontalPodAutoscaler', { autoscaling: { maxReplicas: 2, behavior } })?.['behavior']
  t.equal(behavior({ scaleUp: {} }), undefined)
  t.strictSame(behavior({ scaleUp: {}, scaleDown: { stabilizationWindowSeconds: 0 } }), {
    scaleDown: { stabilizationWindowSeconds: 0 },
  })
})
