import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Config } from '../config.ts'
import { eventLoopDelay } from '../runtime/event-loop-delay.ts'

/** How many of the largest bodies may be in memory at once. */
const largestBodies = 3

/**
 * Has a process that can't keep up say so: one whose event loop lags, or that holds as many bytes of request bodies as it
 * can afford. Such a call is answered with 429 and `Retry-After: 1`, the one way in which Metacontroller lets itself be
 * told to wait; without that header it would call again at once. Health is answered all the same.
 */
export function refuseOverload(server: FastifyInstance, config: Config): void {
  const delay = eventLoopDelay()
  const mostDelay = config.MAX_EVENT_LOOP_DELAY_MS || Infinity
  const limit = largestBodies * config.BODY_LIMIT
  let inMemory = 0
  server.addHook('onRequest', (call, reply, done) => {
    if (call.routeOptions.config.hook !== undefined && delay.recent() > mostDelay) {
      return refuse(reply)
    }
    const size = Number(call.headers['content-length'] ?? 0)
    if (size > config.BODY_LIMIT) return done() // refused for its size before it is read
    if (inMemory + size > limit) return refuse(reply)
    inMemory += size
    reply.raw.once('close', () => {
      inMemory -= size
    })
    done()
  })
}

function refuse(reply: FastifyReply): void {
  reply
    .code(429)
    .header('retry-after', '1')
    .send({ error: 'the operator is overloaded; it asks to be called again in a second' })
}
