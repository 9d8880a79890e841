import type { FastifyInstance } from 'fastify'
import { finalize } from '../myapp/finalize.ts'
import { hookRequestValidator } from '../myapp/validators.ts'
import { logFields } from './log-fields.ts'
import { refusal, serveHook } from './hook.ts'

/** POST /finalize: what is still to stay of a MyApp that is being deleted, and whether it may go. */
export function finalizeRoute (server: FastifyInstance): void {
  serveHook(server, {
    path: '/finalize',
    validator: hookRequestValidator,
    handle: (request) => {
      if (!request.finalizing) throw refusal(422, 'the MyApp is not being deleted: hooks.sync of the CompositeController must lead to /sync')
      return finalize(request)
    },
    logged: (request, response) => ({ ...logFields(request, response), finalized: response.finalized }),
  })
}
