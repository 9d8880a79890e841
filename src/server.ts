import {
  fastify,
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyServerOptions,
  LogController,
} from 'fastify'
import { maxHeaderSize, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Config } from './config.ts'
import type { Context } from './myapp/context.ts'
import { overloadLog } from './plugins/overload-log.ts'
import { refuseOverload } from './plugins/overload.ts'
import { customizeRoute } from './routes/customize.ts'
import { finalizeRoute } from './routes/finalize.ts'
import { healthRoutes } from './routes/health.ts'
import { type Failure, stackFrames } from './routes/outcome.ts'
import { subjectFields } from './routes/subject.ts'
import { syncRoute } from './routes/sync.ts'

/** What a server is given from outside. */
export interface Dependencies {
  logger: FastifyBaseLogger
  /** Whether /readyz says so. */
  isReady: () => boolean
  /** What the process configures for the answers. */
  context: Context
  /** What makes the instance, if not Fastify as it is. */
  createServer?: typeof fastify
}

/** The hook server, not listening yet. Every answer that is not 200 is `{ error }` with one short sentence: Metacontroller shows it as an Event. */
export async function buildServer(
  config: Config,
  { logger, isReady, context, createServer = fastify }: Dependencies,
): Promise<FastifyInstance> {
  const server = createServer({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: config.BODY_LIMIT,
    keepAliveTimeout: config.KEEP_ALIVE_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    // A key of a ConfigMap may have any name: it is data like the others. No object that outlives a call is assigned to by it.
    onProtoPoisoning: 'ignore',
    onConstructorPoisoning: 'ignore',
    schemaController: { compilersFactory: noCompilers },
    // What Fastify and Node refuse before a route is found.
    frameworkErrors: (_error, _call, reply: object) => {
      ;(reply as FastifyReply).code(400).send({ error: 'the address cannot be read' })
    },
    clientErrorHandler,
  })
  server.removeContentTypeParser('text/plain')
  const refusedForOverload = overloadLog(logger)
  server.addHook('onSend', (_call, reply, _payload, done) => {
    // A caller that keeps its connection would hold up the end, and not find the replica that takes over.
    if (!isReady()) reply.header('connection', 'close')
    if (reply.statusCode === 429) refusedForOverload()
    done()
  })
  server.decorateRequest('outcome', undefined)
  server.decorateRequest('failure', undefined)
  server.setErrorHandler<FastifyError>((error, call, reply) => {
    const statusCode = error.statusCode ?? 500
    const failure = (call.failure =
      statusCode >= 500
        ? bug(error)
        : { type: error.code ?? String(statusCode), message: explain(error, config) })
    const told = {
      ...subjectFields(call.routeOptions.config.hook, call.body),
      statusCode,
      durationMs: Number(reply.elapsedTime.toFixed(3)),
    }
    if (statusCode >= 500) {
      call.log.error(
        { ...told, err: { type: failure.type, stack: failure.frames } },
        'hook call failed',
      )
    } else call.log.warn({ ...told, reason: failure.message }, 'hook call refused')
    reply.code(statusCode).send({
      error:
        statusCode >= 500
          ? `${failure.message}; its log tells more under reqId ${call.id}`
          : failure.message,
    })
  })
  server.setNotFoundHandler((_call, reply) =>
    reply.code(404).send({
      error: 'there are POST /sync, /finalize and /customize, and GET /healthz and /readyz',
    }),
  )
  refuseOverload(server, config)
  syncRoute(server, context)
  finalizeRoute(server)
  customizeRoute(server)
  healthRoutes(server, isReady)
  return server
}

/** Answers what is no request that Node can read, and ends its connection. */
function clientErrorHandler({ code }: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable) return
  const [status, error] =
    code === 'HPE_HEADER_OVERFLOW'
      ? ([431, `the headers are larger than ${maxHeaderSize} bytes`] as const)
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ([408, 'the request did not come to its end in time'] as const)
        : ([400, 'the request is not HTTP'] as const)
  const body = JSON.stringify({ error })
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
}

/** No route has a schema of Fastify's own: what would compile them is not even loaded. */
const noCompilers = {
  buildValidator: () => () => () => true,
  buildSerializer: () => () => JSON.stringify,
} as object as NonNullable<
  NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']
>

/** What can be told of an error that nobody expected. Its own message can quote a value. */
const bug = (error: Error): Failure => ({
  type: error.name,
  message: 'an error inside the operator',
  frames: stackFrames(error),
})

/** A sentence for a refusal. What a parser says of a body may quote it, and it may hold secrets, so it is not passed on. */
function explain(error: FastifyError, config: Config): string {
  switch (error.code) {
    case undefined:
      return error.message
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return 'the body is not JSON'
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return `the body is larger than BODY_LIMIT, ${config.BODY_LIMIT} bytes`
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return 'the content type must be application/json'
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return 'the body is empty'
    case 'ECONNRESET':
      return 'the caller went away before it was answered'
    default:
      return `the request cannot be read (${error.code})`
  }
}
