import type { FastifyInstance } from 'fastify'

/** GET /healthz: the process answers. GET /readyz: it also takes new calls, which it stops saying before it stops doing. */
export function healthRoutes(server: FastifyInstance, isReady: () => boolean): void {
  server.get('/healthz', () => ({ status: 'ok' }))
  server.get('/readyz', (_call, reply) =>
    isReady() ? { status: 'ready' } : reply.code(503).send({ error: 'shutting down' }),
  )
}
