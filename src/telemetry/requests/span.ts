import { type Attributes, type Span, SpanStatusCode } from '@opentelemetry/api'
import type { FastifyRequest } from 'fastify'
import { isDeepStrictEqual } from 'node:util'
import type { ObservedMetadata, SyncResponse } from '../../metacontroller/protocol.ts'
import type { HookRequest } from '../../myapp/request.ts'
import type { MyAppStatus } from '../../api/myapp.ts'
import type { Failure, HookName } from '../../routes/outcome.ts'
import { subjectOf } from '../../routes/subject.ts'
import { askedBefore } from './asked-before.ts'
import { type Change, changesOf, type ConditionChange, conditionChanges } from './changes.ts'
import type { KnownMyApps } from './seen-myapps.ts'
import type { OperatorMetrics } from './metrics.ts'
import { linkTo } from './trace-link.ts'

/** How a call ended: without a status code if the caller went away first. */
interface End {
  statusCode: number | undefined
  seconds: number
  metrics: OperatorMetrics
  known: KnownMyApps
}

/** Puts on the span of a call, and into the metrics, what there is to tell of it. Nothing of it is needed for the answer. */
export function describeCall(
  span: Span,
  call: FastifyRequest,
  hook: HookName,
  { statusCode, seconds, metrics, known }: End,
): void {
  const failure = failureOf(call, statusCode)
  span.setAttributes({ ...httpAttributes(call, statusCode), 'myapp_operator.hook': hook })
  if (failure !== undefined) fail(span, failure)
  metrics.ended(hook, statusCode, seconds, failure?.type)
  if (failure !== undefined || call.outcome === undefined) return describeSubject(span, call, known)
  const { request, response, handledMs } = call.outcome
  span.setAttributes(parentAttributes(request))
  const link = linkTo(request.parent.metadata.annotations)
  if (link !== undefined) span.addLink(link)
  if (hook === 'customize') return
  metrics.reconciled(hook, handledMs)
  describeReconcile(
    span,
    request as HookRequest,
    response as SyncResponse<MyAppStatus> & { finalized?: boolean },
    metrics,
    known,
  )
}

/** Puts on the span of a call that failed what it was about, and takes note of the MyApp: one whose finalize never succeeds is still being deleted. */
function describeSubject(span: Span, call: FastifyRequest, known: KnownMyApps): void {
  const {
    namespace,
    name,
    uid,
    generation,
    controller,
    phase,
    observedChildren,
    traceparent,
    deletionTimestamp,
  } = subjectOf(call.body)
  const attributes: Record<string, string | number | undefined> = {
    'k8s.namespace.name': namespace,
    'myapp_operator.myapp.name': name,
    'myapp_operator.myapp.uid': uid,
    'myapp_operator.myapp.generation': generation,
    'myapp_operator.controller.name': controller,
    'myapp_operator.phase.before': phase,
    'myapp_operator.children.observed': observedChildren,
  }
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) span.setAttribute(name, value)
  }
  const link = traceparent === undefined ? undefined : linkTo({ traceparent })
  if (link !== undefined) span.addLink(link)
  if (uid !== undefined) known.failed(uid, { phase, deletionTimestamp })
}

function describeReconcile(
  span: Span,
  request: HookRequest,
  { status, children, finalized }: SyncResponse<MyAppStatus> & { finalized?: boolean },
  metrics: OperatorMetrics,
  known: KnownMyApps,
): void {
  const before = request.parent.status as MyAppStatus | undefined
  const changes = changesOf(request, children)
  const conditions = conditionChanges(before?.conditions, status.conditions)
  count(request, changes, status, finalized === true, metrics, known)
  if (!span.isRecording()) return
  span.setAttributes({
    ...(before?.phase !== undefined && { 'myapp_operator.phase.before': before.phase }),
    'myapp_operator.phase.after': status.phase ?? '',
    'myapp_operator.reason': reasonOf(status) ?? '',
    'myapp_operator.children.observed': Object.values(request.children).reduce(
      (sum, group) => sum + Object.keys(group).length,
      0,
    ),
    'myapp_operator.children.desired': children.length,
    'myapp_operator.resync': changes.length === 0 && isDeepStrictEqual(before, status),
  })
  for (const change of changes) span.addEvent(`resource.${change.action}`, changeAttributes(change))
  for (const change of conditions) span.addEvent('condition.change', conditionAttributes(change))
}

/** Counts what Metacontroller is told to create and delete. It is told again until it is seen to be done, and what has been asked for before, by any replica, does not count. */
function count(
  request: HookRequest,
  changes: Change[],
  status: MyAppStatus,
  finalized: boolean,
  metrics: OperatorMetrics,
  known: KnownMyApps,
): void {
  const {
    uid,
    deletionTimestamp,
    generation,
    resourceVersion: version,
  } = request.parent.metadata as ObservedMetadata & { resourceVersion?: string }
  const fresh = known.saw(
    uid,
    { phase: status.phase ?? 'Pending', deletionTimestamp, generation, version, changes },
    (change) => askedBefore(request, change),
  )
  for (const { action, kind } of fresh) {
    if (action === 'create') metrics.resourceCreated(kind)
    else metrics.resourceDeleted(kind)
  }
  if (finalized) known.gone(uid)
}

function httpAttributes(call: FastifyRequest, statusCode: number | undefined): Attributes {
  const length = Number(call.headers['content-length'])
  return {
    'server.address': call.hostname,
    'server.port': call.port ?? 80,
    'client.address': call.ip,
    'network.protocol.version': call.raw.httpVersion,
    ...(call.headers['user-agent'] !== undefined && {
      'user_agent.original': call.headers['user-agent'],
    }),
    ...(Number.isFinite(length) && { 'http.request.body.size': length }),
    ...(statusCode !== undefined && { 'http.response.status_code': statusCode }),
  }
}

function parentAttributes(request: {
  parent: HookRequest['parent']
  controller?: { metadata?: { name?: unknown } }
}): Attributes {
  const { namespace, name, uid, generation } = request.parent.metadata
  const controller = request.controller?.metadata?.name
  return {
    'k8s.namespace.name': namespace,
    'myapp_operator.myapp.name': name,
    'myapp_operator.myapp.uid': uid,
    ...(generation !== undefined && { 'myapp_operator.myapp.generation': generation }),
    ...(typeof controller === 'string' && { 'myapp_operator.controller.name': controller }),
  }
}

/** Why a call was not answered with 200; one that was refused for overload, or given up by its caller, had no error. */
function failureOf(call: FastifyRequest, statusCode: number | undefined): Failure | undefined {
  if (statusCode === undefined) {
    return { type: 'aborted', message: 'the caller went away before it was answered' }
  }
  if (statusCode < 400) return undefined
  return call.failure ?? { type: String(statusCode), message: `answered with ${statusCode}` }
}

/** A call that is refused is a sync that failed, so the span's status is an error for 4xx as well: its only caller is Metacontroller. */
function fail(span: Span, { type, message, frames }: Failure): void {
  span.setAttribute('error.type', type)
  span.setStatus({ code: SpanStatusCode.ERROR, message })
  span.addEvent('exception', {
    'exception.type': type,
    'exception.message': message,
    ...(frames !== undefined && { 'exception.stacktrace': frames }),
  })
}

const reasonOf = (status: MyAppStatus | undefined) =>
  status?.conditions?.find(({ type }) => type === 'Ready')?.reason

const changeAttributes = ({ kind, name, fields }: Change): Attributes => ({
  'myapp_operator.resource.kind': kind,
  'myapp_operator.resource.name': name,
  ...(fields.length > 0 && { 'myapp_operator.resource.fields': fields }),
})

const conditionAttributes = ({ type, before, after, reason }: ConditionChange): Attributes => ({
  'myapp_operator.condition.type': type,
  'myapp_operator.condition.before': before,
  'myapp_operator.condition.after': after,
  'myapp_operator.condition.reason': reason,
})
