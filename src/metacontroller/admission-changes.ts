import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { truncated } from '../text.ts'
import { contains } from './compare.ts'
import { at, isObject, nameOf, type ObjectPath, pathText, set } from './json.ts'
import { isServerSideApplied, lastApplied } from './last-applied.ts'
import { below, type FieldsV1, fieldsByOwner, itemsOf } from './managed-fields.ts'
import type { KubernetesObject, ObservedObject } from './protocol.ts'

/**
 * Detects changes that the cluster's admission makes in a child: a policy or a webhook raises
 * requests, replaces the registry of an image, or pins the image to a digest. Such a child never
 * becomes as desired, and writing it again changes nothing. So the operator accepts a change if it
 * can prove that admission made it.
 *
 * The proof: the API server records the owner of a field before admission changes the field. If the
 * desired value was applied, and a differing field still belongs to Metacontroller, admission has
 * changed the field. Dynamic apply records the applied values, but after an accepted change they
 * are no longer the desired values. Server-side apply does not record them. So the answer contains
 * an annotation with a digest of the desired spec.
 */

/** The digest of the spec that was desired at the last apply. */
export const desiredDigestAnnotation = 'example.com/desired-digest'

/** A field that admission changed. */
export interface AdmissionChange {
  /** As in `spec.template.spec.containers[app].image`. */
  field: string
  /** The values as short text for messages. */
  ours: string
  theirs: string
}

/** The desired state of a child after admission. */
export interface Admitted {
  /** The desired child, with the observed values of the fields that admission changed. */
  desired: KubernetesObject
  /**
   * The fields that admission changed. Empty if there are none, or if other fields differ too.
   */
  changes: AdmissionChange[]
}

/** The largest number of listed changes. */
const maxChanges = 8
/** With more differences than this in one child, no difference is accepted. */
const maxDifferences = 64
/** The longest value in a message, in characters. */
const maxValueLength = 128

/** Fields whose values can be secret. Messages and digests never contain these values. */
const secretFields = new Set(['env', 'args', 'command', 'annotations'])
/**
 * Fields in which no difference is accepted. A selector is immutable, and an autoscaler may change
 * the replicas.
 */
const excludedFields = new Set([...secretFields, 'selector', 'replicas'])

/** Returns the desired state of a child that admission may have changed. */
export function acceptAdmission(desired: KubernetesObject, observed: ObservedObject): Admitted {
  // A ServiceAccount has no spec, but anyone can give it the annotation.
  if (desired.spec === undefined) return { desired, changes: [] }
  const marker = observed.metadata.annotations?.[desiredDigestAnnotation]
  const record = lastApplied(observed)
  const isServerSide = record === undefined && isServerSideApplied(observed)
  const differences = differing(desired.spec, observed.spec)
  if (isServerSide) {
    differences.push(...extended(desired.spec, observed.spec, specFields(observed)))
  }
  if (marker === undefined && differences.length === 0) return { desired, changes: [] }
  const digest = digestOf(desired.spec)
  const isApplied = record !== undefined && isDeepStrictEqual(record.spec, desired.spec)
  const isMarked = marker === digest
  const isExplained = differences.length > 0 && areAdmissions(differences, observed)
  if (isExplained && (isMarked || isApplied)) {
    return {
      desired: withMarker(withObserved(desired, differences), digest),
      changes: differences.slice(0, maxChanges).map(({ path, ours, theirs }) => ({
        field: pathText(['spec', ...path]),
        ours: shown(ours),
        theirs: shown(theirs),
      })),
    }
  }
  const needsMarker = marker !== undefined || (isExplained && isServerSide)
  return { desired: needsMarker ? withMarker(desired, digest) : desired, changes: [] }
}

interface Difference {
  /** A path below the spec. */
  path: ObjectPath
  ours: unknown
  theirs: unknown
}

/**
 * The smallest values in which two specs differ. Additional fields of the observed spec do not
 * count, and neither do additional items of a list with names. They do count in a list without
 * names, which has one owner.
 */
function differing(ours: unknown, theirs: unknown): Difference[] {
  const found: Difference[] = []
  // The steps to the compared values, copied only for a difference.
  const path: ObjectPath = []
  const visit = (step: ObjectPath[number], ours: unknown, theirs: unknown) => {
    path.push(step)
    compare(ours, theirs)
    path.pop()
  }
  const compare = (ours: unknown, theirs: unknown) => {
    if (isObject(ours) && isObject(theirs)) {
      for (const field in ours) {
        visit(field, ours[field], Object.hasOwn(theirs, field) ? theirs[field] : undefined)
      }
      return
    }
    const before = found.length
    let isSame = contains(theirs, ours)
    if (Array.isArray(ours) && Array.isArray(theirs)) {
      if (haveNames(ours) && haveNames(theirs)) {
        const observed = new Map(theirs.map((item) => [nameOf(item), item as unknown]))
        for (const item of ours) {
          const name = nameOf(item) ?? ''
          visit({ name }, item, observed.get(name))
        }
      } else {
        isSame &&= theirs.length === ours.length
      }
    }
    // Items with names can also differ in their order only.
    if (!isSame && found.length === before) found.push({ path: [...path], ours, theirs })
  }
  compare(ours, theirs)
  return found
}

/**
 * The atomic maps to which admission added an entry. The operator owns such a map as a whole, so
 * under server-side apply the additions count as its own.
 */
function extended(
  ours: unknown,
  theirs: unknown,
  fields: FieldsV1 | undefined,
  path: ObjectPath = [],
): Difference[] {
  if (fields === undefined || !isObject(ours) || !isObject(theirs)) return []
  if (isLeaf(fields)) {
    const isExtended = Object.keys(theirs).length > Object.keys(ours).length
    return isExtended && contains(theirs, ours) ? [{ path, ours, theirs }] : []
  }
  return Object.entries(ours).flatMap(([field, value]) =>
    Array.isArray(value)
      ? extendedItems(value, theirs[field], below(fields, field), [...path, field])
      : extended(value, theirs[field], below(fields, field), [...path, field]),
  )
}

function extendedItems(
  ours: unknown[],
  theirs: unknown,
  fields: FieldsV1 | undefined,
  path: ObjectPath,
): Difference[] {
  if (fields === undefined || isLeaf(fields) || !Array.isArray(theirs)) return []
  const find = itemsOf(fields)
  const observed = new Map(theirs.map((item) => [nameOf(item), item as unknown]))
  return ours.flatMap((item) => {
    const name = nameOf(item)
    const other = name === undefined ? undefined : observed.get(name)
    if (name === undefined || other === undefined) return []
    return extended(item, other, find(other)?.fields, [...path, { name }])
  })
}

const specFields = (observed: ObservedObject) => below(fieldsByOwner(observed).ours, 'spec')

function haveNames(list: unknown[]): boolean {
  const names = list.map(nameOf)
  return !names.includes(undefined) && new Set(names).size === list.length
}

/** Whether admission made the differences: Metacontroller alone owns the fields. */
function areAdmissions(differences: Difference[], observed: ObservedObject): boolean {
  if (differences.length > maxDifferences) return false
  const { ours, theirs } = fieldsByOwner(observed)
  return differences.every(
    (difference) =>
      isAcceptable(difference) &&
      isLeaf(ownedAt(ours, observed, ['spec', ...difference.path])) &&
      ownedAt(theirs, observed, ['spec', ...difference.path]) === undefined,
  )
}

/** A removed field has no owner, so nothing proves that admission removed it. */
const isAcceptable = ({ path, theirs }: Difference) =>
  theirs !== undefined &&
  typeof path.at(-1) === 'string' &&
  !path.some((step) => typeof step === 'string' && excludedFields.has(step))

const isLeaf = (fields: FieldsV1 | undefined) =>
  fields !== undefined && Object.keys(fields).every((step) => step === '.')

/** The part of the fields at the path of an observed value. */
function ownedAt(
  fields: FieldsV1 | undefined,
  observed: unknown,
  path: ObjectPath,
): FieldsV1 | undefined {
  let value = observed
  for (const step of path) {
    if (fields === undefined) return undefined
    value = at(value, [step])
    fields = typeof step === 'string' ? below(fields, step) : itemsOf(fields)(value)?.fields
  }
  return fields
}

function withObserved(desired: KubernetesObject, differences: Difference[]): KubernetesObject {
  const answer = structuredClone(desired)
  for (const { path, theirs } of differences) {
    set(answer, ['spec', ...path], structuredClone(theirs))
  }
  return answer
}

const withMarker = (child: KubernetesObject, digest: string): KubernetesObject => ({
  ...child,
  metadata: {
    ...child.metadata,
    annotations: { ...child.metadata.annotations, [desiredDigestAnnotation]: digest },
  },
})

/**
 * The digest of a spec without the values that can be secret, and without the number of replicas.
 */
function digestOf(spec: unknown): string {
  const text = JSON.stringify(spec, (key, value: unknown) =>
    key === 'replicas' ? undefined : withoutSecrets(key, value),
  )
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value, withoutSecrets)
  return truncated(text, maxValueLength)
}

const withoutSecrets = (key: string, value: unknown) => (secretFields.has(key) ? undefined : value)
