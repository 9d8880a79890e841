import {
  type Attributes,
  type Exception,
  type Link,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanStatus,
  type TimeInput,
  trace,
  type Tracer,
} from '@opentelemetry/api'
import { FastifyInstrumentation } from '@opentelemetry/instrumentation-fastify'
import type { fastify as Fastify, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { describeCall } from './span.ts'
import type { EventLoopWatch } from '../../runtime/event-loop-metrics.ts'
import type { KnownMyApps } from './seen-myapps.ts'
import type { HookName } from '../../routes/outcome.ts'
import type { OperatorMetrics } from './metrics.ts'

declare module 'fastify' {
  interface FastifyRequest {
    span: Span | undefined
  }
}

/**
 * Fastify as @opentelemetry/instrumentation-fastify patches it, by hand, since a bundle has no module for it to catch, and
 * made to give one SERVER span a hook call. By itself it makes an internal span for the handler, one more for each hook
 * of Fastify, and none for a call that fails before its handler: the one span starts when a call arrives, the handler's
 * becomes a part of it, and it ends when the answer is out. Other routes, such as health probes, have no span.
 * Of its patches only the one around the handler is left: the others end spans that are not made here.
 */
export function instrument(
  fastify: typeof Fastify,
  metrics: OperatorMetrics,
  known: KnownMyApps,
  eventLoop?: EventLoopWatch,
): typeof Fastify {
  let tracer: Tracer | undefined
  const instrumentation = new FastifyInstrumentation({
    requestHook: (handlerSpan, { request }) => {
      ;(handlerSpan as HandlerSpan).join((request as FastifyRequest).span)
    },
  })
  instrumentation.setTracerProvider({
    getTracer: (name, version) => {
      tracer = trace.getTracer(name, version)
      return {
        startSpan: () => new HandlerSpan(),
        startActiveSpan: tracer.startActiveSpan.bind(tracer),
      }
    },
  })
  const [fastifyModule] = instrumentation.getModuleDefinitions()
  return ((options: object) => {
    const server = fastify(options)
    const { addHook } = server
    // What it adds is added here or not; in the end addHook is Fastify's own again, or it would make a span of every hook.
    server.addHook = ((name: 'preHandler', hook: () => void) =>
      name === 'preHandler' ? addHook.call(server, name, hook) : server) as typeof addHook
    fastifyModule?.patch?.({ fastify: () => server }).fastify()
    server.addHook = addHook
    if (tracer !== undefined) followCalls(server, tracer, metrics, known, eventLoop)
    return server
  }) as typeof Fastify
}

function followCalls(
  server: FastifyInstance,
  tracer: Tracer,
  metrics: OperatorMetrics,
  known: KnownMyApps,
  eventLoop: EventLoopWatch | undefined,
): void {
  server.decorateRequest('span', undefined)
  // A call's own logger comes with its span; one more before would cost as much again.
  server.setChildLoggerFactory((logger) => logger)
  server.addHook('onRequest', (call, reply, done) => {
    const { hook } = call.routeOptions.config
    if (hook !== undefined) {
      eventLoop?.called()
      startSpan(call, reply, tracer)
      // Fastify's own hooks tell nothing of a connection that was reset when its call had been read and the answer was not out yet.
      reply.raw.once('close', () => end(call, reply, hook))
    }
    done()
  })
  const end = (call: FastifyRequest, reply: FastifyReply, hook: HookName) => {
    const { span } = call
    if (span === undefined) return
    try {
      describeCall(span, call, hook, {
        statusCode: reply.raw.writableFinished ? reply.statusCode : undefined,
        seconds: reply.elapsedTime / 1000,
        metrics,
        known,
      })
    } catch (error) {
      call.log.debug({ type: (error as Error).name }, 'a hook call cannot be described')
    }
    span.end()
  }
}

function startSpan(call: FastifyRequest, reply: FastifyReply, tracer: Tracer): void {
  const route = call.routeOptions.url
  const attributes = {
    'http.request.method': call.method,
    'url.path': route ?? '',
    'url.scheme': 'http',
    'http.route': route ?? '',
  }
  const span = (call.span = tracer.startSpan(
    `${call.method} ${route}`,
    { kind: SpanKind.SERVER, attributes },
    propagation.extract(ROOT_CONTEXT, call.headers),
  ))
  const { traceId, spanId, traceFlags } = span.spanContext()
  const ids = trace.isSpanContextValid(span.spanContext())
    ? { trace_id: traceId, span_id: spanId, trace_flags: `0${traceFlags}` }
    : undefined
  call.log = reply.log = call.log.child({ reqId: call.id, ...ids })
}

/** The span that the instrumentation makes for a handler: one and the same with the span of the call, which ends and fails by itself. */
class HandlerSpan implements Span {
  #span: Span | undefined
  join(span: Span | undefined): void {
    this.#span = span
  }
  spanContext(): SpanContext {
    return (
      this.#span?.spanContext() ?? {
        traceId: '0'.repeat(32),
        spanId: '0'.repeat(16),
        traceFlags: 0,
      }
    )
  }
  setAttribute(key: string, value: Parameters<Span['setAttribute']>[1]): this {
    this.#span?.setAttribute(key, value)
    return this
  }
  setAttributes(attributes: Attributes): this {
    this.#span?.setAttributes(attributes)
    return this
  }
  addEvent(name: string, attributes?: Attributes | TimeInput, time?: TimeInput): this {
    this.#span?.addEvent(name, attributes, time)
    return this
  }
  addLink(link: Link): this {
    this.#span?.addLink(link)
    return this
  }
  addLinks(links: Link[]): this {
    this.#span?.addLinks(links)
    return this
  }
  isRecording(): boolean {
    return this.#span?.isRecording() ?? false
  }
  setStatus(_status: SpanStatus): this {
    return this
  }
  updateName(_name: string): this {
    return this
  }
  recordException(_exception: Exception): void {}
  end(): void {}
}
