import t from 'tap'
import type { HookRequest } from '../../src/myapp/request.ts'
import { routeProblems } from '../../src/myapp/status/routing.ts'
import { sync } from '../../src/myapp/sync.ts'
import type { Anything } from '../support/fixtures/anything.ts'
import { recorded } from '../support/fixtures/recorded.ts'
import { context } from '../support/fixtures/context.ts'

const group = 'HTTPRoute.gateway.networking.k8s.io/v1'
const sentence =
  'spec.gateway needs HTTPRoutes, which are not enabled here: install the gateway component ' +
  'of the operator, or use spec.ingress'

interface Answer {
  name?: string
  namespace?: string
  sectionName?: string
  conditions?: object[]
}

/** demo-app with two Gateways, and the status that they report on its HTTPRoute. */
function withGateways(...answers: Answer[]): HookRequest {
  const request = recorded('sync-running')
  Object.assign(request.parent.spec as object, {
    gateway: {
      parentRefs: [{ name: 'public' }, { name: 'inner', namespace: 'infra', sectionName: 'https' }],
      hostnames: ['shop.example.com', '*.example.com'],
    },
  })
  const parents = answers.map(({ conditions, ...parentRef }) => ({
    parentRef,
    ...(conditions && { conditions }),
  }))
  place(request, group, { parents })
  return request
}

/** Places the desired child of a group among the observed ones, with the given status. */
function place(request: HookRequest, group: string, status: object): Anything {
  const children = request.children as Record<string, object>
  children[group] = {}
  const desired =
    sync(request, context).children.find(
      ({ apiVersion, kind }) => `${kind}.${apiVersion}` === group,
    ) ?? t.bailout(`no desired child in ${group}`)
  const child = structuredClone({
    ...desired,
    metadata: { ...desired?.metadata, uid: 'r', generation: 2 },
    status,
  })
  children[group] = { 'default/demo-app': child }
  return child
}

const condition = (type: string, status: string, more: object = {}) => ({
  type,
  status,
  reason: 'Reported',
  message: '',
  observedGeneration: 2,
  lastTransitionTime: '2026-11-23T12:17:32Z',
  ...more,
})
const taken = [condition('Accepted', 'True'), condition('ResolvedRefs', 'True')]
const inner = { name: 'inner', namespace: 'infra', sectionName: 'https', conditions: taken }
const routed = (request: HookRequest) => {
  const { conditions = [], urls } = sync(request, context).status
  const { status, reason, message } = conditions.find(({ type }) => type === 'Routed') ?? {}
  return { status, reason, message, urls }
}
const waiting = (message: string) => ({
  status: 'False',
  reason: 'RouteNotReady',
  message,
  urls: undefined,
})

t.test('Routed is True with URLs once every Gateway accepts the HTTPRoute', async (t) => {
  t.strictSame(routed(withGateways({ name: 'public', conditions: taken }, inner)), {
    status: 'True',
    reason: 'RouteAccepted',
    message: 'Traffic from outside is routed to the Service',
    urls: ['https://shop.example.com/'],
  })
  const unsure = [condition('Accepted', 'True', { observedGeneration: undefined })]
  t.match(
    routed(withGateways({ name: 'public', conditions: unsure }, inner)),
    { status: 'True' },
    'observedGeneration of a controller is optional',
  )
  t.match(
    routed(
      withGateways(
        { name: 'public', conditions: [condition('Accepted', 'False')] },
        { name: 'public', conditions: taken },
        inner,
      ),
    ),
    { status: 'True' },
    'one controller of a Gateway is enough',
  )
})

t.test('Routed reports why a Gateway does not accept the HTTPRoute', async (t) => {
  const unseen = 'has not reported on the current HTTPRoute'
  t.strictSame(routed(withGateways()), waiting(`Gateway public ${unseen}; Gateway inner ${unseen}`))
  t.strictSame(
    routed(
      withGateways(
        { name: 'public', conditions: [condition('Accepted', 'True', { observedGeneration: 1 })] },
        inner,
      ),
    ),
    waiting(`Gateway public ${unseen}`),
  )
  t.strictSame(routed(withGateways({ name: 'public' }, inner)), waiting(`Gateway public ${unseen}`))
  t.strictSame(
    routed(withGateways({ name: 'public', conditions: taken }, { ...inner, sectionName: 'http' })),
    waiting(`Gateway inner ${unseen}`),
  )
  t.strictSame(
    routed(
      withGateways(
        {
          name: 'public',
          conditions: [
            condition('Accepted', 'False', { message: 'no listener has this host name' }),
          ],
        },
        inner,
      ),
    ),
    waiting('Gateway public does not accept the HTTPRoute: no listener has this host name'),
  )
  t.strictSame(
    routed(
      withGateways(
        {
          name: 'public',
          conditions: [
            condition('Accepted', 'True'),
            condition('ResolvedRefs', 'False', { reason: 'BackendNotFound' }),
          ],
        },
        inner,
      ),
    ),
    waiting('Gateway public cannot resolve references of the HTTPRoute: BackendNotFound'),
  )
  t.equal(
    routed(
      withGateways(
        {
          name: 'public',
          conditions: [condition('Accepted', 'False', { message: 'x'.repeat(30_000) })],
        },
        inner,
      ),
    ).message?.length,
    1024 + 'Gateway public does not accept the HTTPRoute: '.length,
  )
})

t.test(
  'Routed is False while the HTTPRoute is missing or stale, with the URLs of the stale one',
  async (t) => {
    const request = withGateways({ name: 'public', conditions: taken }, inner)
    Object.assign((request.parent.spec as Anything).gateway, { hostnames: ['new.example.com'] })
    t.strictSame(routed(request), {
      ...waiting('the HTTPRoute does not match the spec yet'),
      urls: ['https://shop.example.com/'],
    })
    t.match(sync(request, context).status, {
      phase: 'Pending',
      message: 'Updating HTTPRoute demo-app to match the spec',
    })
    Object.assign(request.children, { [group]: {} })
    t.strictSame(routed(request), waiting('the HTTPRoute does not exist yet'))
  },
)

const ingressGroup = 'Ingress.networking.k8s.io/v1'

/** demo-app with an Ingress that has an address, after a change of the spec or the Ingress. */
function admitted(
  ingress: object,
  change: (spec: Anything, child: Anything) => void = () => {},
  address: object = { ip: '192.0.2.1' },
): HookRequest {
  const request = recorded('sync-running')
  const spec = Object.assign(request.parent.spec as object, { ingress })
  const child = place(request, ingressGroup, { loadBalancer: { ingress: [address] } })
  change(spec, child)
  return request
}
const open = (url: string) => ({
  status: 'True',
  reason: 'RouteAccepted',
  message: 'Traffic from outside is routed to the Service',
  urls: [url],
})
const differs = (url: string) => ({
  ...waiting('the Ingress does not match the spec yet'),
  urls: [url],
})
const shop = { host: 'shop.example.com', annotations: { a: 'b' } }

t.test('status.urls has the URLs of the observed Ingress, not of the spec', async (t) => {
  t.strictSame(routed(admitted(shop)), open('http://shop.example.com/'))
  t.strictSame(
    routed(admitted({ ...shop, tlsSecretName: 'tls', path: '/shop' })),
    open('https://shop.example.com/shop'),
  )
  t.strictSame(routed(admitted({ tlsSecretName: 'tls' })), open('https://192.0.2.1/'))
  t.strictSame(
    routed(admitted({}, undefined, { hostname: 'lb.example.com' })),
    open('http://lb.example.com/'),
  )
  t.strictSame(
    routed(admitted({}, undefined, { ip: '2001:db8::1' })),
    open('http://[2001:db8::1]/'),
  )
  t.strictSame(
    routed(
      admitted(shop, (spec) => {
        spec.ingress = { host: 'new.example.com', tlsSecretName: 'tls', path: '/new' }
      }),
    ),
    differs('http://shop.example.com/'),
  )
  t.strictSame(
    routed(
      admitted(shop, (spec) =>
        Object.assign(spec, {
          paused: true,
          ingress: { host: 'new.example.com', tlsSecretName: 'tls' },
        }),
      ),
    ),
    differs('http://shop.example.com/'),
    'a paused MyApp also reports the difference',
  )
  t.strictSame(
    routed(
      admitted({ ...shop, tlsSecretName: 'tls' }, (_spec, child) => {
        child.spec.tls[0].hosts = ['other.example.com']
      }),
    ),
    differs('http://shop.example.com/'),
  )
  t.strictSame(
    routed(
      admitted(shop, (spec) => {
        spec.image = ''
      }),
    ),
    open('http://shop.example.com/'),
    'an invalid spec keeps the observed URLs',
  )
  t.strictSame(
    routed(admitted(shop, (spec) => Object.assign(spec, { paused: true, ingress: undefined }))),
    open('http://shop.example.com/'),
    'a paused MyApp keeps the observed URLs',
  )
})

t.test('a MyApp is Running only once its Ingress matches the spec or is gone', async (t) => {
  const message = (request: HookRequest) => {
    const { phase, message } = sync(request, context).status
    return `${phase}: ${message}`
  }
  const applied = (child: Anything) => {
    child.metadata.annotations['metacontroller.k8s.io/last-applied-configuration'] = JSON.stringify(
      { ...child, status: undefined },
    )
  }
  const updating = 'Pending: Updating Ingress demo-app to match the spec'
  t.equal(
    message(admitted(shop, (_spec, child) => applied(child))),
    'Running: 3 of 3 replicas are available',
  )
  t.equal(
    message(
      admitted(shop, (spec) => {
        spec.ingress = { host: 'new.example.com' }
      }),
    ),
    `${updating}: spec.rules[0].host`,
  )
  t.equal(
    message(
      admitted({ ...shop, tlsSecretName: 'tls' }, (spec, child) => {
        applied(child)
        spec.ingress = shop
      }),
    ),
    updating,
    'the Ingress still has a field to remove',
  )
  t.equal(
    message(
      admitted(shop, (spec, child) => {
        applied(child)
        spec.ingress = { ...shop, annotations: { a: 'c' } }
      }),
    ),
    updating,
  )
  t.equal(
    message(
      admitted(shop, (spec, child) => {
        applied(child)
        spec.ingress = { host: shop.host }
      }),
    ),
    updating,
  )
  t.equal(
    message(
      admitted(shop, (_spec, child) => {
        applied(child)
        child.metadata.annotations.theirs = 'x'
      }),
    ),
    'Running: 3 of 3 replicas are available',
  )
  t.equal(
    message(
      admitted(shop, (spec) => {
        spec.ingress = undefined
      }),
    ),
    'Pending: Deleting Ingress demo-app, which the spec no longer requests',
  )
})

t.test('status.address is the address of the observed Service', async (t) => {
  const address = (spec: object, ports?: object[]) => {
    const request = recorded('sync-running')
    Object.assign(request.parent.spec as object, spec)
    const [service] = Object.values(request.children['Service.v1'])
    if (ports !== undefined) Object.assign(service?.spec ?? {}, { ports })
    return sync(request, context).status.address
  }
  const there = 'http://demo-app.default.svc:80'
  t.equal(address({ port: 9090, paused: true }), there)
  t.equal(address({ port: 9090 }), there)
  t.equal(address({ expose: false, paused: true }), there)
  t.equal(address({ image: '' }), there)
  t.equal(
    address({}, [
      { name: 'admin', port: 1 },
      { name: 'http', port: 2 },
    ]),
    'http://demo-app.default.svc:2',
  )
  t.equal(address({}, []), undefined)
})

t.test('without the component gateway Routed is False, and no HTTPRoute is created', async (t) => {
  const request = withGateways()
  Reflect.deleteProperty(request.children, group)
  t.strictSame(routed(request), {
    status: 'False',
    reason: 'GatewayNotEnabled',
    message: sentence,
    urls: undefined,
  })
  t.match(sync(request, context).status, { phase: 'Failed', message: sentence })
  t.notOk(sync(request, context).children.some(({ kind }) => kind === 'HTTPRoute'))
  t.equal(
    sync(request, context).status.conditions?.find(({ type }) => type === 'Available')?.status,
    'True',
    'the app runs',
  )
})

t.test('the URLs and problems of children that a tenant edited fit into the status', async (t) => {
  const path = `/${'x'.repeat(100_000)}`
  const host = (index: number) => `h${index}.example.com`
  const numbers = Array.from({ length: 100 }, (_, index) => index)
  const request = admitted(shop)
  const edited = (request.children as Anything)['Ingress.networking.k8s.io/v1']['default/demo-app']
  edited.spec.rules = numbers.map((index) => ({
    host: host(index),
    http: { paths: [{ path }, { path: '/a' }] },
  }))
  t.strictSame(
    sync(request, context).status.urls,
    numbers.slice(0, 32).map((index) => `http://${host(index)}/a`),
  )
  const message = 'x'.repeat(1000)
  const refused = { conditions: [condition('Accepted', 'False', { message })] }
  const routeRequest = withGateways({ name: 'public', ...refused })
  const route = (routeRequest.children as Anything)[group]['default/demo-app']
  route.spec.parentRefs = numbers.map(() => ({ name: 'public' }))
  t.equal(routeProblems(routeRequest).length, 1, 'reports equal problems once')
  route.spec.parentRefs = numbers.map((index) => ({ name: `g${index}` }))
  t.equal(routeProblems(routeRequest).length, 32)
})

t.test('lists only URLs that certainly work', async (t) => {
  const urls = (ingress: object, annotations: Record<string, string> = {}) =>
    sync(admitted({ ...shop, annotations, ...ingress }), context).status.urls
  const path = (path: string, pathType = 'ImplementationSpecific') => urls({ path, pathType })
  const at = (path: string) => [`http://shop.example.com${path}`]
  t.strictSame(path('/api(/|$)(.*)'), at('/api'))
  t.strictSame(path('/*'), at('/'))
  t.strictSame(path('/api/*'), at('/api/'))
  t.strictSame(path('/api/.*'), at('/api/'))
  t.strictSame(path('/v1.0/a-b_c~d', 'Exact'), at('/v1.0/a-b_c~d'))
  for (const pattern of ['/api/v[0-9]+', '/(a|b)/c', '/a b', '/a?b']) {
    t.equal(path(pattern), undefined, pattern)
  }

  const listen = 'alb.ingress.kubernetes.io/listen-ports'
  const certificate = { 'alb.ingress.kubernetes.io/certificate-arn': 'arn:aws:acm:x' }
  const https = ['https://shop.example.com/']
  t.strictSame(urls({ path: '/*' }, { [listen]: '[{"HTTPS":443}]', ...certificate }), https)
  t.strictSame(urls({}, { [listen]: '[{"HTTP":80},{"HTTPS":443}]' }), https)
  t.strictSame(urls({}, { [listen]: '[{"HTTPS":8443}]' }), ['https://shop.example.com:8443/'])
  t.strictSame(urls({}, { [listen]: '[{"HTTP":8080}]' }), ['http://shop.example.com:8080/'])
  for (const value of ['', 'HTTPS', '[null]', '{}', '[{"HTTPS":"443"}]', `[${' '.repeat(5000)}]`]) {
    t.equal(urls({}, { [listen]: value }), undefined, value.slice(0, 20))
  }
  t.strictSame(urls({}, certificate), https)
  t.strictSame(urls({}, { 'networking.gke.io/managed-certificates': 'shop' }), https)
  t.strictSame(urls({}, { 'kubernetes.io/ingress.allow-http': 'false' }), https)
  t.strictSame(urls({}, { 'kubernetes.io/ingress.allow-http': 'true' }), at('/'))
})

t.test('lists a URL of a Gateway only if a section name or port shows its scheme', async (t) => {
  const urls = (parentRef: { sectionName?: string; port?: number }) => {
    const request = recorded('sync-running')
    Object.assign(request.parent.spec as object, {
      gateway: { parentRefs: [{ name: 'public' }], hostnames: ['shop.example.com'] },
    })
    const child = place(request, group, {})
    child.status = { parents: [{ parentRef: { name: 'public', ...parentRef }, conditions: taken }] }
    child.spec.parentRefs[0] = { ...child.spec.parentRefs[0], ...parentRef }
    return sync(request, context).status.urls
  }
  t.equal(urls({}), undefined)
  t.equal(urls({ sectionName: 'public' }), undefined)
  t.equal(urls({ port: 8080 }), undefined)
  t.strictSame(urls({ sectionName: 'https' }), ['https://shop.example.com/'])
  t.strictSame(urls({ sectionName: 'tls-shop' }), ['https://shop.example.com/'])
  t.strictSame(urls({ sectionName: 'http' }), ['http://shop.example.com/'])
  t.strictSame(urls({ port: 443 }), ['https://shop.example.com/'])
  t.strictSame(urls({ port: 80 }), ['http://shop.example.com/'])
  t.strictSame(urls({ sectionName: 'https', port: 8443 }), ['https://shop.example.com:8443/'])
})

t.test('status.address has the scheme of the protocol, or no scheme', async (t) => {
  const address = (port: object, probes: object = {}) => {
    const request = recorded('sync-running')
    const [service] = Object.values(request.children['Service.v1'])
    const [deployment] = Object.values(request.children['Deployment.apps/v1'])
    Object.assign(service?.spec ?? {}, {
      ports: [{ name: 'http', port: 80, targetPort: 80, ...port }],
    })
    Object.assign(deployment?.spec.template.spec.containers[0] ?? {}, probes)
    return sync(request, context).status.address
  }
  const host = 'demo-app.default.svc:80'
  t.equal(address({}), `http://${host}`)
  t.equal(address({}, { readinessProbe: { grpc: { port: 80 } } }), host)
  t.equal(address({}, { livenessProbe: { grpc: { port: 9090 } } }), `http://${host}`)
  t.equal(
    address({}, { readinessProbe: { httpGet: { port: 80, scheme: 'HTTPS' } } }),
    `https://${host}`,
  )
  t.equal(address({ appProtocol: 'kubernetes.io/h2c' }), `http://${host}`)
  t.equal(address({ appProtocol: 'https' }), `https://${host}`)
  t.equal(address({ appProtocol: 'grpc' }), host)
  t.equal(address({ appProtocol: 'constructor' }), host)
  t.equal(address({ name: 'tcp' }), host)
})

t.test('status.address has the main port', async (t) => {
  const address = (spec: object, ports: object[]) => {
    const request = recorded('sync-running')
    Object.assign(request.parent.spec as object, spec)
    const [service] = Object.values(request.children['Service.v1'])
    Object.assign(service?.spec ?? {}, { ports })
    return sync(request, context).status.address
  }
  const grpc = { name: 'grpc', port: 9999, appProtocol: 'kubernetes.io/h2c' }
  const http = { name: 'http', port: 80 }
  const host = 'demo-app.default.svc'
  t.equal(address({}, [grpc, http]), `http://${host}:80`)
  t.equal(address({ protocol: 'GRPC' }, [http, grpc]), `${host}:9999`)
  t.equal(address({ protocol: 'GRPC' }, [http]), `http://${host}:80`, 'the observed Service')
  t.equal(address({ protocol: 'TLS' }, [{ name: 'tls', port: 443 }]), `${host}:443`)
  t.equal(address({ protocol: 'UDP' }, [{ name: 'udp', port: 53 }]), `${host}:53`)
})

t.test('without the component pod-monitors the app runs and Monitored is False', async (t) => {
  const request = recorded('sync-running')
  Object.assign(request.parent.spec as object, { metrics: { port: 'http' } })
  const monitored = () =>
    sync(request, context).status.conditions?.find(({ type }) => type === 'Monitored')
  t.match(monitored(), { status: 'False', reason: 'MonitoringNotEnabled' })
  t.match(sync(request, context).status, { phase: 'Running' })
  t.notOk(sync(request, context).children.some(({ kind }) => kind === 'PodMonitor'))
  Object.assign(request.children, { 'PodMonitor.monitoring.coreos.com/v1': {} })
  t.match(monitored(), { status: 'False', reason: 'MonitorNotReady' })
  t.match(
    sync(request, context).children.find(({ kind }) => kind === 'PodMonitor'),
    { spec: { podMetricsEndpoints: [{ port: 'http', path: '/metrics' }] } },
  )
})
