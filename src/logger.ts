import { pino, type Logger } from 'pino'
import type { PrettyOptions } from 'pino-pretty'
import type { Config } from './config.ts'

/** So much of the log is kept in memory for a reader that does not keep up; what is more is dropped. */
const mostWaiting = 4 * 1024 * 1024

/**
 * The log of the program, on standard output: a JSON object a line, or readable lines where a person looks on. It is written
 * in the background, so that a slow reader holds up no answer. With `logRecords` the lines are telemetry, too.
 */
export async function createLogger(
  config: Config,
  { logRecords }: { logRecords: boolean } = { logRecords: false },
): Promise<Logger> {
  const options = { level: config.LOG_LEVEL, base: null, timestamp: pino.stdTimeFunctions.isoTime }
  const output = await outputStream(config)
  if (!logRecords) return pino(options, output)
  const { logRecordStream } = await import('./telemetry/requests/log-records.ts')
  return pino(
    options,
    pino.multistream([
      { level: 'trace', stream: output },
      { level: 'trace', stream: logRecordStream() },
    ]),
  )
}

/**
 * Has lines written together that come within some milliseconds: each write takes as long as the making of several lines.
 * The stream's own `periodicFlush` would wake a process that has nothing to write, and its `flush` leaves what came while
 * it was writing for the next line to take along: what is left is asked for again.
 */
function soon(output: ReturnType<typeof pino.destination>): ReturnType<typeof pino.destination> {
  const write = output.write.bind(output)
  let [due, left]: [NodeJS.Timeout | undefined, number] = [undefined, 0]
  const flushSoon = () => {
    due ??= setTimeout(() => {
      due = undefined
      output.flush()
    }, 10)
  }
  output.on('write', (bytes: number) => {
    left -= bytes
  })
  output.on('drop', (line: string) => {
    left -= Buffer.byteLength(line)
  })
  output.on('drain', () => {
    if (left > 0) flushSoon()
  })
  output.write = (line) => {
    left += Buffer.byteLength(line)
    flushSoon()
    return write(line)
  }
  return output
}

async function outputStream(config: Config) {
  const pretty =
    config.LOG_FORMAT === 'pretty' || (config.LOG_FORMAT === 'auto' && process.stdout.isTTY)
  if (!pretty) {
    return soon(pino.destination({ dest: 1, sync: false, minLength: 8192, maxLength: mostWaiting }))
  }
  const { default: prettyStream } = await import('pino-pretty')
  return prettyStream(forPeople)
}

/** How a person is shown a line: as one, with what it is about at its head. */
export const forPeople: PrettyOptions = {
  translateTime: 'SYS:HH:MM:ss.l',
  singleLine: true,
  ignore: 'pid,hostname,reqId,trace_id,span_id,trace_flags,hook,namespace,name',
  messageFormat: ({ msg, hook, namespace, name }) =>
    [msg, hook, name && `${namespace}/${name}`].filter((part) => part !== undefined).join(' '),
}
