import { isObject } from '../metacontroller/merge.ts'
import type { ObservedConfig } from '../myapp/request.ts'

/** ConfigMaps and Secrets as the related objects of a request: by `Kind.version`, then by `namespace/name`. */
export type Config = Record<'ConfigMap.v1' | 'Secret.v1', Record<string, ObservedConfig>>

/** An object as a ConfigMap or Secret that the API server has stored; undefined where it is neither. */
export function readConfig(
  { apiVersion, kind, metadata, data, binaryData, stringData }: Record<string, unknown>,
  defaultNamespace: string,
): { group: keyof Config; object: ObservedConfig } | undefined {
  if (apiVersion !== 'v1' || (kind !== 'ConfigMap' && kind !== 'Secret') || !isObject(metadata)) {
    return undefined
  }
  const { name, namespace } = metadata
  // The server puts stringData into data, base64 like the rest of it.
  const encoded = Object.fromEntries(
    Object.entries(stringData ?? {}).map(([key, value]) => [
      key,
      Buffer.from(String(value)).toString('base64'),
    ]),
  )
  return {
    group: `${kind}.v1`,
    object: {
      metadata: {
        name: String(name),
        namespace: String(namespace || defaultNamespace),
        uid: 'unknown',
      },
      data: { ...(data as Record<string, string> | undefined), ...encoded },
      ...(isObject(binaryData) && { binaryData: binaryData as Record<string, string> }),
    },
  }
}
