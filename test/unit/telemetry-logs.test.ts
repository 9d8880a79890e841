import { type LogRecord, logs } from '@opentelemetry/api'
import { pino } from 'pino'
import t from 'tap'
import { stackFrames } from '../../src/plugins/errors.ts'
import { logRecordStream } from '../../src/telemetry/requests/log-records.ts'
import { watchOutages } from '../../src/telemetry/export/outages.ts'
import { linkTo } from '../../src/telemetry/requests/trace-link.ts'

t.test('links a valid traceparent and nothing else', async (t) => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  t.match(linkTo({ traceparent }), {
    context: {
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      traceFlags: 1,
      isRemote: true,
    },
  })
  const bad = [
    '',
    'secret',
    '00-00000000000000000000000000000000-b7ad6b7169203331-01',
    '00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01',
    'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    `${traceparent}-more`,
    `01${traceparent.slice(2)}-${'x'.repeat(512)}`,
  ]
  for (const text of bad) t.equal(linkTo({ traceparent: text }), undefined, text)
  t.equal(linkTo({}), undefined)
  t.equal(linkTo(undefined), undefined)
})

t.test('removes the message and folders from a stack', async (t) => {
  const error = new Error('secret')
  t.match(stackFrames(error), /telemetry-logs\.test\.ts:\d+:\d+/)
  t.notMatch(stackFrames(error), /secret|\/|\\/)
  t.equal(
    stackFrames(
      Object.assign(new Error('a'), {
        stack: [
          'Error: at secret (a)',
          'at sync (file:///app/dist/main.js:1:2)',
          'at /app/x.js:3:4',
          'at new Map (<anonymous>)',
        ].join('\n    '),
      }),
    ),
    '    at sync (main.js:1:2)\n    at x.js:3:4\n    at new Map (<anonymous>)',
  )
})

t.test('a log record does not contain the message and the folders of its error', async (t) => {
  const records: LogRecord[] = []
  logs.setGlobalLoggerProvider({
    getLogger: () => ({
      emit: (record: LogRecord) => {
        records.push(record)
      },
      enabled: () => true,
    }),
  } as never)
  t.teardown(() => {
    logs.disable()
  })
  pino(logRecordStream()).fatal(
    { err: new TypeError('planted-message') },
    'stopping after an error that nothing caught',
  )
  t.match(records, [
    {
      severityText: 'FATAL',
      body: 'stopping after an error that nothing caught',
      attributes: {
        'exception.type': 'TypeError',
        'exception.stacktrace': /telemetry-logs\.test\.ts:\d+/,
      },
    },
  ])
  t.equal(records.length, 1)
  t.notMatch(JSON.stringify(records), /planted-message|test\/unit/)
})

t.test('logs the start and the end of an outage', async (t) => {
  const logged: unknown[] = []
  const log = (...line: unknown[]) => {
    logged.push(line)
  }
  const outage = watchOutages('traces', { warn: log, info: log } as never)
  outage.succeeded()
  outage.failed(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }), 5)
  outage.failed(new Error('x'), 2)
  outage.succeeded()
  outage.succeeded()
  outage.failed(Object.assign(new Error('secret'), { code: 503 }), 1)
  t.match(logged, [
    [{ signal: 'traces', reason: 'ECONNREFUSED' }, String],
    [{ signal: 'traces', failedExports: 2, lostItems: 7 }, 'telemetry is exported again'],
    [{ reason: 'the endpoint answered 503' }, String],
  ])
  t.equal(logged.length, 3)
})

t.test('counts as lost the items that a full queue drops', async (t) => {
  const logged: unknown[][] = []
  const log = (...line: unknown[]) => {
    logged.push(line)
  }
  const outage = watchOutages('traces', { warn: log, info: log } as never)
  outage.dropped(3)
  outage.failed(new Error('Timeout'), 2)
  outage.dropped(1)
  outage.succeeded()
  for (let times = 0; times < 2; times++) {
    outage.dropped(4)
    outage.succeeded()
  }
  t.match(logged, [
    [{ reason: 'Timeout' }, String],
    [{ failedExports: 1, lostItems: 6 }, 'telemetry is exported again'],
    [{ lostItems: 4 }, /^the telemetry queue is full/],
  ])
  t.equal(logged.length, 3)
})

t.test('logs a gRPC status by name', async (t) => {
  const reasons: unknown[] = []
  for (const code of [14, 16, 404]) {
    watchOutages('traces', {
      warn: ({ reason }: { reason: unknown }) => {
        reasons.push(reason)
      },
    } as never).failed({ code }, 1)
  }
  t.strictSame(reasons, [
    'gRPC UNAVAILABLE: is a collector listening there?',
    'gRPC UNAUTHENTICATED',
    'the endpoint answered 404',
  ])
})
