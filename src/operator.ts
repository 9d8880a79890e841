import closeWithGrace from 'close-with-grace'
import { fastify, type FastifyInstance } from 'fastify'
import { lookup } from 'node:dns/promises'
import { setTimeout as wait } from 'node:timers/promises'
import type { Logger } from 'pino'
import { type Config, readConfig } from './config.ts'
import { readDigestKey } from './digest-key.ts'
import { readPlatformDefaults } from './platform-defaults-file.ts'
import { createLogger } from './logger.ts'
import { readTokens } from './plugins/authentication.ts'
import { isTls, readCertificates, reloadCertificates } from './plugins/tls.ts'
import { buildAdmissionServer, buildProbeServer, buildServer } from './server.ts'
import { readTelemetrySettings } from './telemetry/settings.ts'
import { startTelemetry } from './telemetry/index.ts'
import type { Telemetry } from './telemetry/telemetry.ts'

/** The process exits within this time after SIGTERM, even if connections are still open. */
const shutdownTimeoutMs = 9800
/** The part of that time for the last log lines. */
const lastLinesMs = 500

/** Starts the hook. It runs until a signal or an uncaught error stops it. */
export async function runOperator(): Promise<void> {
  await start(orGiveUp('the environment is invalid:\n', () => readConfig(process.env)))
}

async function start(config: Config): Promise<void> {
  const files = orGiveUp('', () => ({
    configDigestKey: readDigestKey(config.CONFIG_DIGEST_KEY_FILE),
    certificates: readCertificates(config),
    tokens: readTokens(config),
  }))
  const platformDefaults = await platformDefaultsOf(config)
  const settings = readTelemetrySettings(process.env)
  const logger = await createLogger(config, { logRecords: settings.logs.exporters.length > 0 })
  const telemetry = await startTelemetry(settings, {
    environment: process.env,
    logger,
    forgetMyAppAfterMs: config.FORGET_MYAPP_AFTER_MS,
  })
  let ready = true
  const isReady = () => ready
  const { certificates, tokens, configDigestKey } = files
  const { metrics } = telemetry
  const context = {
    configDigestKey,
    watchSecrets: config.WATCH_SECRETS === 'true',
    platformDefaults,
  }
  const dependencies = { logger, isReady, context, metrics, certificates, tokens }
  const server = await buildServer(config, {
    ...dependencies,
    createServer: telemetry.instrument(fastify),
  })
  const probes =
    config.PROBE_PORT === undefined ? undefined : buildProbeServer(config, dependencies)
  const admission =
    config.ADMISSION_PORT === undefined ? undefined : buildAdmissionServer(config, dependencies)
  if (certificates !== undefined) {
    const servers = [server.server, admission?.server].filter((server) => server !== undefined)
    const options = { config, logger, metrics }
    const stop = reloadCertificates(certificates, servers.filter(isTls), options)
    server.addHook('onClose', async () => {
      stop()
    })
  } else if (!isLoopback(config.HOST)) {
    const who = tokens === undefined ? ', and callers are not authenticated' : ''
    logger.warn(
      `requests, with the Secrets in them, are not encrypted${who}: ` +
        'set TLS_CERT_FILE, TLS_KEY_FILE and TLS_CLIENT_CA_FILE',
    )
  }
  closeWithGrace({ delay: shutdownTimeoutMs, logger }, async ({ signal, err }) => {
    if (err) logger.fatal({ err }, 'stopping after an error that nothing caught')
    else logger.info({ signal }, 'stopping')
    ready = false
    await shutDown({ config, logger, telemetry, server, admission, probes })
  })
  await listen(server, config, 'PORT', 'listening on')
  if (admission !== undefined) {
    await listen(admission, config, 'ADMISSION_PORT', 'admission webhook on')
  }
  if (probes !== undefined) await listen(probes, config, 'PROBE_PORT', 'probes on')
}

interface Program {
  config: Config
  logger: Logger
  telemetry: Telemetry
  server: FastifyInstance
  admission: FastifyInstance | undefined
  probes: FastifyInstance | undefined
}

/** Closes the servers, then exports the last telemetry and writes the last log lines. */
async function shutDown(program: Program): Promise<void> {
  const { config, logger, telemetry, server, admission, probes } = program
  const end = performance.now() + shutdownTimeoutMs - lastLinesMs
  const leftMs = () => Math.max(0, end - performance.now())
  await wait(config.SHUTDOWN_DELAY_MS)
  // The kubelet still sends probes while the servers complete the last requests.
  const closed = Promise.all([server.close(), admission?.close()]).then(() => probes?.close())
  await Promise.race([closed, wait(Math.max(0, leftMs() - telemetry.reservedForShutdownMs))])
  logger.info('stopped')
  await telemetry.shutdown(leftMs())
  // At exit pino would write queued lines before the lines of a write in progress.
  await new Promise<unknown>((resolve) => {
    logger.flush(resolve)
  })
}

/** The variables of the ports that the program listens on. */
type Port = 'PORT' | 'PROBE_PORT' | 'ADMISSION_PORT'

async function listen(
  server: FastifyInstance,
  config: Config,
  port: Port,
  text: string,
): Promise<void> {
  try {
    // For `localhost` fastify would add a second listener, without limits and reloads.
    const { address } = await lookup(config.HOST)
    await server.listen({
      host: address,
      port: config[port] ?? 0,
      listenTextResolver: (address) => `${text} ${address}`,
    })
  } catch (error) {
    giveUp(whyNot(config, port, error as NodeJS.ErrnoException))
  }
}

function whyNot(config: Config, port: Port, { code, message }: NodeJS.ErrnoException): string {
  const setting = `${port}=${config[port]}`
  if (code === 'EADDRINUSE') return `${setting} is taken on ${config.HOST}; 0 picks a free one`
  if (code === 'EACCES') return `this user may not listen on ${setting}`
  return ['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EAFNOSUPPORT'].includes(code ?? '')
    ? `HOST=${config.HOST} is not an address of this machine`
    : message
}

const isLoopback = (host: string) => /^(127\.|::1$|localhost$)/.test(host)

async function platformDefaultsOf({ PLATFORM_DEFAULTS_FILE: file }: Config) {
  if (file === '') return undefined
  return await readPlatformDefaults(file).catch((error: Error) =>
    giveUp(`PLATFORM_DEFAULTS_FILE=${error.message}`),
  )
}

/** Stops the process with a message if a function throws an error. */
function orGiveUp<Result>(about: string, read: () => Result): Result {
  try {
    return read()
  } catch (error) {
    return giveUp(`${about}${(error as Error).message}`)
  }
}

function giveUp(why: string): never {
  process.stderr.write(`myapp-operator cannot start: ${why}\n`)
  process.exit(1)
}
