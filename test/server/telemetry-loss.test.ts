// Telemetry while an endpoint fails, and at shutdown.
import t from 'tap'
import { lastAppliedAnnotation } from '../../src/metacontroller/protocol.ts'
import type { Anything } from '../support/fixtures/anything.ts'
import { recorded, recordedCustomize } from '../support/fixtures/recorded.ts'
import { logRecordsIn, pointsIn, spansIn } from '../support/otlp/data.ts'
import { spans, startBoth } from '../support/otlp/exporting-hook.ts'
import { startReceiver } from '../support/otlp/receiver.ts'
import { asDeployed, startBuiltHook } from '../support/built-hook.ts'

t.jobs = 4

t.test('logs an outage of an endpoint once, and its end', async (t) => {
  const { receiver, hook } = await startBoth(t, {
    OTEL_EXPORTER_OTLP_TIMEOUT: '400',
    OTEL_TRACES_EXPORTER: 'none',
  })
  const logged = (msg: RegExp) => hook.lines.filter((line) => msg.test(String(line['msg'])))
  receiver.manner = 'refuse'
  const before = receiver.requests.length
  await receiver.until(() => receiver.requests.length >= before + 5 || undefined)
  receiver.manner = 'take'
  await receiver.until(() => logged(/exported again/).length > 0)
  t.equal(logged(/telemetry cannot be exported/).length, 1)
  t.match(logged(/exported again/), [{ signal: 'metrics', failedExports: Number }])
  t.ok(Number(logged(/exported again/)[0]?.['failedExports']) >= 4)
})

t.test('the number of lost items includes those dropped by a full queue', async (t) => {
  const queues = Object.fromEntries(
    ['BSP', 'BLRP'].flatMap((queue) => [
      [`OTEL_${queue}_MAX_QUEUE_SIZE`, '10'],
      [`OTEL_${queue}_MAX_EXPORT_BATCH_SIZE`, '2'],
    ]),
  )
  const { receiver, hook } = await startBoth(t, {
    ...queues,
    OTEL_EXPORTER_OTLP_TIMEOUT: '3000',
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'otlp',
  })
  await hook.post('/sync', recorded('sync-running'))
  await spans(receiver, 1)
  receiver.manner = 'hang'
  for (let calls = 0; calls < 40; calls++) await hook.post('/sync', recorded('sync-running'))
  const logged = (msg: RegExp) => hook.lines.filter((line) => msg.test(String(line['msg'])))
  await receiver.until(() => logged(/cannot be exported/).length === 2)
  receiver.manner = 'take'
  await receiver.until(() => logged(/exported again/).length === 2)
  await hook.post('/sync', recorded('sync-running'))
  await hook.terminate()
  const lost = (signal: string) =>
    logged(/exported again/).find((line) => line['signal'] === signal)?.['lostItems']
  const calls = hook.lines.filter(({ msg }) => msg === 'hook call').length
  t.equal(lost('traces'), calls - spansIn(receiver.exports).length)
  t.ok(calls - spansIn(receiver.exports).length > 20, 'most spans are dropped')
  t.equal(lost('logs'), hook.lines.length - logRecordsIn(receiver.exports).length)
})

/** Requests with long texts that could end up in spans. */
interface LongText {
  count: number
  hook?: 'finalize'
  headers?: Record<string, string>
  body: object
}
const longTexts: Record<string, LongText> = {
  'a User-Agent of a refused caller': {
    count: 2500,
    headers: { 'user-agent': 'x'.repeat(15_000) },
    body: {},
  },
  'a traceparent of a MyApp': {
    count: 400,
    body: syncOf(({ parent }) => {
      const ids = '01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
      parent.metadata.annotations = { traceparent: `${ids}-${'x'.repeat(200_000)}` }
    }),
  },
  'a field in the last-applied annotation of a child': {
    count: 400,
    body: syncOf(({ children }) => {
      const { metadata } = children['Deployment.apps/v1']['default/demo-app']
      const record = JSON.parse(metadata.annotations[lastAppliedAnnotation])
      record.metadata.annotations = { ['x'.repeat(200_000)]: '' }
      metadata.annotations[lastAppliedAnnotation] = JSON.stringify(record)
    }),
  },
  'the phase of a MyApp': {
    count: 40,
    body: syncOf(({ parent }) => {
      parent.status.phase = 'x'.repeat(1_500_000)
    }),
  },
  'the status of a condition': {
    count: 40,
    body: syncOf(({ parent }) => {
      for (const condition of parent.status.conditions) condition.status = 'x'.repeat(300_000)
    }),
  },
  'the kind of a deleted child': {
    count: 60,
    hook: 'finalize',
    body: syncOf((request) => {
      request.finalizing = true
      request.parent.metadata.deletionTimestamp = '2026-01-01T00:00:00Z'
      const kind = 'K'.repeat(900_000)
      const { metadata } = request.children['Service.v1']['default/demo-app']
      const child = { apiVersion: 'v1', kind, metadata }
      request.children[`${kind}.v1`] = { 'default/demo-app': child }
    }),
  },
}

function syncOf(change: (request: Anything) => void): object {
  const request = recorded('sync-running')
  change(request)
  return request
}

for (const [what, { count, hook = 'sync', headers, body }] of Object.entries(longTexts)) {
  t.test(`during an outage ${what} does not fill the memory`, async (t) => {
    const receiver = await startReceiver()
    t.teardown(() => receiver.close())
    receiver.manner = 'hang'
    const { environment, flags } = asDeployed()
    const exporting = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_METRICS_EXPORTER: 'none' }
    const { url } = await startBuiltHook(t, { ...environment, ...exporting }, flags)
    for (let sent = 0; sent < count; sent++) {
      const response = await fetch(`${url}/${hook}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      })
      await response.text()
    }
    t.equal((await fetch(`${url}/healthz`)).status, 200)
  })
}

t.test(
  'at SIGTERM exports to working endpoints and waits less than 5 s for a hanging endpoint',
  async (t) => {
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
  },
)

t.test('at SIGTERM exports all batches that wait in the queue', async (t) => {
  const { receiver, hook } = await startBoth(t, {
    OTEL_BSP_SCHEDULE_DELAY: '60000',
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2',
    OTEL_METRICS_EXPORTER: 'none',
  })
  receiver.manner = 'hang'
  for (let calls = 0; calls < 82; calls++) {
    await hook.post('/customize', recordedCustomize('customize-new'))
  }
  await receiver.until(() => receiver.requests.length === 1)
  receiver.manner = 'take'
  t.match(await hook.terminate(), { code: 0 })
  t.equal(spansIn(receiver.exports).length, 80, 'all except the unanswered batch')
})

t.test('at SIGTERM exports slow metrics and logs although traces are refused', async (t) => {
  const { receiver, hook } = await startBoth(t, {
    OTEL_BSP_SCHEDULE_DELAY: '60000',
    OTEL_BLRP_SCHEDULE_DELAY: '60000',
    OTEL_METRIC_EXPORT_INTERVAL: '60000',
    OTEL_LOGS_EXPORTER: 'otlp',
  })
  Object.assign(receiver.mannerAt, {
    '/v1/traces': 'forbid',
    '/v1/metrics': 'slow',
    '/v1/logs': 'slow',
  })
  for (let calls = 0; calls < 3; calls++) await hook.post('/sync', recorded('sync-running'))
  t.match(await hook.terminate(), { code: 0 })
  t.ok(pointsIn(receiver.exports).some(({ name }) => name === 'operator.reconcile_count'))
  t.equal(logRecordsIn(receiver.exports).filter(({ body }) => body === 'hook call').length, 3)
  t.match(
    hook.lines.filter(({ signal }) => signal === 'traces'),
    [{ reason: 'the endpoint answered 401' }],
  )
})
