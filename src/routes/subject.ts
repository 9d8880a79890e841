import { isObject } from '../metacontroller/merge.ts'
import type { HookName } from './outcome.ts'

/** What a call is about, as far as it says. */
export interface Subject {
  namespace?: string | undefined
  name?: string | undefined
  uid?: string | undefined
  generation?: number | undefined
  controller?: string | undefined
  /** Phase in the status that came with it. */
  phase?: string | undefined
  traceparent?: string | undefined
  deletionTimestamp?: string | undefined
  observedChildren?: number | undefined
}

/**
 * Reads what a call that failed was about. It failed perhaps because it is no request at all, so nothing is relied on, and
 * only what looks like a name or a number is taken: the rest could be anything.
 */
export function subjectOf(body: unknown): Subject {
  const parent = at(body, 'parent')
  const metadata = at(parent, 'metadata')
  const children = at(body, 'children')
  return {
    namespace: word(at(metadata, 'namespace')),
    name: word(at(metadata, 'name')),
    uid: word(at(metadata, 'uid')),
    generation: number(at(metadata, 'generation')),
    controller: word(at(at(at(body, 'controller'), 'metadata'), 'name')),
    phase: word(at(at(parent, 'status'), 'phase')),
    traceparent: word(at(at(metadata, 'annotations'), 'traceparent')),
    deletionTimestamp: time(at(metadata, 'deletionTimestamp')),
    observedChildren: isObject(children)
      ? Object.values(children)
          .filter(isObject)
          .reduce((sum, group) => sum + Object.keys(group).length, 0)
      : undefined,
  }
}

/** What the log line of a call that failed tells of it; of one whose body was never read that is the hook. */
export function subjectFields(hook: HookName | undefined, body: unknown) {
  const { namespace, name, generation, phase, observedChildren } = subjectOf(body)
  return { hook, namespace, name, generation, phase, observedChildren }
}

const at = (value: unknown, key: string) =>
  isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
const word = (value: unknown) =>
  typeof value === 'string' && /^[\w.-]{1,253}$/.test(value) ? value : undefined
const number = (value: unknown) => (Number.isSafeInteger(value) ? (value as number) : undefined)
const time = (value: unknown) =>
  typeof value === 'string' && Number.isFinite(Date.parse(value)) ? value : undefined
