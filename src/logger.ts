import { pino, type Logger } from 'pino'
import type { Config } from './config.ts'

/** The log of the program, on standard output: a JSON object a line, or readable lines where a person looks on. */
export async function createLogger (config: Config): Promise<Logger> {
  const options = { level: config.LOG_LEVEL, base: null, timestamp: pino.stdTimeFunctions.isoTime }
  const pretty = config.LOG_FORMAT === 'pretty' || (config.LOG_FORMAT === 'auto' && process.stdout.isTTY)
  if (!pretty) return pino(options)
  const { default: prettyStream } = await import('pino-pretty')
  return pino(options, prettyStream({ ignore: 'reqId', translateTime: 'SYS:HH:MM:ss.l' }))
}
