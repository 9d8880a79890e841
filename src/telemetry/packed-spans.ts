import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace'
import type { Exporter } from './lazy-exporter.ts'

/** More than wait while exports succeed. In an outage the rest has memory of its own. */
const roomInBytes = 512 * 1024

/**
 * Has spans wait as bytes until they are exported. As it is, a span is a hundred small objects that outlive the young
 * generation while they wait: they would fill the heap, and calls would wait for its full collections.
 */
export function packing (processor: SpanProcessor, room: number = roomInBytes): SpanProcessor {
  const waiting = new WaitingBytes(room)
  return {
    onStart: (span, context) => { processor.onStart(span, context) },
    onEnd: (span) => { processor.onEnd(isPlain(span) ? new PackedSpan(span, waiting) as unknown as ReadableSpan : span) },
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
  readonly #take: () => string

  constructor (span: ReadableSpan, waiting: WaitingBytes) {
    const { name, kind, parentSpanContext, startTime, endTime, duration, ended, status, attributes, links, events, droppedAttributesCount, droppedEventsCount, droppedLinksCount } = span
    const context = span.spanContext()
    this.resource = span.resource
    this.#scope = span.instrumentationScope
    this.#traceFlags = context.traceFlags
    this.#take = waiting.put(JSON.stringify({ context, name, kind, parentSpanContext, startTime, endTime, duration, ended, status, attributes, links, events, droppedAttributesCount, droppedEventsCount, droppedLinksCount }))
  }

  spanContext () { return { traceFlags: this.#traceFlags } }

  /** To be called once. */
  unpack (): ReadableSpan {
    const { context, ...span } = JSON.parse(this.#take())
    return { ...span, spanContext: () => context, resource: this.resource, instrumentationScope: this.#scope }
  }
}

/**
 * Texts that wait for their turn, in one piece of memory that is used over and over. In pieces of their own, each would be freed by a full
 * collection only, and V8 counts their bytes among those that bring one about. What is taken is taken in the order in which it was put,
 * and of what came before it nothing will be: it was taken, or dropped.
 */
class WaitingBytes {
  readonly #bytes: Buffer
  /** How many bytes were ever put, and how many of them are free again; the remainder by the size is where they are. */
  #put = 0
  #freed = 0

  constructor (size: number) { this.#bytes = Buffer.allocUnsafeSlow(size) }

  /** Gives back what gives the text back. Where there is no room for it, it waits by itself. */
  put (text: string): () => string {
    const size = this.#bytes.length
    const length = Buffer.byteLength(text)
    const leftAtEnd = size - this.#put % size
    const start = length <= leftAtEnd ? this.#put : this.#put + leftAtEnd
    const end = start + length
    if (end - this.#freed > size) return own(Buffer.from(text))
    this.#bytes.write(text, start % size)
    this.#put = end
    return () => {
      this.#freed = end
      return this.#bytes.toString('utf8', start % size, start % size + length)
    }
  }
}

const own = (bytes: Buffer) => () => bytes.toString()
