import type { HookRequest } from '../../myapp/request.ts'
import type { MyAppStatus } from '../../api/myapp.ts'
import type { Change } from './changes.ts'

/** Whether a change has been asked for already, by whichever replica. */
export type Asked = 'yes' | 'no' | 'perhaps' | 'unknown'

/**
 * What the status that came with a request tells of a change: it was made by the answer before this one, whoever gave that.
 * `perhaps` is said where it tells that all that was missing was asked for, but not what that was, and `unknown` where there is no status.
 */
export function askedBefore(
  {
    finalizing,
    parent: {
      metadata: { generation = 0 },
      status,
    },
  }: HookRequest,
  { action, kind }: Change,
): Asked {
  const { message = '', observedGeneration, conditions } = (status ?? {}) as MyAppStatus
  const reason = conditions?.find(({ type }) => type === 'Ready')?.reason
  if (reason === undefined) return 'unknown'
  if (finalizing) return reason === 'Terminating' && message.includes(kind) ? 'yes' : 'no'
  const answered = observedGeneration === generation
  if (action === 'delete') return answered && !nothingAsked.has(reason) ? 'perhaps' : 'no'
  if (nothingAsked.has(reason)) return 'no'
  if (reason === 'Creating' && message.startsWith('Creating ')) {
    return message.includes(kind) ? 'yes' : 'no'
  }
  // What belongs to somebody else is not asked for, nor pods whose config is missing.
  if (reason === 'NameConflict' || reason === 'Creating') {
    return message.includes(kind) || !answered ? 'no' : 'perhaps'
  }
  if (reason === 'ConfigMissing') return kind === 'Deployment' || !answered ? 'no' : 'perhaps'
  return 'no' // any other reason is given only where all is there
}

/** With these an answer leaves what is there as it is. */
const nothingAsked = new Set(['Paused', 'InvalidSpec'])
