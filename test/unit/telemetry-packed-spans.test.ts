import {
  createTraceState,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
} from '@opentelemetry/api'
import {
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import fc from 'fast-check'
import t from 'tap'
import { packing, unpacking } from '../../src/runtime/packed-spans.ts'

const success = 0
/** Keeps what is exported. */
const keepIn = (spans: ReadableSpan[]) => ({
  export: (exported: ReadableSpan[], done: (result: { code: number }) => void) => {
    spans.push(...exported)
    done({ code: success })
  },
  shutdown: async () => {},
})

/** All that an exporter reads of a span, as text, and what it holds on to. */
const shown = (
  {
    name,
    kind,
    parentSpanContext,
    startTime,
    endTime,
    duration,
    ended,
    status,
    attributes,
    links,
    events,
    droppedAttributesCount,
    droppedEventsCount,
    droppedLinksCount,
    resource,
    instrumentationScope,
  }: ReadableSpan,
  context: SpanContext,
) => ({
  text: JSON.stringify({
    context,
    name,
    kind,
    parentSpanContext,
    startTime,
    endTime,
    duration,
    ended,
    status,
    attributes,
    links,
    events,
    droppedAttributesCount,
    droppedEventsCount,
    droppedLinksCount,
  }),
  resource,
  instrumentationScope,
})

t.test('a span that waited as bytes is exported as it was', async (t) => {
  const [plain, packed]: [ReadableSpan[], ReadableSpan[]] = [[], []]
  const provider = new TracerProvider({
    spanProcessors: [
      new SimpleSpanProcessor({ exporter: keepIn(plain) }),
      packing(new SimpleSpanProcessor({ exporter: unpacking(keepIn(packed)) })),
    ],
  })
  const tracer = provider.getTracer('a scope', '1.0')
  const elsewhere = {
    traceId: '1'.repeat(32),
    spanId: '2'.repeat(16),
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
  }
  for (const parent of [
    undefined,
    elsewhere,
    { ...elsewhere, traceState: createTraceState('vendor=value') },
  ]) {
    const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent)
    const span = tracer.startSpan(
      'POST /sync',
      { kind: SpanKind.SERVER, links: [{ context: elsewhere, attributes: { why: 'a pipeline' } }] },
      context,
    )
    span.setAttributes({ text: 'ünï "quoted" \u2028', number: 1.5, flag: false, list: ['a', 'b'] })
    span.addEvent('resource.update', { fields: ['spec.replicas'] })
    span.recordException(new Error('no'))
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'no' })
    span.end()
  }
  await provider.forceFlush()
  t.equal(packed.length, 3)
  t.strictSame(
    packed.map((span) => shown(span, span.spanContext())),
    plain.map((span) => shown(span, span.spanContext())),
  )
  t.equal(packed[2]?.spanContext().traceState?.serialize(), 'vendor=value')
  await provider.shutdown()
})

t.test(
  'whatever waits, is exported or dropped, in however little room, every span is exported with what is its own',
  async (t) => {
    const step = fc.oneof(
      fc.record({ end: fc.string({ unit: 'grapheme', maxLength: 600 }), dropped: fc.boolean() }),
      fc.record({ exported: fc.integer({ min: 1, max: 5 }) }),
    )
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.constantFrom(1, 1000, 3000, 100_000),
        (steps, room) => {
          const waiting: ReadableSpan[] = []
          let drops = false
          const queue: SpanProcessor = {
            onStart: () => {},
            onEnd: (span) => {
              if (!drops) waiting.push(span)
            },
            forceFlush: async () => {},
            shutdown: async () => {},
          }
          const tracer = new TracerProvider({ spanProcessors: [packing(queue, room)] }).getTracer(
            'a scope',
          )
          const [ended, exported]: [string[], ReadableSpan[]] = [[], []]
          const exporter = unpacking(keepIn(exported))
          for (const step of steps) {
            if ('end' in step) {
              drops = step.dropped
              tracer.startSpan('POST /sync', { attributes: { text: step.end } }).end()
              if (!drops) ended.push(step.end)
            } else exporter.export(waiting.splice(0, step.exported), () => {})
          }
          exporter.export(waiting.splice(0), () => {})
          t.strictSame(
            exported.map(({ attributes }) => attributes['text']),
            ended,
          )
        },
      ),
      { numRuns: 200 },
    )
  },
)
