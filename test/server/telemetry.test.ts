import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import { freePort } from '../../local-cluster/control-plane/processes.ts'
import { startBuiltHook } from '../support/built-hook.ts'
import type { Anything } from '../support/fixtures/anything.ts'
import { recorded, recordedCustomize } from '../support/fixtures/recorded.ts'
import { logRecordsIn, pointsIn, spansIn } from '../support/otlp/data.ts'
import { spans, startBoth } from '../support/otlp/exporting-hook.ts'

t.jobs = 4

t.test('each request of Metacontroller has one SERVER span, other requests none', async (t) => {
  const { receiver, hook } = await startBoth(t, {
    POD_RESOURCE_ATTRIBUTES: 'k8s.pod.name=pod-1,k8s.node.name=node-1,service.instance.id=one',
    OTEL_RESOURCE_ATTRIBUTES: 'k8s.node.name=mine,team=blue',
    OTEL_METRICS_EXPORTER: 'none',
  })
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
    resource: {
      'service.name': 'myapp-operator',
      'service.version': '0.1.0',
      'service.instance.id': 'one',
      'k8s.pod.name': 'pod-1',
      'k8s.node.name': 'mine',
      team: 'blue',
    },
    attributes: {
      'http.request.method': 'POST',
      'http.route': '/sync',
      'http.response.status_code': 200,
      'url.path': '/sync',
      'url.scheme': 'http',
      'user_agent.original': 'node',
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
      {
        name: 'resource.create',
        attributes: {
          'myapp_operator.resource.kind': 'Deployment',
          'myapp_operator.resource.name': 'demo-app',
        },
      },
      { name: 'resource.create', attributes: { 'myapp_operator.resource.kind': 'Service' } },
      {
        name: 'resource.create',
        attributes: { 'myapp_operator.resource.kind': 'PodDisruptionBudget' },
      },
      {
        name: 'condition.change',
        attributes: {
          'myapp_operator.condition.type': 'Ready',
          'myapp_operator.condition.before': 'Unknown',
          'myapp_operator.condition.after': 'False',
        },
      },
      { name: 'condition.change' },
      { name: 'condition.change' },
      { name: 'condition.change' },
    ],
  })
  t.notOk(
    'myapp_operator.phase.before' in (sync?.attributes ?? {}),
    'a new MyApp has no previous phase',
  )
  t.match(finalize, {
    name: 'POST /finalize',
    attributes: {
      'myapp_operator.phase.before': 'Running',
      'myapp_operator.phase.after': 'Pending',
      'myapp_operator.reason': 'Terminating',
    },
  })
  t.match(finalize?.events[0], {
    name: 'resource.delete',
    attributes: { 'myapp_operator.resource.kind': 'Deployment' },
  })
  t.match(customize, {
    name: 'POST /customize',
    attributes: { 'myapp_operator.hook': 'customize', 'myapp_operator.myapp.name': 'demo-app' },
  })
})

t.test('a failed request is exported as an error, without any value of its body', async (t) => {
  const { receiver, hook } = await startBoth(t, { OTEL_LOGS_EXPORTER: 'otlp' })
  const secret = (request: Anything) => {
    Object.assign(request.parent.spec, {
      command: ['planted-secret'],
      args: ['planted-secret'],
      env: [{ name: 'A', value: 'planted-secret' }],
      'planted-secret': 'planted-secret',
    })
    return request
  }
  await hook.post('/sync', '{"parent":{"spec":{"env":[{"value":"planted-secret"')
  await hook.post('/sync', { ...secret(recorded('sync-running')), children: 'planted-secret' })
  await hook.post('/finalize', secret(recorded('sync-running')))
  const found = await spans(receiver, 3)
  for (const [index, [status, type]] of (
    [
      [400, 'FST_ERR_CTP_INVALID_JSON_BODY'],
      [422, '422'],
      [422, '422'],
    ] as const
  ).entries()) {
    t.match(found[index], {
      status: { code: 2, message: String },
      attributes: { 'http.response.status_code': status, 'error.type': type },
      events: [
        { name: 'exception', attributes: { 'exception.type': type, 'exception.message': String } },
      ],
    })
  }
  await receiver.until(
    (exports) => logRecordsIn(exports).filter(({ severity }) => severity === 'WARN').length >= 3,
  )
  t.notMatch(JSON.stringify(receiver.exports), /planted-secret/)
  t.notMatch(JSON.stringify(hook.lines), /planted-secret/)
  const errors = await receiver.until((exports) => {
    const points = pointsIn(exports).filter(({ name }) => name === 'operator.reconcile_errors')
    return points.some(({ attributes }) => attributes['hook'] === 'finalize') && points
  })
  t.match(
    errors.find(({ attributes }) => attributes['error.type'] === 'FST_ERR_CTP_INVALID_JSON_BODY'),
    { value: 1, attributes: { hook: 'sync' } },
  )
})

t.test(
  'the span of a failed request names the MyApp, and a failed finalize counts in deletion_age',
  async (t) => {
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
    t.match(malformed?.attributes, {
      'k8s.namespace.name': 'default',
      'myapp_operator.controller.name': 'myapp',
    })
    t.notMatch(
      JSON.stringify(malformed),
      /planted/,
      'values that do not look like a name are ignored',
    )
    const points = await receiver.until((exports) => {
      const points = pointsIn(exports.slice(-1))
      return (
        points.some(({ name, value }) => name === 'operator.deletion_age' && value > 0) && points
      )
    })
    t.equal(
      points.find(
        ({ name, attributes }) => name === 'operator.myapps' && attributes['phase'] === 'Running',
      )?.value,
      1,
      'operator.myapps counts the last known phase',
    )
  },
)

t.test('links a MyApp to its traceparent, and ignores an invalid traceparent', async (t) => {
  const { receiver, hook } = await startBoth(t)
  for (const traceparent of [
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'no traceparent',
  ]) {
    const request = recorded('sync-running')
    request.parent.metadata.annotations = { traceparent }
    t.equal((await hook.post('/sync', request)).status, 200)
  }
  const [linked, unlinked] = await spans(receiver, 2)
  t.match(linked?.links, [
    { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' },
  ])
  t.same(unlinked?.links, [])
  t.not(linked?.traceId, '0af7651916cd43dd8448eb211c80319c')
})

t.test('log lines and log records have the trace and span ids', async (t) => {
  const { receiver, hook } = await startBoth(t, { OTEL_LOGS_EXPORTER: 'otlp' })
  await hook.post('/sync', recorded('sync-running'))
  await hook.post('/sync', {})
  const found = await spans(receiver, 2)
  const records = await receiver.until((exports) => {
    const records = logRecordsIn(exports).filter(({ spanId }) => spanId !== '')
    return records.length >= 2 && records
  })
  for (const [index, span] of found.entries()) {
    await receiver.until(() => hook.lines.some((line) => line['span_id'] === span.spanId))
    const line = hook.lines.find((line) => line['span_id'] === span.spanId)
    t.match(line, { trace_id: span.traceId, trace_flags: '01' })
    t.match(records[index], {
      traceId: span.traceId,
      spanId: span.spanId,
      body: line?.['msg'],
      severity: ['INFO', 'WARN'][index],
    })
  }
  t.match(records[0]?.attributes, { hook: 'sync', namespace: 'default', name: 'demo-app' })
})

t.test('many connections to the Prometheus port do not block a scrape', async (t) => {
  const port = await freePort()
  await startBuiltHook(t, {
    OTEL_METRICS_EXPORTER: 'prometheus',
    OTEL_EXPORTER_PROMETHEUS_PORT: String(port),
  })
  const silent = Array.from({ length: 100 }, () => connect(port).on('error', () => {}))
  t.teardown(() => {
    for (const socket of silent) socket.destroy()
  })
  await Promise.all(silent.map((socket) => once(socket, 'connect')))
  t.equal((await fetch(`http://localhost:${port}/metrics`)).status, 200)
  const open = silent.filter((socket) => !socket.closed)
  t.ok(open.length <= 32, `${open.length} connections are open`)
})

t.test('OTLP and Prometheus get the same metrics', async (t) => {
  const port = await freePort()
  const { receiver, hook } = await startBoth(t, {
    OTEL_METRICS_EXPORTER: 'otlp,prometheus',
    OTEL_EXPORTER_PROMETHEUS_PORT: String(port),
    OTEL_EXPORTER_PROMETHEUS_HOST: '::',
    OTEL_TRACES_EXPORTER: 'none',
  })
  for (const name of ['sync-new', 'sync-new', 'sync-running']) {
    await hook.post('/sync', recorded(name))
  }
  await hook.post('/finalize', recorded('finalize-children-present'))
  await hook.post('/customize', recordedCustomize('customize-new'))
  const points = await receiver.until((exports) => {
    const points = pointsIn(exports.slice(-1))
    return (
      points.some(
        ({ name, attributes, value }) =>
          name === 'operator.hook_calls' && attributes['hook'] === 'customize' && value === 1,
      ) && points
    )
  })
  const valueOf = (name: string, attributes: object) =>
    points.find(
      (point) =>
        point.name === name &&
        Object.entries(attributes).every(([key, value]) => point.attributes[key] === value),
    )?.value
  t.equal(valueOf('operator.reconcile_count', { hook: 'sync' }), 3)
  t.equal(valueOf('operator.reconcile_duration', { hook: 'sync' }), 3)
  t.equal(valueOf('operator.hook_calls', { hook: 'finalize', status: 200 }), 1)
  t.equal(
    valueOf('operator.resource_created', { kind: 'Deployment' }),
    1,
    'requested twice, counted once',
  )
  t.equal(valueOf('operator.resource_deleted', { kind: 'Deployment' }), 1)
  t.equal(valueOf('operator.myapps', { phase: 'Pending' }), 1)
  t.ok(Number(valueOf('operator.deletion_age', {})) > 0)
  t.equal(
    valueOf('http.server.request.duration', {
      'http.route': '/sync',
      'http.response.status_code': 200,
      'http.request.method': 'POST',
    }),
    3,
  )
  const bounds = points.find(({ name }) => name === 'operator.reconcile_duration')?.bounds ?? []
  t.same([bounds[0], bounds.at(-1)], [0.1, 1000])
  for (const name of ['nodejs.eventloop.delay.p99', 'v8js.memory.heap.used', 'v8js.gc.duration']) {
    await receiver.until((exports) => pointsIn(exports).some((point) => point.name === name))
  }
  const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  for (const line of [
    'operator_reconcile_count_total{hook="sync"} 3',
    'operator_hook_calls_total{hook="finalize",status="200"} 1',
    'operator_resource_created_total{kind="Service"} 1',
    'operator_myapps{phase="Running"} 0',
    'operator_reconcile_duration_count{hook="sync"} 3',
  ]) {
    t.match(page, `\n${line}\n`)
  }
  t.notMatch(page, /demo-app/, 'names are not labels')
  t.match(await fetch(`http://127.0.0.1:${port}/`), { status: 404 })
  t.notOk(spansIn(receiver.exports).length, 'OTEL_TRACES_EXPORTER=none')
})

t.test('records a connection that is reset after its request', async (t) => {
  const { receiver, hook } = await startBoth(t)
  const body = JSON.stringify(recorded('sync-running'))
  for (let tries = 0; tries < 12; tries++) {
    const socket = connect(Number(new URL(hook.url).port), '127.0.0.1').on('error', () => {})
    socket.write(
      `POST /sync HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ` +
        `${Buffer.byteLength(body)}\r\n\r\n${body}`,
      () => setTimeout(() => socket.resetAndDestroy(), tries % 4),
    )
    await once(socket, 'close')
  }
  await hook.post('/sync', body)
  await hook.terminate()
  const lines = hook.lines.filter((line) => line['hook'] === 'sync')
  const found = await spans(receiver, lines.length)
  t.same(
    found.map(({ traceId }) => traceId).sort(),
    lines.map((line) => line['trace_id']).sort(),
    'each logged request has a span',
  )
  for (const { attributes } of found) {
    t.match(attributes, {
      'myapp_operator.myapp.name': 'demo-app',
      'myapp_operator.phase.before': 'Pending',
      'myapp_operator.children.observed': 3,
      'http.response.status_code': attributes['error.type'] === 'aborted' ? undefined : 200,
    })
  }
  const counted = pointsIn(
    receiver.exports.filter(({ resourceMetrics }) => resourceMetrics !== undefined).slice(-1),
  ).filter(({ name }) => name === 'operator.hook_calls')
  t.equal(
    counted.reduce((sum, { value }) => sum + value, 0),
    found.length,
    'each request with a span is counted',
  )
})

t.test('records a client that disconnects before its body has arrived', async (t) => {
  const { receiver, hook } = await startBoth(t)
  const socket = connect(Number(new URL(hook.url).port), '127.0.0.1')
  socket.write(
    'POST /sync HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ' +
      '100\r\n\r\n{',
  )
  setTimeout(() => socket.destroy(), 100)
  t.match(
    await spans(receiver, 1),
    [
      {
        status: { code: 2 },
        attributes: { 'error.type': 'aborted', 'server.address': 'x', 'server.port': 80 },
      },
    ],
    'without a port in the Host header, server.port is 80',
  )
  t.match(
    hook.lines.filter(({ hook }) => hook === 'sync'),
    [{ level: 40, reason: 'the caller disconnected before it was answered', durationMs: Number }],
    'one line',
  )
  const points = await receiver.until((exports) => {
    const points = pointsIn(exports.slice(-1))
    return points.some(({ name }) => name === 'http.server.request.duration') && points
  })
  const aborted = (name: string) =>
    points.filter((point) => point.name === name && point.attributes['error.type'] === 'aborted')
  t.match(aborted('operator.hook_calls'), [{ value: 1, attributes: { hook: 'sync' } }])
  t.match(aborted('operator.reconcile_errors'), [{ value: 1, attributes: { hook: 'sync' } }])
  const [duration, ...more] = aborted('http.server.request.duration')
  t.match(duration, { value: 1, attributes: { 'http.route': '/sync' } })
  t.ok((duration?.sum ?? 0) > 0, `${duration?.sum} s until the client disconnected`)
  t.notOk('http.response.status_code' in (duration?.attributes ?? {}))
  t.same(more, [])
})
