import type { ErrorObject } from 'ajv'
import type { FastifyInstance, FastifyReply } from 'fastify'

/** A validator as Ajv makes them. */
export interface Validator<Request> {
  (data: unknown): data is Request
  errors?: ErrorObject[] | null
}

/** One hook: the path that it is posted to, what it takes, what it answers, and what its log line tells. */
export interface Hook<Request, Response> {
  path: '/sync' | '/finalize' | '/customize'
  validator: Validator<Request>
  /** What a schema can't say against a request; undefined where nothing is. */
  objection: (request: Request) => string | undefined
  handle: (request: Request) => Response
  logged: (request: Request, response: Response) => Record<string, unknown>
}

/** An error that the caller is answered with: its message is shown, so it holds no value of the request. */
export const refusal = (statusCode: number, message: string) => Object.assign(new Error(message), { statusCode })

/** Serves a hook. What its validator does not take is answered with 422 and the place that is wrong; every call is logged in one line. */
export function serveHook<Request, Response> (server: FastifyInstance, { path, validator, objection, handle, logged }: Hook<Request, Response>): void {
  server.post(path, (call, reply: FastifyReply) => {
    const request = call.body
    if (!validator(request)) throw refusal(422, `the request is not one of Metacontroller's for a MyApp: ${place(validator.errors?.[0])}`)
    const against = objection(request)
    if (against !== undefined) throw refusal(422, against)
    const response = handle(request)
    call.log.info({ hook: path.slice(1), ...logged(request, response), durationMs: Number(reply.elapsedTime.toFixed(3)) }, 'hook call')
    reply.send(response)
  })
}

function place (error: ErrorObject | undefined): string {
  if (error === undefined) return 'it is malformed'
  const at = error.instancePath.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~') || 'the body'
  return `${at} ${error.keyword === 'const' ? `must be ${error.params.allowedValue}` : error.message}`
}
