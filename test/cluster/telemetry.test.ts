import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { missing, seriesOf } from '../support/monitoring/series.ts'
import { type Collector, prepareCollector } from '../support/otlp/collector.ts'
import { logRecordsIn, pointsIn, type Span, spansIn } from '../support/otlp/data.ts'
import { type HookServer, underEachStrategyWithProxy } from '../support/cluster/cluster.ts'
import { manifest } from '../support/cluster/install.ts'
import { startReplica } from '../support/cluster/hook.ts'

/** Texts that must not appear in the exported telemetry. */
const planted = {
  value: 'planted-env-value',
  token: 'planted-token',
  annotation: 'planted-annotation',
  command: 'planted-command',
  argument: 'planted-argument',
  body: 'planted-body',
}
const { version } = JSON.parse(readFileSync(manifest('package.json'), 'utf8'))
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

/** A hook with telemetry, in place of the usual hook. */
async function startTracedHook(dir: string): Promise<HookServer & { collector: Collector }> {
  const collector = await prepareCollector(join(dir, 'collector'), () => {})
  await collector.start()
  const hook = await startReplica({
    dir,
    name: 'traced-hook',
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=${planted.token}`,
      OTEL_LOGS_EXPORTER: 'otlp',
      OTEL_RESOURCE_ATTRIBUTES: 'k8s.namespace.name=myapp-operator,k8s.pod.name=myapp-operator-1',
      OTEL_BSP_SCHEDULE_DELAY: '200',
      OTEL_BLRP_SCHEDULE_DELAY: '200',
      OTEL_METRIC_EXPORT_INTERVAL: '500',
    },
  })
  return {
    port: hook.port,
    collector,
    stop: async () => {
      await hook.stop()
      await collector.stop()
    },
  }
}

underEachStrategyWithProxy(
  async (_hook, dir) => await startTracedHook(dir),
  (t, cluster, { collector, port }) => {
    t.test('exports the telemetry of a MyApp from kubectl apply to its deletion', async (t) => {
      const here = await cluster.namespace(t)
      const spec = {
        image: 'nginx:1.29',
        replicas: 2,
        port: 80,
        command: [planted.command],
        args: [planted.argument],
        env: [{ name: 'PASSWORD', value: planted.value }],
      }
      const shop = {
        apiVersion: 'example.com/v1',
        kind: 'MyApp',
        metadata: { name: 'shop', annotations: { traceparent, note: planted.annotation } },
        spec,
      }
      await here.apply(JSON.stringify(shop))
      await here.running('shop')
      await here.edit('MyApp', 'shop', { spec: { image: 'nginx:1.30' } })
      const updated = (span: Span) => span.events.some(({ name }) => name === 'resource.update')
      const ofShop = (exports: Parameters<typeof spansIn>[0]) =>
        spansIn(exports).filter(({ attributes }) => attributes['k8s.namespace.name'] === here.name)
      await collector.until((exports) => ofShop(exports).some(updated))
      await here.running('shop')
      await here.remove('MyApp', 'shop')
      await here.gone('MyApp', 'shop')
      const spans = await collector.until((exports) => {
        const found = ofShop(exports)
        return (
          found.some(
            (span) =>
              span.name === 'POST /finalize' &&
              span.attributes['myapp_operator.children.observed'] === 0,
          ) && found
        )
      })

      t.same([...new Set(spans.map(({ name }) => name))].sort(), [
        'POST /customize',
        'POST /finalize',
        'POST /sync',
      ])
      for (const span of spans) {
        t.match(span, {
          kind: 2,
          scope: '@opentelemetry/instrumentation-fastify',
          links: [{ traceId: traceparent.slice(3, 35), spanId: traceparent.slice(36, 52) }],
        })
        t.match(span.resource, {
          'service.name': 'myapp-operator',
          'service.version': version,
          'service.instance.id': String,
          'k8s.pod.name': 'myapp-operator-1',
        })
        t.match(span.attributes, {
          'http.request.method': 'POST',
          'http.response.status_code': 200,
          'myapp_operator.myapp.name': 'shop',
          'myapp_operator.myapp.uid': String,
          'myapp_operator.myapp.generation': Number,
          'myapp_operator.controller.name': 'myapp',
        })
        t.equal(span.attributes['http.route'], `/${String(span.attributes['myapp_operator.hook'])}`)
        t.equal(span.name, `POST ${String(span.attributes['http.route'])}`)
        if (span.name !== 'POST /customize') {
          t.match(span.attributes, {
            'myapp_operator.reason': String,
            'myapp_operator.resync': Boolean,
            'myapp_operator.children.desired': Number,
            'myapp_operator.children.observed': Number,
          })
        }
      }
      const events = spans.flatMap(({ events }) => events)
      const happened = (name: string, attributes: object) =>
        events.some(
          (event) =>
            event.name === name &&
            Object.entries(attributes).every(([key, value]) => event.attributes[key] === value),
        )
      for (const kind of ['Deployment', 'Service']) {
        const resource = {
          'myapp_operator.resource.kind': kind,
          'myapp_operator.resource.name': 'shop',
        }
        t.ok(happened('resource.create', resource), `${kind} created`)
        t.ok(happened('resource.delete', resource), `${kind} deleted`)
      }
      const update = events.find(
        ({ name, attributes }) =>
          name === 'resource.update' && attributes['myapp_operator.resource.kind'] === 'Deployment',
      )
      t.ok(
        (update?.attributes['myapp_operator.resource.fields'] as string[]).includes(
          'spec.template.spec.containers[app].image',
        ),
      )
      t.ok(
        happened('condition.change', {
          'myapp_operator.condition.type': 'Ready',
          'myapp_operator.condition.before': 'False',
          'myapp_operator.condition.after': 'True',
        }),
      )
      t.same(
        new Set(
          spans
            .map(({ attributes }) => attributes['myapp_operator.myapp.generation'])
            .filter((generation) => generation !== undefined),
        ).has(2),
        true,
        'the generation of the edit',
      )
      for (const reason of ['Creating', 'AllReplicasAvailable', 'Terminating']) {
        t.ok(
          spans.some(({ attributes }) => attributes['myapp_operator.reason'] === reason),
          reason,
        )
      }
      t.ok(
        spans.some(
          ({ attributes }) =>
            attributes['myapp_operator.children.desired'] === 3 &&
            attributes['myapp_operator.children.observed'] === 3,
        ),
      )
      t.ok(
        spans.some(
          ({ attributes }) =>
            attributes['myapp_operator.phase.before'] === 'Pending' &&
            attributes['myapp_operator.phase.after'] === 'Running',
        ),
      )

      const traces = new Set(spans.map(({ traceId }) => traceId))
      const records = await collector.until((exports) => {
        const found = logRecordsIn(exports).filter(({ traceId }) => traces.has(traceId))
        return found.length >= spans.length && found
      })
      t.same(new Set(records.map(({ traceId }) => traceId)), traces, 'a log record in every trace')

      const points = await collector.until((exports) => {
        const latest = pointsIn(
          exports.filter(({ resourceMetrics }) => resourceMetrics !== undefined).slice(-1),
        )
        return (
          latest.some(
            ({ name, attributes, value }) =>
              name === 'operator.resource_deleted' && attributes['kind'] === 'Service' && value > 0,
          ) && latest
        )
      })
      const valueOf = (name: string, attributes: object) =>
        points.find(
          (point) =>
            point.name === name &&
            Object.entries(attributes).every(([key, value]) => point.attributes[key] === value),
        )?.value
      for (const kind of ['Deployment', 'Service']) {
        t.equal(
          valueOf('operator.resource_created', { kind }),
          1,
          `one ${kind} created, with or without retries`,
        )
        t.equal(valueOf('operator.resource_deleted', { kind }), 1, `one ${kind} deleted`)
      }
      for (const [name, attributes] of [
        ['operator.reconcile_count', { hook: 'sync' }],
        ['operator.reconcile_duration', { hook: 'finalize' }],
        ['operator.hook_calls', { hook: 'customize', status: 200 }],
        ['http.server.request.duration', { 'http.route': '/sync' }],
      ] as const) {
        t.ok(Number(valueOf(name, attributes)) > 0, name)
      }
      t.equal(valueOf('operator.myapps', { phase: 'Running' }), 0, 'the MyApp is gone')

      if (process.env['METACONTROLLER']) {
        const page = await (await fetch(cluster.metacontroller.metricsUrl)).text()
        const relied = seriesOf(
          readFileSync(manifest('test/support/fixtures/metacontroller-metrics.txt'), 'utf8'),
        )
        t.same(
          missing(relied, seriesOf(page)),
          [],
          'Metacontroller has the metrics of the rules and the dashboard',
        )
      }

      // Requests that fail. Each of them contains the secret text.
      const secret = {
        ...shop,
        metadata: {
          ...shop.metadata,
          namespace: here.name,
          uid: 'failing',
          labels: { team: planted.body },
        },
        spec: { ...spec, image: planted.body },
      }
      const request = {
        parent: secret,
        children: { 'Deployment.apps/v1': { shop: { spec: planted.body } } },
        related: {},
        finalizing: false,
      }
      for (const body of [
        `{"parent":{"spec":{"image":"${planted.body}"`,
        JSON.stringify({ ...request, parent: { spec: secret.spec } }),
        JSON.stringify(request),
      ]) {
        const response = await fetch(`http://127.0.0.1:${port}/sync`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
        })
        t.ok([400, 422].includes(response.status))
      }
      const failed = await collector.until((exports) => {
        const found = spansIn(exports).filter(({ status }) => status?.code === 2)
        const records = logRecordsIn(exports).filter(({ traceId }) =>
          found.some((span) => span.traceId === traceId),
        )
        const errors = pointsIn(exports).filter(({ name }) => name === 'operator.reconcile_errors')
        return (
          found.length >= 3 &&
          records.length >= 3 &&
          errors.some(
            ({ attributes, value }) => attributes['error.type'] === '422' && value === 2,
          ) &&
          pointsIn(exports)
        )
      })
      for (const name of ['nodejs.eventloop.delay.p99', 'v8js.memory.heap.used']) {
        t.ok(
          failed.some((point) => point.name === name),
          name,
        )
      }

      const exported = collector.text()
      for (const [what, marker] of Object.entries(planted)) {
        t.notOk(exported.includes(marker), `no ${what}`)
      }
      for (const path of [manifest(''), 'dist/', 'node_modules', 'file:/']) {
        t.notOk(exported.includes(path), `no path like ${path}`)
      }
    })
  },
)
