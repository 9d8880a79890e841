import { type Link, isSpanContextValid } from '@opentelemetry/api'
import { parseTraceParent } from '@opentelemetry/core'

/** The annotation by which a deploy pipeline has the syncs of a MyApp linked to its own trace: a W3C traceparent. */
export const traceparentAnnotation = 'traceparent'

/** The link that a MyApp asks for; undefined without the annotation, and for one that is no traceparent. */
export function linkTo(annotations: Record<string, string> | undefined): Link | undefined {
  const text = annotations?.[traceparentAnnotation]
  const context = text === undefined ? null : parseTraceParent(text)
  return context !== null && isSpanContextValid(context)
    ? { context: { ...context, isRemote: true } }
    : undefined
}
