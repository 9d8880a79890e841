import type { MyAppStatus } from '../api/myapp.ts'
import { age, lastWrite } from './inspection-time.ts'
import type { HookRequest } from './request.ts'
import type { State } from './state.ts'
import { type Reason, readyReason } from './status/reasons.ts'

/**
 * Metacontroller syncs a MyApp at each event of the MyApp, its children and its related objects. At
 * rest it syncs every three minutes (`resyncPeriodSeconds`). A MyApp that is Failed, inspected,
 * being deleted or not updated in time asks for more syncs: the cause of its problem, such as an
 * admission policy, can end without an event.
 */

/** The time until the next sync of a MyApp with a problem, in seconds. */
export const problemResyncSeconds = 30
/** After this time, in ms, Metacontroller has updated a child, or its update was refused. */
const updateMs = 10_000

/** Whether a child still differs although Metacontroller has had time to update it. */
export function isUpdateOverdue(
  { parent: { metadata, status } }: HookRequest,
  { children }: State,
  now: number,
): boolean {
  const updating: Reason = 'Updating'
  return (
    readyReason(status as MyAppStatus | undefined) === updating &&
    age(lastWrite(metadata, 'status'), now) > updateMs &&
    children.some(
      ({ observed, enabled, inSync, postponed }) =>
        observed !== undefined && enabled && !inSync && !postponed,
    )
  )
}
