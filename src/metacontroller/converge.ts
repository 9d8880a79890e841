import { isDeepStrictEqual } from 'node:util'
import { holds } from './difference.ts'
import { isServerSideApplied, lastApplied, writtenByOthers } from './last-applied.ts'
import { isObject, merge } from './merge.ts'
import type { KubernetesObject, ObservedObject } from './protocol.ts'

/**
 * A list or map of a child that must end up exactly as desired. Metacontroller's merge alone can't get it there: it keeps
 * entries that others added, and the order that it finds.
 */
export interface ExactField {
  /** Where it is; a `{ name }` picks the item of that name from a list. */
  path: Array<string | { name: string }>
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
 * What to answer now so that the server comes to hold `desired`: mostly `desired` itself. Where the merge would not give
 * the exact fields, one or two answers come before it, each of which the next observation moves on from; for a
 * Deployment they carry `paused`, so that its pods roll once, at the end. Under server-side apply the answer is always `desired`.
 */
export function answerNow (desired: KubernetesObject, observed: ObservedObject | undefined, exactFields: ExactField[]): KubernetesObject {
  if (observed === undefined) return desired
  const applied = lastApplied(observed)
  if (applied === undefined && isServerSideApplied(observed)) return desired
  const merged = merge(observed, applied, desired)
  const wrong = exactFields.filter((field) => !isExact(field, desired, merged, observed))
  if (wrong.length === 0) return desired
  const answer = structuredClone(desired)
  if (isObject(answer.spec) && isObject(answer.spec.template) && !pausedByOthers(observed, applied)) answer.spec.paused = true
  for (const field of wrong) set(answer, field.path, remedy(field, answer, observed, applied))
  return answer
}

/**
 * Whether a field comes out as desired. What an admission webhook put in after us stays, or the two would write in turns for
 * ever; so the comparison is to the letter only where a person or another program has written.
 */
function isExact ({ path, namesOnly }: ExactField, desired: unknown, merged: unknown, observed: ObservedObject): boolean {
  const [wanted, outcome] = [at(desired, path), at(merged, path)]
  if (!writtenByOthers(observed, managedPath(path))) return holds(outcome, wanted)
  if (namesOnly) return isDeepStrictEqual(names(outcome).toSorted(), names(wanted).toSorted())
  return isDeepStrictEqual(orNothing(outcome), orNothing(wanted))
}

/** The value that a field gets in an answer on the way; undefined leaves it out. */
function remedy ({ path, remedy, namesOnly }: ExactField, answer: unknown, observed: unknown, applied: unknown): unknown {
  const [wanted, found] = [at(answer, path), at(observed, path)]
  if (remedy === 'leave out' && at(applied, path) !== undefined) return undefined
  if (!Array.isArray(found)) return found
  const wantedNames = names(wanted)
  const strays = found.filter((item) => !wantedNames.includes(nameOf(item)))
  if (namesOnly) return [...Array.isArray(wanted) ? wanted : [], ...takeOver(strays)]
  if (remedy === 'leave out') return takeOver(found)
  return found.map((item) => strays.includes(item) ? takeOver([item])[0] : item)
}

/**
 * Items as answered to become ours. By their names alone where they have them, which leaves the rest of them as it is
 * and makes the merge go by names: two ports of one number (TCP and UDP) would otherwise pass for the same.
 */
const takeOver = (items: unknown[]): unknown[] =>
  items.every((item) => nameOf(item) !== undefined) ? items.map((item) => ({ name: nameOf(item) })) : items

/** A `paused` that is on the server without ever having been applied belongs to whoever set it, and stays. */
const pausedByOthers = (observed: ObservedObject, applied: KubernetesObject | undefined) =>
  at(observed, ['spec', 'paused']) === true && at(applied, ['spec', 'paused']) === undefined

const nameOf = (item: unknown) => isObject(item) ? item.name : undefined
const names = (list: unknown) => Array.isArray(list) ? list.map(nameOf) : []

/** An empty list is none: the API server drops it. */
const orNothing = (value: unknown) => Array.isArray(value) && value.length === 0 ? undefined : value

const managedPath = (path: ExactField['path']) => path.map((step) => typeof step === 'string' ? `f:${step}` : `k:${JSON.stringify(step)}`)

const step = (from: unknown, key: string | { name: string }): unknown =>
  typeof key === 'string' ? (isObject(from) ? from[key] : undefined) : (Array.isArray(from) ? from.find((item) => nameOf(item) === key.name) : undefined)

const at = (root: unknown, path: ExactField['path']): unknown => path.reduce(step, root)

function set (root: unknown, path: ExactField['path'], value: unknown): void {
  const holder = at(root, path.slice(0, -1)) as Record<string, unknown> | undefined
  const key = path.at(-1) as string
  if (holder === undefined) return
  if (value === undefined) delete holder[key]
  else holder[key] = value
}
