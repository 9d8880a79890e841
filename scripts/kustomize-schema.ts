import { customResourceDefinition } from '../src/api/crd.ts'
import { group, kind, version } from '../src/api/myapp.ts'

interface Schema {
  type?: string
  properties?: Record<string, Schema>
  items?: Schema
  [keyword: string]: unknown
}

/**
 * The text of manifests/kustomize/openapi.json: the keys by which kustomize merges lists of a
 * patch. kustomize reads it instead of its own schema, so it also contains common kinds of
 * Kubernetes.
 */
export function kustomizeSchemaText(): string {
  const myApp = onlyKeyedLists(customResource())
  const definitions = {
    [`com.example.${version}.${kind}`]: named(group, version, kind, myApp ?? object({})),
    ...Object.fromEntries(builtIn.map((schema) => [idOf(schema), schema])),
  }
  return `${JSON.stringify({ definitions }, null, 2)}\n`
}

function customResource(): Schema {
  const { spec } = customResourceDefinition() as {
    spec: { versions: Array<{ schema: { openAPIV3Schema: Schema } }> }
  }
  return spec.versions[0]?.schema.openAPIV3Schema ?? {}
}

/** Reduces a schema to its lists with a merge key. Returns undefined if it has none. */
function onlyKeyedLists(schema: Schema): Schema | undefined {
  const { items, properties = {} } = schema
  const keys = schema['x-kubernetes-list-map-keys'] as string[] | undefined
  const inner = items && onlyKeyedLists(items)
  if (items !== undefined) {
    const [key] = keys ?? []
    return key === undefined ? inner && { type: 'array', items: inner } : listBy(key, inner)
  }
  const fields = Object.entries(properties).flatMap(([name, field]) => {
    const found = name === 'status' ? undefined : onlyKeyedLists(field)
    return found === undefined ? [] : [[name, found] as const]
  })
  return fields.length === 0 ? undefined : object(Object.fromEntries(fields))
}

const object = (properties: Record<string, Schema>): Schema => ({ type: 'object', properties })
const listBy = (key: string, items: Schema = object({ [key]: { type: 'string' } })): Schema => ({
  type: 'array',
  items,
  'x-kubernetes-patch-merge-key': key,
  'x-kubernetes-patch-strategy': 'merge',
})
const named = (group: string, version: string, kind: string, schema: Schema): Schema => ({
  ...schema,
  'x-kubernetes-group-version-kind': [{ group, version, kind }],
})

const container = object({
  env: listBy('name'),
  ports: listBy('containerPort'),
  volumeMounts: listBy('mountPath'),
  volumeDevices: listBy('devicePath'),
})
const podSpec = object({
  containers: listBy('name', container),
  initContainers: listBy('name', container),
  volumes: listBy('name'),
  imagePullSecrets: listBy('name'),
  hostAliases: listBy('ip'),
  topologySpreadConstraints: listBy('topologyKey'),
})
const template = object({ spec: podSpec })
const workload = object({ spec: object({ template }) })

const builtIn: Schema[] = [
  named('', 'v1', 'Pod', object({ spec: podSpec })),
  ...['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet'].map((kind) =>
    named('apps', 'v1', kind, workload),
  ),
  named('batch', 'v1', 'Job', workload),
  named('batch', 'v1', 'CronJob', object({ spec: object({ jobTemplate: workload }) })),
  named('', 'v1', 'Service', object({ spec: object({ ports: listBy('port') }) })),
  named(
    '',
    'v1',
    'ServiceAccount',
    object({ secrets: listBy('name'), imagePullSecrets: listBy('name') }),
  ),
]

function idOf(schema: Schema): string {
  const [{ group, version, kind } = { group: '', version: '', kind: '' }] = schema[
    'x-kubernetes-group-version-kind'
  ] as Array<{ group: string; version: string; kind: string }>
  return `io.k8s.api.${group || 'core'}.${version}.${kind}`
}
