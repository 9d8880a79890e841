import type { FastifyBaseLogger } from 'fastify'
import { X509Certificate } from 'node:crypto'
import type { Server as HttpServer } from 'node:http'
import type { ServerOptions } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { createSecureContext, Server as TlsServer } from 'node:tls'
import type { Config } from '../config.ts'
import type { ServerMetrics } from '../telemetry/requests/metrics.ts'
import { refusalLog } from './errors.ts'
import { readFileOf, watchFiles } from './files.ts'

/** The certificates of the server. */
export interface Certificates {
  /** The server's certificate, with intermediate ones, in PEM. */
  cert: string
  key: string
  /** The CAs of client certificates in PEM. Without them no client certificate is requested. */
  ca: string | undefined
  /** The expiry of the server's certificate. */
  notAfter: Date
}

const minVersion = 'TLSv1.2'
/** The longest time for a TLS handshake. */
const handshakeTimeoutMs = 5000

/**
 * Reads the files of TLS_CERT_FILE, TLS_KEY_FILE and TLS_CLIENT_CA_FILE. Returns undefined without
 * them.
 * @throws {Error} one line: the variables, the problem, and the name of a wrong file
 */
export function readCertificates(config: Config): Certificates | undefined {
  const { TLS_CERT_FILE, TLS_KEY_FILE, TLS_CLIENT_CA_FILE } = config
  if (TLS_CERT_FILE === '' && TLS_KEY_FILE === '') {
    if (TLS_CLIENT_CA_FILE === '') return undefined
    throw new Error('TLS_CLIENT_CA_FILE may only be set with TLS_CERT_FILE and TLS_KEY_FILE')
  }
  if (TLS_CERT_FILE === '' || TLS_KEY_FILE === '') {
    throw new Error('TLS_CERT_FILE and TLS_KEY_FILE must be set together')
  }
  const cert = readFileOf('TLS_CERT_FILE', TLS_CERT_FILE)
  const key = readFileOf('TLS_KEY_FILE', TLS_KEY_FILE)
  const [leaf] = parse('TLS_CERT_FILE', TLS_CERT_FILE, cert)
  try {
    createSecureContext({ cert, key, minVersion })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Error(`TLS_KEY_FILE=${TLS_KEY_FILE} does not fit TLS_CERT_FILE (${code})`)
  }
  let ca
  if (TLS_CLIENT_CA_FILE !== '') {
    ca = readFileOf('TLS_CLIENT_CA_FILE', TLS_CLIENT_CA_FILE)
    parse('TLS_CLIENT_CA_FILE', TLS_CLIENT_CA_FILE, ca)
  }
  return { cert, key, ca, notAfter: new Date(leaf.validTo) }
}

/** Parses all certificates of a PEM text. */
function parse(
  variable: string,
  file: string,
  pem: string,
): [X509Certificate, ...X509Certificate[]] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  try {
    const [first, ...others] = blocks.map((block) => new X509Certificate(block))
    if (first !== undefined) return [first, ...others]
  } catch {
    // The message is the same for a wrong certificate and for none.
  }
  throw new Error(`${variable}=${file} must contain certificates in PEM`)
}

/** Node's options of a server that uses these certificates. */
export const tlsOptions = ({ cert, key, ca }: Certificates): ServerOptions => ({
  cert,
  key,
  minVersion,
  handshakeTimeout: handshakeTimeoutMs,
  ...(ca !== undefined && { ca, requestCert: true, rejectUnauthorized: true }),
})

interface ReloadOptions {
  config: Config
  logger: FastifyBaseLogger
  metrics: ServerMetrics
}

/**
 * Loads changed files into the servers. Open connections keep their certificates.
 * @returns a function that stops the reloads
 */
export function reloadCertificates(
  first: Certificates,
  servers: TlsServer[],
  { config, logger, metrics }: ReloadOptions,
): () => void {
  let current = first
  metrics.certificateExpires('server', () => current.notAfter)
  logIfExpired(current, logger)
  const { TLS_CERT_FILE, TLS_KEY_FILE, TLS_CLIENT_CA_FILE } = config
  return watchFiles(
    [TLS_CERT_FILE, TLS_KEY_FILE, TLS_CLIENT_CA_FILE].filter((file) => file !== ''),
    () => {
      const next = readCertificates(config)
      if (next === undefined || isSame(next, current)) return
      current = next
      // The admission server requests no client certificate, so it ignores the CAs.
      for (const server of servers) server.setSecureContext({ ...tlsOptions(next) })
      logger.info({ notAfter: next.notAfter.toISOString() }, 'certificates loaded')
      logIfExpired(next, logger)
    },
    logger,
  )
}

const isSame = (a: Certificates, b: Certificates) =>
  a.cert === b.cert && a.key === b.key && a.ca === b.ca

function logIfExpired({ notAfter }: Certificates, logger: FastifyBaseLogger): void {
  if (notAfter.getTime() < Date.now()) {
    logger.error({ notAfter: notAfter.toISOString() }, 'the certificate of the hook has expired')
  }
}

/** Counts and logs handshakes that fail because of the client's certificate. */
export function countRefusedHandshakes(
  server: TlsServer,
  { logger, metrics }: Pick<ReloadOptions, 'logger' | 'metrics'>,
): void {
  const log = refusalLog(logger)
  server.on('tlsClientError', ({ code }: NodeJS.ErrnoException, socket: TLSSocket) => {
    const reason = handshakeRefusal(code, socket)
    if (reason === undefined) return
    metrics.authenticationRefused(reason)
    log(reason, { reason })
  })
}

/** The reason for a refused certificate; undefined if the handshake failed for another reason. */
function handshakeRefusal(code: string | undefined, socket: TLSSocket): string | undefined {
  if (code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') return 'no_certificate'
  return socket.authorizationError ? 'untrusted_certificate' : undefined
}

/** Whether Node's server speaks TLS. */
export const isTls = (server: HttpServer): server is HttpServer & TlsServer =>
  server instanceof TlsServer
