import type { State } from './state.ts'

/**
 * Metacontroller syncs a MyApp at each event of the MyApp, its children and its related objects. At
 * rest it syncs every three minutes (`resyncPeriodSeconds`). A MyApp that is Failed, inspected,
 * being deleted or changed asks for another sync: a request of Metacontroller to the API server can
 * fail, and the cause, such as an admission policy, can end without an event.
 */

/** The time until that sync, in seconds. */
export const problemResyncSeconds = 30

/** Whether Metacontroller has to update or delete a child. */
export const changesChild = ({ children }: State): boolean =>
  children.some(
    ({ observed, enabled, inSync, postponed }) =>
      observed !== undefined && enabled && !inSync && !postponed,
  )
