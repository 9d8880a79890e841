import { LRUCache } from 'lru-cache'
import { type Phase, phases } from '../../api/myapp.ts'
import { problemResyncSeconds } from '../../myapp/resync.ts'
import type { Change } from './changes.ts'

/** The last state of a MyApp that this process has seen. */
interface SeenMyApp {
  phase: Phase
  /** The time of the deletion request, in ms since the epoch; NaN without one. */
  deletedAt: number
  /** The creations and deletions in the last answer. */
  requested: ReadonlySet<string>
}

/** A MyApp in a request and its answer. */
export interface Sight {
  phase: Phase
  deletionTimestamp: string | undefined
  changes: Change[]
}

/** The MyApps that this process has seen recently. */
export interface SeenMyApps {
  /**
   * Records an answered MyApp. Returns the creations and deletions that the previous answer of this
   * process did not contain. Answers repeat a change until Metacontroller has applied the change.
   */
  answered: (uid: string, sight: Sight) => Change[]
  /**
   * Records a MyApp whose request failed. It keeps its last phase, and its deletion is recorded.
   */
  failed: (
    uid: string,
    sight: { phase?: string | undefined; deletionTimestamp?: string | undefined },
  ) => void
  /** Forgets a MyApp that has been finalized. */
  finalized: (uid: string) => void
  /** Returns the number of MyApps in a phase. */
  count: (phase: Phase) => number
  /** Returns the age of the oldest deletion in progress, in seconds; 0 without one. */
  longestDeletion: () => number
}

/** The longest identifier that Kubernetes allows. Longer identifiers are not stored. */
const identifierMaxLength = 253

/** Bounds of the memory for MyApps. Callers can send any number of MyApps of any size. */
const bounds = {
  max: 10_000,
  /** The characters of the uid and the recorded changes of all MyApps together. */
  maxSize: 4 * 1024 * 1024,
  /** The same for one MyApp. A larger one is not stored. */
  maxEntrySize: 16 * 1024,
}

/**
 * The longest time for which a replica remembers an answer for a MyApp that is Failed or being
 * deleted, in ms: three times `problemResyncSeconds`. So an alert ends soon, even if another
 * replica gets the request after the problem.
 */
const forgetProblemAfterMs = 3 * problemResyncSeconds * 1000

/**
 * Remembers MyApps for at most `forgetAfterMs` after the last request. Replicas share requests, so
 * a MyApp that has not been seen for some resyncs is handled by another replica, or is gone.
 */
export function seenMyApps(
  { forgetAfterMs, max = bounds.max }: { forgetAfterMs: number; max?: number },
  now = Date.now,
): SeenMyApps {
  const seen = new LRUCache<string, SeenMyApp>({
    ...bounds,
    max,
    ttl: forgetAfterMs,
    ttlResolution: 0,
    perf: { now },
    sizeCalculation: ({ requested }, uid) =>
      [...requested].reduce((sum, change) => sum + change.length, uid.length),
  })
  const remember = (uid: string, myApp: SeenMyApp, ttl: number) => {
    if (uid.length <= identifierMaxLength) seen.set(uid, myApp, { ttl })
  }
  const all = () => {
    seen.purgeStale()
    return [...seen.values()]
  }
  return {
    answered: (uid, { phase, deletionTimestamp, changes }) => {
      const requested = changes.filter(({ action }) => action !== 'update')
      const before = seen.get(uid)?.requested ?? none
      const hasProblem = phase === 'Failed' || deletionTimestamp !== undefined
      remember(
        uid,
        {
          phase,
          deletedAt: Date.parse(deletionTimestamp ?? ''),
          requested: requested.length === 0 ? none : new Set(requested.map(keyOf)),
        },
        hasProblem ? Math.min(forgetAfterMs, forgetProblemAfterMs) : forgetAfterMs,
      )
      return requested.filter((change) => !before.has(keyOf(change)))
    },
    failed: (uid, { phase, deletionTimestamp }) => {
      const before = seen.get(uid)
      // A failed request can be retried as late as the next resync, so remember it as long.
      remember(
        uid,
        {
          phase: before?.phase ?? phases.find((known) => known === phase) ?? 'Pending',
          deletedAt: Date.parse(deletionTimestamp ?? ''),
          requested: before?.requested ?? none,
        },
        forgetAfterMs,
      )
    },
    finalized: (uid) => {
      seen.delete(uid)
    },
    count: (phase) => all().filter((myApp) => myApp.phase === phase).length,
    longestDeletion: () =>
      all()
        .filter(({ deletedAt }) => deletedAt <= now())
        .reduce((longest, { deletedAt }) => Math.max(longest, (now() - deletedAt) / 1000), 0),
  }
}

const none: ReadonlySet<string> = new Set()

const keyOf = ({ action, kind, name }: Change) => `${action} ${kind} ${name}`
