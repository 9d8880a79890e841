import { createServer } from 'node:net'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import type { Anything } from '../fixtures/anything.ts'
import { recorded, recordedCustomize } from '../fixtures/recorded.ts'
import { logRecordsIn, pointsIn, type Span, spansIn } from '../otlp/data.ts'
import { type Hook, startHook } from '../otlp/hook.ts'
import { type Receiver, startReceiver } from '../otlp/receiver.ts'

t.jobs = 4

/** Has what is exported arrive soon, in JSON, and no call be refused because the machine is busy. */
const soon = { MAX_EVENT_LOOP_DELAY_MS: '0', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_BSP_SCHEDULE_DELAY: '50', OTEL_BLRP_SCHEDULE_DELAY: '50', OTEL_METRIC_EXPORT_INTERVAL: '100' }

async function startBoth (t: Test, environment: Record<string, string> = {}): Promise<{ receiver: Receiver, hook: Hook }> {
  const receiver = await startReceiver()
  t.teardown(() => receiver.close())
  const hook = await startHook(t, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, ...soon, ...environment })
  return { receiver, hook }
}

/** The spans of calls, once so many have come. */
const spans = (receiver: Receiver, count: number) => receiver.until((exports) => { const found = spansIn(exports); return found.length >= count && found })

t.test('a call is one SERVER span of instrumentation-fastify, from the built program', async (t) => {
  const { receiver, hook } = await startBoth(t, { POD_RESOURCE_ATTRIBUTES: 'k8s.pod.name=pod-1,k8s.node.name=node-1,service.instance.id=one', OTEL_RESOURCE_ATTRIBUTES: 'k8s.node.name=mine,team=blue', OTEL_METRICS_EXPORTER: 'none' })
  await fetch(`${hook.url}/healthz`)
  await fetch(`${hook.url}/readyz`)
  await hook.post('/nowhere', {})
  await hook.post('/sync', recorded('sync-new'))
  await hook.post('/finalize', recorded('finalize-children-present'))
  await hook.post('/customize', recordedCustomize('customize-new'))
  await hook.terminate()
  const [sync, finalize, customize, ...others] = await spans(receiver, 3)
  t.same(others, [], 'no other span')
  t.match(sync, {
    name: 'POST /sync',
    kind: 2,
    scope: '@opentelemetry/instrumentation-fastify',
    resource: { 'service.name': 'myapp-operator', 'service.version': '0.1.0', 'service.instance.id': 'one', 'k8s.pod.name': 'pod-1', 'k8s.node.name': 'mine', team: 'blue' },
    attributes: {
      'http.request.method': 'POST',
      'http.route': '/sync',
      'http.response.status_code': 200,
      'url.path': '/sync',
      'url.scheme': 'http',
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(hook.url).port),
      'network.protocol.version': '1.1',
      'k8s.namespace.name': 'default',
      'myapp_operator.hook': 'sync',
      'myapp_operator.controller.name': 'myapp',
      'myapp_operator.myapp.name': 'demo-app',
      'myapp_operator.myapp.uid': recorded('sync-new').parent.metadata.uid,
      'myapp_operator.myapp.generation': 1,
      'myapp_operator.phase.after': 'Pending',
      'myapp_operator.reason': 'Creating',
      'myapp_operator.children.observed': 0,
      'myapp_operator.children.desired': 3,
      'myapp_operator.resync': false,
    },
    events: [
      { name: 'resource.create', attributes: { 'myapp_operator.resource.kind': 'Deployment', 'myapp_operator.resource.name': 'demo-app' } },
      { name: 'resource.create', attributes: { 'myapp_operator.resource.kind': 'Service' } },
      { name: 'resource.create', attributes: { 'myapp_operator.resource.kind': 'PodDisruptionBudget' } },
      { name: 'condition.change', attributes: { 'myapp_operator.condition.type': 'Ready', 'myapp_operator.condition.before': 'Unknown', 'myapp_operator.condition.after': 'False' } },
      { name: 'condition.change' },
      { name: 'condition.change' },
      { name: 'condition.change' },
    ],
  })
  t.notOk('myapp_operator.phase.before' in (sync?.attributes ?? {}), 'a new MyApp had no phase')
  t.match(finalize, { name: 'POST /finalize', attributes: { 'myapp_operator.phase.before': 'Running', 'myapp_operator.phase.after': 'Pending', 'myapp_operator.reason': 'Terminating' } })
  t.match(finalize?.events[0], { name: 'resource.delete', attributes: { 'myapp_operator.resource.kind': 'Deployment' } })
  t.match(customize, { name: 'POST /customize', attributes: { 'myapp_operator.hook': 'customize', 'myapp_operator.myapp.name': 'demo-app' } })
})

t.test('a call that fails is an error, recorded without what it held', async (t) => {
  const { receiver, hook } = await startBoth(t, { OTEL_LOGS_EXPORTER: 'otlp' })
  const secret = (request: Anything) => {
    Object.assign(request.parent.spec, { command: ['planted-secret'], args: ['planted-secret'], env: [{ name: 'A', value: 'planted-secret' }], 'planted-secret': 'planted-secret' })
    return request
  }
  await hook.post('/sync', '{"parent":{"spec":{"env":[{"value":"planted-secret"')
  await hook.post('/sync', { ...secret(recorded('sync-running')), children: 'planted-secret' })
  await hook.post('/finalize', secret(recorded('sync-running')))
  const found = await spans(receiver, 3)
  for (const [index, [status, type]] of ([[400, 'FST_ERR_CTP_INVALID_JSON_BODY'], [422, '422'], [422, '422']] as const).entries()) {
    t.match(found[index], {
      status: { code: 2, message: String },
      attributes: { 'http.response.status_code': status, 'error.type': type },
      events: [{ name: 'exception', attributes: { 'exception.type': type, 'exception.message': String } }],
    })
  }
  await receiver.until((exports) => logRecordsIn(exports).filter(({ severity }) => severity === 'WARN').length >= 3)
  t.notMatch(JSON.stringify(receiver.exports), /planted-secret/)
  t.notMatch(JSON.stringify(hook.lines), /planted-secret/)
  const errors = await receiver.until((exports) => {
    const points = pointsIn(exports).filter(({ name }) => name === 'operator.reconcile_errors')
    return points.some(({ attributes }) => attributes['hook'] === 'finalize') && points
  })
  t.match(errors.find(({ attributes }) => attributes['error.type'] === 'FST_ERR_CTP_INVALID_JSON_BODY'), { value: 1, attributes: { hook: 'sync' } })
})

t.test('a call that fails tells what it was about, and a finalize that always fails is seen to be stuck', async (t) => {
  const { receiver, hook } = await startBoth(t)
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const finalize = recorded('finalize-children-present')
  finalize.parent.metadata.annotations = { traceparent }
  const [service] = Object.values(finalize.children['Service.v1'])
  if (service !== undefined) service.metadata.namespace = 'elsewhere'
  await hook.post('/finalize', finalize)
  const sync: Anything = recorded('finalize-children-present')
  sync.parent.metadata.uid = ['planted-value']
  sync.parent.metadata.name = 'planted value'
  await hook.post('/sync', sync)
  const [refused, malformed] = await spans(receiver, 2)
  t.match(refused, {
    name: 'POST /finalize',
    attributes: {
      'error.type': '422',
      'k8s.namespace.name': 'default',
      'myapp_operator.myapp.name': 'demo-app',
      'myapp_operator.myapp.uid': finalize.parent.metadata.uid,
      'myapp_operator.myapp.generation': finalize.parent.metadata.generation,
      'myapp_operator.controller.name': 'myapp',
      'myapp_operator.phase.before': 'Running',
      'myapp_operator.children.observed': 3,
    },
    links: [{ traceId: traceparent.slice(3, 35), spanId: traceparent.slice(36, 52) }],
  })
  t.match(malformed?.attributes, { 'k8s.namespace.name': 'default', 'myapp_operator.controller.name': 'myapp' })
  t.notMatch(JSON.stringify(malformed), /planted/, 'what does not look like a name is not taken')
  const points = await receiver.until((exports) => { const points = pointsIn(exports.slice(-1)); return points.some(({ name, value }) => name === 'operator.deletion_age' && value > 0) && points })
  t.equal(points.find(({ name, attributes }) => name === 'operator.myapps' && attributes['phase'] === 'Running')?.value, 1, 'its phase is the last that was known')
})

t.test('a MyApp with a traceparent is linked to that trace; a bad one is ignored', async (t) => {
  const { receiver, hook } = await startBoth(t)
  for (const traceparent of ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'no traceparent']) {
    const request = recorded('sync-running')
    request.parent.metadata.annotations = { traceparent }
    t.equal((await hook.post('/sync', request)).status, 200)
  }
  const [linked, unlinked] = await spans(receiver, 2)
  t.match(linked?.links, [{ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }])
  t.same(unlinked?.links, [])
  t.not(linked?.traceId, '0af7651916cd43dd8448eb211c80319c')
})

t.test('log lines and log records have the ids of their span', async (t) => {
  const { receiver, hook } = await startBoth(t, { OTEL_LOGS_EXPORTER: 'otlp' })
  await hook.post('/sync', recorded('sync-running'))
  await hook.post('/sync', {})
  const found = await spans(receiver, 2)
  const records = await receiver.until((exports) => { const records = logRecordsIn(exports).filter(({ spanId }) => spanId !== ''); return records.length >= 2 && records })
  for (const [index, span] of found.entries()) {
    await receiver.until(() => hook.lines.some((line) => line['span_id'] === span.spanId))
    const line = hook.lines.find((line) => line['span_id'] === span.spanId)
    t.match(line, { trace_id: span.traceId, trace_flags: '01' })
    t.match(records[index], { traceId: span.traceId, spanId: span.spanId, body: line?.['msg'], severity: ['INFO', 'WARN'][index] })
  }
  t.match(records[0]?.attributes, { hook: 'sync', namespace: 'default', name: 'demo-app' })
})

t.test('metrics by OTLP and for Prometheus are the same', async (t) => {
  const port = await freePort()
  const { receiver, hook } = await startBoth(t, { OTEL_METRICS_EXPORTER: 'otlp,prometheus', OTEL_EXPORTER_PROMETHEUS_PORT: String(port), OTEL_EXPORTER_PROMETHEUS_HOST: '127.0.0.1', OTEL_TRACES_EXPORTER: 'none' })
  for (const name of ['sync-new', 'sync-new', 'sync-running']) await hook.post('/sync', recorded(name))
  await hook.post('/finalize', recorded('finalize-children-present'))
  await hook.post('/customize', recordedCustomize('customize-new'))
  const points = await receiver.until((exports) => { const points = pointsIn(exports.slice(-1)); return points.some(({ name, attributes, value }) => name === 'operator.hook_calls' && attributes['hook'] === 'customize' && value === 1) && points })
  const valueOf = (name: string, attributes: object) => points.find((point) => point.name === name && Object.entries(attributes).every(([key, value]) => point.attributes[key] === value))?.value
  t.equal(valueOf('operator.reconcile_count', { hook: 'sync' }), 3)
  t.equal(valueOf('operator.reconcile_duration', { hook: 'sync' }), 3)
  t.equal(valueOf('operator.hook_calls', { hook: 'finalize', status: 200 }), 1)
  t.equal(valueOf('operator.resource_created', { kind: 'Deployment' }), 1, 'asked for twice, counted once')
  t.equal(valueOf('operator.resource_deleted', { kind: 'Deployment' }), 1)
  t.equal(valueOf('operator.myapps', { phase: 'Pending' }), 1)
  t.ok(Number(valueOf('operator.deletion_age', {})) > 0)
  t.equal(valueOf('http.server.request.duration', { 'http.route': '/sync', 'http.response.status_code': 200, 'http.request.method': 'POST' }), 3)
  const bounds = points.find(({ name }) => name === 'operator.reconcile_duration')?.bounds ?? []
  t.same([bounds[0], bounds.at(-1)], [0.1, 1000])
  for (const name of ['nodejs.eventloop.delay.p99', 'v8js.memory.heap.used', 'v8js.gc.duration']) await receiver.until((exports) => pointsIn(exports).some((point) => point.name === name))
  const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  for (const line of ['operator_reconcile_count_total{hook="sync"} 3', 'operator_hook_calls_total{hook="finalize",status="200"} 1', 'operator_resource_created_total{kind="Service"} 1', 'operator_myapps{phase="Running"} 0', 'operator_reconcile_duration_count{hook="sync"} 3']) {
    t.match(page, `\n${line}\n`)
  }
  t.notMatch(page, /demo-app/, 'no name is a label')
  t.notOk(spansIn(receiver.exports).length, 'OTEL_TRACES_EXPORTER=none')
})

t.test('without an endpoint nothing is exported and nothing said of it', async (t) => {
  const hook = await startHook(t, { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=secret' })
  await hook.post('/sync', recorded('sync-running'))
  await hook.terminate()
  t.same(hook.lines.map(({ msg }) => msg), [hook.lines[0]?.['msg'], 'hook call', 'stopping', 'stopped'])
  t.notOk('trace_id' in (hook.lines[1] ?? {}))
})

const variables: Array<[what: string, environment: Record<string, string>, check: (t: Test, receiver: Receiver, hook: Hook) => Promise<unknown>]> = [
  ['OTEL_SDK_DISABLED', { OTEL_SDK_DISABLED: 'true' }, async (t, receiver, hook) => {
    await hook.terminate()
    t.same(receiver.requests, [])
  }],
  ['OTEL_EXPORTER_OTLP_HEADERS, _TRACES_ENDPOINT and OTEL_SERVICE_NAME', { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20token', OTEL_SERVICE_NAME: 'other' }, async (t, receiver) => {
    const [span] = await spans(receiver, 1)
    t.equal(span?.resource['service.name'], 'other')
    t.equal(receiver.requests.find(({ url }) => url === '/v1/traces')?.headers['authorization'], 'Bearer token')
  }],
  ['OTEL_TRACES_SAMPLER', { OTEL_TRACES_SAMPLER: 'always_off', OTEL_METRICS_EXPORTER: 'none' }, async (t, receiver, hook) => {
    await hook.terminate()
    t.same(receiver.requests, [])
    t.match(hook.lines.find(({ msg }) => msg === 'hook call'), { trace_id: String, trace_flags: '00' })
  }],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }, async (_t, receiver) => {
    await receiver.until(() => receiver.requests.some(({ url, headers }) => url === '/v1/traces' && headers['content-type'] === 'application/x-protobuf'))
  }],
  ['OTEL_EXPORTER_OTLP_COMPRESSION', { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf', OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' }, async (_t, receiver) => {
    await receiver.until(() => receiver.requests.some(({ headers }) => headers['content-encoding'] === 'gzip'))
  }],
  ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE', { OTEL_BSP_SCHEDULE_DELAY: '60000', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1' }, async (t, receiver) => {
    t.equal((await spans(receiver, 1)).length, 1, 'a full batch does not wait')
  }],
  ['OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', { OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '3' }, async (t, receiver) => {
    t.equal(Object.keys((await spans(receiver, 1))[0]?.attributes ?? {}).length, 3)
  }],
  ['OTEL_TRACES_EXPORTER=console', { OTEL_TRACES_EXPORTER: 'console', OTEL_METRICS_EXPORTER: 'none' }, async (t, receiver, hook) => {
    await hook.terminate()
    t.match(hook.lines.filter(({ printed }) => printed !== undefined).map(({ printed }) => printed).join('\n'), /name: 'POST \/sync'/)
    t.same(receiver.requests, [])
  }],
  ['port 4317 with HTTP', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4317', OTEL_METRICS_EXPORTER: 'none' }, async (t, _receiver, hook) => {
    t.equal(hook.lines.filter(({ msg }) => /has port 4317, where collectors speak gRPC/.test(String(msg))).length, 1)
  }],
  ['words in capitals', { OTEL_TRACES_SAMPLER: 'Always_Off', OTEL_PROPAGATORS: 'B3', OTEL_METRICS_EXPORTER: 'none' }, async (t, receiver, hook) => {
    await hook.terminate()
    t.same(receiver.requests, [])
    t.same(hook.lines.filter(({ level }) => Number(level) >= 40), [])
  }],
  ['OTEL_LOG_LEVEL', { OTEL_LOG_LEVEL: 'debug', LOG_LEVEL: 'debug' }, async (t, receiver, hook) => {
    await spans(receiver, 1)
    t.same(hook.lines.filter(({ printed }) => printed !== undefined), [], 'all lines are JSON')
    t.ok(hook.lines.some(({ from, level }) => from === 'opentelemetry' && level === 20))
  }],
  ['a propagator that there is not', { OTEL_PROPAGATORS: 'jaeger' }, async (t, receiver, hook) => {
    t.match(hook.lines.filter(({ from }) => from === 'opentelemetry'), [{ level: 40, msg: /Propagator "jaeger" requested through environment variable is unavailable/ }])
    await spans(receiver, 1)
  }],
  ['a sampler that there is not', { OTEL_TRACES_SAMPLER: 'some' }, async (t, receiver, hook) => {
    t.match(hook.lines.find(({ from }) => from === 'opentelemetry'), { level: 40, msg: /unknown OTEL_TRACES_SAMPLER value "some"/ })
    await spans(receiver, 1)
  }],
]

for (const [what, environment, check] of variables) {
  t.test(what, async (t) => {
    const { receiver, hook } = await startBoth(t, environment)
    t.equal((await hook.post('/sync', recorded('sync-running'))).status, 200)
    await check(t, receiver, hook)
  })
}

t.test('OTEL_PROPAGATORS says which headers name the parent of a span', async (t) => {
  const ids = { traceId: '0af7651916cd43dd8448eb211c80319c', parentSpanId: 'b7ad6b7169203331' }
  const headers = { traceparent: `00-${ids.traceId}-${ids.parentSpanId}-01`, b3: `11111111111111111111111111111111-${ids.parentSpanId}-1` }
  const parentOf = async (environment: Record<string, string>): Promise<Span | undefined> => {
    const { receiver, hook } = await startBoth(t, environment)
    await hook.post('/sync', recorded('sync-running'), headers)
    return (await spans(receiver, 1))[0]
  }
  t.match(await parentOf({}), ids)
  t.match(await parentOf({ OTEL_PROPAGATORS: 'b3' }), { traceId: '1'.repeat(32) })
  t.not((await parentOf({ OTEL_PROPAGATORS: 'none' }))?.traceId, ids.traceId)
})

t.test('an endpoint that fails is logged once an outage, with the count at its end', async (t) => {
  const { receiver, hook } = await startBoth(t, { OTEL_EXPORTER_OTLP_TIMEOUT: '100', OTEL_TRACES_EXPORTER: 'none' })
  const told = (msg: RegExp) => hook.lines.filter((line) => msg.test(String(line['msg'])))
  receiver.manner = 'refuse'
  const before = receiver.requests.length
  await receiver.until(() => receiver.requests.length >= before + 5 || undefined)
  receiver.manner = 'take'
  await receiver.until(() => told(/exported again/).length > 0)
  t.equal(told(/telemetry cannot be exported/).length, 1)
  t.match(told(/exported again/), [{ signal: 'metrics', failedExports: Number }])
  t.ok(Number(told(/exported again/)[0]?.['failedExports']) >= 4)
})

t.test('the count at the end of an outage is of all that was lost, what found the queue full too', async (t) => {
  const queues = Object.fromEntries(['BSP', 'BLRP'].flatMap((queue) => [[`OTEL_${queue}_MAX_QUEUE_SIZE`, '10'], [`OTEL_${queue}_MAX_EXPORT_BATCH_SIZE`, '2']]))
  const { receiver, hook } = await startBoth(t, { ...queues, OTEL_EXPORTER_OTLP_TIMEOUT: '3000', OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'otlp' })
  await hook.post('/sync', recorded('sync-running'))
  await spans(receiver, 1)
  receiver.manner = 'hang'
  for (let calls = 0; calls < 40; calls++) await hook.post('/sync', recorded('sync-running'))
  const told = (msg: RegExp) => hook.lines.filter((line) => msg.test(String(line['msg'])))
  await receiver.until(() => told(/cannot be exported/).length === 2)
  receiver.manner = 'take'
  await receiver.until(() => told(/exported again/).length === 2)
  await hook.post('/sync', recorded('sync-running'))
  await hook.terminate()
  const lost = (signal: string) => told(/exported again/).find((line) => line['signal'] === signal)?.['lostItems']
  const calls = hook.lines.filter(({ msg }) => msg === 'hook call').length
  t.equal(lost('traces'), calls - spansIn(receiver.exports).length)
  t.ok(calls - spansIn(receiver.exports).length > 20, 'most of them')
  t.equal(lost('logs'), hook.lines.length - logRecordsIn(receiver.exports).length)
})

t.test('at SIGTERM what is left is sent, and an endpoint that never answers is not waited for', async (t) => {
  const late = { OTEL_BSP_SCHEDULE_DELAY: '60000', OTEL_METRIC_EXPORT_INTERVAL: '60000' }
  const { receiver, hook } = await startBoth(t, late)
  await hook.post('/sync', recorded('sync-running'))
  t.same(receiver.requests, [])
  t.match(await hook.terminate(), { code: 0 })
  t.equal(spansIn(receiver.exports).length, 1)
  t.ok(pointsIn(receiver.exports).some(({ name }) => name === 'operator.reconcile_count'))
  const hanging = await startBoth(t, late)
  hanging.receiver.manner = 'hang'
  await hanging.hook.post('/sync', recorded('sync-running'))
  const { code, milliseconds } = await hanging.hook.terminate()
  t.equal(code, 0)
  t.ok(milliseconds < 5000, `${Math.round(milliseconds)} ms`)
})

t.test('at SIGTERM all that waits is sent, however many batches it is', async (t) => {
  const { receiver, hook } = await startBoth(t, { OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2', OTEL_METRICS_EXPORTER: 'none' })
  receiver.manner = 'hang'
  for (let calls = 0; calls < 82; calls++) await hook.post('/customize', recordedCustomize('customize-new'))
  await receiver.until(() => receiver.requests.length === 1)
  receiver.manner = 'take'
  t.match(await hook.terminate(), { code: 0 })
  t.equal(spansIn(receiver.exports).length, 80, 'all but the batch that was never answered')
})

t.test('at SIGTERM a signal that is refused takes nothing from one that is slow', async (t) => {
  const { receiver, hook } = await startBoth(t, { OTEL_BSP_SCHEDULE_DELAY: '60000', OTEL_BLRP_SCHEDULE_DELAY: '60000', OTEL_METRIC_EXPORT_INTERVAL: '60000', OTEL_LOGS_EXPORTER: 'otlp' })
  Object.assign(receiver.mannerAt, { '/v1/traces': 'forbid', '/v1/metrics': 'slow', '/v1/logs': 'slow' })
  for (let calls = 0; calls < 3; calls++) await hook.post('/sync', recorded('sync-running'))
  t.match(await hook.terminate(), { code: 0 })
  t.ok(pointsIn(receiver.exports).some(({ name }) => name === 'operator.reconcile_count'))
  t.equal(logRecordsIn(receiver.exports).filter(({ body }) => body === 'hook call').length, 3)
  t.match(hook.lines.filter(({ signal }) => signal === 'traces'), [{ reason: 'the endpoint answered 401' }])
})

t.test('a caller that goes away before its call is there', async (t) => {
  const { receiver, hook } = await startBoth(t)
  const { connect } = await import('node:net')
  const socket = connect(Number(new URL(hook.url).port), '127.0.0.1')
  socket.write('POST /sync HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{')
  setTimeout(() => socket.destroy(), 100)
  t.match(await spans(receiver, 1), [{ status: { code: 2 }, attributes: { 'error.type': 'aborted', 'server.address': 'x', 'server.port': 80 } }], 'without a port in Host it is that of HTTP')
  t.match(hook.lines.filter(({ hook }) => hook === 'sync'), [{ level: 40, reason: 'the caller went away before it was answered', durationMs: Number }], 'one line')
  const points = await receiver.until((exports) => { const points = pointsIn(exports.slice(-1)); return points.some(({ name }) => name === 'http.server.request.duration') && points })
  const aborted = (name: string) => points.filter((point) => point.name === name && point.attributes['error.type'] === 'aborted')
  t.match(aborted('operator.hook_calls'), [{ value: 1, attributes: { hook: 'sync' } }])
  t.match(aborted('operator.reconcile_errors'), [{ value: 1, attributes: { hook: 'sync' } }])
  const [duration, ...more] = aborted('http.server.request.duration')
  t.match(duration, { value: 1, attributes: { 'http.route': '/sync' } })
  t.ok((duration?.sum ?? 0) > 0, `${duration?.sum} s, the time until it went away`)
  t.notOk('http.response.status_code' in (duration?.attributes ?? {}))
  t.same(more, [])
})

async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
