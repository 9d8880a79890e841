import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace'
import type { Exporter } from '../telemetry/export/lazy.ts'

/** More than wait while exports succeed. In an outage the rest has memory of its own. */
const roomInBytes = 512 * 1024

/**
 * Has spans wait as bytes until they are exported. As it is, a span is a hundred small objects that outlive the young
 * generation while they wait: they would fill the heap, and calls would wait for its full collections.
 */
export function packing(processor: SpanProcessor, room: number = roomInBytes): SpanProcessor {
  const waiting = new WaitingBytes(room)
  return {
    onStart: (span, context) => {
      processor.onStart(span, context)
    },
    onEnd: (span) => {
      processor.onEnd(
        isPlain(span) ? (new PackedSpan(span, waiting) as unknown as ReadableSpan) : span,
      )
    },
    forceFlush: async () => {
      await processor.forceFlush()
    },
    shutdown: async () => {
      await processor.shutdown()
    },
  }
}

/** Hands spans to an exporter as they were before they were packed. */
export function unpacking<E extends Exporter<ReadableSpan[]>>(exporter: E): E {
  return {
    ...exporter,
    export: (spans, done) => {
      exporter.export(
        spans.map((span) => (span instanceof PackedSpan ? span.unpack() : span)),
        done,
      )
    },
  }
}

/** Whether a span is nothing but data. A trace state, which a caller may send, is more. */
const isPlain = (span: ReadableSpan) => span.spanContext().traceState === undefined

/** Of a span what a processor reads, and the rest as bytes, which are not in the heap. */
class PackedSpan {
  readonly resource: ReadableSpan['resource']
  readonly #scope: ReadableSpan['instrumentationScope']
  readonly #traceFlags: number
  readonly #waiting: WaitingBytes
  readonly #bytes: number
  /** Where it waits; undefined where there was no room. */
  readonly #start: number | undefined
  readonly #own: Buffer | undefined

  constructor(span: ReadableSpan, waiting: WaitingBytes) {
    const {
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
    } = span
    const context = span.spanContext()
    this.resource = span.resource
    this.#scope = span.instrumentationScope
    this.#traceFlags = context.traceFlags
    const text = JSON.stringify({
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
    })
    this.#waiting = waiting
    this.#bytes = Buffer.byteLength(text)
    this.#start = waiting.put(text, this.#bytes)
    if (this.#start === undefined) this.#own = Buffer.from(text)
  }

  spanContext() {
    return { traceFlags: this.#traceFlags }
  }

  /** To be called once. */
  unpack(): ReadableSpan {
    const span = JSON.parse(
      this.#start === undefined ? String(this.#own) : this.#waiting.take(this.#start, this.#bytes),
    )
    const { context } = span
    // A copy of it would be made anew for each span, and V8 has such copies in the old generation from the start.
    return Object.assign(span, {
      spanContext: () => context,
      resource: this.resource,
      instrumentationScope: this.#scope,
    })
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

  constructor(size: number) {
    this.#bytes = Buffer.allocUnsafeSlow(size)
  }

  /** Takes a text of so many bytes, and tells where it is; undefined where there is no room for it. */
  put(text: string, bytes: number): number | undefined {
    const size = this.#bytes.length
    const leftAtEnd = size - (this.#put % size)
    const start = bytes <= leftAtEnd ? this.#put : this.#put + leftAtEnd
    if (start + bytes - this.#freed > size) return undefined
    this.#bytes.write(text, start % size)
    this.#put = start + bytes
    return start
  }

  /** Gives a text back, and its room with it. */
  take(start: number, bytes: number): string {
    this.#freed = start + bytes
    const from = start % this.#bytes.length
    return this.#bytes.toString('utf8', from, from + bytes)
  }
}
