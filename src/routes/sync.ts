import type { FastifyInstance } from 'fastify'
import { sync } from '../myapp/sync.ts'
import { hookRequestValidator } from '../myapp/validators.ts'
import { logFields } from './log-fields.ts'
import { refusal, serveHook } from './hook.ts'

/** POST /sync: what a MyApp shall have, and how it is. */
export function syncRoute (server: FastifyInstance): void {
  serveHook(server, {
    path: '/sync',
    validator: hookRequestValidator,
    handle: (request) => {
      if (request.finalizing) throw refusal(422, 'the MyApp is being deleted: hooks.finalize of the CompositeController must lead to /finalize')
      return sync(request)
    },
    logged: logFields,
  })
}
