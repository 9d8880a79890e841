import { lastAppliedAnnotation } from '../../../src/metacontroller/protocol.ts'
import { ingressMessages, policyMessages } from '../../../src/api/network.ts'
import { portMessages } from '../../../src/api/ports.ts'

export const image = 'nginx'
const noServiceName =
  'must be a valid name of a Service: at most 63 lower-case letters, digits or "-", ' +
  'starting with a letter and ending with a letter or digit'
const noVariable =
  'must consist of letters, digits, "_", "-" or ".", and must not start with a digit or with ".."'

/** A MyApp and whether the API server accepts it. */
export interface Case {
  what: string
  name?: string
  spec?: unknown
  /** A part of the refusal. Without it the MyApp is accepted. */
  refused?: string | string[]
}

const variables = (count: number, value = '') =>
  Array.from({ length: count }, (_, index) => ({
    name: `V${String(index).padStart(3, '0')}`,
    value,
  }))

const secretKey = { secretKeyRef: { name: 'a', key: 'b' } }

const [required, preferred] = [
  'requiredDuringSchedulingIgnoredDuringExecution',
  'preferredDuringSchedulingIgnoredDuringExecution',
] as const
const ofNodes = (matchExpressions: object[], matchFields: object[] = []) => ({
  [required]: { nodeSelectorTerms: [{ matchExpressions, matchFields }] },
  [preferred]: [{ weight: 1, preference: { matchExpressions, matchFields } }],
})
const ofPods = (matchExpressions: object[], selector: string) => ({
  [required]: [{ topologyKey: 'a', [selector]: { matchExpressions } }],
  [preferred]: [
    { weight: 1, podAffinityTerm: { topologyKey: 'a', [selector]: { matchExpressions } } },
  ],
})
/** An affinity that is refused both as a requirement and as a preference. */
const refusedParts = (affinity: object, field: string, words: string): Case[] =>
  Object.entries(affinity).map(([part, wrong]) => {
    const isTerms = part === required && field === 'nodeAffinity'
    return {
      what: `${part}: ${JSON.stringify(wrong)}`,
      spec: { image, affinity: { [field]: { [part]: wrong } } },
      refused: [`spec.affinity.${field}.${part}${isTerms ? '.nodeSelectorTerms' : ''}[0]`, words],
    }
  })

const extra = (port: object) => ({ ports: [{ name: 'admin', port: 9000, ...port }] })
const udpWithAdmin = { protocol: 'UDP', ...extra({}) }
const probed = (probe: string, handler: string, port: number | string) => ({
  probes: { [probe]: { [handler]: { port } } },
})
const metricsPort = (port: unknown, more = {}) => ({ metrics: { port }, ...more })
const from = (peer: object) => ({ networkPolicy: { from: [peer] } })
const to = (peer: object) => ({ networkPolicy: { to: [peer] } })
const allProtocols = ['HTTP', 'HTTP2', 'GRPC', 'TLS', 'TCP', 'UDP']

/** Ports, references to ports, and peers of a NetworkPolicy. */
const portCases: Record<string, { spec: object; refused?: string }> = {
  ...Object.fromEntries(
    allProtocols.map((protocol) => [
      `protocol ${protocol}`,
      { spec: { protocol, servicePort: 80, ...extra({ protocol, servicePort: 81 }) } },
    ]),
  ),
  'another protocol': {
    spec: { protocol: 'SCTP' },
    refused: 'spec.protocol: Unsupported value: "SCTP"',
  },
  'a port with the name of a missing main port': {
    spec: { expose: false, ...extra({ name: 'http', port: 8080 }) },
  },
  'the number of the main port': {
    spec: extra({ port: 8080 }),
    refused: `spec: Invalid value: ${portMessages.mainPort}`,
  },
  'the name of the main port': {
    spec: { protocol: 'GRPC', ...extra({ name: 'grpc' }) },
    refused: `spec: Invalid value: ${portMessages.mainName}`,
  },
  'the name of the default main port': {
    spec: extra({ name: 'http' }),
    refused: `spec: Invalid value: ${portMessages.mainName}`,
  },
  'the Service port of the main port': {
    spec: { servicePort: 80, ...extra({ servicePort: 80 }) },
    refused: `spec: Invalid value: ${portMessages.mainServicePort}`,
  },
  'the same port in the Service, but not exposed': {
    spec: { servicePort: 80, ...extra({ servicePort: 80, expose: false }) },
  },
  'TCP and UDP on one port number': {
    spec: {
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP' },
        { name: 'dns-tcp', port: 53, servicePort: 54, protocol: 'TCP' },
      ],
    },
    refused: `spec.ports: Invalid value: ${portMessages.port}`,
  },
  'two ports with one Service port': {
    spec: {
      ports: [
        { name: 'a', port: 1, servicePort: 9 },
        { name: 'b', port: 9 },
      ],
    },
    refused: `spec.ports: Invalid value: ${portMessages.servicePort}`,
  },
  'two ports with one name': {
    spec: {
      ports: [
        { name: 'a', port: 1 },
        { name: 'a', port: 2 },
      ],
    },
    refused: 'spec.ports[1]: Duplicate value: {"name":"a"}',
  },
  ...Object.fromEntries(
    ['A', '1', 'a--b', 'a-', '-a', 'a_b', '1-2'].map((name) => [
      `a port named ${name}`,
      {
        spec: extra({ name }),
        refused: `spec.ports[0].name: Invalid value: "${name}": must consist of lower-case letters`,
      },
    ]),
  ),
  'a port with a long name': {
    spec: extra({ name: 'a'.repeat(16) }),
    refused: 'spec.ports[0].name: Too long: may not be more than 15',
  },
  ...Object.fromEntries(
    ['a', '1a', 'a1', '8-a-8', 'a'.repeat(15)].map((name) => [
      `the valid port name ${name}`,
      { spec: { ...extra({ name }), ...probed('liveness', 'httpGet', name) } },
    ]),
  ),
  ...Object.fromEntries(
    ['startup', 'readiness', 'liveness'].flatMap((probe) =>
      ['httpGet', 'tcpSocket', 'grpc'].flatMap((handler) => [
        [
          `probes.${probe}.${handler} of an unknown port`,
          {
            spec: { ...extra({}), ...probed(probe, handler, 'adm') },
            refused: `spec: Invalid value: ${portMessages.probePort}`,
          },
        ],
        [
          `probes.${probe}.${handler} of a port by name`,
          { spec: { ...extra({}), ...probed(probe, handler, 'admin') } },
        ],
        [
          `probes.${probe}.${handler} of the main port by name`,
          { spec: probed(probe, handler, 'http') },
        ],
      ]),
    ),
  ),
  'a probe of port 0': {
    spec: probed('liveness', 'httpGet', 0),
    refused: 'spec.probes.liveness.httpGet.port: Invalid value: ',
  },
  'metrics of the main port': { spec: { metrics: {} } },
  'metrics of a new port': { spec: metricsPort(9090) },
  'metrics of a port by name': { spec: metricsPort('admin', extra({})) },
  'metrics of a port by number': { spec: metricsPort(9000, extra({ name: 'metrics' })) },
  'metrics of an unknown port': {
    spec: metricsPort('adm', extra({})),
    refused: `spec: Invalid value: ${portMessages.metricsPort}`,
  },
  'metrics of a new port beside a port named metrics': {
    spec: metricsPort(9090, extra({ name: 'metrics' })),
    refused: `spec: Invalid value: ${portMessages.metricsName}`,
  },
  'metrics without a port': {
    spec: { metrics: {}, expose: false },
    refused: `spec: Invalid value: ${portMessages.metricsUnexposed}`,
  },
  'metrics of an app without a main port': { spec: metricsPort(9090, { expose: false }) },
  'routes to ports by name': {
    spec: {
      ...extra({}),
      ingress: { port: 'http', paths: [{ path: '/admin', port: 'admin' }, { path: '/x' }] },
      gateway: { parentRefs: [{ name: 'a' }], port: 'admin' },
    },
  },
  'an Ingress to a port that is not exposed': {
    spec: { ...extra({ expose: false }), ingress: { port: 'admin' } },
    refused: `spec: Invalid value: ${portMessages.routedPort}`,
  },
  'an Ingress to UDP': {
    spec: { protocol: 'UDP', ingress: { port: 'udp' } },
    refused: `spec: Invalid value: ${portMessages.routedPort}`,
  },
  'an Ingress to the main port, which speaks UDP': {
    spec: { protocol: 'UDP', ingress: {} },
    refused: `spec: Invalid value: ${portMessages.mainRouted}`,
  },
  'a path to the main port, which speaks UDP': {
    spec: { ...udpWithAdmin, ingress: { paths: [{ path: '/a', port: 'admin' }, { path: '/' }] } },
    refused: `spec: Invalid value: ${portMessages.mainRouted}`,
  },
  'an HTTPRoute to the main port, which speaks UDP': {
    spec: { ...udpWithAdmin, gateway: { parentRefs: [{ name: 'a' }] } },
    refused: `spec: Invalid value: ${portMessages.mainRouted}`,
  },
  'routes to another port than the main port, which speaks UDP': {
    spec: {
      ...udpWithAdmin,
      ingress: { paths: [{ path: '/', port: 'admin' }] },
      gateway: { parentRefs: [{ name: 'a' }], port: 'admin' },
    },
  },
  'a path to an unknown port': {
    spec: { ingress: { paths: [{ path: '/', port: 'admin' }] } },
    refused: `spec: Invalid value: ${portMessages.routedPort}`,
  },
  'an HTTPRoute to an unknown port': {
    spec: { gateway: { parentRefs: [{ name: 'a' }], port: 'admin' } },
    refused: `spec: Invalid value: ${portMessages.routedPort}`,
  },
  'a path with "//"': {
    spec: { ingress: { paths: [{ path: '/a//b' }] } },
    refused: 'spec.ingress.paths[0]: Invalid value: path must not contain "//"',
  },
  'a host twice': {
    spec: { ingress: { hosts: ['a', 'a'] } },
    refused: 'spec.ingress.hosts: Invalid value: duplicate host',
  },
  'the host in hosts': {
    spec: { ingress: { host: 'a', hosts: ['a'] } },
    refused: `spec.ingress: Invalid value: ${ingressMessages.hosts}`,
  },
  'several hosts': { spec: { ingress: { host: 'a', hosts: ['b'], tlsSecretName: 'c' } } },
  'a policy for ports': {
    spec: {
      ...extra({}),
      networkPolicy: {
        from: [
          { podLabels: { a: 'b' }, namespace: 'c', ports: ['admin', 'http', 1] },
          { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] },
        ],
        to: [
          { cidr: '2001:db8::/32', ports: [{ port: 1, endPort: 2, protocol: 'UDP' }] },
          { podLabels: { a: 'b' }, ports: [{ port: 5432 }] },
        ],
      },
    },
  },
  'a policy for an unknown port': {
    spec: from({ app: 'a', ports: ['admin'] }),
    refused: `spec: Invalid value: ${portMessages.policyPort}`,
  },
  'a peer by two selectors': {
    spec: from({ app: 'a', podLabels: { b: 'c' } }),
    refused: `spec.networkPolicy.from[0]: Invalid value: ${policyMessages.pods}`,
  },
  'a peer by two selectors in to': {
    spec: to({ app: 'a', podLabels: { b: 'c' } }),
    refused: `spec.networkPolicy.to[0]: Invalid value: ${policyMessages.pods}`,
  },
  'a peer with a network and a namespace': {
    spec: from({ cidr: '10.0.0.0/8', namespace: 'a' }),
    refused: `spec.networkPolicy.from[0]: Invalid value: ${policyMessages.cidr}`,
  },
  'a peer with a network and an app': {
    spec: to({ cidr: '10.0.0.0/8', app: 'a' }),
    refused: `spec.networkPolicy.to[0]: Invalid value: ${policyMessages.cidr}`,
  },
  'an exception without a network': {
    spec: from({ app: 'a', except: ['10.0.0.0/8'] }),
    refused: `spec.networkPolicy.from[0]: Invalid value: ${policyMessages.except}`,
  },
  'an exception without a network in to': {
    spec: to({ app: 'a', except: ['10.0.0.0/8'] }),
    refused: `spec.networkPolicy.to[0]: Invalid value: ${policyMessages.except}`,
  },
  'a port range that ends before it starts': {
    spec: to({ app: 'a', ports: [{ port: 2, endPort: 1 }] }),
    refused: `spec.networkPolicy.to[0].ports[0]: Invalid value: ${policyMessages.endPort}`,
  },
  ...Object.fromEntries(
    [
      '0.0.0.0/0',
      '::/0',
      '192.0.2.1/32',
      '2001:db8:0:1::/64',
      'fd00::1/128',
      '1:2:3:4:5:6:7:8/128',
    ].map((cidr) => [`network ${cidr}`, { spec: to({ cidr }) }]),
  ),
  ...Object.fromEntries(
    [
      '10.0.0.0',
      '10.0.0.0/33',
      '10.0.0/8',
      '010.0.0.0/8',
      '256.0.0.0/8',
      '::/129',
      ':::/1',
      'a::b::c/1',
      'x/8',
    ].map((cidr) => [
      `the invalid network ${cidr}`,
      {
        spec: to({ cidr }),
        refused: 'spec.networkPolicy.to[0].cidr: Invalid value: ',
      },
    ]),
  ),
  'scaling behavior': {
    spec: {
      autoscaling: {
        maxReplicas: 2,
        behavior: {
          scaleUp: { policies: [{ type: 'Pods', value: 1, periodSeconds: 1800 }] },
          scaleDown: { selectPolicy: 'Disabled', stabilizationWindowSeconds: 0 },
        },
      },
    },
  },
  'scaling behavior without a policy': {
    spec: { autoscaling: { maxReplicas: 2, behavior: { scaleUp: { policies: [] } } } },
    refused: 'spec.autoscaling.behavior.scaleUp.policies: Invalid value: ',
  },
}

const claim = (readOnly?: boolean, accessMode?: string) => ({
  volumes: [
    {
      name: 'data',
      mountPath: '/data',
      persistentVolumeClaim: { claimName: 'data', ...(accessMode && { accessMode }) },
      ...(readOnly !== undefined && { readOnly }),
    },
  ],
})
const bySeveral = { replicas: 2 }
const scaled = { replicas: 1, autoscaling: { maxReplicas: 2 } }
const oneForAll = 'must be at most 1 when a volume uses a claim that only one pod can use'
const claimCases: Case[] = [
  { what: 'a claim that one pod can use', spec: { image, ...claim() } },
  {
    what: 'a claim that one pod can use, with at most one replica',
    spec: { image, replicas: 3, autoscaling: { maxReplicas: 1 }, ...claim(false) },
  },
  { what: 'a read-only claim for two pods', spec: { image, ...bySeveral, ...claim(true) } },
  {
    what: 'a writable claim for two pods',
    spec: { image, ...bySeveral, ...claim(false, 'ReadWriteMany') },
  },
  {
    what: 'a ReadWriteMany claim for many pods',
    spec: { image, ...scaled, ...claim(undefined, 'ReadWriteMany') },
  },
  ...[
    claim(),
    claim(false),
    claim(false, 'ReadWriteOnce'),
    claim(true, 'ReadWriteOncePod'),
  ].flatMap((volumes) => [
    {
      what: `two pods with ${JSON.stringify(volumes)}`,
      spec: { image, ...bySeveral, ...volumes },
      refused: `spec: Invalid value: replicas ${oneForAll}`,
    },
    {
      what: `an autoscaler with ${JSON.stringify(volumes)}`,
      spec: { image, ...scaled, ...volumes },
      refused: `spec: Invalid value: autoscaling.maxReplicas ${oneForAll}`,
    },
  ]),
  {
    what: 'an access mode without write access',
    spec: { image, ...claim(true, 'ReadOnlyMany') },
    refused: 'spec.volumes[0].persistentVolumeClaim.accessMode: Unsupported value: "ReadOnlyMany"',
  },
]

const mounted = (source: object) => ({
  image,
  volumes: [{ name: 'a', mountPath: '/a', ...source }],
})
const sourceCases: Case[] = [
  {
    what: 'every source of a projected volume, with modes',
    spec: mounted({
      projected: {
        defaultMode: 0,
        sources: [
          { serviceAccountToken: { path: 'token', audience: 'vault', expirationSeconds: 600 } },
          { configMap: { name: 'a', items: [{ key: 'a', path: 'b' }] } },
          { secret: { name: 'a', optional: true } },
        ],
      },
    }),
  },
  {
    what: 'a CSI volume',
    spec: mounted({
      csi: {
        driver: 'Secrets-store.csi.k8s.io',
        readOnly: true,
        volumeAttributes: { secretProviderClass: 'a' },
        nodePublishSecretRef: { name: 'a' },
      },
    }),
  },
  {
    what: 'a CSI volume with an invalid driver',
    spec: mounted({ csi: { driver: 'a_b' } }),
    refused: 'spec.volumes[0].csi.driver: Invalid value: "a_b": must consist of letters, digits',
  },
  {
    what: 'a projected volume without sources',
    spec: mounted({ projected: { sources: [] } }),
    refused: 'spec.volumes[0].projected.sources',
  },
  {
    what: 'a projected source of two types',
    spec: mounted({
      projected: { sources: [{ secret: { name: 'a' }, configMap: { name: 'a' } }] },
    }),
    refused:
      'spec.volumes[0].projected.sources[0]: Invalid value: exactly one of ' +
      'serviceAccountToken, configMap, secret must be set',
  },
  {
    what: 'a token with a lifetime of a minute',
    spec: mounted({
      projected: { sources: [{ serviceAccountToken: { path: 'a', expirationSeconds: 60 } }] },
    }),
    refused: 'spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds',
  },
  ...[-1, 512].map((defaultMode) => ({
    what: `the mode ${defaultMode}`,
    spec: mounted({ secret: { secretName: 'a', defaultMode } }),
    refused: 'spec.volumes[0].secret.defaultMode: Invalid value',
  })),
]

const files = (...paths: string[]) => Object.fromEntries(paths.map((path) => [path, 'a']))
const fileCases: Case[] = [
  {
    what: 'several files in one folder, one of them hidden',
    spec: { image, files: files('/etc/a', '/etc/a.conf', '/etc/ab/c', '/home/app/.npmrc', '/tmp') },
  },
  { what: 'files of the maximum length', spec: { image, files: { '/a': 'é'.repeat(65_534) } } },
  {
    what: 'files above the maximum length',
    spec: { image, files: { '/a': 'a'.repeat(65_534), '/b': '' } },
    refused:
      'spec.files: Invalid value: paths and texts must have at most 65536 characters in total',
  },
  {
    what: '65 files',
    spec: { image, files: files(...Array.from({ length: 65 }, (_, index) => `/${index}`)) },
    refused: 'spec.files',
  },
  ...['a', '/', '/a/', '/a//b', '/a/../b', '/a/.', '/a b', '/a:b', '/a\n'].map((path) => ({
    what: `a file at ${JSON.stringify(path)}`,
    spec: { image, files: files(path) },
    refused: 'must be an absolute path of letters',
  })),
  {
    what: 'a file at the mountPath of a volume',
    spec: { ...mounted({ emptyDir: {} }), files: files('/a') },
    refused: 'spec: Invalid value: a path in files must not be the mountPath of a volume',
  },
  {
    what: 'a pod annotation that looks like a file',
    spec: { image, podAnnotations: { 'files.example.com/a': 'a' } },
    refused: 'annotations with the prefix files.example.com/ are reserved for spec.files',
  },
]

/** 33 annotations with the longest values: more than a ServiceAccount may have in total. */
const longAnnotations = Object.fromEntries(
  Array.from({ length: 33 }, (_, index) => [`example.com/${index}`, 'x'.repeat(4096)]),
)
const serviceAccountCases: Case[] = [
  { what: 'a ServiceAccount of its own', spec: { image, serviceAccount: {} } },
  {
    what: 'a ServiceAccount with annotations',
    spec: { image, serviceAccount: { annotations: { 'example.com/role': '' } } },
  },
  {
    what: 'two ServiceAccounts',
    spec: { image, serviceAccount: {}, serviceAccountName: 'other' },
    refused: 'spec: Invalid value: only one of serviceAccount and serviceAccountName may be set',
  },
  {
    what: 'too long annotations of a ServiceAccount',
    spec: { image, serviceAccount: { annotations: longAnnotations } },
    refused:
      'spec.serviceAccount.annotations: Invalid value: must have at most 130816 characters in ' +
      'total',
  },
  {
    what: "Metacontroller's annotation for a ServiceAccount",
    spec: { image, serviceAccount: { annotations: { [lastAppliedAnnotation]: '{}' } } },
    refused: 'is reserved for Metacontroller',
  },
  {
    what: 'a ServiceAccount that is a name',
    spec: { image, serviceAccount: 'robot' },
    refused: 'spec.serviceAccount: Invalid value: "string"',
  },
]

/** MyApps that the API server accepts, and those that it refuses. */
export const cases: Case[] = [
  { what: 'a name of one letter', name: 'a' },
  { what: 'a name of 63 characters', name: 'a'.repeat(63) },
  {
    what: 'a name of 64 characters',
    name: 'a'.repeat(64),
    refused: `metadata.name: Invalid value: ${noServiceName}`,
  },
  {
    what: 'a name that starts with a digit',
    name: '1shop',
    refused: `metadata.name: Invalid value: ${noServiceName}`,
  },
  { what: 'a name that ends with a digit', name: 'shop-1' },
  {
    what: 'a name with a dot',
    name: 'shop.blue',
    refused: `metadata.name: Invalid value: ${noServiceName}`,
  },
  {
    what: 'a name with upper-case letters',
    name: 'Shop',
    refused: `metadata.name: Invalid value: `,
  },
  {
    what: 'a name that ends with a dash',
    name: 'shop-',
    refused: `metadata.name: Invalid value: `,
  },
  { what: 'no spec', spec: undefined, refused: 'spec: Required value' },
  { what: 'no image', spec: {}, refused: 'spec.image: Required value' },
  {
    what: 'an empty image',
    spec: { image: '' },
    refused: 'spec.image: Invalid value: "": must be an image without white space',
  },
  { what: 'an image of one letter', spec: { image: 'a' } },
  { what: 'an image of 1024 characters', spec: { image: 'a'.repeat(1024) } },
  {
    what: 'an image of 1025 characters',
    spec: { image: 'a'.repeat(1025) },
    refused: 'spec.image: Too long: may not be more than 1024',
  },
  {
    what: 'an image with a digest',
    spec: { image: `registry.example.com:5000/team/app:1.0@sha256:${'0'.repeat(64)}` },
  },
  ...['\u00a0', '\u3000', '\ufeff', '\v'].map((blank) => ({
    what: `an image with the white space ${JSON.stringify(blank)}`,
    spec: { image: `nginx${blank}:1` },
    refused: 'must be an image without white space',
  })),
  {
    what: 'an image with a space',
    spec: { image: 'nginx latest' },
    refused: 'spec.image: Invalid value: "nginx latest": must be an image without white space',
  },
  {
    what: 'an image that ends with a line break',
    spec: { image: 'nginx\n' },
    refused: 'must be an image without white space',
  },
  {
    what: 'an image that is a number',
    spec: { image: 1 },
    refused: 'spec.image: Invalid value: "integer"',
  },
  {
    what: '-1 replicas',
    spec: { image, replicas: -1 },
    refused: 'spec.replicas: Invalid value: -1: ',
  },
  { what: 'no replicas', spec: { image, replicas: 0 } },
  { what: '100 replicas', spec: { image, replicas: 100 } },
  {
    what: '101 replicas',
    spec: { image, replicas: 101 },
    refused: 'spec.replicas: Invalid value: 101: ',
  },
  {
    what: '500 replicas',
    spec: { image, replicas: 500 },
    refused: 'spec.replicas: Invalid value: 500: ',
  },
  {
    what: 'replicas as a string',
    spec: { image, replicas: 'two' },
    refused: 'spec.replicas: Invalid value: "string"',
  },
  {
    what: 'half a replica',
    spec: { image, replicas: 0.5 },
    refused: 'spec.replicas in body must be of type int32',
  },
  { what: 'port 0', spec: { image, port: 0 }, refused: 'spec.port: Invalid value: 0: ' },
  { what: 'port 1', spec: { image, port: 1 } },
  { what: 'port 65535', spec: { image, port: 65535 } },
  {
    what: 'port 65536',
    spec: { image, port: 65536 },
    refused: 'spec.port: Invalid value: 65536: ',
  },
  { what: 'port -1', spec: { image, port: -1 }, refused: 'spec.port: Invalid value: -1: ' },
  {
    what: 'a variable without a name',
    spec: { image, env: [{ value: 'x' }] },
    refused: 'spec.env[0].name: Required value',
  },
  { what: 'a variable without a value', spec: { image, env: [{ name: 'A' }] } },
  ...['A', '_', 'a.b-c_D9', '-x', '.hidden', '.-', 'A'.repeat(256)].map((name) => ({
    what: `a variable named ${name.slice(0, 20)}`,
    spec: { image, env: [{ name, value: 'x' }] },
  })),
  {
    what: 'a variable with a line break in its name',
    spec: { image, env: [{ name: 'A\n' }] },
    refused: noVariable,
  },
  ...['9A', '..', '..a', '.', 'A B', 'A=B', 'Ä', ''].map((name) => ({
    what: `a variable named ${JSON.stringify(name)}`,
    spec: { image, env: [{ name, value: 'x' }] },
    refused: `spec.env[0].name: Invalid value: "${name}": ${noVariable}`,
  })),
  {
    what: 'a variable with a name of 257 characters',
    spec: { image, env: [{ name: 'A'.repeat(257) }] },
    refused: 'spec.env[0].name: Too long: may not be more than 256',
  },
  {
    what: 'a duplicate variable',
    spec: {
      image,
      env: [
        { name: 'A', value: '1' },
        { name: 'A', value: '2' },
      ],
    },
    refused: 'spec.env[1]: Duplicate value: {"name":"A"}',
  },
  {
    what: 'a variable with a value that is not a string',
    spec: { image, env: [{ name: 'A', value: 1 }] },
    refused: 'spec.env[0].value: Invalid value: "integer"',
  },
  { what: '256 variables', spec: { image, env: variables(256) } },
  {
    what: '257 variables',
    spec: { image, env: variables(257) },
    refused: 'spec.env: Too many: 257: must have at most 256 items',
  },
  {
    what: '32768 characters of names and values',
    spec: { image, env: [{ name: 'A', value: 'ü'.repeat(32767) }] },
  },
  {
    what: '32769 characters of names and values',
    spec: { image, env: [{ name: 'A', value: 'x'.repeat(32768) }] },
    refused: 'names and values must have at most 32768 characters in total',
  },
  {
    what: '32768 characters of two UTF-16 units each',
    spec: { image, env: [{ name: 'A', value: '\u{1f600}'.repeat(32767) }] },
  },
  {
    what: '32769 characters of two UTF-16 units each',
    spec: { image, env: [{ name: 'A', value: '\u{1f600}'.repeat(32768) }] },
    refused: 'names and values must have at most 32768 characters in total',
  },
  {
    what: '32770 characters in several variables',
    spec: {
      image,
      env: [
        { name: 'A', value: 'x'.repeat(16384) },
        { name: 'B', value: 'x'.repeat(16384) },
      ],
    },
    refused: 'names and values must have at most 32768 characters in total',
  },
  {
    what: 'a variable with a value and a source',
    spec: { image, env: [{ name: 'A', value: 'x', valueFrom: secretKey }] },
    refused: 'spec.env[0]: Invalid value: valueFrom may not be set when value is not empty',
  },
  {
    what: 'a variable with an empty value and a source',
    spec: { image, env: [{ name: 'A', value: '', valueFrom: secretKey }] },
  },
  {
    what: 'a variable with two sources',
    spec: {
      image,
      env: [{ name: 'A', valueFrom: { ...secretKey, fieldRef: { fieldPath: 'metadata.name' } } }],
    },
    refused:
      'spec.env[0].valueFrom: Invalid value: exactly one of secretKeyRef, configMapKeyRef, ' +
      'fieldRef, resourceFieldRef must be set',
  },
  {
    what: 'envFrom without a source',
    spec: { image, envFrom: [{ prefix: 'A' }] },
    refused: 'spec.envFrom[0]: Invalid value: exactly one of configMapRef, secretRef must be set',
  },
  {
    what: 'requests up to the limits',
    spec: {
      image,
      resources: {
        requests: { cpu: '1000m', memory: 1024, 'ephemeral-storage': '1G' },
        limits: { cpu: 1, memory: '1Ki' },
      },
    },
  },
  {
    what: 'a cpu request above the limit',
    spec: { image, resources: { requests: { cpu: '1.5' }, limits: { cpu: 1 } } },
    refused: 'spec.resources: Invalid value: requests.cpu must be at most limits.cpu',
  },
  {
    what: 'a memory request above the limit',
    spec: { image, resources: { requests: { memory: '1Gi' }, limits: { memory: '1G' } } },
    refused: 'spec.resources: Invalid value: requests.memory must be at most limits.memory',
  },
  {
    what: 'an ephemeral-storage request above the limit',
    spec: {
      image,
      resources: { requests: { 'ephemeral-storage': 2 }, limits: { 'ephemeral-storage': 1 } },
    },
    refused:
      'spec.resources: Invalid value: requests.ephemeral-storage must be at most ' +
      'limits.ephemeral-storage',
  },
  ...['startup', 'readiness', 'liveness'].map((check) => ({
    what: `a ${check} probe with two handlers`,
    spec: { image, probes: { [check]: { tcpSocket: {}, grpc: {} } } },
    refused:
      `spec.probes.${check}: Invalid value: exactly one of httpGet, tcpSocket, grpc, exec ` +
      'must be set',
  })),
  ...['startup', 'liveness'].map((check) => ({
    what: `a ${check} probe with successThreshold 2`,
    spec: { image, probes: { [check]: { tcpSocket: {}, successThreshold: 2 } } },
    refused: `spec.probes.${check}.successThreshold: Invalid value: 2: `,
  })),
  {
    what: 'a readiness probe with successThreshold 2',
    spec: { image, probes: { readiness: { tcpSocket: {}, successThreshold: 2 } } },
  },
  {
    what: 'valid labels and annotations',
    spec: {
      image,
      podLabels: { 'b.example.com/c_d.E-9': 'x'.repeat(63), empty: '' },
      nodeSelector: { [`${'a'.repeat(253)}/${'b'.repeat(63)}`]: '1.0_a-b' },
      podAnnotations: { 'Example.COM/Note': 'any text\nof any kind' },
    },
  },
  {
    what: 'an annotation key with a space',
    spec: { image, podAnnotations: { 'a b': 'x' } },
    refused: 'spec.podAnnotations: Invalid value: invalid annotation key: ',
  },
  ...['podLabels', 'nodeSelector'].map((field) => ({
    what: `a key with an upper-case domain in ${field}`,
    spec: { image, [field]: { 'Example.com/a': 'x' } },
    refused: `spec.${field}: Invalid value: invalid label key: `,
  })),
  ...['podLabels', 'nodeSelector'].map((field) => ({
    what: `a domain of 254 characters in ${field}`,
    spec: { image, [field]: { [`${'a'.repeat(254)}/a`]: 'x' } },
    refused: `spec.${field}: Invalid value: invalid label key: `,
  })),
  ...['podLabels', 'nodeSelector'].map((field) => ({
    what: `a value with a space in ${field}`,
    spec: { image, [field]: { a: 'x y' } },
    refused: `spec.${field}[a]: Invalid value: "x y": invalid label value: `,
  })),
  ...[
    "metadata.labels['a.b/c']",
    "metadata.annotations['A.b/C']",
    'metadata.uid',
    'spec.nodeName',
    'status.podIPs',
  ].map((fieldPath) => ({
    what: `the field ${fieldPath}`,
    spec: { image, env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath } } }] },
  })),
  ...['metadata.labels', "metadata.labels['a b']", 'status.phase', 'spec.nodeNames'].map(
    (fieldPath) => ({
      what: `the field ${fieldPath}`,
      spec: { image, env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath } } }] },
      refused: 'must be metadata.name, ',
    }),
  ),
  {
    what: 'the resource cpu',
    spec: { image, env: [{ name: 'A', valueFrom: { resourceFieldRef: { resource: 'cpu' } } }] },
    refused: 'must be limits.RESOURCE or requests.RESOURCE',
  },
  ...[
    ['limits.cpu', '1000m'],
    ['requests.memory', '1Mi'],
    ['requests.memory', '1024Ki'],
    ['limits.hugepages-2Mi', 1000],
  ].map(([resource, divisor]) => ({
    what: `${resource} in ${divisor}`,
    spec: { image, env: [{ name: 'A', valueFrom: { resourceFieldRef: { resource, divisor } } }] },
  })),
  ...[
    ['limits.cpu', '100m'],
    ['limits.memory', '1m'],
    ['limits.memory', '512Mi'],
    ['limits.memory', '1024'],
  ].map(([resource, divisor]) => ({
    what: `${resource} in ${divisor}`,
    spec: { image, env: [{ name: 'A', valueFrom: { resourceFieldRef: { resource, divisor } } }] },
    refused: 'divisor must be 1 or 1m for cpu, ',
  })),
  ...['secretKeyRef', 'configMapKeyRef'].flatMap((source) => [
    ...['a/b', '..a'].map((key) => ({
      what: `the key ${key} of a ${source}`,
      spec: { image, env: [{ name: 'A', valueFrom: { [source]: { name: 'a', key } } }] },
      refused:
        `spec.env[0].valueFrom.${source}.key: Invalid value: "${key}": ` +
        'must consist of letters',
    })),
    {
      what: `a ${source} with a capital`,
      spec: { image, env: [{ name: 'A', valueFrom: { [source]: { name: 'A', key: 'a' } } }] },
      refused:
        `spec.env[0].valueFrom.${source}.name: Invalid value: "A": must consist of lower-case ` +
        'letters',
    },
  ]),
  ...['secretRef', 'configMapRef'].map((source) => ({
    what: `a ${source} with a capital`,
    spec: { image, envFrom: [{ [source]: { name: 'A' } }] },
    refused:
      `spec.envFrom[0].${source}.name: Invalid value: "A": ` + 'must consist of lower-case letters',
  })),
  {
    what: 'a prefix of variables with a space',
    spec: { image, envFrom: [{ prefix: 'a.b ~', secretRef: { name: 'a' } }] },
  },
  ...['A=B', 'Ä'].map((prefix) => ({
    what: `the prefix ${prefix}`,
    spec: { image, envFrom: [{ prefix, secretRef: { name: 'a' } }] },
    refused: `spec.envFrom[0].prefix: Invalid value: "${prefix}": must consist of ASCII characters`,
  })),
  ...['serviceAccountName', 'priorityClassName'].map((field) => ({
    what: `a ${field} with a capital`,
    spec: { image, [field]: 'Shop' },
    refused: `spec.${field}: Invalid value: "Shop": must consist of lower-case letters`,
  })),
  { what: 'no priorityClassName', spec: { image, priorityClassName: '' } },
  ...['', '..a/b..', 'a/./b', 'a//b'].map((subPath) => ({
    what: `the subPath ${subPath}`,
    spec: { image, volumes: [{ name: 'a', mountPath: '/a', subPath, emptyDir: {} }] },
  })),
  ...['/a', '..', 'a/../b', 'a/..'].map((subPath) => ({
    what: `the subPath ${subPath}`,
    spec: { image, volumes: [{ name: 'a', mountPath: '/a', subPath, emptyDir: {} }] },
    refused: 'must be a relative path without ".."',
  })),
  ...Object.entries({ configMap: 'name', secret: 'secretName' }).map(([source, name]) => ({
    what: `a file path of a ${source} out of the mount`,
    spec: {
      image,
      volumes: [
        {
          name: 'a',
          mountPath: '/a',
          [source]: {
            [name]: 'a',
            items: [
              { key: 'a', path: 'a' },
              { key: 'b', path: '../b' },
            ],
          },
        },
      ],
    },
    refused:
      `spec.volumes[0].${source}.items[1].path: Invalid value: "../b": ` +
      'must be a relative path',
  })),
  {
    what: 'valid tolerations',
    spec: {
      image,
      tolerations: [
        { operator: 'Exists' },
        { key: 'example.com/a', value: 'b' },
        { key: 'a', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 0 },
      ],
    },
  },
  ...[
    [{ value: 'a' }, 'operator must be Exists when key is empty'],
    [{ key: 'a', operator: 'Exists', value: 'b' }, 'value must be empty when operator is Exists'],
    [
      { key: 'a', tolerationSeconds: 9 },
      'tolerationSeconds may only be set when effect is NoExecute',
    ],
    [{ key: 'a b' }, 'invalid label key: ', '.key'],
    [{ key: 'a', value: 'b c' }, 'invalid label value: ', '.value'],
  ].map(([toleration, words, field = '']) => ({
    what: `a toleration: ${words}`,
    spec: { image, tolerations: [{ operator: 'Exists' }, toleration] },
    refused: [`spec.tolerations[1]${field as string}: Invalid value: `, words as string],
  })),
  {
    what: 'valid affinities',
    spec: {
      image,
      affinity: {
        nodeAffinity: ofNodes(
          [
            { key: 'a', operator: 'In', values: ['b'] },
            { key: 'a', operator: 'Gt', values: ['1'] },
            { key: 'a', operator: 'DoesNotExist' },
          ],
          [{ key: 'metadata.name', operator: 'NotIn', values: ['b'] }],
        ),
        podAffinity: ofPods([{ key: 'a', operator: 'Exists', values: [] }], 'labelSelector'),
      },
    },
  },
  ...[
    [{ key: 'a', operator: 'In' }],
    [{ key: 'a', operator: 'Exists', values: ['b'] }],
    [{ key: 'a', operator: 'Gt', values: ['1', '2'] }],
  ].flatMap((conditions) =>
    refusedParts(
      ofNodes(conditions),
      'nodeAffinity',
      'values must be set for In and NotIn, must be empty for Exists and DoesNotExist, and ' +
        'must have one item',
    ),
  ),
  ...[
    { key: 'a', operator: 'In', values: ['b'] },
    { key: 'metadata.name', operator: 'Exists' },
    { key: 'metadata.name', operator: 'In', values: ['b', 'c'] },
    { key: 'metadata.name', operator: 'In', values: ['B'] },
  ].flatMap((field) =>
    refusedParts(
      ofNodes([], [field]),
      'nodeAffinity',
      'must have the key metadata.name, the operator In or NotIn, and one node name as value',
    ),
  ),
  ...['podAffinity', 'podAntiAffinity'].flatMap((field) =>
    [
      { key: 'a', operator: 'NotIn', values: [] },
      { key: 'a', operator: 'DoesNotExist', values: ['b'] },
      { key: 'a', operator: 'Lt', values: ['1'] },
    ].flatMap((condition) =>
      ['labelSelector', 'namespaceSelector'].flatMap((selector) =>
        refusedParts(
          ofPods([condition], selector),
          field,
          'values must be set for In and NotIn, and must be empty for Exists and ' +
            'DoesNotExist; Gt and Lt may only',
        ),
      ),
    ),
  ),
  ...refusedParts(
    ofNodes([{ key: 'a b', operator: 'Exists' }]),
    'nodeAffinity',
    'invalid label key: ',
  ),
  {
    what: 'a preference for an invalid node label value',
    spec: {
      image,
      affinity: {
        nodeAffinity: {
          [preferred]: [
            {
              weight: 1,
              preference: { matchExpressions: [{ key: 'a', operator: 'In', values: ['b c'] }] },
            },
          ],
        },
      },
    },
  },
  ...refusedParts(
    {
      [required]: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'In', values: ['b c'] }] }],
      },
    },
    'nodeAffinity',
    'invalid label value: ',
  ),
  ...['podAffinity', 'podAntiAffinity'].flatMap((field) => [
    ...refusedParts(
      ofPods([{ key: 'a b', operator: 'Exists' }], 'labelSelector'),
      field,
      'invalid label key: ',
    ),
    ...[
      [{ topologyKey: 'a b' }, 'invalid label key: '],
      [
        { topologyKey: 'a', namespaces: ['a', 'b.c'] },
        'must consist of lower-case letters, digits or "-"',
      ],
    ].flatMap(([term, words]) => [
      {
        what: `${field} of ${JSON.stringify(term)}, required`,
        spec: { image, affinity: { [field]: { [required]: [term] } } },
        refused: [`spec.affinity.${field}.${required}[0].`, words as string],
      },
      {
        what: `${field} of ${JSON.stringify(term)}, preferred`,
        spec: {
          image,
          affinity: { [field]: { [preferred]: [{ weight: 1, podAffinityTerm: term }] } },
        },
        refused: words as string,
      },
    ]),
  ]),
  {
    what: 'two different spread constraints',
    spec: {
      image,
      topologySpreadConstraints: ['DoNotSchedule', 'ScheduleAnyway'].map((whenUnsatisfiable) => ({
        topologyKey: 'a',
        maxSkew: 1,
        whenUnsatisfiable,
      })),
    },
  },
  {
    what: 'a duplicate pull secret',
    spec: { image, imagePullSecrets: [{ name: 'a' }, { name: 'a' }] },
    refused: 'spec.imagePullSecrets: Invalid value: duplicate name',
  },
  {
    what: 'a duplicate spread constraint',
    spec: {
      image,
      topologySpreadConstraints: [1, 2].map((maxSkew) => ({
        topologyKey: 'a',
        maxSkew,
        whenUnsatisfiable: 'DoNotSchedule',
      })),
    },
    refused:
      'spec.topologySpreadConstraints: Invalid value: duplicate topologyKey with the same ' +
      'whenUnsatisfiable',
  },
  ...['a', '*.example.com', '1.example.com', 'a.b-1', 'shop.1'].map((host) => ({
    what: `the host ${host}`,
    spec: { image, ingress: { host }, gateway: { parentRefs: [{ name: 'a' }], hostnames: [host] } },
  })),
  ...['192.168.0.1', 'Shop.example.com', '*', 'shop.*.com', 'shop:80'].flatMap((host) => [
    {
      what: `the host ${host} of an Ingress`,
      spec: { image, ingress: { host } },
      refused: `spec.ingress.host: Invalid value: "${host}": must be a DNS name`,
    },
    {
      what: `the host ${host} of a Gateway`,
      spec: { image, gateway: { parentRefs: [{ name: 'a' }], hostnames: ['a', host] } },
      refused: `spec.gateway.hostnames[1]: Invalid value: "${host}": must be a DNS name`,
    },
  ]),
  ...['ingressClassName', 'tlsSecretName'].map((field) => ({
    what: `a ${field} with a blank`,
    spec: { image, ingress: { [field]: 'a b' } },
    refused: `spec.ingress.${field}: Invalid value: "a b": must consist of lower-case letters`,
  })),
  {
    what: 'a path without a leading slash',
    spec: { image, ingress: { path: 'foo' } },
    refused: 'spec.ingress.path: Invalid value: "foo": must start with "/"',
  },
  {
    what: 'one class of an Ingress as field and as annotation',
    spec: {
      image,
      ingress: { ingressClassName: 'a', annotations: { 'kubernetes.io/ingress.class': 'a' } },
    },
  },
  {
    what: 'a class of an Ingress as annotation',
    spec: { image, ingress: { annotations: { 'kubernetes.io/ingress.class': 'A' } } },
  },
  {
    what: 'two different classes of an Ingress',
    spec: {
      image,
      ingress: { ingressClassName: 'a', annotations: { 'kubernetes.io/ingress.class': 'b' } },
    },
    refused:
      'spec.ingress: Invalid value: the annotation kubernetes.io/ingress.class must have ' +
      'the same value',
  },
  {
    what: 'a path of type ImplementationSpecific',
    spec: { image, ingress: { path: '/a//b/..', pathType: 'ImplementationSpecific' } },
  },
  ...['/a//b', '/a/../b', '/a%2Fb', '/a/..'].map((path) => ({
    what: `the path ${path}`,
    spec: { image, ingress: { path } },
    refused: 'spec.ingress: Invalid value: path must not contain "//", "/./", "/../" or "%2F"',
  })),
  {
    what: 'an annotation key of the Ingress with a space',
    spec: { image, ingress: { annotations: { 'a b': 'x' } } },
    refused: 'spec.ingress.annotations: Invalid value: invalid annotation key: ',
  },
  {
    what: 'a peer with upper-case letters',
    spec: { image, networkPolicy: { from: [{ app: 'A_b' }], to: [{ namespace: 'C.d' }] } },
  },
  ...['from', 'to'].flatMap((side) =>
    ['app', 'namespace'].map((field) => ({
      what: `a space in ${side}.${field}`,
      spec: { image, networkPolicy: { [side]: [{ app: 'a', namespace: 'b', [field]: 'a b' }] } },
      refused:
        `spec.networkPolicy.${side}[0].${field}: Invalid value: "a b": must consist of at ` +
        'most 63',
    })),
  ),
  {
    what: 'a Gateway in a namespace with a dot',
    spec: { image, gateway: { parentRefs: [{ name: 'a', namespace: 'a.b' }] } },
    refused:
      'spec.gateway.parentRefs[0].namespace: Invalid value: "a.b": must consist of ' +
      'lower-case letters',
  },
  {
    what: 'a listener with upper-case letters',
    spec: { image, gateway: { parentRefs: [{ name: 'a', sectionName: 'HTTPS' }] } },
    refused:
      'spec.gateway.parentRefs[0].sectionName: Invalid value: "HTTPS": must consist of ' +
      'lower-case letters',
  },
  {
    what: 'a volume with upper-case letters',
    spec: { image, volumes: [{ name: 'A_B', mountPath: '/a', emptyDir: {} }] },
    refused: 'spec.volumes[0].name: Invalid value: "A_B": must consist of lower-case letters',
  },
  {
    what: 'a relative mountPath',
    spec: { image, volumes: [{ name: 'a', mountPath: 'rel', emptyDir: {} }] },
    refused: 'spec.volumes[0].mountPath: Invalid value: "rel": must be an absolute path',
  },
  {
    what: 'memory in GB',
    spec: { image, resources: { requests: { memory: '1Gi' }, limits: { memory: '1GB' } } },
    refused: 'spec.resources.limits.memory: Invalid value: "1GB": must be a quantity',
  },
  ...[-1, '1GB'].flatMap((amount): Case[] => [
    ...['requests', 'limits'].flatMap((field) =>
      ['cpu', 'memory', 'ephemeral-storage'].map((resource) => ({
        what: `${amount} ${resource} for ${field}`,
        spec: { image, resources: { [field]: { [resource]: amount } } },
        refused: `spec.resources.${field}.${resource}: Invalid value: `,
      })),
    ),
    {
      what: `the size ${amount} of an emptyDir`,
      spec: { image, volumes: [{ name: 'a', mountPath: '/a', emptyDir: { sizeLimit: amount } }] },
      refused: 'spec.volumes[0].emptyDir.sizeLimit: Invalid value: ',
    },
    {
      what: `${amount} for a divisor`,
      spec: {
        image,
        env: [
          {
            name: 'A',
            valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: amount } },
          },
        ],
      },
      refused: 'spec.env[0].valueFrom.resourceFieldRef.divisor: Invalid value: ',
    },
  ]),
  ...['maxSurge', 'maxUnavailable'].flatMap((field) =>
    [0, 100, '0%', '100%'].map((pods) => ({
      what: `${field} ${pods}`,
      spec: { image, strategy: { type: 'RollingUpdate', rollingUpdate: { [field]: pods } } },
    })),
  ),
  ...[500, -1, '101%', '5'].flatMap((pods) => [
    ...['maxSurge', 'maxUnavailable'].map((field) => ({
      what: `${field} ${pods}`,
      spec: { image, strategy: { type: 'RollingUpdate', rollingUpdate: { [field]: pods } } },
      refused: `spec.strategy.rollingUpdate.${field}: Invalid value: `,
    })),
    ...['minAvailable', 'maxUnavailable'].map((field) => ({
      what: `${field} ${pods} in a budget`,
      spec: { image, disruption: { [field]: pods } },
      refused: `spec.disruption.${field}: Invalid value: `,
    })),
  ]),
  {
    what: 'a volume without a source',
    spec: { image, volumes: [{ name: 'a', mountPath: '/a' }] },
    refused:
      'spec.volumes[0]: Invalid value: exactly one of configMap, secret, emptyDir, ' +
      'persistentVolumeClaim, projected, csi must be set',
  },
  ...claimCases,
  ...sourceCases,
  ...fileCases,
  ...serviceAccountCases,
  {
    what: 'a duplicate volume',
    spec: {
      image,
      volumes: ['/a', '/b'].map((mountPath) => ({ name: 'a', mountPath, emptyDir: {} })),
    },
    refused: 'spec.volumes[1]: Duplicate value: {"name":"a"}',
  },
  {
    what: 'a path with two mounts',
    spec: { image, volumes: ['a', 'b'].map((name) => ({ name, mountPath: '/a', emptyDir: {} })) },
    refused: 'spec.volumes: Invalid value: duplicate mountPath',
  },
  {
    what: 'an autoscaler with minReplicas above maxReplicas',
    spec: { image, autoscaling: { minReplicas: 3, maxReplicas: 2 } },
    refused: 'spec.autoscaling: Invalid value: minReplicas must be at most maxReplicas',
  },
  {
    what: 'an autoscaler with minReplicas equal to maxReplicas',
    spec: { image, autoscaling: { minReplicas: 2, maxReplicas: 2 } },
  },
  {
    what: 'a metric whose source does not match its type',
    spec: {
      image,
      autoscaling: {
        maxReplicas: 2,
        metrics: [
          {
            type: 'Pods',
            resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 1 } },
          },
        ],
      },
    },
    refused:
      'spec.autoscaling.metrics[0]: Invalid value: the field for type must be set, and no other',
  },
  ...Object.entries({
    resource: { name: 'cpu' },
    containerResource: { name: 'cpu', container: 'app' },
    pods: { metric: { name: 'a' } },
    object: { metric: { name: 'a' }, describedObject: { kind: 'Service', name: 'a' } },
    external: { metric: { name: 'a' } },
  }).flatMap(([field, source]) => {
    const metric = (target: object) => ({
      image,
      autoscaling: {
        maxReplicas: 2,
        metrics: [
          {
            type: field.charAt(0).toUpperCase() + field.slice(1),
            [field]: { ...source, target: { type: 'AverageValue', ...target } },
          },
        ],
      },
    })
    return [
      { what: `a target of ${field}`, spec: metric({ averageValue: '1' }) },
      {
        what: `a target of ${field} without a value`,
        spec: metric(field.endsWith('esource') ? { value: 1 } : { averageUtilization: 1 }),
        refused: [`spec.autoscaling.metrics[0].${field}.target: Invalid value: `, 'averageValue'],
      },
    ]
  }),
  ...[
    [
      'Object',
      {
        metric: { name: 'a' },
        describedObject: { apiVersion: 'v1', kind: 'A', name: 'a' },
        target: { type: 'Value', averageValue: 1, value: 1 },
      },
    ],
    ...['hugepages-2Mi', 'example.com/gpu'].map((name) => [
      'ContainerResource',
      { name, container: 'app', target: { type: 'AverageValue', averageValue: '0.001' } },
    ]),
    [
      'External',
      { metric: { name: 'a' }, target: { type: 'Value', averageValue: 1, value: 1 } },
      'must be set',
    ],
    [
      'Resource',
      { name: 'cpu', target: { type: 'Utilization', averageUtilization: 1, averageValue: 1 } },
      'must be set',
    ],
    [
      'ContainerResource',
      {
        name: 'cpu',
        container: 'app',
        target: { type: 'Utilization', averageUtilization: 1, averageValue: 1 },
      },
      'must be set',
    ],
    [
      'Pods',
      { metric: { name: 'a' }, target: { type: 'AverageValue', averageValue: 0 } },
      'must be a quantity of more than 0',
    ],
    [
      'Object',
      {
        metric: { name: 'a' },
        describedObject: { kind: 'A', name: 'a' },
        target: { type: 'Value', value: '0' },
      },
      'must be a quantity of more than 0',
    ],
    ...['Pods', 'External'].map((type) => [
      type,
      { metric: { name: 'a/b' }, target: { type: 'AverageValue', averageValue: 1 } },
      `${type.toLowerCase()}.metric.name: Invalid value: "a/b": must not contain`,
    ]),
    ...[
      ['metric.name', { metric: { name: 'a%' } }],
      ['describedObject.kind', { describedObject: { kind: 'a/b', name: 'a' } }],
      ['describedObject.name', { describedObject: { kind: 'A', name: '..' } }],
      [
        'describedObject.apiVersion',
        { describedObject: { apiVersion: 'a/b/c', kind: 'A', name: 'a' } },
      ],
    ].map(([field, more]) => [
      'Object',
      {
        metric: { name: 'a' },
        describedObject: { kind: 'A', name: 'a' },
        target: { type: 'Value', value: 1 },
        ...(more as object),
      },
      `object.${field as string}: Invalid value: `,
    ]),
    ...[
      ['name', { name: 'disk' }],
      ['container', { container: 'App' }],
    ].map(([field, more]) => [
      'ContainerResource',
      {
        name: 'cpu',
        container: 'app',
        target: { type: 'AverageValue', averageValue: 1 },
        ...(more as object),
      },
      `containerResource.${field as string}: `,
    ]),
  ].map(([type, source, refused]): Case => ({
    what: `the metric ${JSON.stringify(source)}`,
    spec: {
      image,
      autoscaling: {
        maxReplicas: 2,
        metrics: [
          { type, [(type as string).charAt(0).toLowerCase() + (type as string).slice(1)]: source },
        ],
      },
    },
    ...(refused !== undefined && { refused: refused as string }),
  })),
  {
    what: 'a duplicate Gateway',
    spec: { image, gateway: { parentRefs: [{ name: 'a' }, { name: 'a', sectionName: 'b' }] } },
    refused: 'spec.gateway.parentRefs: Invalid value: duplicate name; to use all',
  },
  {
    what: 'a budget with both bounds',
    spec: { image, disruption: { maxUnavailable: 1, minAvailable: '50%' } },
    refused:
      'spec.disruption: Invalid value: exactly one of maxUnavailable, minAvailable must be set',
  },
  ...['from', 'to'].map((side) => ({
    what: `an empty peer in networkPolicy.${side}`,
    spec: { image, networkPolicy: { [side]: [{ app: 'a' }, {}] } },
    refused:
      `spec.networkPolicy.${side}[1]: Invalid value: app or podLabels or namespace or cidr ` +
      'must be set',
  })),
  {
    what: 'bounds of a rolling update with Recreate',
    spec: { image, strategy: { type: 'Recreate', rollingUpdate: {} } },
    refused:
      'spec.strategy: Invalid value: rollingUpdate may only be set when type is RollingUpdate',
  },
  {
    what: 'a security context beside Restricted',
    spec: { image, podSecurity: 'Restricted', containerSecurityContext: {} },
    refused:
      'spec: Invalid value: securityContext and containerSecurityContext may only be set ' +
      'when podSecurity is Custom',
  },
  {
    what: 'a custom security context',
    spec: {
      image,
      podSecurity: 'Custom',
      securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: 'a/b.json' } },
    },
  },
  ...['securityContext', 'containerSecurityContext'].flatMap((field) => [
    ...[{ type: 'Localhost' }, { type: 'RuntimeDefault', localhostProfile: 'a' }].map(
      (seccompProfile) => ({
        what: `a profile ${seccompProfile.type} in ${field}`,
        spec: { image, podSecurity: 'Custom', [field]: { seccompProfile } },
        refused:
          `spec.${field}.seccompProfile: Invalid value: localhostProfile must be set when ` +
          'type is Localhost',
      }),
    ),
    {
      what: `an absolute profile path in ${field}`,
      spec: {
        image,
        podSecurity: 'Custom',
        [field]: { seccompProfile: { type: 'Localhost', localhostProfile: '/a' } },
      },
      refused:
        `spec.${field}.seccompProfile.localhostProfile: Invalid value: "/a": must be a path ` +
        'below',
    },
  ]),
  {
    what: 'the largest ids',
    spec: {
      image,
      podSecurity: 'Custom',
      securityContext: { runAsUser: 2 ** 31 - 1, runAsGroup: 2 ** 31 - 1, fsGroup: 2 ** 31 - 1 },
    },
  },
  ...[
    ['securityContext', 'runAsUser'],
    ['securityContext', 'runAsGroup'],
    ['securityContext', 'fsGroup'],
    ['containerSecurityContext', 'runAsUser'],
    ['containerSecurityContext', 'runAsGroup'],
  ].map(([field = '', id = '']) => ({
    what: `${id} above the maximum`,
    spec: { image, podSecurity: 'Custom', [field]: { [id]: 2 ** 31 } },
    refused: `spec.${field}.${id}: Invalid value: 2147483648: `,
  })),
  {
    what: 'CAP_SYS_ADMIN without privilege escalation',
    spec: {
      image,
      podSecurity: 'Custom',
      containerSecurityContext: {
        allowPrivilegeEscalation: false,
        capabilities: { add: ['CAP_SYS_ADMIN'] },
      },
    },
    refused:
      'spec.containerSecurityContext: Invalid value: allowPrivilegeEscalation must not be ' +
      'false with the capability CAP_SYS_ADMIN',
  },
  {
    what: 'SYS_ADMIN without privilege escalation',
    spec: {
      image,
      podSecurity: 'Custom',
      containerSecurityContext: {
        allowPrivilegeEscalation: false,
        capabilities: { add: ['SYS_ADMIN'] },
      },
    },
  },
  ...['runAsUser', 'runAsGroup', 'fsGroup'].flatMap((field) => [
    {
      what: `${field} in the spec and in securityContext`,
      spec: { image, podSecurity: 'Custom', [field]: 1, securityContext: { [field]: 1 } },
      refused: `spec: Invalid value: ${field} and securityContext.${field} may not both be set`,
    },
    {
      what: `${field} beside another securityContext`,
      spec: { image, podSecurity: 'Custom', [field]: 1, securityContext: { runAsNonRoot: true } },
    },
    {
      what: `${field} of the spec above the maximum`,
      spec: { image, [field]: 2 ** 31 },
      refused: `spec.${field}: Invalid value: 2147483648: `,
    },
  ]),
  { what: 'root', spec: { image, runAsUser: 0, runAsGroup: 0, supplementalGroups: [0] } },
  {
    what: 'root in a restricted pod',
    spec: { image, podSecurity: 'Restricted', runAsUser: 0 },
    refused: 'spec: Invalid value: runAsUser must not be 0 when podSecurity is Restricted',
  },
  {
    what: 'groups of a restricted pod',
    spec: {
      image,
      podSecurity: 'Restricted',
      runAsUser: 1,
      fsGroup: 2,
      fsGroupChangePolicy: 'Always',
      supplementalGroups: [3, 3],
    },
  },
  {
    what: 'a capability that allows privilege escalation',
    spec: {
      image,
      podSecurity: 'Custom',
      containerSecurityContext: { capabilities: { add: ['CAP_SYS_ADMIN'] } },
    },
  },
  { what: 'no drain', spec: { image, drainSeconds: 0 } },
  { what: 'the longest drain', spec: { image, drainSeconds: 29 } },
  ...[{ drainSeconds: 30 }, { drainSeconds: 5, terminationGracePeriodSeconds: 5 }].map((spec) => ({
    what: `a drain as long as the grace period: ${JSON.stringify(spec)}`,
    spec: { image, ...spec },
    refused: 'spec: Invalid value: drainSeconds must be less than terminationGracePeriodSeconds',
  })),
  ...[
    '0.0.0.0',
    '255.255.255.255',
    '::',
    '::1',
    '1::',
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7::',
    '::2:3:4:5:6:7:8',
    '1::3:4:5:6:7:8',
    '1:2:3::6:7:8',
    'FE80::aBcD',
  ].map((ip) => ({
    what: `the IP address ${ip}`,
    spec: {
      image,
      hostAliases: [{ ip, hostnames: ['a.b'] }],
      dnsPolicy: 'None',
      dnsConfig: { nameservers: [ip] },
    },
  })),
  ...[
    '',
    '1.2.3',
    '256.0.0.0',
    '01.2.3.4',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    'a',
    '1.2.3.4 ',
  ].map((ip) => ({
    what: `the IP address ${JSON.stringify(ip)}`,
    spec: { image, hostAliases: [{ ip, hostnames: ['a'] }] },
    refused: 'must be an IP address, such as 192.0.2.1 or 2001:db8::1',
  })),
  {
    what: 'a duplicate IP address',
    spec: {
      image,
      hostAliases: [
        { ip: '::1', hostnames: ['a'] },
        { ip: '::1', hostnames: ['b'] },
      ],
    },
    refused: 'spec.hostAliases[1]: Duplicate value: {"ip":"::1"}',
  },
  {
    what: 'an IP address without a host name',
    spec: { image, hostAliases: [{ ip: '::1', hostnames: [] }] },
    refused: 'spec.hostAliases[0].hostnames: Invalid value: 0: ',
  },
  {
    what: 'an IP address with an invalid host name',
    spec: { image, hostAliases: [{ ip: '::1', hostnames: ['A'] }] },
    refused: 'spec.hostAliases[0].hostnames[0]: Invalid value: "A": must consist of lower-case',
  },
  ...[undefined, {}, { nameservers: [] }].map((dnsConfig) => ({
    what: `no DNS server: ${JSON.stringify(dnsConfig)}`,
    spec: { image, dnsPolicy: 'None', ...(dnsConfig && { dnsConfig }) },
    refused: 'spec: Invalid value: dnsConfig.nameservers must be set when dnsPolicy is None',
  })),
  {
    what: 'a DNS policy with a search domain and options',
    spec: {
      image,
      dnsPolicy: 'Default',
      dnsConfig: {
        nameservers: ['::1', '::1'],
        searches: ['a.b', 'a.', 'a.b'],
        options: [{ name: 'edns0' }, { name: 'ndots', value: '' }],
      },
    },
  },
  {
    what: 'a search domain with a space',
    spec: { image, dnsConfig: { searches: ['a b'] } },
    refused: 'spec.dnsConfig.searches[0]: Invalid value: "a b": must be a DNS domain',
  },
  {
    what: 'a duplicate DNS option',
    spec: { image, dnsConfig: { options: [{ name: 'a' }, { name: 'a', value: '1' }] } },
    refused: 'spec.dnsConfig.options: Invalid value: duplicate name',
  },
  {
    what: 'a wrong RuntimeClass',
    spec: { image, runtimeClassName: 'A' },
    refused: 'spec.runtimeClassName: Invalid value: "A": must consist of lower-case',
  },
  ...['startup', 'readiness', 'liveness'].map((probe) => ({
    what: `a duplicate header in the ${probe} probe`,
    spec: {
      image,
      probes: {
        [probe]: {
          httpGet: {
            httpHeaders: [
              { name: 'Host', value: 'a' },
              { name: 'Host', value: 'b' },
            ],
          },
        },
      },
    },
    refused: `spec.probes.${probe}.httpGet.httpHeaders: Invalid value: duplicate name`,
  })),
  {
    what: 'a header with a colon',
    spec: {
      image,
      probes: { readiness: { httpGet: { httpHeaders: [{ name: 'Host:', value: '' }] } } },
    },
    refused: 'Invalid value: "Host:": must consist of letters, digits or "-"',
  },
  {
    what: 'headers',
    spec: {
      image,
      probes: { liveness: { httpGet: { httpHeaders: [{ name: 'X-1', value: 'ü: "' }] } } },
    },
  },
  ...['nvidia.com/gpu', 'a/B_c.d', `${'a.'.repeat(121)}aa/${'x'.repeat(63)}`].map((resource) => ({
    what: `the extended resource ${resource}`,
    spec: { image, resources: { extended: { [resource]: 2 ** 31 - 1 } } },
  })),
  ...[
    'cpu',
    'gpu',
    'hugepages-2Mi',
    'kubernetes.io/a',
    'a.kubernetes.io/b',
    'requests.nvidia.com/gpu',
    'A/b',
    'a/b/c',
    `${'a.'.repeat(122)}a/x`,
  ].map((resource) => ({
    what: `the extended resource ${resource}`,
    spec: { image, resources: { extended: { [resource]: 1 } } },
    refused:
      'spec.resources.extended: Invalid value: must be an extended resource with a DNS prefix',
  })),
  ...[-1, 0.5, '1'].map((amount) => ({
    what: `${JSON.stringify(amount)} units of an extended resource`,
    spec: { image, resources: { extended: { 'a/b': amount } } },
    refused: 'spec.resources.extended.a/b',
  })),
  ...(['init', 'sidecars'] as const).flatMap((list): Case[] => {
    const of = (fields: object, more: object = {}) => ({
      image,
      ...more,
      [list]: [{ name: 'extra', ...fields }],
    })
    const refusals: Array<[what: string, fields: object, field: string, words: string]> = [
      [
        'a value and a source',
        { env: [{ name: 'A', value: 'b', valueFrom: secretKey }] },
        '.env[0]',
        'valueFrom may not be set when value is not empty',
      ],
      [
        'a variable without a source',
        { env: [{ name: 'A', valueFrom: {} }] },
        '.env[0].valueFrom',
        'exactly one of secretKeyRef, configMapKeyRef, fieldRef, resourceFieldRef must be set',
      ],
      [
        'an invalid divisor',
        {
          env: [
            {
              name: 'A',
              valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '2' } },
            },
          ],
        },
        '.env[0].valueFrom.resourceFieldRef',
        'divisor must be 1 or 1m for cpu',
      ],
      [
        'too many characters in env',
        { env: [{ name: 'A', value: 'x'.repeat(32_768) }] },
        '.env',
        'names and values must have at most 32768 characters in total',
      ],
      [
        'envFrom without a source',
        { envFrom: [{}] },
        '.envFrom[0]',
        'exactly one of configMapRef, secretRef must be set',
      ],
      ...['cpu', 'memory', 'ephemeral-storage'].map(
        (resource): [string, object, string, string] => [
          `a ${resource} request above its limit`,
          { resources: { requests: { [resource]: 2 }, limits: { [resource]: 1 } } },
          '.resources',
          `requests.${resource} must be at most limits.${resource}`,
        ],
      ),
      ...['command', 'args'].map((field): [string, object, string, string] => [
        `too many characters in ${field}`,
        { [field]: Array(32).fill('x'.repeat(8192)) },
        `.${field}`,
        'must have at most 261632 characters in total',
      ]),
      [
        'two mounts at one path',
        {
          volumeMounts: [
            { name: 'v', mountPath: '/a' },
            { name: 'v', mountPath: '/a' },
          ],
        },
        '.volumeMounts',
        'duplicate mountPath',
      ],
    ]
    const volumes = [{ name: 'v', mountPath: '/v', emptyDir: {} }]
    return [
      ...refusals.map(([what, fields, field, words]) => ({
        what: `${what} in ${list}`,
        spec: of(fields, { volumes }),
        refused: `spec.${list}[0]${field}: Invalid value: ${words}`,
      })),
      {
        what: `${list} with the name of the app`,
        spec: { image, [list]: [{ name: 'app' }] },
        refused: `spec.${list}[0].name: Invalid value: "app": `,
      },
      {
        what: `a duplicate name in ${list}`,
        spec: { image, [list]: [{ name: 'a' }, { name: 'a' }] },
        refused: `spec.${list}[1]: Duplicate value: {"name":"a"}`,
      },
      {
        what: `an unknown volume in ${list}`,
        spec: of({ volumeMounts: [{ name: 'w', mountPath: '/w' }] }, { volumes }),
        refused: 'spec: Invalid value: volumeMounts may only name volumes of spec.volumes',
      },
      {
        what: `every field of a container in ${list}`,
        spec: of(
          {
            image: 'busybox',
            command: ['sh'],
            args: [''],
            workingDir: '/',
            env: [{ name: 'A' }, { name: 'B', valueFrom: secretKey }],
            envFrom: [{ configMapRef: { name: 'a' } }],
            resources: { limits: { cpu: 1 }, extended: { 'nvidia.com/gpu': 1 } },
            volumeMounts: [
              { name: 'v', mountPath: '/a', subPath: 's' },
              { name: 'v', mountPath: '/b', readOnly: true },
            ],
          },
          { volumes, podSecurity: 'Restricted' },
        ),
      },
      {
        what: `an AppArmor annotation of ${list}`,
        spec: of(
          {},
          {
            podAnnotations: {
              'container.apparmor.security.beta.kubernetes.io/extra': 'unconfined',
            },
          },
        ),
      },
      {
        what: `seccomp annotations of ${list} that contradict the profile`,
        spec: of(
          {},
          {
            podSecurity: 'Custom',
            containerSecurityContext: { seccompProfile: { type: 'RuntimeDefault' } },
            podAnnotations: {
              'container.seccomp.security.alpha.kubernetes.io/extra': 'unconfined',
            },
          },
        ),
        refused: 'a seccomp annotation must be the same as the seccompProfile',
      },
    ]
  }),
  {
    what: 'an init container with the name of a sidecar',
    spec: { image, init: [{ name: 'a' }], sidecars: [{ name: 'a' }] },
    refused: 'spec: Invalid value: init and sidecars may not have the same name',
  },
  ...['startup', 'readiness', 'liveness'].flatMap((probe) => [
    {
      what: `no handler in the ${probe} probe of a sidecar`,
      spec: { image, sidecars: [{ name: 'a', probes: { [probe]: {} } }] },
      refused:
        `spec.sidecars[0].probes.${probe}: Invalid value: exactly one of httpGet, tcpSocket, ` +
        'grpc, exec must be set',
    },
    {
      what: `no port in the ${probe} probe of a sidecar`,
      spec: { image, sidecars: [{ name: 'a', probes: { [probe]: { tcpSocket: {} } } }] },
      refused: `spec.sidecars[0].probes.${probe}.tcpSocket.port: Required value`,
    },
    {
      what: `a duplicate header in the ${probe} probe of a sidecar`,
      spec: {
        image,
        sidecars: [
          {
            name: 'a',
            probes: {
              [probe]: {
                httpGet: {
                  port: 1,
                  httpHeaders: [
                    { name: 'Host', value: 'a' },
                    { name: 'Host', value: 'b' },
                  ],
                },
              },
            },
          },
        ],
      },
      refused:
        `spec.sidecars[0].probes.${probe}.httpGet.httpHeaders: Invalid value: ` + 'duplicate name',
    },
    {
      what: `a ${probe} probe of a sidecar`,
      spec: { image, sidecars: [{ name: 'a', probes: { [probe]: { grpc: { port: 1 } } } }] },
    },
  ]),
  {
    what: 'the annotation of Metacontroller',
    spec: {
      image,
      ingress: { annotations: { 'metacontroller.k8s.io/last-applied-configuration': 'x' } },
    },
    refused:
      'spec.ingress: Invalid value: the annotation ' +
      'metacontroller.k8s.io/last-applied-configuration is reserved for Metacontroller',
  },
  {
    what: 'privileged without privilege escalation',
    spec: {
      image,
      podSecurity: 'Custom',
      containerSecurityContext: { privileged: true, allowPrivilegeEscalation: false },
    },
    refused:
      'spec.containerSecurityContext: Invalid value: allowPrivilegeEscalation must not be ' +
      'false when privileged is true',
  },
  {
    what: 'the largest possible text',
    spec: {
      image,
      args: [...Array(31).fill('x'.repeat(8192)), 'x'.repeat(5900)],
      podAnnotations: { a: '<>&✓\u2028' },
      ingress: {
        annotations: Object.fromEntries(
          Array.from({ length: 7 }, (_, index) => [`a${index}`, '<✓'.repeat(2850)]),
        ),
      },
    },
  },
  ...['command', 'args'].map((field) => ({
    what: `${field} that exceed the size of a Deployment`,
    spec: { image, [field]: Array(32).fill('x'.repeat(8192)) },
    refused: `spec.${field}: Invalid value: must have at most 261632 characters in total`,
  })),
  {
    what: 'annotations that exceed the size of a Deployment',
    spec: {
      image,
      podAnnotations: Object.fromEntries(
        Array.from({ length: 64 }, (_, index) => [`a${index}`, 'x'.repeat(4096)]),
      ),
    },
    refused: 'spec.podAnnotations: Invalid value: must have at most 261632 characters in total',
  },
  {
    what: 'annotations that exceed the size of an Ingress',
    spec: {
      image,
      ingress: {
        annotations: Object.fromEntries(
          Array.from({ length: 16 }, (_, index) => [`a${index}`, 'x'.repeat(8192)]),
        ),
      },
    },
    refused:
      'spec.ingress.annotations: Invalid value: must have at most 130816 characters in total',
  },
  {
    what: 'an Ingress of an app that is not exposed',
    spec: { image, expose: false, ingress: {} },
    refused: 'spec: Invalid value: ingress and gateway may not be set when expose is false',
  },
  {
    what: 'minReadySeconds equal to progressDeadlineSeconds',
    spec: { image, minReadySeconds: 600 },
    refused: 'spec: Invalid value: minReadySeconds must be less than progressDeadlineSeconds',
  },
  {
    what: 'an unknown field',
    spec: { image, imagge: 'x' },
    refused: 'unknown field "spec.imagge"',
  },
  ...[
    ['container.apparmor.security.beta.kubernetes.io/shop', 'runtime/default', 'AppArmor'],
    ['container.apparmor.security.beta.kubernetes.io/app', 'strict', 'AppArmor'],
    ['seccomp.security.alpha.kubernetes.io/pod', 'strict', 'a seccomp annotation must be'],
    ['seccomp.security.alpha.kubernetes.io/pod', 'unconfined', 'the same as the seccompProfile'],
    ['container.seccomp.security.alpha.kubernetes.io/a', 'localhost/../a', 'a seccomp annotation'],
    ['scheduler.alpha.kubernetes.io/tolerations', '[{"key": "a"}]', 'use spec.tolerations'],
    ['kubernetes.io/config.mirror', 'a', 'reserved for the kubelet'],
    ['controller.kubernetes.io/pod-deletion-cost', '2147483648', 'must be an integer'],
    ['controller.kubernetes.io/pod-deletion-cost', '+1', 'must be an integer'],
  ].map(([key = '', value = '', refused = '']) => ({
    what: `the pod annotation ${key}: ${value}`,
    spec: { image, podAnnotations: { [key]: value } },
    refused,
  })),
  ...[
    ['container.apparmor.security.beta.kubernetes.io/app', 'localhost/strict'],
    ['seccomp.security.alpha.kubernetes.io/pod', 'docker/default'],
    ['controller.kubernetes.io/pod-deletion-cost', '-2147483648'],
    ['scheduler.alpha.kubernetes.io/tolerations', ''],
  ].map(([key = '', value = '']) => ({
    what: `the pod annotation ${key}: ${value}`,
    spec: { image, podAnnotations: { [key]: value } },
  })),
  {
    what: 'a seccomp annotation that contradicts the default of Custom',
    spec: {
      image,
      podSecurity: 'Custom',
      podAnnotations: { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' },
    },
    refused: 'a seccomp annotation must be the same as the seccompProfile',
  },
  ...['securityContext', 'containerSecurityContext'].map((field) => ({
    what: `a seccomp annotation that contradicts ${field}`,
    spec: {
      image,
      podSecurity: 'Custom',
      [field]: { seccompProfile: { type: 'Localhost', localhostProfile: 'a' } },
      podAnnotations: {
        'seccomp.security.alpha.kubernetes.io/pod': 'localhost/b',
        'container.seccomp.security.alpha.kubernetes.io/app': 'localhost/b',
      },
    },
    refused: 'a seccomp annotation must be the same as the seccompProfile',
  })),
  {
    what: 'seccomp annotations that repeat the profiles',
    spec: {
      image,
      podSecurity: 'Custom',
      securityContext: { seccompProfile: { type: 'Unconfined' } },
      containerSecurityContext: { seccompProfile: { type: 'Localhost', localhostProfile: 'b' } },
      podAnnotations: {
        'seccomp.security.alpha.kubernetes.io/pod': 'unconfined',
        'container.seccomp.security.alpha.kubernetes.io/app': 'localhost/b',
      },
    },
  },
  ...Object.entries(portCases).flatMap(([what, { spec, refused }]) => ({
    what,
    spec: { image, ...spec },
    ...(refused !== undefined && { refused }),
  })),
]
