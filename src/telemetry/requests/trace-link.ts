import { type Link, isSpanContextValid } from '@opentelemetry/api'
import { parseTraceParent } from '@opentelemetry/core'

/** The annotation by which a deploy pipeline links the syncs of a MyApp to its trace. */
export const traceparentAnnotation = 'traceparent'

/** Later versions of the format may be longer than the 55 characters of version 00. */
const maxLength = 512

/** Returns the link that the annotations request; undefined without a valid W3C traceparent. */
export function linkTo(annotations: Record<string, string> | undefined): Link | undefined {
  const text = annotations?.[traceparentAnnotation]
  const context = text === undefined || text.length > maxLength ? null : parseTraceParent(text)
  return context !== null && isSpanContextValid(context)
    ? { context: { ...context, isRemote: true } }
    : undefined
}
