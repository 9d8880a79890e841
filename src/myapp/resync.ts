import type { State } from './state.ts'

/**
 * Metacontroller syncs a MyApp at each event of its children and its related objects, and at each
 * change of the MyApp except its status. Without events it syncs the MyApp every three minutes
 * (`resyncPeriodSeconds`). The hook requests
 * an earlier sync if the MyApp is Failed, has an inspection or may soon need one, is being deleted,
 * or has a child that Metacontroller has to update or delete. A request of Metacontroller to the
 * API server can fail, and the cause of the failure, such as an admission policy, can end without
 * an event.
 */

/** The time until the earlier sync, in seconds. Before an inspection, inspection.ts sets it. */
export const problemResyncSeconds = 30

/**
 * Whether Metacontroller has to update or delete a child. The children of a frozen MyApp stay as
 * they are, even if they are not in sync.
 */
export const changesChild = ({ frozen, children }: State): boolean =>
  !frozen &&
  children.some(
    ({ observed, enabled, inSync, postponed }) =>
      observed !== undefined && enabled && !inSync && !postponed,
  )
