import type { FastifyInstance } from 'fastify'

/**
 * `GET /healthz`: 200 while the process runs. `GET /readyz`: 200 until shutdown begins, then 503.
 * Requests are still answered for SHUTDOWN_DELAY_MS after that.
 */
export function healthRoutes(server: FastifyInstance, isReady: () => boolean): void {
  server.get('/healthz', () => ({ status: 'ok' }))
  server.get('/readyz', (_call, reply) =>
    isReady() ? { status: 'ready' } : reply.code(503).send({ error: 'shutting down' }),
  )
}
