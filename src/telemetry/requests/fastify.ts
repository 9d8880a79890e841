import {
  type Attributes,
  INVALID_SPAN_CONTEXT,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  trace,
  type Tracer,
} from '@opentelemetry/api'
import { FastifyInstrumentation } from '@opentelemetry/instrumentation-fastify'
import {
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_ROUTE,
  ATTR_URL_PATH,
  ATTR_URL_SCHEME,
} from '@opentelemetry/semantic-conventions'
import type { fastify as Fastify, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/**
 * Fastify, instrumented by @opentelemetry/instrumentation-fastify.
 *
 * The project uses this package by requirement. The package is deprecated in favour of
 * @fastify/otel, so no other file of src/ depends on it. To replace it, change this file,
 * build/used-exports.ts and the tests that expect the name of its tracer.
 *
 * - The package describes the handler of a request: its attributes (`fastify.*`, `http.route`), and
 *   the name and version of its tracer, by which backends recognise the instrumentation.
 * - This file creates one SERVER span for each request of a hook, from its arrival until its
 *   response is sent. The package itself would create an internal span for each handler and each
 *   Fastify hook, but no SERVER span.
 * - Routes without a hook, such as probes, get no span.
 */

declare module 'fastify' {
  interface FastifyRequest {
    span: Span | undefined
  }
}

/** Called for each request of a hook. */
export interface RequestListener {
  started?: () => void
  /** The response is sent, or the connection is closed. The span ends after this call. */
  ended: (span: Span, request: FastifyRequest, reply: FastifyReply) => void
}

/** Returns a function like `fastify` whose servers create a span for each request of a hook. */
export function instrument(fastify: typeof Fastify, listener: RequestListener): typeof Fastify {
  let tracer = trace.getTracer('')
  let handlerAttributes: Attributes = {}
  // A bundle has no module `fastify` that the package could patch, so call its patch explicitly.
  const instrumentation = new FastifyInstrumentation({
    // Called right after the package has started its span for the handler.
    requestHook: (_handlerSpan, { request }) => {
      ;(request as FastifyRequest).span?.setAttributes(handlerAttributes)
    },
  })
  // The package gets a tracer whose spans record nothing. Only their attributes are used.
  instrumentation.setTracerProvider({
    getTracer: (name, version) => {
      tracer = trace.getTracer(name, version)
      return {
        startSpan: (_name, options) => {
          handlerAttributes = options?.attributes ?? {}
          return trace.wrapSpanContext(INVALID_SPAN_CONTEXT)
        },
        startActiveSpan: tracer.startActiveSpan.bind(tracer),
      }
    },
  })
  const [definition] = instrumentation.getModuleDefinitions()
  return ((options: object) => {
    const server = fastify(options)
    recordRequests(server, tracer, listener)
    addHandlerHook(server, (patched) => definition?.patch?.({ fastify: () => patched }).fastify())
    return server
  }) as typeof Fastify
}

/**
 * Applies the package's patch to a server, but only its hook around the handler. The other patches
 * wrap each Fastify hook and `reply.send` to create further spans, and cost much processor time
 * (bench/results/2026-11-28.md).
 */
function addHandlerHook(server: FastifyInstance, patch: (server: FastifyInstance) => void): void {
  const { addHook } = server
  server.addHook = ((name: 'preHandler', hook: () => void) =>
    name === 'preHandler' ? addHook.call(server, name, hook) : server) as typeof addHook
  patch(server)
  server.addHook = addHook
}

function recordRequests(server: FastifyInstance, tracer: Tracer, listener: RequestListener): void {
  server.decorateRequest('span', undefined)
  // The logger of a request is created below. For a request of a hook it has the ids of the span.
  server.setChildLoggerFactory((logger) => logger)
  server.addHook('onRequest', (request, reply, done) => {
    if (request.routeOptions.config.hook !== undefined) {
      listener.started?.()
      const span = startSpan(request, reply, tracer)
      // Fastify has no hook for a connection that is reset while its request is answered.
      reply.raw.once('close', () => {
        try {
          listener.ended(span, request, reply)
        } catch (error) {
          request.log.debug({ type: (error as Error).name }, 'cannot record a request')
        }
        span.end()
      })
    } else request.log = reply.log = request.log.child({ reqId: request.id })
    done()
  })
}

function startSpan(request: FastifyRequest, reply: FastifyReply, tracer: Tracer): Span {
  const route = request.routeOptions.url ?? ''
  const attributes = {
    [ATTR_HTTP_REQUEST_METHOD]: request.method,
    [ATTR_HTTP_ROUTE]: route,
    [ATTR_URL_PATH]: route,
    [ATTR_URL_SCHEME]: request.protocol,
  }
  const span = tracer.startSpan(
    `${request.method} ${route}`,
    { kind: SpanKind.SERVER, attributes },
    propagation.extract(ROOT_CONTEXT, request.headers),
  )
  const { traceId, spanId, traceFlags } = span.spanContext()
  const ids = trace.isSpanContextValid(span.spanContext())
    ? { trace_id: traceId, span_id: spanId, trace_flags: `0${traceFlags}` }
    : undefined
  request.span = span
  request.log = reply.log = request.log.child({ reqId: request.id, ...ids })
  return span
}
