import { isDeepStrictEqual } from 'node:util'
import { applyOnce } from '../metacontroller/merge.ts'
import type { KubernetesObject, ObservedObject } from '../metacontroller/protocol.ts'
import type { TimedContext } from '../myapp/context.ts'
import { type HookRequest, keyOf } from '../myapp/request.ts'
import { sync } from '../myapp/sync.ts'

/** Children by `Kind.version` and key. */
export type Children = Record<string, Record<string, ObservedObject>>

/** More answers than any child needs to become as desired. */
const maxAnswers = 8

/**
 * The children that the API server ends up with if nothing else happens. Each answer is applied
 * as Metacontroller applies
 * it, until nothing changes.
 */
export function settle(request: HookRequest, context: TimedContext): Children {
  let children: Children = request.children
  for (let answers = 0; answers < maxAnswers; answers++) {
    const answer = sync({ ...request, children: children as HookRequest['children'] }, context)
    const next = apply(children, answer.children, request.parent.metadata.uid)
    if (isDeepStrictEqual(next, children)) break
    children = next
  }
  return children
}

function apply(children: Children, desired: KubernetesObject[], uid: string): Children {
  const next: Children = Object.fromEntries(Object.keys(children).map((group) => [group, {}]))
  for (const object of desired) {
    const group = `${object.kind}.${object.apiVersion}`
    const { name, namespace = '', labels } = object.metadata
    const key = keyOf({ namespace, name })
    // Metacontroller marks the children of a parent with this label.
    const marked = {
      ...object,
      metadata: { ...object.metadata, labels: { ...labels, 'controller-uid': uid } },
    }
    next[group] = { ...next[group], [key]: applyOnce(marked, children[group]?.[key]) }
  }
  return next
}
