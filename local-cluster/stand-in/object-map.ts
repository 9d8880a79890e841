import { type KubeObject, groupOf, objectKey } from './kube-object.ts'

/** The objects of one kind, by `namespace/name`. */
export interface Group {
  apiVersion: string
  kind: string
  objects: Map<string, KubeObject>
}

/** Objects by kind and name, as the hooks see children and related objects. */
export interface GroupedObjects {
  /** Makes sure that the kind has its group, though it may stay empty. */
  group(apiVersion: string, kind: string): Group
  /** The last one of a name stays. */
  insert(object: KubeObject): void
  find(apiVersion: string, kind: string, key: string): KubeObject | undefined
  /** In the order in which Metacontroller walks them: by API group, version and kind. */
  groups(): Group[]
  toJSON(): Record<string, Record<string, KubeObject>>
}

/** An empty map. */
export function createObjectMap(): GroupedObjects {
  const groups = new Map<string, Group>()
  const nameOf = (apiVersion: string, kind: string): string => `${kind}.${apiVersion}`

  function group(apiVersion: string, kind: string): Group {
    const name = nameOf(apiVersion, kind)
    const existing = groups.get(name)
    if (existing !== undefined) return existing
    const created: Group = { apiVersion, kind, objects: new Map() }
    groups.set(name, created)
    return created
  }

  return {
    group,
    insert(object) {
      group(object.apiVersion, object.kind).objects.set(objectKey(object), object)
    },
    find: (apiVersion, kind, key) => groups.get(nameOf(apiVersion, kind))?.objects.get(key),
    groups: () =>
      [...groups.values()].sort((left, right) => (sortKey(left) < sortKey(right) ? -1 : 1)),
    toJSON: () =>
      Object.fromEntries(
        [...groups].map(([name, { objects }]) => [name, Object.fromEntries(objects)]),
      ),
  }
}

function sortKey({ apiVersion, kind }: Group): string {
  return [groupOf(apiVersion), apiVersion, kind].join('\0')
}
