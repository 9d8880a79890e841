import { differences, holds } from '../../metacontroller/compare.ts'
import { lastApplied } from '../../metacontroller/last-applied.ts'
import { merge } from '../../metacontroller/merge.ts'
import type { KubernetesObject, ObservedObject } from '../../metacontroller/protocol.ts'
import type { HookRequest } from '../../myapp/request.ts'
import type { Condition } from '../../api/myapp.ts'

/** What an answer makes Metacontroller do to a child. */
export interface Change {
  action: 'create' | 'update' | 'delete'
  kind: string
  name: string
  /** The paths of the fields that an update is about. */
  fields: string[]
}

/** A condition that is answered with another status than it has. */
export interface ConditionChange {
  type: string
  before: string
  after: string
  reason: string
}

/** What the answered children make Metacontroller do, one change a child at most. */
export function changesOf(
  { parent, children }: HookRequest,
  answered: KubernetesObject[],
): Change[] {
  const groups: Record<string, Record<string, ObservedObject>> = children
  const key = (name: string) => `${parent.metadata.namespace}/${name}`
  const written = answered.flatMap((child): Change[] => {
    const {
      apiVersion,
      kind,
      metadata: { name },
    } = child
    const observed = groups[groupOf(apiVersion, kind)]?.[key(name)]
    if (observed === undefined) return [{ action: 'create', kind, name, fields: [] }]
    // What is being deleted Metacontroller leaves alone until it is gone.
    if (observed.metadata.deletionTimestamp !== undefined) return []
    const fields = fieldsToWrite(observed, child)
    return fields.length === 0 ? [] : [{ action: 'update', kind, name, fields }]
  })
  const kept = new Set(
    answered.map(
      ({ apiVersion, kind, metadata: { name } }) => `${groupOf(apiVersion, kind)} ${key(name)}`,
    ),
  )
  const deleted = Object.entries(groups).flatMap(([group, objects]) =>
    Object.entries(objects).flatMap(([key, { kind, metadata }]): Change[] =>
      kept.has(`${group} ${key}`) || metadata.deletionTimestamp !== undefined
        ? []
        : [{ action: 'delete', kind, name: metadata.name, fields: [] }],
    ),
  )
  return [...written, ...deleted]
}

/** The conditions whose status changes with an answer. */
export function conditionChanges(
  before: Array<{ type: string; status: string }> = [],
  after: Condition[] = [],
): ConditionChange[] {
  return after.flatMap(({ type, status, reason }) => {
    const was = before.find((condition) => condition.type === type)?.status ?? 'Unknown'
    return was === status ? [] : [{ type, before: was, after: status, reason }]
  })
}

const groupOf = (apiVersion: string, kind: string) => `${kind}.${apiVersion}`

/**
 * What is desired and not there; what was applied once and is not desired any more, which Metacontroller takes away; and what
 * is there and desired and was not applied, which it writes into its record: so an answer takes over what is to go with the next.
 * Mostly there is nothing, and `holds` sees that sooner.
 */
function fieldsToWrite(observed: ObservedObject, desired: KubernetesObject): string[] {
  const applied = lastApplied(observed)
  const missing = holds(observed, desired)
    ? []
    : differences(
        observed,
        applied === undefined
          ? desired
          : { ...desired, spec: merge(observed.spec, applied.spec, desired.spec) },
      )
  const stale =
    applied === undefined
      ? []
      : differences(desired, applied).filter((path) => path !== labelOfMetacontroller)
  const taken =
    applied === undefined || holds(applied, desired) ? [] : differences(applied, desired)
  return [...new Set([...missing, ...stale, ...taken])]
}

/** Metacontroller adds this label to what it applies; it is not for the hook to answer. */
const labelOfMetacontroller = 'metadata.labels.controller-uid'
