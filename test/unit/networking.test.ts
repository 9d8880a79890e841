import type { V1NetworkPolicyEgressRule } from '@kubernetes/client-node'
import t from 'tap'
import type { MyAppSpec } from '../../src/api/myapp.ts'
import { validate } from '../../src/api/validate.ts'
import type { App } from '../../src/myapp/app.ts'
import { childKinds } from '../../src/myapp/children/index.ts'

/** The spec of the child of a kind; undefined if the MyApp has no such child. */
function child(kind: string, spec: Partial<MyAppSpec>, more: Partial<App> = {}) {
  const found = childKinds.find((one) => one.kind === kind)
  const [child] =
    found?.desired({
      name: 'shop',
      namespace: 'default',
      spec: { image: 'nginx', ...spec },
      ...more,
    }) ?? []
  return child?.spec as Record<string, unknown> | undefined
}

const servicePort = (name: string, port: number, more: object = {}) => ({
  name,
  port,
  targetPort: port,
  protocol: 'TCP',
  ...more,
})
const h2c = { appProtocol: 'kubernetes.io/h2c' }

const services: Array<[when: string, spec: Partial<MyAppSpec>, ports: object[] | undefined]> = [
  ['no field is set', {}, [servicePort('http', 8080)]],
  [
    'servicePort differs from port',
    { servicePort: 80 },
    [servicePort('http', 80, { targetPort: 8080 })],
  ],
  ['the main port is HTTP2', { protocol: 'HTTP2' }, [servicePort('http2', 8080, h2c)]],
  ['the main port is GRPC', { protocol: 'GRPC' }, [servicePort('grpc', 8080, h2c)]],
  ['the main port is TLS', { protocol: 'TLS' }, [servicePort('tls', 8080)]],
  ['the main port is TCP', { protocol: 'TCP' }, [servicePort('tcp', 8080)]],
  ['the main port is UDP', { protocol: 'UDP' }, [servicePort('udp', 8080, { protocol: 'UDP' })]],
  [
    'the app has additional ports',
    {
      ports: [
        { name: 'admin', port: 1 },
        { name: 'hidden', port: 2, expose: false },
        { name: 'mqtt', port: 3, servicePort: 30, protocol: 'TCP' },
        { name: 'tcp-mqtt', port: 4, protocol: 'TCP' },
        { name: 'dns', port: 5, protocol: 'UDP' },
      ],
      metrics: { port: 9090 },
    },
    [
      servicePort('http', 8080),
      servicePort('admin', 1),
      servicePort('mqtt', 30, { targetPort: 3, appProtocol: 'tcp' }),
      servicePort('tcp-mqtt', 4),
      servicePort('dns', 5, { protocol: 'UDP' }),
    ],
  ],
  ['the app has no main port', { expose: false, ports: [{ name: 'admin', port: 1 }] }, undefined],
]
for (const [when, spec, ports] of services) {
  t.test(`renders the ports of the Service when ${when}`, async (t) => {
    t.strictSame(child('Service', spec)?.['ports'], ports)
  })
}

interface Container {
  ports?: object[]
  [field: string]: unknown
}
const container = (spec: Partial<MyAppSpec>) => {
  const { template } = child('Deployment', spec) as {
    template: { spec: { containers: [Container] } }
  }
  return template.spec.containers[0]
}
const containerPort = (name: string, containerPort: number, protocol = 'TCP') => ({
  name,
  containerPort,
  protocol,
})

t.test('the container declares every port once', async (t) => {
  const ports = [
    { name: 'admin', port: 1, expose: false },
    { name: 'dns', port: 2, protocol: 'UDP' as const },
  ]
  const declared = [
    containerPort('http', 8080),
    containerPort('admin', 1),
    containerPort('dns', 2, 'UDP'),
  ]
  const metrics = (port?: number | string) =>
    container({ ports, metrics: port === undefined ? {} : { port } }).ports
  t.strictSame(container({ ports }).ports, declared)
  for (const port of [undefined, 8080, 'http', 1, 'admin']) t.strictSame(metrics(port), declared)
  t.strictSame(metrics(9090), [...declared, containerPort('metrics', 9090)])
  t.strictSame(container({ expose: false, metrics: { port: 9090 } }).ports, [
    containerPort('metrics', 9090),
  ])
  t.equal(container({ expose: false }).ports, undefined)
})

t.test('probes find ports by number and by name', async (t) => {
  const ports = [{ name: 'admin', port: 9000, expose: false }]
  const probe = (handler: string, port?: number | string) => {
    const probes = { liveness: { [handler]: port === undefined ? {} : { port } } }
    const liveness = container({ ports, probes })['livenessProbe'] as Record<string, object>
    return (liveness[handler] as { port: number }).port
  }
  for (const handler of ['httpGet', 'tcpSocket', 'grpc']) {
    t.equal(probe(handler), 8080)
    t.equal(probe(handler, 'http'), 8080)
    t.equal(probe(handler, 'admin'), 9000)
    t.equal(probe(handler, 7), 7)
  }
  t.strictSame(container({ protocol: 'GRPC' })['readinessProbe'], { tcpSocket: { port: 8080 } })
  t.equal(container({ protocol: 'UDP' })['readinessProbe'], undefined)
})

t.test('an Ingress has all hosts and paths, with one certificate', async (t) => {
  const ports = [{ name: 'admin', port: 9000 }]
  const ingress = (ingress: NonNullable<MyAppSpec['ingress']>) =>
    child('Ingress', { ports, ingress })
  const path = (path: string, name: string, pathType = 'Prefix') => ({
    path,
    pathType,
    backend: { service: { name: 'shop', port: { name } } },
  })
  const hosts = { host: 'a', hosts: ['b', 'a'], tlsSecretName: 'c' }
  const paths = [{ path: '/x', pathType: 'Exact' as const, port: 'admin' }, { path: '/y' }]
  const more = [path('/x', 'admin', 'Exact'), path('/y', 'http')]
  t.strictSame(ingress({}), { rules: [{ http: { paths: [path('/', 'http')] } }] })
  t.strictSame(ingress({ ...hosts, path: '/', port: 'admin', paths }), {
    tls: [{ hosts: ['a', 'b'], secretName: 'c' }],
    rules: ['a', 'b'].map((host) => ({ host, http: { paths: [path('/', 'admin'), ...more] } })),
  })
  t.strictSame(ingress({ hosts: ['b'], paths })?.['rules'], [{ host: 'b', http: { paths: more } }])
})

t.test('an HTTPRoute leads to a port of the Service', async (t) => {
  const backendPort = (spec: Partial<MyAppSpec>, port?: string) => {
    const gateway = { parentRefs: [{ name: 'a' }], ...(port !== undefined && { port }) }
    const { rules } = child('HTTPRoute', { ...spec, gateway }) as {
      rules: [{ backendRefs: [{ port: number }] }]
    }
    return rules[0].backendRefs[0].port
  }
  const ports = [{ name: 'admin', port: 9000, servicePort: 90 }]
  t.equal(backendPort({}), 8080)
  t.equal(backendPort({ servicePort: 80, ports }), 80)
  t.equal(backendPort({ servicePort: 80, ports }, 'http'), 80)
  t.equal(backendPort({ servicePort: 80, ports }, 'admin'), 90)
})

const inNamespace = (name: string) => ({
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } },
})
const tcp = (port: number, more: object = {}) => ({ port, ...more, protocol: 'TCP' })

t.test(
  'a NetworkPolicy opens the ports of the Service, and the ports that a peer names',
  async (t) => {
    const ports = [
      { name: 'admin', port: 9000, expose: false },
      { name: 'dns', port: 53, protocol: 'UDP' as const },
    ]
    const policy = (
      from: NonNullable<MyAppSpec['networkPolicy']>['from'],
      more: Partial<App> = {},
      spec: Partial<MyAppSpec> = {},
    ) => child('NetworkPolicy', { ports, networkPolicy: { from }, ...spec } as MyAppSpec, more)
    const exposed = [tcp(8080), { port: 53, protocol: 'UDP' }]
    const pods = { podSelector: { matchLabels: { a: 'b' } } }
    t.strictSame(
      policy([
        { podLabels: { a: 'b' }, namespace: 'c' },
        { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'], ports: ['dns', 9000, 7] },
        { namespace: 'd' },
      ])?.['ingress'],
      [
        { from: [{ ...inNamespace('c'), ...pods }, inNamespace('d')], ports: exposed },
        {
          from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }],
          ports: [{ port: 53, protocol: 'UDP' }, tcp(9000), tcp(7)],
        },
      ],
    )
    const metrics = { metrics: { port: 'admin' } }
    const monitored = (namespace: string) => [
      { from: [inNamespace(namespace)], ports: [tcp(9000)] },
    ]
    t.strictSame(policy([], {}, metrics)?.['ingress'], monitored('monitoring'))
    t.strictSame(
      policy([], { monitoringNamespace: 'prometheus' }, metrics)?.['ingress'],
      monitored('prometheus'),
    )
    t.equal(policy([])?.['ingress'], undefined, 'no peer may connect')
    t.strictSame(
      policy([{ namespace: 'd' }], {}, { expose: false })?.['ingress'],
      [{ from: [inNamespace('d')], ports: [tcp(9000), { port: 53, protocol: 'UDP' }] }],
      'all ports of an app without a Service',
    )
  },
)

t.test('a NetworkPolicy allows an app to connect to pods, networks and DNS', async (t) => {
  const dns = {
    ports: [53, 5353].flatMap((port) => [
      { port, protocol: 'UDP' },
      { port, protocol: 'TCP' },
    ]),
  }
  const egress = (to: NonNullable<MyAppSpec['networkPolicy']>['to']) =>
    child('NetworkPolicy', { networkPolicy: { to } } as MyAppSpec)?.['egress']
  t.strictSame(egress([]), [dns])
  t.strictSame(
    egress([
      { podLabels: { a: 'b' }, ports: [{ port: 5432 }] },
      { namespace: 'c' },
      { cidr: '10.0.0.0/8', ports: [{ port: 1, endPort: 2, protocol: 'UDP' }] },
    ]),
    [
      { to: [inNamespace('c')] },
      { to: [{ podSelector: { matchLabels: { a: 'b' } } }], ports: [tcp(5432)] },
      {
        to: [{ ipBlock: { cidr: '10.0.0.0/8' } }],
        ports: [{ port: 1, endPort: 2, protocol: 'UDP' }],
      },
      dns,
    ],
  )
})

type Destinations = NonNullable<NonNullable<MyAppSpec['networkPolicy']>['to']>
const destinations: Array<[what: string, to: Destinations]> = [
  ['nothing', []],
  ['an app', [{ app: 'db' }]],
  ['a network without the DNS server', [{ cidr: '192.0.2.0/24' }]],
  ['every address but that of the DNS server', [{ cidr: '0.0.0.0/0', except: ['10.96.0.0/16'] }]],
  ['a port of a network', [{ cidr: '192.0.2.0/24', ports: [{ port: 443 }] }]],
  ['a namespace without DNS', [{ namespace: 'data' }]],
]
for (const [what, to] of destinations) {
  t.test(`an app that may connect to ${what} can query a DNS server at any address`, async (t) => {
    const policy = child('NetworkPolicy', { networkPolicy: { to } })
    t.strictSame(policy?.['policyTypes'], ['Egress'])
    // A rule without peers allows every address: of a Service, a pod, or a DNS cache on the node.
    const anywhere = ((policy?.['egress'] ?? []) as V1NetworkPolicyEgressRule[])
      .filter(({ to }) => to === undefined)
      .flatMap(({ ports = [] }) => ports.map(({ port, protocol }) => `${protocol} ${port}`))
    t.strictSame(anywhere.sort(), ['TCP 53', 'TCP 5353', 'UDP 53', 'UDP 5353'])
  })
}

t.test('an app without networkPolicy.to may connect to every address', async (t) => {
  const policy = child('NetworkPolicy', { networkPolicy: { from: [{ namespace: 'web' }] } })
  t.strictSame(policy?.['policyTypes'], ['Ingress'])
  t.equal(policy?.['egress'], undefined)
  t.equal(child('NetworkPolicy', {}), undefined)
})

t.test('refuses a network with host bits, and an exception outside the network', async (t) => {
  const problems = (cidr: string, ...except: string[]) =>
    validate({
      metadata: { name: 'shop' },
      spec: {
        image: 'nginx',
        networkPolicy: { to: [{ cidr, ...(except.length > 0 && { except }) }] },
      },
    }).map(({ field, message }) => `${field}: ${message}`)
  const peer = 'spec.networkPolicy.to[0]'
  const hostBits = 'must be the first address of the network, without bits beyond the prefix'
  const outside = 'must be a smaller network within cidr'
  t.strictSame(problems('10.0.0.0/8', '10.255.0.0/16', '10.0.0.0/9'), [])
  t.strictSame(problems('0.0.0.0/0', '0.0.0.0/1'), [])
  t.strictSame(problems('::/0', '2001:db8::/32'), [])
  t.strictSame(problems('2001:db8::/32', '2001:db8:1::/48'), [])
  t.strictSame(problems('10.0.0.1/8'), [`${peer}.cidr: ${hostBits}`])
  t.strictSame(problems('2001:db8::1/64'), [`${peer}.cidr: ${hostBits}`])
  t.strictSame(problems('10.0.0.0/8', '10.0.0.1/16'), [`${peer}.except[0]: ${hostBits}`])
  for (const except of ['11.0.0.0/16', '10.0.0.0/8', '0.0.0.0/0', '2001:db8::/32']) {
    t.strictSame(problems('10.0.0.0/8', except), [`${peer}.except[0]: ${outside}`], except)
  }
})
