import type { ErrorObject } from 'ajv'
import type { FastifyInstance } from 'fastify'
import {
  customizeRequestValidator,
  hookRequestValidator,
  inspectionCustomizeRequestValidator,
  inspectionRequestValidator,
} from '../myapp/compiled.ts'
import type { HookName } from '../metacontroller/protocol.ts'
import type { Context } from '../myapp/context.ts'
import {
  applyStrategyAnnotation,
  customize,
  usesUndeclaredServerSideApply,
} from '../myapp/customize.ts'
import { finalize } from '../myapp/finalize.ts'
import { type CustomizeRequest, type HookRequest, inconsistency } from '../myapp/request.ts'
import {
  customizeInspection,
  inspect,
  type InspectionCustomizeRequest,
  type InspectionRequest,
} from '../myapp/inspection-hooks.ts'
import { sync } from '../myapp/sync.ts'
import { quote, RefusedRequest } from '../plugins/errors.ts'
import { logFields, parentFields } from '../plugins/call-log.ts'

/** The request and the response of a hook, for telemetry. */
export interface HookOutcome {
  request: HookRequest | CustomizeRequest | InspectionRequest | InspectionCustomizeRequest
  response: unknown
  /** Time from the parsed request to the written response. */
  handledMs: number
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The hook that a route serves; undefined for every other route. */
    hook?: HookName
  }
  interface FastifyRequest {
    /** Set when the hook has responded with 200. */
    outcome: HookOutcome | undefined
  }
}

/** A type guard that Ajv compiled. */
interface Validator<Request> {
  (data: unknown): data is Request
  errors?: ErrorObject[] | null
}

/** One hook of Metacontroller. */
interface Hook<Request, Response> {
  isValid: Validator<Request>
  /**
   * Checks rules that a schema cannot express. Returns a message if the request must be refused.
   */
  objection?: (request: Request) => string | undefined
  handle: (request: Request) => Response
  /**
   * The fields of the log line: names and counts, never a possible secret.
   */
  logged: (request: Request, response: Response) => Record<string, unknown>
}

/**
 * The hooks for MyApps, in the order in which Metacontroller calls them, then the hooks for
 * inspections.
 */
export function hookRoutes(server: FastifyInstance, context: Context): void {
  server.decorateRequest('outcome', undefined)
  let warned = false
  serve(server, 'customize', {
    isValid: customizeRequestValidator,
    handle: (request) => customize(request, context),
    logged: ({ parent }) => parentFields(parent),
  })
  serve(server, 'sync', {
    isValid: hookRequestValidator,
    objection: (request) =>
      request.finalizing
        ? 'the MyApp is being deleted: hooks.finalize of the CompositeController must lead to ' +
          '/finalize'
        : inconsistency(request),
    handle: (request) => {
      if (!warned && usesUndeclaredServerSideApply(request)) {
        warned = true
        server.log.warn(
          'Metacontroller uses server-side apply, and a new MyApp can take over objects with the ' +
            'names of its children; to prevent this, annotate the CompositeController with ' +
            `${applyStrategyAnnotation}=server-side-apply`,
        )
      }
      return sync(request, { ...context, now: Date.now() })
    },
    logged: logFields,
  })
  serve(server, 'finalize', {
    isValid: hookRequestValidator,
    objection: (request) =>
      !request.finalizing
        ? 'the MyApp is not being deleted: hooks.sync of the CompositeController must lead to /sync'
        : inconsistency(request),
    handle: finalize,
    logged: (request, response) => ({
      ...logFields(request, response),
      finalized: response.finalized,
    }),
  })
  serve(server, 'inspect-customize', {
    isValid: inspectionCustomizeRequestValidator,
    handle: customizeInspection,
    logged: ({ parent }) => parentFields(parent),
  })
  serve(server, 'inspect', {
    isValid: inspectionRequestValidator,
    handle: (request) => inspect(request, { now: Date.now() }),
    logged: ({ parent }) => parentFields(parent),
  })
}

/** Serves `POST /<hook>`: 200 with the response, or 422 with the first problem. */
function serve<Request extends HookOutcome['request'], Response>(
  server: FastifyInstance,
  hook: HookName,
  { isValid, objection, handle, logged }: Hook<Request, Response>,
): void {
  server.post(`/${hook}`, { config: { hook } }, (call, reply) => {
    const start = performance.now()
    const request = call.body
    if (!isValid(request)) {
      throw new RefusedRequest(
        `not a ${hook} request of Metacontroller: ${firstProblem(isValid.errors)}`,
      )
    }
    const problem = objection?.(request)
    if (problem !== undefined) throw new RefusedRequest(problem)
    const response = handle(request)
    reply.send(response)
    // The response is being sent. Metacontroller does not wait for the rest.
    call.outcome = { request, response, handledMs: performance.now() - start }
    call.log.info(
      { hook, ...logged(request, response), durationMs: Number(reply.elapsedTime.toFixed(3)) },
      'hook call',
    )
  })
}

/** The field that Ajv refused and the reason, such as `parent.kind must be MyApp`. */
export function firstProblem(errors: ErrorObject[] | null | undefined): string {
  const error = errors?.[0]
  if (error === undefined) return 'malformed'
  const reason =
    error.keyword === 'const' ? `must be ${error.params['allowedValue']}` : error.message
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  // A related object can be a Secret, so its keys stay out of Events and logs.
  if (path[0] === 'related' && path.length > 3) {
    return `${quote(path.slice(0, 3).join('.'))}: a field ${reason}`
  }
  return `${quote(path.join('.')) || 'the body'} ${reason}`
}
