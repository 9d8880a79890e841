/**
 * Another client, with a field manager of its own, that changes the fields of an object. It tries
 * every change in a dry run first, so that it changes as many fields at once as the API server
 * accepts.
 */
import { isDeepStrictEqual } from 'node:util'
import { isObject } from '../../../src/metacontroller/json.ts'
import { type Api, RefusedByApi } from './api.ts'
import type { Operation } from './namespace.ts'

/** The steps to a field: names, and indexes of lists. */
export type FieldPath = Array<string | number>

/** Operations that belong together, and the field that they change. */
export interface Intrusion {
  field: FieldPath
  operations: Operation[]
}

export interface Intruder {
  /**
   * Plans another value for each field. If the API server refuses every other value, the intruder
   * removes a parent of the field.
   */
  change(fields: FieldPath[]): Promise<void>
  /** Plans changes. Each succeeds as a whole or not at all. */
  add(changes: Intrusion[]): Promise<void>
  /** The fields without a planned change, with the reason of the API server. */
  refused(): Array<{ field: string; why: string }>
  /** Makes the planned changes. */
  intrude(): Promise<void>
}

/** A path as a JSON pointer. */
export const pointer = (path: FieldPath): string =>
  path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

/** The value at a path; undefined if it does not exist. */
export const valueAt = (root: unknown, path: FieldPath): unknown =>
  path.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, step)
        ? (value as Record<string | number, unknown>)[step]
        : undefined,
    root,
  )

/** The paths of all values that contain no other: scalars, and empty maps and lists. */
export function leavesOf(value: unknown, path: FieldPath = []): FieldPath[] {
  const entries: Array<[string | number, unknown]> = Array.isArray(value)
    ? [...value.entries()]
    : isObject(value)
      ? Object.entries(value)
      : []
  return entries.length === 0
    ? [path]
    : entries.flatMap(([step, part]) => leavesOf(part, [...path, step]))
}

/** Values of enumerations. The dry run finds those that a field can have. */
const choices: Record<string, string[]> = {
  type: ['NodePort', 'Unconfined', 'Recreate', 'Exact'],
  pathType: ['Exact', 'ImplementationSpecific'],
  protocol: ['UDP', 'TCP'],
  operator: ['Exists', 'NotIn'],
  effect: ['NoExecute'],
  whenUnsatisfiable: ['DoNotSchedule', 'ScheduleAnyway'],
  imagePullPolicy: ['Always', 'Never'],
  policyTypes: ['Egress', 'Ingress'],
  selectPolicy: ['Max', 'Disabled'],
}

/** Other values for a field, the most likely first. Undefined removes the field. */
function otherValues(path: FieldPath, value: unknown): unknown[] {
  const name = String(path.findLast((step) => typeof step === 'string'))
  const others = [
    ...(choices[name] ?? []),
    ...(typeof value === 'boolean' ? [!value] : []),
    ...(typeof value === 'number' ? [value + 1, value - 1] : []),
    ...(typeof value === 'string' ? otherTexts(value) : []),
    // The only empty map that the operator sets is `emptyDir: {}`.
    ...(isObject(value) ? [{ medium: 'Memory' }] : []),
    // The removal of an item would move the items after it.
    ...(typeof path.at(-1) === 'number' ? [] : [undefined]),
  ]
  return others.filter((other) => other !== value)
}

/** A quantity or a percentage with another number, or another text. */
const otherTexts = (text: string): string[] => [
  ...(/^\d/.test(text) ? [text.replace(/^\d+/, (digits) => String(Number(digits) + 1))] : []),
  `${text}x`,
]

const isWithin = (field: FieldPath, parent: FieldPath) =>
  parent.every((step, index) => step === field[index])

const replaceOrRemove = (path: FieldPath, value: unknown): Operation =>
  value === undefined
    ? { op: 'remove', path: pointer(path) }
    : { op: 'replace', path: pointer(path), value }

/** `path` is the path of the object in the API, and `live` the object as it is. */
export function intruderOf(api: Api, path: string, live: unknown): Intruder {
  let planned: Intrusion[] = []
  const refusals = new Map<string, string>()

  const patch = (changes: Intrusion[], query = ''): Promise<unknown> =>
    api.request(
      'PATCH',
      `${path}?fieldManager=intruder${query}`,
      inOrder(changes),
      'application/json-patch+json',
    )

  const isPlanned = (field: FieldPath) => planned.some((change) => isWithin(field, change.field))

  /** The object after changes, or the message of the API server that refuses them. */
  async function outcomeOf(changes: Intrusion[]): Promise<{ object: unknown } | { why: string }> {
    try {
      return { object: await patch(changes, '&dryRun=All') }
    } catch (error) {
      if (error instanceof RefusedByApi && [400, 422].includes(error.code)) {
        return { why: error.message }
      }
      throw error
    }
  }

  /** Plans as many changes as possible. Halves a list of changes that is refused. */
  async function plan(changes: Intrusion[]): Promise<void> {
    if (changes.length === 0) return
    const outcome = await outcomeOf([...planned, ...changes])
    if ('object' in outcome) {
      planned.push(...changes)
      return
    }
    const [first] = changes
    if (changes.length === 1 && first !== undefined) {
      refusals.set(pointer(first.field), outcome.why)
      return
    }
    const middle = changes.length >> 1
    await plan(changes.slice(0, middle))
    await plan(changes.slice(middle))
  }

  /** Drops planned changes that the API server turns back into the present value. */
  async function forgetVoid(): Promise<void> {
    if (planned.length === 0) return
    const outcome = await outcomeOf(planned)
    if ('why' in outcome) throw new Error(outcome.why)
    const isVoid = ({ field }: Intrusion) =>
      isDeepStrictEqual(valueAt(outcome.object, field), valueAt(live, field))
    const others = planned.filter((change) => !isVoid(change))
    if (others.length === planned.length) return
    for (const { field } of planned.filter(isVoid)) {
      refusals.set(pointer(field), 'the API server sets the same value')
    }
    // Without the dropped changes, the API server may refuse some of the remaining changes.
    planned = []
    await plan(others)
  }

  /** Removes a parent instead of changing fields in it. */
  async function remove(parent: FieldPath): Promise<void> {
    const others = planned.filter(({ field }) => !isWithin(field, parent))
    const removal = { field: parent, operations: [replaceOrRemove(parent, undefined)] }
    const outcome = await outcomeOf([...others, removal])
    if ('why' in outcome) return
    planned = [...others, removal]
    await forgetVoid()
  }

  return {
    async change(fields) {
      const values = fields.map((field) => otherValues(field, valueAt(live, field)))
      const rounds = Math.max(0, ...values.map(({ length }) => length))
      for (let round = 0; round < rounds; round++) {
        const left = fields.flatMap((field, index): Intrusion[] => {
          const others = values[index] ?? []
          return round < others.length && !isPlanned(field)
            ? [{ field, operations: [replaceOrRemove(field, others[round])] }]
            : []
        })
        if (left.length === 0) break
        await plan(left)
        await forgetVoid()
      }
      for (const field of fields.toReversed()) {
        for (let depth = field.length - 1; depth > 1 && !isPlanned(field); depth--) {
          await remove(field.slice(0, depth))
        }
      }
      const unchanged = new Set(fields.filter((field) => !isPlanned(field)).map(pointer))
      for (const field of refusals.keys()) if (!unchanged.has(field)) refusals.delete(field)
    },
    add: plan,
    refused: () => [...refusals].map(([field, why]) => ({ field, why })),
    async intrude() {
      if (planned.length > 0) await patch(planned)
    },
  }
}

/** Removals come last, and the last item first, so that no index moves before its use. */
function inOrder(changes: Intrusion[]): Operation[] {
  const operations = changes.flatMap(({ operations }) => operations)
  const { compare } = new Intl.Collator('en', { numeric: true })
  return [
    ...operations.filter(({ op }) => op !== 'remove'),
    ...operations.filter(({ op }) => op === 'remove').toSorted((a, b) => compare(b.path, a.path)),
  ]
}
