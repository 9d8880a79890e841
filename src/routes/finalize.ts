import type { FastifyInstance } from 'fastify'
import { finalize } from '../myapp/finalize.ts'
import { inconsistency } from '../myapp/request.ts'
import { hookRequestValidator } from '../myapp/compiled.ts'
import { logFields } from './log-fields.ts'
import { serveHook } from './hook.ts'

/** POST /finalize: what is still to stay of a MyApp that is being deleted, and whether it may go. */
export function finalizeRoute(server: FastifyInstance): void {
  serveHook(server, {
    path: '/finalize',
    validator: hookRequestValidator,
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
}
