import { type Attributes, type Span, SpanStatusCode } from '@opentelemetry/api'
import {
  ATTR_CLIENT_ADDRESS,
  ATTR_ERROR_TYPE,
  ATTR_EXCEPTION_MESSAGE,
  ATTR_EXCEPTION_STACKTRACE,
  ATTR_EXCEPTION_TYPE,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_K8S_NAMESPACE_NAME,
  ATTR_NETWORK_PROTOCOL_VERSION,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_USER_AGENT_ORIGINAL,
} from '@opentelemetry/semantic-conventions'
import { ATTR_HTTP_REQUEST_BODY_SIZE } from '@opentelemetry/semantic-conventions/incubating'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isDeepStrictEqual } from 'node:util'
import { inspectionKind } from '../../api/inspection.ts'
import type { MyAppStatus } from '../../api/myapp.ts'
import { childKinds } from '../../myapp/children/index.ts'
import type { SyncResponse } from '../../metacontroller/protocol.ts'
import { countOf, type HookRequest } from '../../myapp/request.ts'
import { readyReason } from '../../myapp/status/reasons.ts'
import type { HookName } from '../../metacontroller/protocol.ts'
import { type Failure, subjectOf } from '../../plugins/call-log.ts'
import { cutCopy } from '../../text.ts'
import { attribute, event } from './attributes.ts'
import { type Change, changesOf, type ConditionChange, conditionChanges } from './changes.ts'
import type { RequestMetrics } from './metrics.ts'
import type { SeenMyApps } from './seen-myapps.ts'
import { linkTo } from './trace-link.ts'

/** The metrics and the MyApps that a request changes. */
interface Records {
  metrics: RequestMetrics
  seen: SeenMyApps
}

type Response = SyncResponse<MyAppStatus> & { finalized?: boolean }

/** Records a completed request of a hook: its span, its metrics and its MyApp. */
export function recordRequest(
  span: Span,
  request: FastifyRequest,
  reply: FastifyReply,
  records: Records,
): void {
  const hook = request.routeOptions.config.hook as HookName
  const statusCode = reply.raw.writableFinished ? reply.statusCode : undefined
  const failure = failureOf(request, statusCode)
  span.setAttributes({ ...httpAttributes(request, statusCode), [attribute.hook]: hook })
  if (failure !== undefined) recordFailure(span, failure)
  records.metrics.ended({
    hook,
    statusCode,
    seconds: reply.elapsedTime / 1000,
    scheme: request.protocol,
    errorType: failure?.type,
  })
  const { outcome } = request
  if (failure !== undefined || outcome === undefined) {
    recordFailedSubject(span, request.body, isOfMyApp(hook) ? records.seen : undefined)
    return
  }
  const { parent, controller } = outcome.request as HookRequest & { controller?: Controller }
  const { namespace, name, uid, generation, annotations } = parent.metadata
  setAttributes(span, {
    [ATTR_K8S_NAMESPACE_NAME]: namespace,
    [attribute.myAppName]: name,
    [attribute.myAppUid]: uid,
    [attribute.myAppGeneration]: generation,
    [attribute.controllerName]: controllerName(controller),
  })
  addLink(span, annotations)
  if (hook !== 'sync' && hook !== 'finalize') return
  records.metrics.reconciled(hook, outcome.handledMs)
  recordReconcile(span, outcome.request as HookRequest, outcome.response as Response, records)
}

interface Controller {
  metadata?: { name?: unknown }
}

const isOfMyApp = (hook: HookName) => hook !== 'inspect' && hook !== 'inspect-customize'

const controllerName = (controller: Controller | undefined) => {
  const name = controller?.metadata?.name
  return typeof name === 'string' ? name : undefined
}

/**
 * Records the MyApp of a failed request, if the body can be read. So a MyApp whose finalize always
 * fails still counts as being deleted. `seen` is undefined for an inspection.
 */
function recordFailedSubject(span: Span, body: unknown, seen: SeenMyApps | undefined): void {
  const subject = subjectOf(body)
  setAttributes(span, {
    [ATTR_K8S_NAMESPACE_NAME]: subject.namespace,
    [attribute.myAppName]: subject.name,
    [attribute.myAppUid]: subject.uid,
    [attribute.myAppGeneration]: subject.generation,
    [attribute.controllerName]: subject.controller,
    [attribute.phaseBefore]: subject.phase,
    [attribute.childrenObserved]: subject.observedChildren,
  })
  if (subject.traceparent !== undefined) addLink(span, { traceparent: subject.traceparent })
  if (subject.uid !== undefined) seen?.failed(subject.uid, subject)
}

function recordReconcile(
  span: Span,
  request: HookRequest,
  { status, children, finalized }: Response,
  records: Records,
): void {
  const before = request.parent.status as MyAppStatus | undefined
  const changes = changesOf(request, children)
  countChanges(request, changes, status, records)
  if (finalized === true) records.seen.finalized(request.parent.metadata.uid)
  if (!span.isRecording()) return
  setAttributes(span, {
    [attribute.phaseBefore]: before?.phase,
    [attribute.phaseAfter]: status.phase ?? '',
    [attribute.reason]: readyReason(status) ?? '',
    [attribute.childrenObserved]: countOf(request.children),
    [attribute.childrenDesired]: children.length,
    [attribute.resync]: changes.length === 0 && isDeepStrictEqual(before, status),
  })
  for (const change of changes) span.addEvent(event[change.action], changeAttributes(change))
  for (const change of conditionChanges(before?.conditions, status.conditions)) {
    span.addEvent(event.condition, conditionAttributes(change))
  }
}

/** Records the MyApp as seen, and counts creations and deletions that are new. */
function countChanges(
  request: HookRequest,
  changes: Change[],
  status: MyAppStatus,
  { metrics, seen }: Records,
): void {
  const { uid, deletionTimestamp } = request.parent.metadata
  const newChanges = seen.answered(uid, {
    phase: status.phase ?? 'Pending',
    deletionTimestamp,
    changes,
  })
  for (const change of newChanges) {
    const kind = knownKinds.has(change.kind) ? change.kind : otherKind
    if (change.action === 'create') metrics.resourceCreated(kind)
    else metrics.resourceDeleted(kind)
  }
}

/** The kinds that metrics name. Callers can send any number of other kinds. */
const knownKinds: ReadonlySet<string> = new Set([
  ...childKinds.map(({ kind }) => kind),
  inspectionKind,
])
/** The value for all other kinds, by the conventions of OpenTelemetry. */
const otherKind = '_OTHER'

/** The longest text of a header in a span, in characters. Anybody can send headers. */
const maxHeaderLength = 253

function httpAttributes(request: FastifyRequest, statusCode: number | undefined): Attributes {
  const length = Number(request.headers['content-length'])
  return {
    [ATTR_SERVER_ADDRESS]: cutCopy(request.hostname, maxHeaderLength),
    [ATTR_SERVER_PORT]: request.port ?? (request.protocol === 'https' ? 443 : 80),
    [ATTR_CLIENT_ADDRESS]: request.ip,
    [ATTR_NETWORK_PROTOCOL_VERSION]: request.raw.httpVersion,
    ...(request.headers['user-agent'] !== undefined && {
      [ATTR_USER_AGENT_ORIGINAL]: cutCopy(request.headers['user-agent'], maxHeaderLength),
    }),
    ...(Number.isFinite(length) && { [ATTR_HTTP_REQUEST_BODY_SIZE]: length }),
    ...(statusCode !== undefined && { [ATTR_HTTP_RESPONSE_STATUS_CODE]: statusCode }),
  }
}

/** The reason why a request was not answered with 200; undefined for 200. */
function failureOf(request: FastifyRequest, statusCode: number | undefined): Failure | undefined {
  if (statusCode === undefined) {
    return { type: 'aborted', message: 'the caller closed the connection before the answer' }
  }
  if (statusCode < 400) return undefined
  return request.failure ?? { type: String(statusCode), message: `answered with ${statusCode}` }
}

/**
 * Marks a span as failed. Unlike in the semantic conventions, 4xx is a failure: the only caller is
 * Metacontroller, and a refused request is a failed sync.
 */
function recordFailure(span: Span, { type, message, frames }: Failure): void {
  span.setAttribute(ATTR_ERROR_TYPE, type)
  span.setStatus({ code: SpanStatusCode.ERROR, message })
  span.addEvent(event.exception, {
    [ATTR_EXCEPTION_TYPE]: type,
    [ATTR_EXCEPTION_MESSAGE]: message,
    ...(frames !== undefined && { [ATTR_EXCEPTION_STACKTRACE]: frames }),
  })
}

/** Sets the attributes that have a value. */
function setAttributes(
  span: Span,
  attributes: Record<string, string | number | boolean | undefined>,
): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) {
      span.setAttribute(name, typeof value === 'string' ? shortened(value) : value)
    }
  }
}

/**
 * The longest text of a request in a span, in characters. Spans stay in memory until they are
 * exported, and a caller can send any text as a kind or a status.
 */
const maxTextLength = 1024

const shortened = (text: string) =>
  text.length > maxTextLength ? cutCopy(text, maxTextLength) : text

function addLink(span: Span, annotations: Record<string, string> | undefined): void {
  const link = linkTo(annotations)
  if (link !== undefined) span.addLink(link)
}

const changeAttributes = ({ kind, name, fields }: Change): Attributes => ({
  [attribute.resourceKind]: shortened(kind),
  [attribute.resourceName]: name,
  ...(fields.length > 0 && { [attribute.resourceFields]: fields }),
})

const conditionAttributes = ({ type, before, after, reason }: ConditionChange): Attributes => ({
  [attribute.conditionType]: type,
  [attribute.conditionBefore]: shortened(before),
  [attribute.conditionAfter]: after,
  [attribute.conditionReason]: shortened(reason),
})
