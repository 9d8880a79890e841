import { isDeepStrictEqual } from 'node:util'
import { lastAppliedAnnotation } from './last-applied.ts'
import { isObject } from './merge.ts'
import type { FieldsOwner, KubernetesObject, ObservedObject } from './protocol.ts'

/** Some fields of an object in the form of FieldsV1; one without anything below it is a field as a whole. */
export type Fields = Record<string, unknown>

/**
 * What anybody but Metacontroller has written of a child, one entry a writer, as managedFields tell it; everything where
 * nothing tells, or no record of what was applied. What an admission webhook adds has no writer's name: it counts as written by
 * whoever sent the request. So where the child was answered just so after somebody's last write, what still stands
 * of that has come back by itself, and is not theirs any more: to remove it again would go on for ever.
 */
export function writtenByOthers(
  child: ObservedObject,
  applied: KubernetesObject | undefined,
  desired: KubernetesObject,
): Fields[] {
  const owners = (child.metadata.managedFields ?? []).filter(
    ({ subresource }) => subresource === undefined,
  )
  if (owners.length === 0 || applied === undefined) return [{}]
  const metacontroller = owners.find(madeIt) ?? owners.find(keepsRecord)
  const others = owners.filter((owner) => owner !== metacontroller && owns(owner, 'f:spec'))
  if (others.length === 0) return []
  const answered = isDeepStrictEqual(applied.spec, desired.spec) ? metacontroller?.time : undefined
  return others
    .filter(({ time }) => answered === undefined || time === undefined || time >= answered)
    .map(({ fieldsV1 }) => fieldsV1 as Fields)
}

const madeIt = (owner: FieldsOwner) =>
  owner.operation === 'Update' && owns(owner, 'f:metadata', 'f:ownerReferences')
const keepsRecord = (owner: FieldsOwner) =>
  owns(owner, 'f:metadata', 'f:annotations', `f:${lastAppliedAnnotation}`)

const owns = ({ fieldsV1 }: FieldsOwner, ...path: string[]) =>
  path.reduce<unknown>((at, step) => (isObject(at) ? at[step] : undefined), fieldsV1) !== undefined

/** The same fields as they are below a field of the given name, or below the item of a list. */
export const below = (written: Fields[], step: string | Record<string, unknown>): Fields[] =>
  written.flatMap((fields) => {
    if (Object.keys(fields).length === 0) return [fields]
    if (typeof step === 'string') {
      return isObject(fields[`f:${step}`]) ? [fields[`f:${step}`] as Fields] : []
    }
    return Object.entries(fields)
      .filter(([key]) => isItem(key, step))
      .map(([, fields]) => fields as Fields)
  })

/** Whether a step such as `k:{"name":"app"}` leads to an item. */
function isItem(key: string, item: Record<string, unknown>): boolean {
  if (!key.startsWith('k:')) return false
  return Object.entries(JSON.parse(key.slice(2)) as object).every(
    ([name, value]) => item[name] === value,
  )
}
