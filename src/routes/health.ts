import type { FastifyInstance } from 'fastify'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Set for routes that need no authentication and are served even during overload. */
    probe?: true
  }
}

const config = { probe: true } as const

/**
 * `GET /healthz`: 200 while the process runs. `GET /readyz`: 200 until shutdown begins, then 503.
 * For SHUTDOWN_DELAY_MS after that, the server still accepts requests.
 */
export function healthRoutes(server: FastifyInstance, isReady: () => boolean): void {
  server.get('/healthz', { config }, () => ({ status: 'ok' }))
  server.get('/readyz', { config }, (_call, reply) =>
    isReady() ? { status: 'ready' } : reply.code(503).send({ error: 'shutting down' }),
  )
}
