import type { FastifyInstance } from 'fastify'
import { customize } from '../myapp/customize.ts'
import { customizeRequestValidator } from '../myapp/compiled.ts'
import { serveHook } from './hook.ts'

/** POST /customize: which other objects a sync of a MyApp has to see. */
export function customizeRoute(server: FastifyInstance): void {
  serveHook(server, {
    path: '/customize',
    validator: customizeRequestValidator,
    objection: () => undefined,
    handle: customize,
    logged: ({
      parent: {
        metadata: { namespace, name, generation },
      },
    }) => ({ namespace, name, generation }),
  })
}
