import { isDeepStrictEqual } from 'node:util'
import { holds } from './compare.ts'
import { isServerSideApplied, lastApplied } from './last-applied.ts'
import { isObject, merge, observedOf } from './merge.ts'
import { below, type Fields, writtenByOthers } from './other-writers.ts'
import type { KubernetesObject, ObservedObject } from './protocol.ts'
import { strayMembers } from './stray-members.ts'

/** What of a child must end up exactly as desired. Metacontroller's merge alone can't get it there: it keeps what it finds. */
export type ExactField = ExactValue | ExactPart

/** Where a field is; a `{ name }` picks the item of that name from a list. */
type Path = Array<string | { name: string }>

/** A list or map that must be as desired to the letter: without entries that others added, and in order. */
interface ExactValue {
  path: Path
  /**
   * How an answer can rid it of what does not belong. `leave out`: without the field everything in it is removed, so the
   * next answer starts afresh. `take over`: for a field that the API server requires; what is there is answered as
   * if desired, which makes it ours to remove with the next answer.
   */
  remedy: 'leave out' | 'take over'
  /** For a list whose items hold much that the API server fills in: only which items there are is exact, by name. */
  namesOnly?: boolean
}

/**
 * A part in which others may put nothing, at any depth, though the API server may: a probe has a single handler, and beside a
 * second one the API server refuses the next change, whatever it is.
 */
interface ExactPart {
  path: Path
  remedy: 'take over strays'
  /** What the API server fills in, by field and value. A field of that value is as desired, whoever wrote it. */
  filledIn?: Record<string, unknown>
  /** Also where nothing of it is desired: for what could make the API server refuse what is. */
  evenUnasked?: boolean
}

/**
 * What to answer now so that the server comes to hold `desired`: mostly `desired` itself. Where the merge would not give
 * the exact fields, one or two answers come before it, each of which the next observation moves on from; for a
 * Deployment they carry `paused`, so that its pods roll once, at the end. Where a part has strays the first of them leaves the
 * rest of the child as it is: halfway to what is desired the API server might refuse it. Under server-side apply the answer is
 * always `desired`.
 */
export function answerNow(
  desired: KubernetesObject,
  observed: ObservedObject | undefined,
  exactFields: ExactField[],
): KubernetesObject {
  if (observed === undefined) return desired
  const applied = lastApplied(observed)
  if (applied === undefined && isServerSideApplied(observed)) return desired
  const merged = merge(observed, applied, desired)
  const written = writtenByOthers(observed, applied, desired)
  const values = exactFields.filter((field) => field.remedy !== 'take over strays')
  const wrong = values.filter((field) => !isExact(field, desired, merged, written))
  const strays =
    written.length === 0
      ? []
      : exactFields
          .filter((field) => field.remedy === 'take over strays')
          .flatMap((part) => straysIn(part, desired, merged, written))
  if (wrong.length === 0 && strays.length === 0) return desired
  const answer = structuredClone(
    strays.length === 0 ? desired : asObserved(desired, observed, applied),
  )
  for (const { path, stray } of strays) {
    set(answer, path, observedOf([at(applied, path), at(desired, path), stray], at(observed, path)))
  }
  // Lists in which others have written can't be answered as they are: two ports of one number (TCP and UDP) would pass for the same.
  if (strays.length > 0) {
    for (const { path, remedy } of values) if (remedy === 'leave out') set(answer, path, undefined)
  }
  if (
    isObject(answer.spec) &&
    isObject(answer.spec.template) &&
    !pausedByOthers(observed, applied)
  ) {
    answer.spec.paused = true
  }
  for (const field of wrong) set(answer, field.path, remedy(field, answer, observed, applied))
  return answer
}

/**
 * Whether a field comes out as desired. What an admission webhook put in after us stays, or the two would write in turns for
 * ever; so the comparison is to the letter only where a person or another program has written.
 */
function isExact(
  { path, namesOnly }: ExactValue,
  desired: unknown,
  merged: unknown,
  written: Fields[],
): boolean {
  const [wanted, outcome] = [at(desired, path), at(merged, path)]
  const isTheirs = path.reduce(below, written).length > 0
  if (namesOnly) {
    return !isTheirs || isDeepStrictEqual(names(outcome).toSorted(), names(wanted).toSorted())
  }
  if (!isTheirs) return holds(outcome, wanted)
  return isDeepStrictEqual(orNothing(outcome), orNothing(wanted))
}

/** What is desired, with its spec and annotations as they are: what they note of the spec goes with it. */
function asObserved(
  desired: KubernetesObject,
  observed: ObservedObject,
  applied: KubernetesObject | undefined,
): KubernetesObject {
  const { annotations: _wanted, ...metadata } = desired.metadata
  const annotations = observedOf(
    [applied?.metadata.annotations, desired.metadata.annotations],
    observed.metadata.annotations,
  ) as Record<string, string> | undefined
  return {
    ...desired,
    metadata: Object.keys(annotations ?? {}).length === 0 ? metadata : { ...metadata, annotations },
    spec: observedOf([applied?.spec, desired.spec], observed.spec),
  } as KubernetesObject
}

/** What others have put in a part and the merge would leave there. */
function straysIn(
  { path, filledIn, evenUnasked }: ExactPart,
  desired: unknown,
  merged: unknown,
  written: Fields[],
): Array<{ path: Path; stray: unknown }> {
  const [holder, field] = [path.slice(0, -1), path.at(-1) as string]
  const [wanted, outcome] = [at(desired, path), at(merged, path)]
  if (outcome === undefined || (wanted === undefined && !evenUnasked)) return []
  const found = strayMembers(
    { [field]: outcome },
    wanted === undefined ? {} : { [field]: wanted },
    holder.reduce(below, written),
    filledIn,
  )
  return found === undefined ? [] : [{ path, stray: (found as Fields)[field] }]
}

/** The value that a field gets in an answer on the way; undefined leaves it out. */
function remedy(
  { path, remedy, namesOnly }: ExactValue,
  answer: unknown,
  observed: unknown,
  applied: unknown,
): unknown {
  const [wanted, found] = [at(answer, path), at(observed, path)]
  if (remedy === 'leave out' && at(applied, path) !== undefined) return undefined
  if (!Array.isArray(found)) return found
  const wantedNames = names(wanted)
  const strays = found.filter((item) => !wantedNames.includes(nameOf(item)))
  if (namesOnly) return [...(Array.isArray(wanted) ? wanted : []), ...takeOver(strays)]
  if (remedy === 'leave out') return takeOver(found)
  return found.map((item) => (strays.includes(item) ? takeOver([item])[0] : item))
}

/**
 * Items as answered to become ours. By their names alone where they have them, which leaves the rest of them as it is
 * and makes the merge go by names: two ports of one number (TCP and UDP) would otherwise pass for the same.
 */
const takeOver = (items: unknown[]): unknown[] =>
  items.every((item) => nameOf(item) !== undefined)
    ? items.map((item) => ({ name: nameOf(item) }))
    : items

/** A `paused` that is on the server without ever having been applied belongs to whoever set it, and stays. */
const pausedByOthers = (observed: ObservedObject, applied: KubernetesObject | undefined) =>
  at(observed, ['spec', 'paused']) === true && at(applied, ['spec', 'paused']) === undefined

const nameOf = (item: unknown) => (isObject(item) ? item.name : undefined)
const names = (list: unknown) => (Array.isArray(list) ? list.map(nameOf) : [])

/** An empty list is none: the API server drops it. */
const orNothing = (value: unknown) =>
  Array.isArray(value) && value.length === 0 ? undefined : value

const step = (from: unknown, key: string | { name: string }): unknown =>
  typeof key === 'string'
    ? isObject(from)
      ? from[key]
      : undefined
    : Array.isArray(from)
      ? from.find((item) => nameOf(item) === key.name)
      : undefined

const at = (root: unknown, path: Path): unknown => path.reduce(step, root)

function set(root: unknown, path: Path, value: unknown): void {
  const holder = at(root, path.slice(0, -1)) as Record<string, unknown> | undefined
  const key = path.at(-1) as string
  if (holder === undefined) return
  if (value === undefined) delete holder[key]
  else holder[key] = value
}
