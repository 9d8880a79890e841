import createError from '@fastify/error'
import type {
  FastifyBaseLogger,
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyServerOptions,
} from 'fastify'
import { type IncomingMessage, maxHeaderSize, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { HookName } from '../metacontroller/protocol.ts'
import { UnsafeAnswerError } from '../myapp/safe-answer.ts'
import { truncated } from '../text.ts'
import { type Failure, logFailure } from './call-log.ts'

/**
 * Every response except 200 and a failing probe is `{ "error": "<one sentence>" }`. Metacontroller
 * shows the sentence in an Event. The sentence can name objects and fields of the request. It
 * contains no other values of the request.
 */

declare module 'fastify' {
  interface FastifyRequest {
    failure: Failure | undefined
  }
}

/** The base class of errors whose message is a sentence for the caller. */
export class Refusal extends Error {}

/**
 * Creates a class of refusals.
 * @param code the `error.type` in telemetry
 */
export const refusal = <Values extends Array<string | number> = []>(
  code: string,
  sentence: string,
  statusCode: number,
) => createError<Values>(code, sentence, statusCode, Refusal as ErrorConstructor)

/** The body is JSON but not a request that the route accepts. */
export const RefusedRequest = refusal<[sentence: string]>('422', '%s', 422)

/** The process has no capacity for a request. */
export const Overloaded = refusal('429', 'the operator is overloaded; retry in a second', 429)

/** The longest sentence of a failure. A response with 5xx also contains the reqId. */
const sentenceMaxLength = 300
/** The longest quoted text. It is shorter than a sentence, which also contains the reason. */
const quoteMaxLength = 200

/** Shortens text of a request so that a sentence may quote it. */
export const quote = (text: string) => cut(text, quoteMaxLength)

/** Text on one line, of at most `maxLength` characters. */
const cut = (text: string, maxLength: number) => truncated(text, maxLength).replaceAll(/\s+/g, ' ')

/**
 * Responds to every failure with one sentence. Logs each failure in one line, but counts frequent
 * refusals in one line per second.
 */
export function answerErrors(server: FastifyInstance, logger: FastifyBaseLogger): void {
  const countRefusal = refusalLog(logger)
  const routes: string[] = []
  server.addHook('onRoute', ({ method, url }) => {
    if (method !== 'HEAD') routes.push(`${String(method)} ${url}`)
  })
  server.decorateRequest('failure', undefined)
  server.setErrorHandler<FastifyError>((error, call, reply) => {
    const status = error.statusCode ?? 500
    reply.code(status)
    // The connection stays open, and Node reads and drops the rest of a refused body. A caller that
    // still sends its body would not read the response of a closed connection.
    reply.removeHeader('connection')
    if (status === 429) reply.header('retry-after', '1')
    const failure = (call.failure =
      status >= 500 ? bug(error) : { type: error.code ?? String(status), message: sentence(error) })
    if (isCounted(status, call.routeOptions.config.hook) || error instanceof NoHost) {
      countRefusal(failure.type, { statusCode: status, reason: failure.message })
    } else logFailure(call, reply, failure)
    const where = status >= 500 ? `; the log has details under reqId ${call.id}` : ''
    reply.send({ error: `${failure.message}${where}` })
  })
  server.addHook('onRequest', (call, _reply, done) => {
    if (call.is404) return done(new NotFound(routes.join(', ')))
    if (call.raw.httpVersion === '1.1' && call.headers.host === undefined) {
      return done(new NoHost())
    }
    done()
  })
  server.server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const body = JSON.stringify({ error: 'the only supported Expect header is 100-continue' })
    response
      .writeHead(417, { 'content-type': 'application/json', 'content-length': body.length })
      .end(body)
  })
}

const NotFound = refusal<[routes: string]>('404', 'not found: the routes are %s', 404)
const NoHost = refusal('400', 'the Host header is required', 400)

/**
 * Whether a refusal is frequent, or can be caused by a caller without credentials. One log line for
 * each would fill the log and cost as much as a response.
 */
const isCounted = (status: number, hook: HookName | undefined) =>
  [401, 403, 429].includes(status) || (status < 500 && hook === undefined)

/**
 * Logs refusals in one line per second and kind, with their number and the fields of the first one.
 */
export function refusalLog(
  logger: FastifyBaseLogger,
  everyMs = 1000,
): (kind: string | number, fields: object) => void {
  const counts = new Map<string | number, number>()
  return (kind, fields) => {
    const count = counts.get(kind) ?? 0
    counts.set(kind, count + 1)
    if (count > 0) return
    setTimeout(() => {
      logger.warn({ ...fields, calls: counts.get(kind) }, 'hook calls refused')
      counts.delete(kind)
    }, everyMs).unref()
  }
}

/** Fastify's options for requests that fail before a route is found. */
export const malformedRequests: Pick<
  FastifyServerOptions,
  'frameworkErrors' | 'clientErrorHandler'
> = {
  frameworkErrors: (_error, _call, reply: object) => {
    ;(reply as FastifyReply).code(400).send({ error: 'the URL is malformed' })
  },
  clientErrorHandler: ({ code }: NodeJS.ErrnoException, socket: Socket) => {
    const status = statusOfClientError(code)
    if (status === undefined || !socket.writable) {
      socket.destroy()
      return
    }
    const body = JSON.stringify({ error: clientErrors[status] })
    socket.end(
      [
        `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
        'Connection: close',
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
        '',
        body,
      ].join('\r\n'),
    )
  },
}

const clientErrors = {
  400: 'the request is not HTTP',
  408: 'the request did not arrive within 5 s',
  431: `the headers are larger than ${maxHeaderSize} bytes`,
}

/**
 * The status for a malformed or late request; undefined for an error of the connection, which gets
 * no response.
 */
function statusOfClientError(code: string | undefined): keyof typeof clientErrors | undefined {
  if (code === 'HPE_HEADER_OVERFLOW') return 431
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 408
  return code?.startsWith('HPE_') ? 400 : undefined
}

/**
 * The failure for an unexpected error. Its message is omitted, because it can quote a value of the
 * request. The message of an UnsafeAnswerError is safe: it quotes only a kind and a name.
 */
const bug = (error: Error): Failure => ({
  type: error.name,
  message:
    error instanceof UnsafeAnswerError ? cut(error.message, sentenceMaxLength) : 'internal error',
  frames: stackFrames(error),
})

/**
 * The sentence for an error of Fastify or of a refusal. Other messages may quote the body, which
 * may contain secrets.
 */
function sentence(error: FastifyError): string {
  if (error instanceof Refusal) return cut(error.message, sentenceMaxLength)
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return 'the content type must be application/json'
  }
  return `the request cannot be read (${error.code ?? error.name})`
}

/**
 * The functions in the stack of an error, with file names and lines. The message is omitted,
 * because it could quote a value.
 */
export function stackFrames(error: Error): string {
  const frames = (error.stack ?? '')
    .split('\n')
    .map((line) => /^\s+at (?:(.*) \()?(?:.*[/\\])?([^/\\]+?)\)?$/.exec(line))
  return frames
    .flatMap((frame) =>
      frame === null
        ? []
        : [frame[1] === undefined ? `    at ${frame[2]}` : `    at ${frame[1]} (${frame[2]})`],
    )
    .join('\n')
}
