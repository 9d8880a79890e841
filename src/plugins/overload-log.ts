import type { FastifyBaseLogger } from 'fastify'

/**
 * Counts calls that are refused for overload and logs them, one line a second at most: a line for each would be one more
 * thing to do for a process that has too much to do.
 */
export function overloadLog(logger: FastifyBaseLogger, everyMs = 1000): () => void {
  let calls = 0
  return () => {
    calls += 1
    if (calls > 1) return
    setTimeout(() => {
      logger.warn({ statusCode: 429, calls }, 'hook calls refused: overloaded')
      calls = 0
    }, everyMs).unref()
  }
}
