import { type Phase, phases } from '../myapp/schema.ts'
import type { Change } from './changes.ts'

/** A MyApp as this process last saw it. */
interface KnownMyApp {
  phase: Phase
  seenAt: number
  /** When its deletion was asked for, in ms since the epoch; NaN if it was not. */
  deletedAt: number
  /** Creations and deletions that have been asked for and are not seen to be done. */
  asked: Set<string>
}

/** The MyApps that this process has seen of late. */
export interface KnownMyApps {
  /** Takes note of a MyApp, and gives back those of its changes that were not asked for before. */
  saw: (uid: string, seen: { phase: Phase, deletionTimestamp: string | undefined, changes: Change[] }) => Change[]
  /** Takes note of a MyApp whose call failed: it is still there, in the phase in which it was, and perhaps being deleted. */
  failed: (uid: string, seen: { phase: string | undefined, deletionTimestamp: string | undefined }) => void
  gone: (uid: string) => void
  /** How many there are in a phase. */
  count: (phase: Phase) => number
  /** For how long the oldest deletion has been under way, in seconds; 0 without any. */
  longestDeletion: () => number
}

/**
 * Remembers MyApps for as long as they keep being seen. Replicas share the calls, so one that has not been seen for a few
 * resyncs is another replica's, or gone without a word. However many there are, no more than `most` are remembered.
 */
export function knownMyApps ({ most, forgetAfterMs }: { most: number, forgetAfterMs: number }, now = Date.now): KnownMyApps {
  const known = new Map<string, KnownMyApp>()
  const forgetOld = () => {
    for (const [uid, { seenAt }] of known) {
      if (seenAt >= now() - forgetAfterMs && known.size <= most) return // the map is in the order of last sight
      known.delete(uid)
    }
  }
  const note = (uid: string, { phase, deletionTimestamp, asked }: { phase: Phase, deletionTimestamp: string | undefined, asked: Set<string> }) => {
    known.delete(uid)
    known.set(uid, { phase, seenAt: now(), deletedAt: Date.parse(deletionTimestamp ?? ''), asked })
    forgetOld()
  }
  return {
    saw: (uid, { phase, deletionTimestamp, changes }) => {
      const before = known.get(uid)?.asked
      const asks = changes.filter(({ action }) => action !== 'update')
      note(uid, { phase, deletionTimestamp, asked: new Set(asks.map(nameOf)) })
      return before === undefined ? asks : asks.filter((change) => !before.has(nameOf(change)))
    },
    failed: (uid, { phase, deletionTimestamp }) => {
      const { phase: last, asked = new Set<string>() } = known.get(uid) ?? {}
      note(uid, { phase: last ?? phases.find((known) => known === phase) ?? 'Pending', deletionTimestamp, asked })
    },
    gone: (uid) => { known.delete(uid) },
    count: (phase) => {
      forgetOld()
      return [...known.values()].filter((myApp) => myApp.phase === phase).length
    },
    longestDeletion: () => {
      forgetOld()
      return [...known.values()].reduce((longest, { deletedAt }) => deletedAt <= now() ? Math.max(longest, (now() - deletedAt) / 1000) : longest, 0)
    },
  }
}

const nameOf = ({ action, kind, name }: Change) => `${action} ${kind} ${name}`
