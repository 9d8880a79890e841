import { type Phase, phases } from '../../api/myapp.ts'
import type { Asked } from './asked-before.ts'
import type { Change } from './changes.ts'

/** A MyApp as this process last saw it. */
interface KnownMyApp {
  phase: Phase
  seenAt: number
  /** When its deletion was asked for, in ms since the epoch; NaN if it was not. */
  deletedAt: number
  /** Creations and deletions that its last answer asked for. */
  asked: ReadonlySet<string>
  /** Whether it was seen more than once since it was last looked at for room. */
  isSeenAgain: boolean
  /** The generation for which it did, and the resourceVersion. */
  generation: number | undefined
  version: string | undefined
}

/** A MyApp as a request shows it, and what the answer changes. */
export interface Sight {
  phase: Phase
  deletionTimestamp: string | undefined
  generation: number | undefined
  version: string | undefined
  changes: Change[]
}

/** The MyApps that this process has seen of late. */
export interface KnownMyApps {
  /** Takes note of a MyApp, and gives back those of its creations and deletions that were not asked for before. */
  saw: (uid: string, seen: Sight, askedBefore: (change: Change) => Asked) => Change[]
  /** Takes note of a MyApp whose call failed: it is still there, in the phase in which it was, and perhaps being deleted. */
  failed: (
    uid: string,
    seen: { phase: string | undefined; deletionTimestamp: string | undefined },
  ) => void
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
export function knownMyApps(
  { most, forgetAfterMs }: { most: number; forgetAfterMs: number },
  now = Date.now,
): KnownMyApps {
  const known = new Map<string, KnownMyApp>()
  const forgetOld = () => {
    for (const [uid, { seenAt }] of known) if (seenAt < now() - forgetAfterMs) known.delete(uid)
  }
  // One that was seen since it was last looked at has another turn. To have the map in the order of last sight would take a new table every few calls.
  const makeRoom = () => {
    for (const [uid, myApp] of known) {
      if (known.size <= most) return
      known.delete(uid)
      if (myApp.isSeenAgain) known.set(uid, { ...myApp, isSeenAgain: false })
    }
  }
  const note = (
    uid: string,
    {
      phase,
      deletionTimestamp,
      generation,
      version,
      asked,
    }: Omit<Sight, 'changes'> & { asked: ReadonlySet<string> },
  ) => {
    const seen = {
      phase,
      seenAt: now(),
      deletedAt: Date.parse(deletionTimestamp ?? ''),
      asked,
      generation,
      version,
    }
    const before = known.get(uid)
    if (before !== undefined) Object.assign(before, seen, { isSeenAgain: true })
    else {
      known.set(uid, { ...seen, isSeenAgain: false })
      makeRoom()
    }
  }
  return {
    saw: (uid, sight, askedBefore) => {
      const before = known.get(uid)
      const asks = sight.changes.filter(({ action }) => action !== 'update')
      const fresh = asks.filter((change) => isFresh(change, askedBefore(change), sight, before))
      note(uid, { ...sight, asked: asks.length === 0 ? nothing : new Set(asks.map(nameOf)) })
      return fresh
    },
    failed: (uid, { phase, deletionTimestamp }) => {
      const { asked = nothing, generation, version, phase: last } = known.get(uid) ?? {}
      note(uid, {
        phase: last ?? phases.find((known) => known === phase) ?? 'Pending',
        deletionTimestamp,
        generation,
        version,
        asked,
      })
    },
    gone: (uid) => {
      known.delete(uid)
    },
    count: (phase) => {
      forgetOld()
      return [...known.values()].filter((myApp) => myApp.phase === phase).length
    },
    longestDeletion: () => {
      forgetOld()
      return [...known.values()].reduce(
        (longest, { deletedAt }) =>
          deletedAt <= now() ? Math.max(longest, (now() - deletedAt) / 1000) : longest,
        0,
      )
    },
  }
}

const nothing: ReadonlySet<string> = new Set()

/**
 * Whether nobody has asked for a change before. The status knows best what any replica has asked for, but it can be an old
 * one, as in a retry: then it comes with the same version. Where the status does not tell, what this replica asked for last decides.
 */
function isFresh(
  change: Change,
  asked: Asked,
  { generation, version }: Sight,
  before: KnownMyApp | undefined,
): boolean {
  const askedHere = before?.asked.has(nameOf(change)) === true
  switch (asked) {
    case 'yes':
      return false
    case 'no':
      return !(askedHere && before?.version === version)
    case 'perhaps':
      return before !== undefined && before.generation === generation && !askedHere // it has come, or gone, since
    case 'unknown':
      return !askedHere
  }
}

const nameOf = ({ action, kind, name }: Change) => `${action} ${kind} ${name}`
