import type { Context, ContextManager } from '@opentelemetry/api'

const nothing: Context = {
  getValue: () => undefined,
  setValue: () => nothing,
  deleteValue: () => nothing,
}

/**
 * In place of OpenTelemetry's context. Nothing here asks which span is the current one: a call has its own (`fastify.ts`). To follow contexts all
 * the same, each call would make one that lives, like its timers, until the next full collection.
 */
export const noContext: ContextManager = {
  active: () => nothing,
  with: (_context, run, self, ...args) => run.apply(self, args),
  bind: (_context, target) => target,
  enable: () => noContext,
  disable: () => noContext,
}
