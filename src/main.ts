import closeWithGrace from 'close-with-grace'
import { setTimeout as wait } from 'node:timers/promises'
import { type Config, readConfig } from './config.ts'
import { createLogger } from './logger.ts'
import { buildServer } from './server.ts'

/** Within this time after SIGTERM the process has ended, whatever is still open. */
const shutdownTimeoutMs = 9500

await start(configuration())

async function start (config: Config): Promise<void> {
  const logger = await createLogger(config)
  let ready = true
  const server = await buildServer(config, { logger, isReady: () => ready })
  closeWithGrace({ delay: shutdownTimeoutMs, logger }, async ({ signal, err }) => {
    if (err) logger.fatal({ err }, 'stopping after an error that nothing caught')
    else logger.info({ signal }, 'stopping')
    ready = false
    await wait(config.SHUTDOWN_DELAY_MS)
    await server.close()
    logger.info('stopped')
  })
  try {
    await server.listen({ host: config.HOST, port: config.PORT, listenTextResolver: (address) => `listening on ${address}` })
  } catch (error) {
    giveUp(`it cannot listen: ${(error as Error).message}`)
  }
}

function configuration (): Config {
  try {
    return readConfig(process.env)
  } catch (error) {
    return giveUp(`its environment is wrong:\n${(error as Error).message}`)
  }
}

function giveUp (why: string): never {
  process.stderr.write(`myapp-operator cannot start, ${why}\n`)
  process.exit(1)
}
