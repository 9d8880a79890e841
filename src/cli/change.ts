import { createTwoFilesPatch } from 'diff'
import { isDeepStrictEqual } from 'node:util'
import { differences } from '../metacontroller/compare.ts'
import { applyOnce } from '../metacontroller/merge.ts'
import {
  type KubernetesObject,
  lastAppliedAnnotation,
  type ObservedObject,
} from '../metacontroller/protocol.ts'
import type { TimedContext } from '../myapp/context.ts'
import { type HookRequest, keyOf } from '../myapp/request.ts'
import { sync } from '../myapp/sync.ts'
import { yamlText } from './yaml.ts'

/** The change of one child. */
export interface ChildChange {
  action: 'create' | 'update' | 'delete'
  apiVersion: string
  kind: string
  namespace: string
  name: string
  /** The paths of the fields that differ, for an update. */
  fields: string[]
  /** Whether pods are replaced. */
  podsRoll: boolean
  /** The child before and after, without fields of the API server and Metacontroller. */
  before: object | undefined
  after: object | undefined
}

/** The changes between two states of the children of a MyApp. */
export function changes(before: Children, after: Children): ChildChange[] {
  const groups = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return groups.flatMap((group) => {
    const keys = [
      ...new Set([...Object.keys(before[group] ?? {}), ...Object.keys(after[group] ?? {})]),
    ]
    return keys.flatMap((key) => change(before[group]?.[key], after[group]?.[key]) ?? [])
  })
}

function change(
  before: ObservedObject | undefined,
  after: ObservedObject | undefined,
): ChildChange | undefined {
  const object = after ?? before
  if (object === undefined) return undefined
  const [old, fresh] = [before && legible(before), after && legible(after)]
  const fields = old && fresh ? changedFields(old, fresh) : []
  if (old && fresh && fields.length === 0) return undefined
  const {
    apiVersion,
    kind,
    metadata: { namespace, name },
  } = object
  return {
    action: old === undefined ? 'create' : fresh === undefined ? 'delete' : 'update',
    apiVersion,
    kind,
    namespace,
    name,
    fields,
    podsRoll: kind === 'Deployment' && fields.some((field) => field.startsWith('spec.template')),
    before: old,
    after: fresh,
  }
}

/** The paths of fields that were added, removed or changed. */
export const changedFields = (before: object, after: object) => [
  ...new Set([...differences(before, after), ...differences(after, before)]),
]

/** An object without the fields of the API server and Metacontroller. */
function legible({
  apiVersion,
  kind,
  metadata: { name, namespace, labels = {}, annotations = {} },
  spec,
}: ObservedObject): object {
  const { 'controller-uid': _mark, ...ownLabels } = labels
  const {
    [lastAppliedAnnotation]: _record,
    'deployment.kubernetes.io/revision': _revision,
    ...ownAnnotations
  } = annotations
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace,
      labels: ownLabels,
      ...(Object.keys(ownAnnotations).length > 0 && { annotations: ownAnnotations }),
    },
    ...(spec !== undefined && { spec }),
  }
}

/** A change as text: action, fields, and a unified diff of the YAML. */
export function changeText({
  action,
  kind,
  namespace,
  name,
  fields,
  podsRoll,
  before,
  after,
}: ChildChange): string {
  const yaml = (object: object | undefined) =>
    object === undefined ? '' : yamlText(object, { sorted: true })
  const what = `${kind} ${namespace}/${name}`
  const patch = createTwoFilesPatch(
    before ? `${what} as it is` : '/dev/null',
    after ? `${what} as it would be` : '/dev/null',
    yaml(before),
    yaml(after),
    undefined,
    undefined,
    { context: 3 },
  )
  return [
    `${action} ${what}${podsRoll ? ', whose pods roll' : ''}`,
    ...fields.map((field) => `  ${field}`),
    patch.replace(/^=+\n/, ''),
  ].join('\n')
}

/** Children by `Kind.version` and key. */
export type Children = Record<string, Record<string, ObservedObject>>

/** No child needs more answers to reach its desired state. */
const maxAnswers = 8

/**
 * The children after Metacontroller has applied every answer. Syncs and applies until nothing
 * changes.
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
