import closeWithGrace from 'close-with-grace'
import { fastify } from 'fastify'
import { setTimeout as wait } from 'node:timers/promises'
import { type Config, readConfig } from './config.ts'
import { readDigestKey } from './digest-key.ts'
import { createLogger } from './logger.ts'
import { buildServer } from './server.ts'
import { readTelemetrySettings } from './telemetry/settings.ts'
import { startTelemetry } from './telemetry/index.ts'

/** Within this time after SIGTERM the process has ended, whatever is still open. */
const shutdownTimeoutMs = 9800
/** This much of it is kept for the last lines of the log. */
const lastLinesMs = 500

/** Runs the hook until a signal ends it. */
export async function runOperator(): Promise<void> {
  await start(configuration())
}

async function start(config: Config): Promise<void> {
  const context = {
    configDigestKey: digestKey(config),
    watchSecrets: config.WATCH_SECRETS === 'true',
  }
  const settings = readTelemetrySettings(process.env)
  const logger = await createLogger(config, { logRecords: settings.logs.exporters.length > 0 })
  const telemetry = await startTelemetry(settings, {
    environment: process.env,
    logger,
    forgetMyAppAfterMs: config.FORGET_MYAPP_AFTER_MS,
  })
  let ready = true
  const server = await buildServer(config, {
    logger,
    isReady: () => ready,
    context,
    createServer: telemetry.instrument(fastify),
  })
  closeWithGrace({ delay: shutdownTimeoutMs, logger }, async ({ signal, err }) => {
    const end = performance.now() + shutdownTimeoutMs - lastLinesMs
    const leftMs = () => Math.max(0, end - performance.now())
    if (err) logger.fatal({ err }, 'stopping after an error that nothing caught')
    else logger.info({ signal }, 'stopping')
    ready = false
    await wait(config.SHUTDOWN_DELAY_MS)
    await Promise.race([server.close(), wait(Math.max(0, leftMs() - telemetry.keptForShutdownMs))])
    logger.info('stopped')
    await telemetry.shutdown(leftMs())
    // At its exit a process would write what waits before what is being written.
    await new Promise<unknown>((resolve) => {
      logger.flush(resolve)
    })
  })
  try {
    await server.listen({
      host: config.HOST,
      port: config.PORT,
      listenTextResolver: (address) => `listening on ${address}`,
    })
  } catch (error) {
    giveUp(`it cannot listen: ${whyNot(config, error as NodeJS.ErrnoException)}`)
  }
}

function whyNot({ HOST, PORT }: Config, { code, message }: NodeJS.ErrnoException): string {
  if (code === 'EADDRINUSE') return `PORT=${PORT} is taken on ${HOST}; 0 picks a free one`
  if (code === 'EACCES') return `PORT=${PORT} may not be listened on by this user`
  return ['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EAFNOSUPPORT'].includes(code ?? '')
    ? `HOST=${HOST} is no address of this machine`
    : message
}

function configuration(): Config {
  try {
    return readConfig(process.env)
  } catch (error) {
    return giveUp(`its environment is wrong:\n${(error as Error).message}`)
  }
}

function digestKey({ CONFIG_DIGEST_KEY_FILE }: Config): Buffer | undefined {
  try {
    return readDigestKey(CONFIG_DIGEST_KEY_FILE)
  } catch (error) {
    return giveUp((error as Error).message)
  }
}

function giveUp(why: string): never {
  process.stderr.write(`myapp-operator cannot start, ${why}\n`)
  process.exit(1)
}
