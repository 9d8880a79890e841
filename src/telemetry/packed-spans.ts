import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace'
import type { Exporter } from './lazy-exporter.ts'

/**
 * Has spans wait as bytes until they are exported. As it is, a span is a hundred small objects that outlive the young
 * generation while they wait: they would fill the heap, and calls would wait for its full collections.
 */
export function packing (processor: SpanProcessor): SpanProcessor {
  return {
    onStart: (span, context) => { processor.onStart(span, context) },
    onEnd: (span) => { processor.onEnd(isPlain(span) ? new PackedSpan(span) as unknown as ReadableSpan : span) },
    forceFlush: async () => { await processor.forceFlush() },
    shutdown: async () => { await processor.shutdown() },
  }
}

/** Hands spans to an exporter as they were before they were packed. */
export function unpacking<E extends Exporter<ReadableSpan[]>> (exporter: E): E {
  return { ...exporter, export: (spans, done) => { exporter.export(spans.map((span) => span instanceof PackedSpan ? span.unpack() : span), done) } }
}

/** Whether a span is nothing but data. A trace state, which a caller may send, is more. */
const isPlain = (span: ReadableSpan) => span.spanContext().traceState === undefined

/** Of a span what a processor reads, and the rest as bytes, which are not in the heap. */
class PackedSpan {
  readonly resource: ReadableSpan['resource']
  readonly #scope: ReadableSpan['instrumentationScope']
  readonly #traceFlags: number
  readonly #bytes: Buffer

  constructor (span: ReadableSpan) {
    const { name, kind, parentSpanContext, startTime, endTime, duration, ended, status, attributes, links, events, droppedAttributesCount, droppedEventsCount, droppedLinksCount } = span
    const context = span.spanContext()
    this.resource = span.resource
    this.#scope = span.instrumentationScope
    this.#traceFlags = context.traceFlags
    this.#bytes = Buffer.from(JSON.stringify({ context, name, kind, parentSpanContext, startTime, endTime, duration, ended, status, attributes, links, events, droppedAttributesCount, droppedEventsCount, droppedLinksCount }))
  }

  spanContext () { return { traceFlags: this.#traceFlags } }

  unpack (): ReadableSpan {
    const { context, ...span } = JSON.parse(this.#bytes.toString())
    return { ...span, spanContext: () => context, resource: this.resource, instrumentationScope: this.#scope }
  }
}
