import { createHash, createHmac } from 'node:crypto'
import type { MyAppSpec } from '../api/myapp.ts'
import type { Context } from './context.ts'
import { type HookRequest, keyOf, type ObservedConfig } from './request.ts'

/** A ConfigMap or Secret that the pods of a MyApp use. */
export interface ConfigReference {
  kind: 'ConfigMap' | 'Secret'
  name: string
  /** The used key; undefined if all keys are used. */
  key?: string | undefined
  optional: boolean
}

/**
 * Every reference of the pods to a ConfigMap or Secret. Pull secrets and the Secrets of CSI drivers
 * are not included, because the containers do not get their data.
 */
export function configReferences({
  env = [],
  envFrom = [],
  volumes = [],
  init = [],
  sidecars = [],
}: MyAppSpec): ConfigReference[] {
  const containers = [{ env, envFrom }, ...init, ...sidecars]
  const reference = (
    kind: ConfigReference['kind'],
    { name, key, optional = false }: { name: string; key?: string; optional?: boolean },
  ): ConfigReference => ({ kind, name, key, optional })
  const files = (
    kind: ConfigReference['kind'],
    name: string,
    { items, optional = false }: { items?: Array<{ key: string }>; optional?: boolean },
  ): ConfigReference[] =>
    items === undefined || items.length === 0
      ? [reference(kind, { name, optional })]
      : items.map(({ key }) => reference(kind, { name, key, optional }))
  return [
    ...containers
      .flatMap(({ env = [] }) => env)
      .flatMap(({ valueFrom }) => [
        ...(valueFrom?.configMapKeyRef ? [reference('ConfigMap', valueFrom.configMapKeyRef)] : []),
        ...(valueFrom?.secretKeyRef ? [reference('Secret', valueFrom.secretKeyRef)] : []),
      ]),
    ...containers
      .flatMap(({ envFrom = [] }) => envFrom)
      .flatMap(({ configMapRef, secretRef }) => [
        ...(configMapRef ? [reference('ConfigMap', configMapRef)] : []),
        ...(secretRef ? [reference('Secret', secretRef)] : []),
      ]),
    ...volumes.flatMap(({ configMap, secret, projected }) => [
      ...(configMap ? files('ConfigMap', configMap.name, configMap) : []),
      ...(secret ? files('Secret', secret.secretName, secret) : []),
      ...(projected?.sources ?? []).flatMap(({ configMap, secret }) => [
        ...(configMap ? files('ConfigMap', configMap.name, configMap) : []),
        ...(secret ? files('Secret', secret.name, secret) : []),
      ]),
    ]),
  ]
}

/** The ConfigMaps and Secrets that the pods of a MyApp use, as observed. */
export interface ReferencedConfig {
  /** Texts that name the missing objects and keys. */
  missing: string[]
  /** Changes when the pods should roll; undefined if they use no ConfigMap and no Secret. */
  digest: string | undefined
}

/** The length of a digest, in hexadecimal digits: 128 bits. */
const digestLength = 32
/**
 * The number of equal references that count in a digest. A spec can have ten thousand references to
 * one value of 1 MiB.
 */
const maxEqualReferences = 16

/**
 * Looks up the references of a spec among the related objects.
 *
 * Anyone who can read a pod can read its digest, so the digest must not reveal data of a Secret.
 * With a key the digest is an HMAC, and nobody without the key can test a guess. Without a key the
 * digest depends on the uid and resourceVersion of a Secret instead of its data. Then pods also
 * roll after other changes of the Secret, such as a new label.
 */
export function readReferencedConfig(
  request: HookRequest,
  spec: MyAppSpec,
  { configDigestKey, watchSecrets = true }: Context,
): ReferencedConfig {
  const { namespace, uid } = request.parent.metadata
  const references = configReferences(spec)
  const missing = new Set<string>()
  const used = new Map<string, { text: string; references: number }>()
  const hash =
    configDigestKey === undefined ? createHash('sha256') : createHmac('sha256', configDigestKey)
  // The digests of two MyApps with equal config differ.
  hash.update(uid)
  for (const reference of references) {
    const { kind, name, key, optional } = reference
    if (kind === 'Secret' && !watchSecrets) {
      hash.update(JSON.stringify([kind, name]))
      continue
    }
    const object = request.related[`${kind}.v1`]?.[keyOf({ namespace, name })]
    const problem = missingPart(reference, object)
    if (problem !== undefined) missing.add(problem)
    if (kind === 'Secret' && configDigestKey === undefined) {
      hash.update(JSON.stringify([kind, name, ...versionOf(object)]))
      continue
    }
    const id = JSON.stringify([kind, name, key, optional])
    const equal = used.get(id) ?? { text: usedData(reference, object), references: 0 }
    used.set(id, equal)
    if (equal.references++ < maxEqualReferences) hash.update(equal.text)
  }
  return {
    missing: [...missing],
    digest: references.length === 0 ? undefined : hash.digest('hex').slice(0, digestLength),
  }
}

/** The missing part of a required reference as text; undefined if nothing is missing. */
function missingPart(
  { kind, name, key, optional }: ConfigReference,
  object: ObservedConfig | undefined,
): string | undefined {
  if (optional) return undefined
  if (object === undefined) return `${kind} ${name}`
  return key === undefined || valueOf(object, key) !== undefined
    ? undefined
    : `key ${key} of ${kind} ${name}`
}

/** The used data as JSON. An optional object without used data counts as missing. */
function usedData(
  { kind, name, key, optional }: ConfigReference,
  object: ObservedConfig | undefined,
): string {
  if (key !== undefined) {
    const value = valueOf(object, key)
    return JSON.stringify([kind, name, value !== undefined || !optional, [[key, value ?? null]]])
  }
  const entries = Object.entries({ ...object?.data, ...object?.binaryData }).sort(([a], [b]) =>
    a < b ? -1 : 1,
  )
  return JSON.stringify([kind, name, entries.length > 0 || !optional, entries])
}

/** Identifies a version of an object without its data. */
const versionOf = (object: ObservedConfig | undefined): [uid?: string, resourceVersion?: string] =>
  object === undefined ? [] : [object.metadata.uid, object.metadata.resourceVersion ?? '']

/** The value of a key; undefined if the object or the key does not exist. */
function valueOf(object: ObservedConfig | undefined, key: string): string | undefined {
  const holder = [object?.binaryData, object?.data].find(
    (data) => data !== undefined && Object.hasOwn(data, key),
  )
  return holder?.[key]
}
