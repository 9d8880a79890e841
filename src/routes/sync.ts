import type { FastifyInstance } from 'fastify'
import type { Context } from '../myapp/context.ts'
import { sync } from '../myapp/sync.ts'
import { inconsistency } from '../myapp/request.ts'
import { hookRequestValidator } from '../myapp/compiled.ts'
import { logFields } from './log-fields.ts'
import { serveHook } from './hook.ts'

/** POST /sync: what a MyApp shall have, and how it is. */
export function syncRoute(server: FastifyInstance, context: Context): void {
  serveHook(server, {
    path: '/sync',
    validator: hookRequestValidator,
    objection: (request) =>
      request.finalizing
        ? 'the MyApp is being deleted: hooks.finalize of the CompositeController must lead to /finalize'
        : inconsistency(request),
    handle: (request) => sync(request, context),
    logged: logFields,
  })
}
