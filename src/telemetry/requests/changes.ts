import { differences, contains } from '../../metacontroller/compare.ts'
import { lastApplied } from '../../metacontroller/last-applied.ts'
import { merge } from '../../metacontroller/merge.ts'
import type { KubernetesObject, ObservedObject } from '../../metacontroller/protocol.ts'
import type { HookRequest } from '../../myapp/request.ts'
import type { Condition } from '../../api/myapp.ts'
import { cutCopy } from '../../text.ts'

/** The change that an answer makes Metacontroller apply to one child. */
export interface Change {
  action: 'create' | 'update' | 'delete'
  kind: string
  name: string
  /** Paths of the fields that an update changes, at most `maxFields`; empty for other actions. */
  fields: string[]
}

/**
 * A forged last-applied annotation can differ from the child in thousands of fields, with long
 * names.
 */
const maxFields = 32
const maxPathLength = 253
const maxItems = 256
/** One more, because the label of Metacontroller does not count. */
const limits = { paths: maxFields + 1, characters: maxPathLength, items: maxItems }

/** A condition whose status changes with an answer. */
export interface ConditionChange {
  type: string
  before: string
  after: string
  reason: string
}

/** Returns the changes that the returned children cause: at most one for each child. */
export function changesOf(
  { parent, children }: HookRequest,
  returned: KubernetesObject[],
): Change[] {
  const byKind: Record<string, Record<string, ObservedObject>> = children
  const key = (name: string) => `${parent.metadata.namespace}/${name}`
  const written = returned.flatMap((child): Change[] => {
    const {
      apiVersion,
      kind,
      metadata: { name },
    } = child
    const observed = byKind[gvkOf(apiVersion, kind)]?.[key(name)]
    if (observed === undefined) return [{ action: 'create', kind, name, fields: [] }]
    // Metacontroller does not update a child that is being deleted.
    if (observed.metadata.deletionTimestamp !== undefined) return []
    const fields = fieldsToWrite(observed, child)
    return fields.length === 0 ? [] : [{ action: 'update', kind, name, fields }]
  })
  const kept = new Set(
    returned.map(
      ({ apiVersion, kind, metadata: { name } }) => `${gvkOf(apiVersion, kind)} ${key(name)}`,
    ),
  )
  const deleted = Object.entries(byKind).flatMap(([gvk, objects]) =>
    Object.entries(objects).flatMap(([key, { kind, metadata }]): Change[] =>
      kept.has(`${gvk} ${key}`) || metadata.deletionTimestamp !== undefined
        ? []
        : [{ action: 'delete', kind, name: metadata.name, fields: [] }],
    ),
  )
  return [...written, ...deleted]
}

/** Returns the conditions whose status an answer changes. */
export function conditionChanges(
  before: Array<{ type: string; status: string }> = [],
  after: Condition[] = [],
): ConditionChange[] {
  return after.flatMap(({ type, status, reason }) => {
    const was = before.find((condition) => condition.type === type)?.status ?? 'Unknown'
    return was === status ? [] : [{ type, before: was, after: status, reason }]
  })
}

const gvkOf = (apiVersion: string, kind: string) => `${kind}.${apiVersion}`

/**
 * Returns the paths of the fields that Metacontroller writes:
 * - desired fields that differ from the observed ones,
 * - fields that were applied and are no longer desired, which it removes,
 * - desired fields that were not applied, which it adds to the last-applied annotation. So an
 *   answer can adopt a foreign field, and the next answer can remove this field.
 */
function fieldsToWrite(observed: ObservedObject, desired: KubernetesObject): string[] {
  const applied = lastApplied(observed)
  const missing = contains(observed, desired)
    ? []
    : differences(
        observed,
        applied === undefined
          ? desired
          : { ...desired, spec: merge(observed.spec, applied.spec, desired.spec) },
        limits,
      )
  const stale =
    applied === undefined
      ? []
      : differences(desired, applied, limits).filter((path) => path !== labelOfMetacontroller)
  const taken =
    applied === undefined || contains(applied, desired) ? [] : differences(applied, desired, limits)
  const paths = [...new Set([...missing, ...stale, ...taken])]
  return paths.slice(0, maxFields).map((path) => cutCopy(path, maxPathLength))
}

/** Metacontroller adds this label to each child that it applies. Answers do not contain it. */
const labelOfMetacontroller = 'metadata.labels.controller-uid'
