import { pino, type Logger } from 'pino'
import type { PrettyOptions } from 'pino-pretty'
import type { Config } from './config.ts'

/** The largest backlog of the JSON log for a slow reader. Further lines are dropped. */
const maxWaitingBytes = 4 * 1024 * 1024

/**
 * Creates the log on standard output: one JSON object per line, or readable lines on a terminal.
 * Lines are written asynchronously, so a slow reader delays no response. With `logRecords` the
 * lines are also exported as telemetry.
 */
export async function createLogger(
  config: Config,
  { logRecords }: { logRecords: boolean } = { logRecords: false },
): Promise<Logger> {
  const options = { level: config.LOG_LEVEL, base: null, timestamp: pino.stdTimeFunctions.isoTime }
  const output = await outputStream(config)
  if (!logRecords) return pino(options, output)
  const { logRecordStream } = await import('./telemetry/requests/log-records.ts')
  const both = pino.multistream([
    { level: 'trace', stream: output },
    { level: 'trace', stream: logRecordStream() },
  ])
  // The shutdown calls flush and waits for it, but a multistream has no flush.
  const flush = 'flush' in output ? output.flush.bind(output) : undefined
  return pino(options, Object.assign(both, flush && { flush }))
}

async function outputStream(config: Config) {
  const pretty =
    config.LOG_FORMAT === 'pretty' || (config.LOG_FORMAT === 'auto' && process.stdout.isTTY)
  if (!pretty) {
    // With minLength 0 the flush at shutdown would not wait for a write in progress.
    return pino.destination({ dest: 1, sync: false, minLength: 1, maxLength: maxWaitingBytes })
  }
  const { default: prettyStream } = await import('pino-pretty')
  return prettyStream(prettyOptions)
}

/**
 * Shows each log entry on one line: time, level, message, hook, MyApp, then the other fields. An
 * error in `err` follows on lines of its own.
 */
export const prettyOptions: PrettyOptions = {
  translateTime: 'SYS:HH:MM:ss.l',
  singleLine: true,
  ignore: 'pid,hostname,reqId,trace_id,span_id,trace_flags,hook,namespace,name',
  messageFormat: ({ msg, hook, namespace, name }) =>
    [msg, hook, name && `${namespace}/${name}`].filter((part) => part !== undefined).join(' '),
}
