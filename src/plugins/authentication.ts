import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { isDeepStrictEqual } from 'node:util'
import type { Config } from '../config.ts'
import type { ServerMetrics } from '../telemetry/requests/metrics.ts'
import { refusal } from './errors.ts'
import { readFileOf, watchFiles } from './files.ts'

/**
 * Restricts the callers of every route on PORT except probes. ADMISSION_PORT has no such rules. The
 * certificate of a client must have the name in TLS_CLIENT_NAME, because the same CA can issue
 * certificates to others. A client must send a token of AUTH_TOKEN_FILE. Each of the two rules
 * applies only if it is configured.
 */

const WrongName = refusal<[name: string]>(
  'WRONG_CERTIFICATE_NAME',
  'the client certificate must have the name %s (TLS_CLIENT_NAME)',
  403,
)
const NoToken = refusal(
  'NO_TOKEN',
  'the Authorization header must be "Bearer" and a token of AUTH_TOKEN_FILE',
  401,
)
const WrongToken = refusal('WRONG_TOKEN', 'the token is not one of AUTH_TOKEN_FILE', 401)

interface AuthenticationOptions {
  config: Config
  logger: FastifyBaseLogger
  metrics: ServerMetrics
  /** The tokens at the start; undefined if AUTH_TOKEN_FILE is not set. */
  tokens: Tokens | undefined
}

/**
 * SHA-256 digests of the tokens. All digests have one length, so a comparison takes the same time
 * for every token.
 */
export type Tokens = readonly Buffer[]

/** Refuses callers that do not authenticate themselves, on every route except probes. */
export function authenticate(
  server: FastifyInstance,
  { config, logger, metrics, tokens }: AuthenticationOptions,
): void {
  const name = config.TLS_CLIENT_CA_FILE === '' ? undefined : config.TLS_CLIENT_NAME
  let current = tokens
  if (tokens !== undefined) {
    const reload = () => {
      const next = readTokens(config)
      if (isDeepStrictEqual(next, current)) return
      current = next
      logger.info('tokens loaded')
    }
    const stop = watchFiles([config.AUTH_TOKEN_FILE], reload, logger)
    server.addHook('onClose', async () => {
      stop()
    })
  }
  const clients = new ClientNames(metrics)
  server.addHook('onRequest', (call, reply, done) => {
    if (call.routeOptions.config.probe === true || call.is404) return done()
    if (name !== undefined && !clients.isNamed(call.raw.socket, name)) {
      metrics.authenticationRefused('wrong_name')
      return done(new WrongName(name))
    }
    if (current !== undefined) {
      const token = /^Bearer +(\S+) *$/i.exec(call.headers.authorization ?? '')?.[1]
      if (token === undefined || !isToken(token, current)) {
        reply.header('www-authenticate', 'Bearer')
        metrics.authenticationRefused(token === undefined ? 'no_token' : 'wrong_token')
        return done(token === undefined ? new NoToken() : new WrongToken())
      }
    }
    done()
  })
}

/** The names in client certificates, read once for each connection. */
class ClientNames {
  readonly #named = new WeakMap<Socket, boolean>()
  #notAfter: Date | undefined

  constructor(metrics: ServerMetrics) {
    metrics.certificateExpires('client', () => this.#notAfter)
  }

  /**
   * Whether the certificate of a connection has this name, as its only common name or as a DNS
   * name.
   */
  isNamed(socket: Socket, name: string): boolean {
    const known = this.#named.get(socket)
    if (known !== undefined) return known
    const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined
    if (certificate === undefined) return false
    const { subject } = certificate.toLegacyObject()
    const isNamed =
      subject.CN === name ||
      certificate.checkHost(name, { subject: 'never', wildcards: false }) !== undefined
    if (isNamed) this.#notAfter = new Date(certificate.validTo)
    this.#named.set(socket, isNamed)
    return isNamed
  }
}

/**
 * Reads AUTH_TOKEN_FILE, which has one token per line. To change the token of a caller, put the old
 * and the new token into the file until the caller sends the new one.
 * @throws {Error} one line, without a token, if the file cannot be read or has an invalid line
 */
export function readTokens({ AUTH_TOKEN_FILE }: Config): Tokens | undefined {
  if (AUTH_TOKEN_FILE === '') return undefined
  const lines = readFileOf('AUTH_TOKEN_FILE', AUTH_TOKEN_FILE).trimEnd().split(/\r?\n/)
  return lines.map((line, index) => {
    if (!/^[\w.~+/-]+=*$/.test(line)) {
      const valid = 'letters, digits and "-._~+/="'
      throw new Error(
        `AUTH_TOKEN_FILE=${AUTH_TOKEN_FILE} line ${index + 1} must be a token of ${valid}`,
      )
    }
    return digest(line)
  })
}

const digest = (token: string) => createHash('sha256').update(token).digest()

function isToken(text: string, tokens: Tokens): boolean {
  const received = digest(text)
  // No early return: the time must not reveal which token is similar.
  return tokens.reduce((found, token) => timingSafeEqual(received, token) || found, false)
}
