import t, { type Test } from 'tap'
import { recorded } from '../support/fixtures/recorded.ts'
import type { Span } from '../support/otlp/data.ts'
import { spans, startBoth } from '../support/otlp/exporting-hook.ts'
import { type ExportingHook, startExportingHook } from '../support/otlp/hook.ts'
import type { Receiver } from '../support/otlp/receiver.ts'

t.jobs = 4

t.test('without an endpoint the log has no line about telemetry', async (t) => {
  const hook = await startExportingHook(t, { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=secret' })
  await hook.post('/sync', recorded('sync-running'))
  await hook.terminate()
  t.same(
    hook.lines.map(({ msg }) => msg),
    [hook.lines[0]?.['msg'], 'hook call', 'stopping', 'stopped'],
  )
  t.notOk('trace_id' in (hook.lines[1] ?? {}))
})

const variables: Array<
  [
    what: string,
    environment: Record<string, string>,
    check: (t: Test, receiver: Receiver, hook: ExportingHook) => Promise<unknown>,
  ]
> = [
  [
    'OTEL_SDK_DISABLED=true exports nothing',
    { OTEL_SDK_DISABLED: 'true' },
    async (t, receiver, hook) => {
      await hook.terminate()
      t.same(receiver.requests, [])
    },
  ],
  [
    'OTEL_EXPORTER_OTLP_HEADERS sets the headers of exports, OTEL_SERVICE_NAME the service name',
    { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20token', OTEL_SERVICE_NAME: 'other' },
    async (t, receiver) => {
      const [span] = await spans(receiver, 1)
      t.equal(span?.resource['service.name'], 'other')
      t.equal(
        receiver.requests.find(({ url }) => url === '/v1/traces')?.headers['authorization'],
        'Bearer token',
      )
    },
  ],
  [
    'OTEL_TRACES_SAMPLER=always_off exports no span, and log lines still have a trace id',
    { OTEL_TRACES_SAMPLER: 'always_off', OTEL_METRICS_EXPORTER: 'none' },
    async (t, receiver, hook) => {
      await hook.terminate()
      t.same(receiver.requests, [])
      t.match(
        hook.lines.find(({ msg }) => msg === 'hook call'),
        { trace_id: String, trace_flags: '00' },
      )
    },
  ],
  [
    'OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf exports in Protobuf',
    { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' },
    async (_t, receiver) => {
      await receiver.until(() =>
        receiver.requests.some(
          ({ url, headers }) =>
            url === '/v1/traces' && headers['content-type'] === 'application/x-protobuf',
        ),
      )
    },
  ],
  [
    'OTEL_EXPORTER_OTLP_PROTOCOL=grpc connects by gRPC',
    { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_TIMEOUT: '500' },
    async (_t, receiver, hook) => {
      // The receiver has HTTP only. This test covers loading and connecting.
      await receiver.until(() => hook.lines.some(({ reason }) => /^gRPC /.test(String(reason))))
    },
  ],
  [
    'OTEL_EXPORTER_OTLP_COMPRESSION=gzip compresses exports',
    { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf', OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' },
    async (_t, receiver) => {
      await receiver.until(() =>
        receiver.requests.some(({ headers }) => headers['content-encoding'] === 'gzip'),
      )
    },
  ],
  [
    'OTEL_BSP_MAX_EXPORT_BATCH_SIZE: a full batch is exported at once',
    { OTEL_BSP_SCHEDULE_DELAY: '60000', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1' },
    async (t, receiver) => {
      t.equal((await spans(receiver, 1)).length, 1, 'a full batch is exported at once')
    },
  ],
  [
    'OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT bounds the attributes of a span',
    { OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '3' },
    async (t, receiver) => {
      t.equal(Object.keys((await spans(receiver, 1))[0]?.attributes ?? {}).length, 3)
    },
  ],
  [
    'OTEL_TRACES_EXPORTER=console prints spans and exports none',
    { OTEL_TRACES_EXPORTER: 'console', OTEL_METRICS_EXPORTER: 'none' },
    async (t, receiver, hook) => {
      await hook.terminate()
      t.match(
        hook.lines
          .filter(({ printed }) => printed !== undefined)
          .map(({ printed }) => printed)
          .join('\n'),
        /name: 'POST \/sync'/,
      )
      t.same(receiver.requests, [])
    },
  ],
  [
    'logs a warning if the endpoint for HTTP has port 4317',
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4317', OTEL_METRICS_EXPORTER: 'none' },
    async (t, _receiver, hook) => {
      t.equal(
        hook.lines.filter(({ msg }) =>
          /has port 4317, where collectors expect gRPC/.test(String(msg)),
        ).length,
        1,
      )
    },
  ],
  [
    'OTEL_TRACES_SAMPLER and OTEL_PROPAGATORS accept capital letters',
    { OTEL_TRACES_SAMPLER: 'Always_Off', OTEL_PROPAGATORS: 'B3', OTEL_METRICS_EXPORTER: 'none' },
    async (t, receiver, hook) => {
      await hook.terminate()
      t.same(receiver.requests, [])
      t.same(
        hook.lines.filter(({ level }) => Number(level) >= 40),
        [],
      )
    },
  ],
  [
    'OTEL_LOG_LEVEL=debug adds lines of OpenTelemetry to the log, in JSON',
    { OTEL_LOG_LEVEL: 'debug', LOG_LEVEL: 'debug' },
    async (t, receiver, hook) => {
      await spans(receiver, 1)
      t.same(
        hook.lines.filter(({ printed }) => printed !== undefined),
        [],
        'all lines are JSON',
      )
      t.ok(hook.lines.some(({ from, level }) => from === 'opentelemetry' && level === 20))
    },
  ],
  [
    'logs a warning for an unknown propagator, and exports spans',
    { OTEL_PROPAGATORS: 'jaeger' },
    async (t, receiver, hook) => {
      t.match(
        hook.lines.filter(({ from }) => from === 'opentelemetry'),
        [
          {
            level: 40,
            msg: /Propagator "jaeger" requested through environment variable is unavailable/,
          },
        ],
      )
      await spans(receiver, 1)
    },
  ],
  [
    'logs a warning for an unknown sampler, and exports spans',
    { OTEL_TRACES_SAMPLER: 'some' },
    async (t, receiver, hook) => {
      t.match(
        hook.lines.find(({ from }) => from === 'opentelemetry'),
        { level: 40, msg: /unknown OTEL_TRACES_SAMPLER value "some"/ },
      )
      await spans(receiver, 1)
    },
  ],
]

for (const [what, environment, check] of variables) {
  t.test(what, async (t) => {
    const { receiver, hook } = await startBoth(t, environment)
    t.equal((await hook.post('/sync', recorded('sync-running'))).status, 200)
    await check(t, receiver, hook)
  })
}

t.test('OTEL_PROPAGATORS selects the headers that name the parent of a span', async (t) => {
  const ids = { traceId: '0af7651916cd43dd8448eb211c80319c', parentSpanId: 'b7ad6b7169203331' }
  const headers = {
    traceparent: `00-${ids.traceId}-${ids.parentSpanId}-01`,
    b3: `11111111111111111111111111111111-${ids.parentSpanId}-1`,
  }
  const parentOf = async (environment: Record<string, string>): Promise<Span | undefined> => {
    const { receiver, hook } = await startBoth(t, environment)
    await hook.post('/sync', recorded('sync-running'), headers)
    return (await spans(receiver, 1))[0]
  }
  t.match(await parentOf({}), ids)
  t.match(await parentOf({ OTEL_PROPAGATORS: 'b3' }), { traceId: '1'.repeat(32) })
  t.not((await parentOf({ OTEL_PROPAGATORS: 'none' }))?.traceId, ids.traceId)
})
