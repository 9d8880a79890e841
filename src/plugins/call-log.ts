import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import type { MyAppStatus } from '../api/myapp.ts'
import { isObject } from '../metacontroller/json.ts'
import type { SyncResponse } from '../metacontroller/protocol.ts'
import { countOf, type HookRequest, type Parent } from '../myapp/request.ts'

/**
 * The reason for a status other than 200. It can name objects and fields of the request. It
 * contains no other values of the request. Its stack has file names without folders.
 */
export interface Failure {
  /** The class or code of the error, from a fixed set. */
  type: string
  message: string
  /** The stack of a bug: functions, file names and lines. */
  frames?: string
}

/** The fields of the log line that name the MyApp or the MyAppInspection of an answered request. */
export const parentFields = ({
  metadata: { namespace, name, generation },
}: Pick<Parent, 'metadata'>) => ({
  namespace,
  name,
  generation,
})

/** The fields of the log line of an answered sync or finalize. */
export function logFields(request: HookRequest, { status, children }: SyncResponse<MyAppStatus>) {
  return {
    ...parentFields(request.parent),
    phase: status.phase,
    reason: status.conditions?.[0]?.reason,
    observedChildren: countOf(request.children),
    desiredChildren: children.length,
  }
}

/**
 * Logs one request that was not answered with 200: a warning, or an error with a stack for a bug.
 */
export function logFailure(call: FastifyRequest, reply: FastifyReply, failure: Failure): void {
  const { namespace, name, generation, phase, observedChildren } = subjectOf(call.body)
  const fields = {
    hook: call.routeOptions.config.hook,
    namespace,
    name,
    generation,
    phase,
    observedChildren,
    statusCode: reply.statusCode,
    durationMs: Number(reply.elapsedTime.toFixed(3)),
  }
  if (reply.statusCode < 500) {
    call.log.warn({ ...fields, reason: failure.message }, 'hook call refused')
  } else {
    const err = { type: failure.type, stack: failure.frames }
    call.log.error({ ...fields, err }, 'hook call failed')
  }
}

/**
 * Returns a function that writes at most `perSecond` log lines per second. One more line has the
 * number of the others.
 */
export function limitLines(logger: FastifyBaseLogger, perSecond: number) {
  let lines = 0
  return (write: () => void) => {
    lines++
    if (lines === 1) {
      setTimeout(() => {
        if (lines > perSecond) logger.warn({ lines: lines - perSecond }, 'log lines dropped')
        lines = 0
      }, 1000).unref()
    }
    if (lines <= perSecond) write()
  }
}

/** The MyApp and the controller of a request, as far as its body is readable. */
export interface Subject {
  namespace?: string | undefined
  name?: string | undefined
  uid?: string | undefined
  generation?: number | undefined
  controller?: string | undefined
  /** The phase in the status of the MyApp, before this call. */
  phase?: string | undefined
  traceparent?: string | undefined
  deletionTimestamp?: string | undefined
  observedChildren?: number | undefined
}

/**
 * Reads the subject of a request that was refused or failed. The body can be anything, so only
 * values that look like a name, a number or a time are read.
 */
export function subjectOf(body: unknown): Subject {
  const parent = at(body, 'parent')
  const metadata = at(parent, 'metadata')
  const children = at(body, 'children')
  return {
    namespace: word(at(metadata, 'namespace')),
    name: word(at(metadata, 'name')),
    uid: word(at(metadata, 'uid')),
    generation: number(at(metadata, 'generation')),
    controller: word(at(at(at(body, 'controller'), 'metadata'), 'name')),
    phase: word(at(at(parent, 'status'), 'phase')),
    traceparent: word(at(at(metadata, 'annotations'), 'traceparent')),
    deletionTimestamp: time(at(metadata, 'deletionTimestamp')),
    observedChildren: isObject(children) ? countOf(children) : undefined,
  }
}

const at = (value: unknown, key: string) =>
  isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
const word = (value: unknown) =>
  typeof value === 'string' && /^[\w.-]{1,253}$/.test(value) ? value : undefined
const number = (value: unknown) => (Number.isSafeInteger(value) ? (value as number) : undefined)
const time = (value: unknown) =>
  typeof value === 'string' && value.length <= 64 && Number.isFinite(Date.parse(value))
    ? value
    : undefined
