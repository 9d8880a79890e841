import { createHash } from 'node:crypto'
import type { MyAppSpec } from '../api/myapp.ts'
import type { Context } from './context.ts'
import { type HookRequest, keyOf, type ObservedConfig } from './request.ts'

/** A ConfigMap or Secret that the pods of a MyApp need, and the keys of it where not all. */
export interface ConfigReference {
  kind: 'ConfigMap' | 'Secret'
  name: string
  /** Undefined: the whole of it. */
  key?: string | undefined
  optional: boolean
}

/** Every ConfigMap and Secret that the pods refer to, in the order of the spec. Pull secrets are not among them: pods don't read them. */
export function configReferences({
  env = [],
  envFrom = [],
  volumes = [],
}: MyAppSpec): ConfigReference[] {
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
    ...env.flatMap(({ valueFrom }) => [
      ...(valueFrom?.configMapKeyRef ? [reference('ConfigMap', valueFrom.configMapKeyRef)] : []),
      ...(valueFrom?.secretKeyRef ? [reference('Secret', valueFrom.secretKeyRef)] : []),
    ]),
    ...envFrom.flatMap(({ configMapRef, secretRef }) => [
      ...(configMapRef ? [reference('ConfigMap', configMapRef)] : []),
      ...(secretRef ? [reference('Secret', secretRef)] : []),
    ]),
    ...volumes.flatMap(({ configMap, secret }) => [
      ...(configMap ? files('ConfigMap', configMap.name, configMap) : []),
      ...(secret ? files('Secret', secret.secretName, secret) : []),
    ]),
  ]
}

/** What of the config that the pods need is not there, in words; and a digest of what is. */
export interface Config {
  missing: string[]
  digest: string | undefined
}

/**
 * Looks the references up among the related objects. The digest changes with the data that the pods can see and with nothing
 * else: neither metadata nor keys that are not referred to. It is salted with the uid of the MyApp, so that equal secrets
 * of two apps don't show as equal, and a guess at a secret can't be looked up in a list.
 */
export function readConfig(request: HookRequest, spec: MyAppSpec, _context: Context): Config {
  const { namespace, uid } = request.parent.metadata
  const references = configReferences(spec)
  const missing = new Set<string>()
  const hash = createHash('sha256').update(uid)
  for (const { kind, name, key, optional } of references) {
    const object = request.related[`${kind}.v1`]?.[keyOf({ namespace, name })]
    const data = dataOf(object)
    if (object === undefined && !optional) missing.add(`${kind} ${name}`)
    else if (key !== undefined && !Object.hasOwn(data, key) && !optional) {
      missing.add(`key ${key} of ${kind} ${name}`)
    }
    const seen =
      key === undefined
        ? Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1))
        : [[key, Object.hasOwn(data, key) ? data[key] : null]]
    const isSeen = !optional || (key === undefined ? seen.length > 0 : Object.hasOwn(data, key))
    hash.update(JSON.stringify([kind, name, isSeen, seen]))
  }
  return {
    missing: [...missing],
    digest: references.length === 0 ? undefined : hash.digest('hex').slice(0, 32),
  }
}

const dataOf = (object: ObservedConfig | undefined): Record<string, string> => ({
  ...object?.data,
  ...object?.binaryData,
})
