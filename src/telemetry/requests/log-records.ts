import { type Attributes, logs, ROOT_CONTEXT, SeverityNumber, trace } from '@opentelemetry/api'
import { Writable } from 'node:stream'
import { stackFrames } from '../../routes/outcome.ts'

/** pino's levels as the data model for logs counts them. */
const severities: Record<number, SeverityNumber> = {
  10: SeverityNumber.TRACE,
  20: SeverityNumber.DEBUG,
  30: SeverityNumber.INFO,
  40: SeverityNumber.WARN,
  50: SeverityNumber.ERROR,
  60: SeverityNumber.FATAL,
}
const texts: Record<number, string> = {
  10: 'TRACE',
  20: 'DEBUG',
  30: 'INFO',
  40: 'WARN',
  50: 'ERROR',
  60: 'FATAL',
}

/** A stream for pino that makes a log record of every line, belonging to the span that the line names. */
export function logRecordStream(): Writable {
  return new Writable({
    decodeStrings: false,
    write: (line: string, _encoding, done) => {
      const parsed: Line = JSON.parse(line)
      // What the SDK says of its exports would be exported, and it would say so.
      if (parsed['from'] !== sdkLines.from) emit(parsed)
      done()
    },
  })
}

/** The mark of lines that pass on what the SDK says of itself. */
export const sdkLines = { from: 'opentelemetry' }

interface Line {
  level: number
  time: string
  msg?: string
  trace_id?: string
  span_id?: string
  trace_flags?: string
  err?: unknown
  [field: string]: unknown
}

function emit({
  level,
  time,
  msg,
  trace_id: traceId,
  span_id: spanId,
  trace_flags: traceFlags,
  err,
  ...fields
}: Line): void {
  const inTrace = traceId !== undefined && spanId !== undefined
  logs.getLogger('myapp-operator').emit({
    timestamp: new Date(time),
    severityNumber: severities[level] ?? SeverityNumber.UNSPECIFIED,
    severityText: texts[level] ?? '',
    body: msg ?? '',
    attributes: { ...(fields as Attributes), ...(err !== undefined && exception(err)) },
    context: inTrace
      ? trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: Number(traceFlags) })
      : ROOT_CONTEXT,
  })
}

/** An error without its message and the folders of its files: neither may leave the process. */
function exception(err: unknown): Attributes {
  const { type, stack } = err as { type?: string; stack?: string }
  return {
    'exception.type': type ?? 'Error',
    'exception.stacktrace': stackFrames({ name: '', message: '', stack: stack ?? '' }),
  }
}
