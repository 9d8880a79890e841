import { fastify, type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import type { FastifyServerOptions } from 'fastify'
import type { Config } from './config.ts'
import type { Context } from './myapp/context.ts'
import { answerErrors, malformedRequests } from './plugins/errors.ts'
import { refuseOverload } from './plugins/overload.ts'
import { readJsonBodies } from './plugins/request-body.ts'
import { healthRoutes } from './routes/health.ts'
import { hookRoutes } from './routes/hooks.ts'

export interface Dependencies {
  logger: FastifyBaseLogger
  /** Whether `/readyz` answers 200. */
  isReady: () => boolean
  /** What the process configures for the answers. */
  context: Context
  /** Creates the Fastify instance. Telemetry passes one that it instruments. */
  createServer?: typeof fastify
}

/** The headers and the body of a request must arrive within this time. */
const requestTimeoutMs = 5000
/** A connection that moves no byte for so long, while it sends a request or reads a response, is closed. */
const stalledConnectionMs = 10_000
/** Metacontroller keeps two idle connections a hook; the rest is for probes, a second replica of it and curl. */
const maxConnections = 256

/** The hook server, not yet listening. */
export async function buildServer(
  config: Config,
  { logger, isReady, context, createServer = fastify }: Dependencies,
): Promise<FastifyInstance> {
  const server = createServer({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    keepAliveTimeout: config.KEEP_ALIVE_TIMEOUT_MS,
    requestTimeout: requestTimeoutMs,
    connectionTimeout: stalledConnectionMs,
    http: {
      headersTimeout: requestTimeoutMs,
      connectionsCheckingInterval: 1000,
      // A plugin answers with a sentence instead.
      requireHostHeader: false,
    },
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    schemaController: { compilersFactory: noCompilers },
    ...malformedRequests,
  })
  server.server.maxConnections = maxConnections
  server.addHook('onSend', (_call, reply, _payload, done) => {
    // A caller that keeps its connection would delay shutdown and not find the replica that takes over.
    if (!isReady()) reply.header('connection', 'close')
    done()
  })
  answerErrors(server, logger)
  refuseOverload(server, config)
  readJsonBodies(server, config)
  hookRoutes(server, context)
  healthRoutes(server, isReady)
  return server
}

/** No route has a Fastify schema, so its compilers are not loaded. */
const noCompilers = {
  buildValidator: () => () => () => true,
  buildSerializer: () => () => JSON.stringify,
} as object as NonNullable<
  NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']
>
