import {
  fastify,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyHttpOptions,
  type FastifyServerOptions,
  LogController,
} from 'fastify'
import type { Server } from 'node:http'
import type { ServerOptions } from 'node:https'
import type { Config } from './config.ts'
import type { Context } from './myapp/context.ts'
import { authenticate, type Tokens } from './plugins/authentication.ts'
import {
  boundConnections,
  closeAfterResponse,
  closeSilentConnections,
} from './plugins/connections.ts'
import { answerErrors, malformedRequests } from './plugins/errors.ts'
import { refuseOverload } from './plugins/overload.ts'
import { readJsonBodies } from './plugins/request-body.ts'
import { type Certificates, countRefusedHandshakes, isTls, tlsOptions } from './plugins/tls.ts'
import { admissionRoute } from './routes/admission.ts'
import { healthRoutes } from './routes/health.ts'
import { hookRoutes } from './routes/hooks.ts'
import type { ServerMetrics } from './telemetry/requests/metrics.ts'

export interface Dependencies {
  logger: FastifyBaseLogger
  /** Whether `/readyz` answers 200. */
  isReady: () => boolean
  /** The part of the configuration that the responses of hooks and webhook depend on. */
  context: Context
  /** Creates the Fastify instance. With telemetry the instance is instrumented. */
  createServer?: typeof fastify
  /** Metrics of the server itself. */
  metrics: ServerMetrics
  /** Makes the server speak HTTPS. */
  certificates?: Certificates | undefined
  /** The tokens of callers; undefined if none are required. */
  tokens?: Tokens | undefined
}

/** The headers and the body of a request must arrive within this time. */
const requestTimeoutMs = 5000
/** A connection is closed after this time without traffic, during a request or a response. */
const stalledConnectionMs = 10_000
/**
 * Metacontroller keeps two idle connections per hook. The remaining connections are for a second
 * replica, probes and curl.
 */
const maxConnections = 256

/**
 * The server of the hooks, not yet listening. It also serves probes. Without ADMISSION_PORT it also
 * serves the admission webhook.
 */
export async function buildServer(
  config: Config,
  { logger, isReady, context, createServer = fastify, metrics, certificates, tokens }: Dependencies,
): Promise<FastifyInstance> {
  const server = newServer(config, { logger, isReady, certificates, createServer })
  if (isTls(server.server)) countRefusedHandshakes(server.server, { logger, metrics })
  authenticate(server, { config, logger, metrics, tokens })
  refuseOverload(server, config)
  readJsonBodies(server, config)
  hookRoutes(server, context)
  if (config.ADMISSION_PORT === undefined) admissionRoute(server, context)
  healthRoutes(server, isReady)
  return server
}

/** A server for `/healthz` and `/readyz` alone, over plain HTTP, not yet listening. */
export function buildProbeServer(
  config: Config,
  { logger, isReady }: Pick<Dependencies, 'logger' | 'isReady'>,
): FastifyInstance {
  // The kubelet opens a connection for each probe.
  const server = newServer(config, { logger, isReady, closesConnections: () => true })
  healthRoutes(server, isReady)
  return server
}

/**
 * A server for the admission webhook only, not yet listening. It requests no client certificate,
 * because API servers have none. It has no state, and a caller learns only about the object that it
 * sends. It has its own memory for bodies, half as large as the memory of the hooks, so its callers
 * cannot fill the memory of the hooks.
 */
export function buildAdmissionServer(
  config: Config,
  {
    logger,
    isReady,
    context,
    certificates,
  }: Pick<Dependencies, 'logger' | 'isReady' | 'context' | 'certificates'>,
): FastifyInstance {
  const limits = { ...config, BODY_LIMIT: Math.ceil(config.BODY_LIMIT / 2) }
  const server = newServer(limits, {
    logger,
    isReady,
    certificates: certificates && { ...certificates, ca: undefined },
  })
  refuseOverload(server, limits)
  readJsonBodies(server, limits)
  admissionRoute(server, context)
  return server
}

/** A server with the limits and the error handling of all servers. */
function newServer(
  config: Config,
  {
    logger,
    isReady,
    certificates,
    createServer = fastify,
    // A caller that keeps its connection would delay the shutdown, and would not connect to another
    // replica.
    closesConnections = () => !isReady(),
  }: Pick<Dependencies, 'logger' | 'isReady' | 'certificates' | 'createServer'> & {
    closesConnections?: () => boolean
  },
): FastifyInstance {
  const limits = {
    headersTimeout: requestTimeoutMs,
    connectionsCheckingInterval: 1000,
    // plugins/errors.ts answers with a sentence instead.
    requireHostHeader: false,
  }
  const options: FastifyHttpOptions<Server> & { https?: ServerOptions } = {
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    keepAliveTimeout: config.KEEP_ALIVE_TIMEOUT_MS,
    requestTimeout: requestTimeoutMs,
    connectionTimeout: stalledConnectionMs,
    http: limits,
    ...(certificates !== undefined && { https: { ...limits, ...tlsOptions(certificates) } }),
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    schemaController: { compilersFactory: noCompilers },
    ...malformedRequests,
  }
  const server = createServer(options)
  boundConnections(server.server, maxConnections)
  closeSilentConnections(server)
  closeAfterResponse(server, closesConnections)
  answerErrors(server, logger)
  return server
}

/** No route has a Fastify schema, so its compilers are not loaded. */
const noCompilers = {
  buildValidator: () => () => () => true,
  buildSerializer: () => () => JSON.stringify,
} as object as NonNullable<
  NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']
>
