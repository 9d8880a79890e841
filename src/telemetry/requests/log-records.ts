import { type Attributes, logs, ROOT_CONTEXT, SeverityNumber, trace } from '@opentelemetry/api'
import { ATTR_EXCEPTION_STACKTRACE, ATTR_EXCEPTION_TYPE } from '@opentelemetry/semantic-conventions'
import { Writable } from 'node:stream'
import { stackFrames } from '../../plugins/errors.ts'

/** pino's levels in OpenTelemetry's data model for logs. */
const severities: Record<number, { number: SeverityNumber; text: string }> = {
  10: { number: SeverityNumber.TRACE, text: 'TRACE' },
  20: { number: SeverityNumber.DEBUG, text: 'DEBUG' },
  30: { number: SeverityNumber.INFO, text: 'INFO' },
  40: { number: SeverityNumber.WARN, text: 'WARN' },
  50: { number: SeverityNumber.ERROR, text: 'ERROR' },
  60: { number: SeverityNumber.FATAL, text: 'FATAL' },
}

/** Marks log lines with messages of the OpenTelemetry SDK. */
export const sdkLines = { from: 'opentelemetry' }

/** A line of the log, as pino writes it. */
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

/** Returns a stream for pino that emits a log record for each line, in the span of that line. */
export function logRecordStream(): Writable {
  return new Writable({
    decodeStrings: false,
    write: (line: string, _encoding, done) => {
      const parsed: Line = JSON.parse(line)
      // Lines of the SDK are not exported: a line about a failed export would cause another export.
      if (parsed['from'] !== sdkLines.from) emit(parsed)
      done()
    },
  })
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
  const severity = severities[level]
  const inTrace = traceId !== undefined && spanId !== undefined
  logs.getLogger('myapp-operator').emit({
    timestamp: new Date(time),
    severityNumber: severity?.number ?? SeverityNumber.UNSPECIFIED,
    severityText: severity?.text ?? '',
    body: msg ?? '',
    attributes: { ...(fields as Attributes), ...(err !== undefined && exception(err)) },
    context: inTrace
      ? trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: Number(traceFlags) })
      : ROOT_CONTEXT,
  })
}

/** The type and stack of an error, without its message and the folders of its files. */
function exception(err: unknown): Attributes {
  const { type, stack } = err as { type?: string; stack?: string }
  return {
    [ATTR_EXCEPTION_TYPE]: type ?? 'Error',
    [ATTR_EXCEPTION_STACKTRACE]: stackFrames({ name: '', message: '', stack: stack ?? '' }),
  }
}
