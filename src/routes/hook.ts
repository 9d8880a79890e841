import type { ErrorObject } from 'ajv'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { HookName, Outcome } from './outcome.ts'

/** A validator as Ajv makes them. */
export interface Validator<Request> {
  (data: unknown): data is Request
  errors?: ErrorObject[] | null
}

/** One hook: the path that it is posted to, what it takes, what it answers, and what its log line tells. */
export interface Hook<Request, Response> {
  path: `/${HookName}`
  validator: Validator<Request>
  /** What a schema can't say against a request; undefined where nothing is. */
  objection: (request: Request) => string | undefined
  handle: (request: Request) => Response
  logged: (request: Request, response: Response) => Record<string, unknown>
}

/** An error that the caller is answered with: its message is shown, so it holds no value of the request. */
export const refusal = (statusCode: number, message: string) =>
  Object.assign(new Error(message), { statusCode })

/** Serves a hook. What its validator does not take is answered with 422 and the place that is wrong; every call is logged in one line. */
export function serveHook<Request extends Outcome['request'], Response>(
  server: FastifyInstance,
  { path, validator, objection, handle, logged }: Hook<Request, Response>,
): void {
  const hook = path.slice(1) as HookName
  server.post(path, { config: { hook } }, (call, reply: FastifyReply) => {
    const start = performance.now()
    const request = call.body
    if (!validator(request)) {
      throw refusal(
        422,
        `the request is not one of Metacontroller's for a MyApp: ${place(validator.errors?.[0])}`,
      )
    }
    const against = objection(request)
    if (against !== undefined) throw refusal(422, against)
    const response = handle(request)
    reply.send(response)
    // Nobody waits for what follows.
    call.outcome = { request, response, handledMs: performance.now() - start }
    call.log.info(
      { hook, ...logged(request, response), durationMs: Number(reply.elapsedTime.toFixed(3)) },
      'hook call',
    )
  })
}

function place(error: ErrorObject | undefined): string {
  if (error === undefined) return 'it is malformed'
  const at =
    error.instancePath.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~') ||
    'the body'
  return `${at} ${error.keyword === 'const' ? `must be ${error.params.allowedValue}` : error.message}`
}
