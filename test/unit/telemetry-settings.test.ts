import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { readTelemetrySettings } from '../../src/telemetry/settings.ts'
import type { Anything } from '../support/fixtures/anything.ts'

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }
const exportersOf = (environment: Record<string, string>) => {
  const { traces, metrics, logs } = readTelemetrySettings(environment)
  return [traces, metrics, logs].map(({ exporters }) => exporters.join(','))
}

t.test('selects the exporters of each signal', async (t) => {
  const cases: Array<[string, Record<string, string>, string[]]> = [
    ['nothing is set', {}, ['', '', '']],
    [
      'a protocol or headers without an endpoint',
      { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_HEADERS: 'a=b' },
      ['', '', ''],
    ],
    ['an endpoint for all', endpoint, ['otlp', 'otlp', '']],
    [
      'an endpoint for one',
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector:4318/v1/traces' },
      ['otlp', '', ''],
    ],
    ['an empty endpoint', { OTEL_EXPORTER_OTLP_ENDPOINT: '' }, ['', '', '']],
    ['logs too', { ...endpoint, OTEL_LOGS_EXPORTER: 'otlp' }, ['otlp', 'otlp', 'otlp']],
    [
      'none',
      { ...endpoint, OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none' },
      ['', '', ''],
    ],
    ['an exporter without an endpoint', { OTEL_TRACES_EXPORTER: 'otlp' }, ['otlp', '', '']],
    [
      'console and Prometheus',
      { OTEL_TRACES_EXPORTER: 'console', OTEL_METRICS_EXPORTER: 'prometheus, otlp' },
      ['console', 'prometheus,otlp', ''],
    ],
    [
      'capital letters',
      { ...endpoint, OTEL_TRACES_EXPORTER: 'OTLP', OTEL_METRICS_EXPORTER: 'Prometheus' },
      ['otlp', 'prometheus', ''],
    ],
    [
      'gRPC without a scheme',
      { OTEL_EXPORTER_OTLP_ENDPOINT: '10.1.2.3:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'GRPC' },
      ['otlp', 'otlp', ''],
    ],
    [
      'the SDK disabled',
      { ...endpoint, OTEL_SDK_DISABLED: 'TRUE', OTEL_LOGS_EXPORTER: 'otlp' },
      ['', '', ''],
    ],
    ['the SDK not disabled', { ...endpoint, OTEL_SDK_DISABLED: 'false' }, ['otlp', 'otlp', '']],
  ]
  for (const [name, environment, expected] of cases) {
    t.same(exportersOf(environment), expected, name)
    t.same(readTelemetrySettings(environment).warnings, [], name)
  }
})

t.test('reports HTTP on port 4317 once', async (t) => {
  const grpcPort = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4317',
    OTEL_LOGS_EXPORTER: 'otlp',
  }
  t.match(readTelemetrySettings(grpcPort).warnings, [
    new RegExp(
      '^the OTLP endpoint of traces, metrics, logs has port 4317, where collectors expect gRPC, ' +
        'but the protocol is HTTP: use port 4318 or set OTEL_EXPORTER_OTLP_PROTOCOL=grpc$',
    ),
  ])
  t.equal(readTelemetrySettings(grpcPort).warnings.length, 1)
  t.same(
    readTelemetrySettings({
      ...grpcPort,
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: '',
    }).warnings,
    [],
  )
  t.same(readTelemetrySettings({ ...grpcPort, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }).warnings, [])
  t.match(readTelemetrySettings({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' }).warnings, [
    /has port 4317/,
    /must be a URL/,
  ])
})

t.test('does not export to an invalid endpoint and does not quote it', async (t) => {
  for (const text of [
    '10.1.2.3:4318',
    'collector:4318',
    'user:secret@collector',
    'no address',
    'ftp://collector',
    'http://collector:4318 ',
    'http://collector:99999',
  ]) {
    t.same(
      exportersOf({ OTEL_EXPORTER_OTLP_ENDPOINT: text, OTEL_METRICS_EXPORTER: 'otlp,prometheus' }),
      ['', 'prometheus', ''],
      text,
    )
    t.strictSame(
      readTelemetrySettings({ OTEL_EXPORTER_OTLP_ENDPOINT: text }).warnings,
      [
        'OTEL_EXPORTER_OTLP_ENDPOINT: must be a URL such as http://collector:4318; nothing ' +
          'is exported there',
      ],
      text,
    )
  }
  t.same(exportersOf({ ...endpoint, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'collector/v1/traces' }), [
    '',
    'otlp',
    '',
  ])
  t.same(
    exportersOf({ OTEL_EXPORTER_OTLP_ENDPOINT: 'no address', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }),
    ['', '', ''],
  )
})

t.test('reports each invalid variable once', async (t) => {
  const cases: Array<[variables: Record<string, string>, warnings: RegExp[]]> = [
    [
      { OTEL_EXPORTER_OTLP_TIMEOUT: '10s' },
      [
        new RegExp(
          '^OTEL_EXPORTER_OTLP_TIMEOUT=10s: must be an integer from 1 to 2147483647; ' +
            'the variable is ignored$',
        ),
      ],
    ],
    [
      { OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '0' },
      [/^OTEL_EXPORTER_OTLP_TRACES_TIMEOUT=0: must be an integer/],
    ],
    [
      { OTEL_EXPORTER_OTLP_TIMEOUT: '3000000000' },
      [/^OTEL_EXPORTER_OTLP_TIMEOUT=3000000000: must be/],
    ],
    ...['BSP', 'BLRP'].flatMap((queue) =>
      ['MAX_QUEUE_SIZE', 'SCHEDULE_DELAY', 'EXPORT_TIMEOUT', 'MAX_EXPORT_BATCH_SIZE'].flatMap(
        (limit) =>
          ['0.5', '2147483648', 'some'].map((value): [Record<string, string>, RegExp[]] => [
            { [`OTEL_${queue}_${limit}`]: value },
            [new RegExp(`^OTEL_${queue}_${limit}=${value}: must be an integer from 1`)],
          ]),
      ),
    ),
    ...['0.5', '99999999999'].map((value): [Record<string, string>, RegExp[]] => [
      { OTEL_METRIC_EXPORT_INTERVAL: value },
      [/^OTEL_METRIC_EXPORT_INTERVAL=/],
    ]),
    [
      { OTEL_SPAN_EVENT_COUNT_LIMIT: '-1' },
      [/^OTEL_SPAN_EVENT_COUNT_LIMIT=-1: must be an integer from 0/],
    ],
    [{ OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '0' }, []],
    [{ OTEL_LOG_LEVEL: 'bogus' }, [/^OTEL_LOG_LEVEL=bogus: must be one of none, error, warn/]],
    [{ OTEL_LOG_LEVEL: 'DEBUG' }, []],
    ...['secret', 'a b=secret', '=secret', 'a=secret,b', 'a=%', 'a=se%0Acret'].map(
      (text): [Record<string, string>, RegExp[]] => [
        { OTEL_EXPORTER_OTLP_TRACES_HEADERS: text },
        [
          new RegExp(
            '^OTEL_EXPORTER_OTLP_TRACES_HEADERS: must be key=value,key=value with %2C ' +
              'for a comma in a value; the variable is ignored$',
          ),
        ],
      ],
    ),
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20YTpi=, x-a = b,' }, []],
    [
      { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'smoke' },
      [/^OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=smoke: must be one of http/],
    ],
    [
      { OTEL_EXPORTER_OTLP_COMPRESSION: 'zstd' },
      [/^OTEL_EXPORTER_OTLP_COMPRESSION=zstd: must be one of gzip, none/],
    ],
    [{ OTEL_EXPORTER_OTLP_COMPRESSION: 'GZIP' }, []],
    [
      { OTEL_EXPORTER_OTLP_CERTIFICATE: '/no/ca.pem' },
      [
        new RegExp(
          '^OTEL_EXPORTER_OTLP_CERTIFICATE=/no/ca.pem: must be a file that the hook can read; ' +
            'the variable is ignored$',
        ),
      ],
    ],
    [
      {
        OTEL_EXPORTER_OTLP_CERTIFICATE: import.meta.filename,
        OTEL_EXPORTER_OTLP_CLIENT_KEY: '/no/key',
      },
      [/^OTEL_EXPORTER_OTLP_CLIENT_KEY=/],
    ],
    [
      { OTEL_RESOURCE_ATTRIBUTES: 'a=b,c' },
      [/^OTEL_RESOURCE_ATTRIBUTES: must be key=value,key=value with/],
    ],
    [{ OTEL_RESOURCE_ATTRIBUTES: 'a=%' }, [/^OTEL_RESOURCE_ATTRIBUTES: must/]],
    [{ OTEL_RESOURCE_ATTRIBUTES: 'a=b, c = %2C,' }, []],
    [
      { OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'some' },
      [
        new RegExp(
          '^OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=some: ' +
            'must be one of cumulative, delta, lowmemory',
        ),
      ],
    ],
    [{ OTEL_CONFIG_FILE: 'otel.yaml' }, [/^OTEL_CONFIG_FILE: not supported/]],
    [
      { OTEL_METRICS_EXEMPLAR_FILTER: 'always_on' },
      [/^OTEL_METRICS_EXEMPLAR_FILTER: not supported/],
    ],
    [{ OTEL_METRICS_EXEMPLAR_FILTER: 'always_off' }, []],
    [
      { OTEL_METRICS_EXPORTER: 'otlp,prometheus', OTEL_EXPORTER_PROMETHEUS_PORT: 'abc' },
      [/^OTEL_EXPORTER_PROMETHEUS_PORT=abc: must be an integer from 1 to 65535/],
    ],
  ]
  for (const [variables, expected] of cases) {
    const { warnings } = readTelemetrySettings({
      ...endpoint,
      OTEL_LOGS_EXPORTER: 'otlp',
      ...variables,
    })
    t.match(warnings, expected, Object.keys(variables).join())
    t.equal(warnings.length, expected.length)
  }
})

t.test('does not report an invalid variable that no exporter uses', async (t) => {
  const unused = {
    OTEL_EXPORTER_OTLP_PROTOCOL: 'smoke',
    OTEL_EXPORTER_OTLP_HEADERS: 'a',
    OTEL_EXPORTER_OTLP_TIMEOUT: '0',
    OTEL_BSP_MAX_QUEUE_SIZE: '0',
    OTEL_METRIC_EXPORT_INTERVAL: '0',
    OTEL_LOG_LEVEL: 'bogus',
    OTEL_SPAN_EVENT_COUNT_LIMIT: '-1',
  }
  t.same(readTelemetrySettings(unused).warnings, [])
  t.same(readTelemetrySettings({ ...endpoint, ...unused, OTEL_SDK_DISABLED: 'true' }).warnings, [])
  t.same(
    readTelemetrySettings({ ...endpoint, ...unused }).invalid.sort(),
    Object.keys(unused).sort(),
    'the SDK must not read an invalid variable',
  )
})

t.test('only the ConfigMap of the Deployment sets OTEL_* variables', async (t) => {
  const deployment: Anything = parse(
    readFileSync(new URL('../../manifests/deployment.yaml', import.meta.url), 'utf8'),
  )
  const variables: Anything[] = deployment.spec.template.spec.containers[0].env
  t.same(
    variables.filter(({ name }) => name.startsWith('OTEL_')),
    [],
    'env overrides envFrom',
  )
  const { resource, warnings } = readTelemetrySettings({
    POD_RESOURCE_ATTRIBUTES: variables.find(({ name }) => name === 'POD_RESOURCE_ATTRIBUTES')
      ?.value,
  })
  t.match(resource, {
    'k8s.pod.name': '$(POD_NAME)',
    'service.instance.id': '$(POD_NAMESPACE).$(POD_NAME).hook',
  })
  t.same(warnings, [])
})

t.test('reads the resource attributes of the deployment', async (t) => {
  t.strictSame(
    readTelemetrySettings({ POD_RESOURCE_ATTRIBUTES: 'k8s.pod.name=a,b=%3D' }).resource,
    { 'k8s.pod.name': 'a', b: '=' },
  )
  t.strictSame(readTelemetrySettings({ POD_RESOURCE_ATTRIBUTES: 'k8s.pod.name' }).resource, {})
  t.strictSame(readTelemetrySettings({ OTEL_EXPORTER_PROMETHEUS_PORT: 'abc' }).metrics.prometheus, {
    host: 'localhost',
    port: 9464,
  })
})

t.test('replaces an invalid value with the default, and ignores an unknown exporter', async (t) => {
  const { traces, metrics, warnings } = readTelemetrySettings({
    ...endpoint,
    OTEL_TRACES_EXPORTER: 'zipkin',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'smoke',
    OTEL_METRIC_EXPORT_INTERVAL: 'soon',
  })
  t.same(traces.exporters, [])
  t.equal(metrics.protocol, 'http/protobuf')
  t.equal(metrics.exportIntervalMillis, 60_000)
  t.strictSame(warnings, [
    'OTEL_TRACES_EXPORTER=zipkin: must be one of otlp, console, none; the exporter is ignored',
    'OTEL_EXPORTER_OTLP_PROTOCOL=smoke: must be one of http/protobuf, http/json, grpc; the ' +
      'variable is ignored',
    'OTEL_METRIC_EXPORT_INTERVAL=soon: must be an integer from 1 to 2147483647; the ' +
      'variable is ignored',
  ])
})

t.test('bounds batches and intervals', async (t) => {
  const { traces, metrics, logs } = readTelemetrySettings({
    OTEL_BSP_MAX_QUEUE_SIZE: '10',
    OTEL_BSP_SCHEDULE_DELAY: '20',
    OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: '30',
    OTEL_METRIC_EXPORT_INTERVAL: '100',
    OTEL_METRIC_EXPORT_TIMEOUT: '500',
  })
  t.same(traces.batch, { maxQueueSize: 10, scheduledDelayMillis: 20, maxExportBatchSize: 10 })
  t.same(readTelemetrySettings({}).traces.batch, { maxExportBatchSize: 64 })
  t.same(logs.batch, { maxExportBatchSize: 30 })
  t.match(
    metrics,
    { exportIntervalMillis: 100, exportTimeoutMillis: 100 },
    'a timeout is at most the interval',
  )
})
