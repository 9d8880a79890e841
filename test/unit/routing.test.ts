import t from 'tap'
import type { HookRequest } from '../../src/myapp/request.ts'
import { sync } from '../../src/myapp/sync.ts'
import { recorded } from '../fixtures/recorded.ts'

const group = 'HTTPRoute.gateway.networking.k8s.io/v1'
const sentence = 'spec.gateway needs HTTPRoutes, which are not enabled here: install the gateway component of the operator, or use spec.ingress'

interface Answer { name?: string, namespace?: string, sectionName?: string, conditions?: object[] }

/** demo-app with two Gateways, and what these have said of its HTTPRoute. */
function asked (...answers: Answer[]): HookRequest {
  const request = recorded('sync-running')
  Object.assign(request.parent.spec as object, { gateway: { parentRefs: [{ name: 'public' }, { name: 'inner', namespace: 'infra', sectionName: 'https' }], hostnames: ['shop.example.com', '*.example.com'] } })
  const parents = answers.map(({ conditions, ...parentRef }) => ({ parentRef, ...conditions && { conditions } }))
  const metadata = { name: 'demo-app', namespace: 'default', uid: 'r', generation: 2 }
  Object.assign(request.children, { [group]: { 'default/demo-app': { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata, status: { parents } } } })
  return request
}

const condition = (type: string, status: string, more: object = {}) => ({ type, status, reason: 'Told', message: '', observedGeneration: 2, lastTransitionTime: '2026-11-23T12:17:32Z', ...more })
const taken = [condition('Accepted', 'True'), condition('ResolvedRefs', 'True')]
const inner = { name: 'inner', namespace: 'infra', sectionName: 'https', conditions: taken }
const routed = (request: HookRequest) => {
  const { conditions = [], urls } = sync(request).status
  const { status, reason, message } = conditions.find(({ type }) => type === 'Routed') ?? {}
  return { status, reason, message, urls }
}
const waiting = (message: string) => ({ status: 'False', reason: 'RouteNotReady', message, urls: undefined })

t.test('Routed once every Gateway takes the HTTPRoute, and the URLs with it', async (t) => {
  t.strictSame(routed(asked({ name: 'public', conditions: taken }, inner)), { status: 'True', reason: 'RouteAccepted', message: 'Traffic from outside is led to the Service', urls: ['http://shop.example.com/'] })
  const unsure = [condition('Accepted', 'True', { observedGeneration: undefined })]
  t.match(routed(asked({ name: 'public', conditions: unsure }, inner)), { status: 'True' }, 'a controller need not say which generation it saw')
  t.match(routed(asked({ name: 'public', conditions: [condition('Accepted', 'False')] }, { name: 'public', conditions: taken }, inner)), { status: 'True' }, 'one of its controllers is enough')
})

t.test('until then Routed says what each Gateway has against it', async (t) => {
  const unseen = 'has not seen the HTTPRoute as it is now'
  t.strictSame(routed(asked()), waiting(`Gateway public ${unseen}; Gateway inner ${unseen}`))
  t.strictSame(routed(asked({ name: 'public', conditions: [condition('Accepted', 'True', { observedGeneration: 1 })] }, inner)), waiting(`Gateway public ${unseen}`))
  t.strictSame(routed(asked({ name: 'public' }, inner)), waiting(`Gateway public ${unseen}`))
  t.strictSame(routed(asked({ name: 'public', conditions: taken }, { ...inner, sectionName: 'http' })), waiting(`Gateway inner ${unseen}`))
  t.strictSame(routed(asked({ name: 'public', conditions: [condition('Accepted', 'False', { message: 'no listener has this host name' })] }, inner)), waiting('Gateway public does not accept the HTTPRoute: no listener has this host name'))
  t.strictSame(routed(asked({ name: 'public', conditions: [condition('Accepted', 'True'), condition('ResolvedRefs', 'False', { reason: 'BackendNotFound' })] }, inner)), waiting("Gateway public can't follow the HTTPRoute: BackendNotFound"))
  t.equal(routed(asked({ name: 'public', conditions: [condition('Accepted', 'False', { message: 'x'.repeat(30_000) })] }, inner)).message?.length, 1024 + 'Gateway public does not accept the HTTPRoute: '.length)
})

t.test('without the gateway component Routed says so, and nothing is created that nobody would look after', async (t) => {
  const request = asked()
  Reflect.deleteProperty(request.children, group)
  t.strictSame(routed(request), { status: 'False', reason: 'GatewayNotEnabled', message: sentence, urls: undefined })
  t.match(sync(request).status, { phase: 'Failed', message: sentence })
  t.notOk(sync(request).children.some(({ kind }) => kind === 'HTTPRoute'))
  t.equal(sync(request).status.conditions?.find(({ type }) => type === 'Available')?.status, 'True', 'the app runs all the same')
})
