import { type Client } from './client.ts'
import { type KubeObject, groupOf } from './kube-object.ts'

/** A kind that the API server serves. */
export interface Resource {
  apiVersion: string
  group: string
  /** The plural, as it stands in paths. */
  name: string
  kind: string
  namespaced: boolean
  hasStatus: boolean
}

/** Looks up kinds on the API server and remembers them. */
export interface Discovery {
  byName(apiVersion: string, name: string): Promise<Resource>
  byKind(apiVersion: string, kind: string): Promise<Resource>
}

interface ListedResource {
  name: string
  kind: string
  namespaced: boolean
}

/** The path of a resource, of one of its objects, or of an object's subresource. */
export function resourcePath(
  resource: Resource,
  namespace?: string,
  name?: string,
  subresource?: string,
): string {
  const root =
    resource.group === '' ? `/api/${resource.apiVersion}` : `/apis/${resource.apiVersion}`
  const scope = resource.namespaced && namespace ? ['namespaces', namespace] : []
  const parts = [...scope, resource.name, name, subresource].filter((part) => part !== undefined)
  return [root, ...parts.map(encodeURIComponent)].join('/')
}

/** The path of an existing object. */
export function pathOfObject(resource: Resource, object: KubeObject, subresource?: string): string {
  return resourcePath(resource, object.metadata.namespace, object.metadata.name, subresource)
}

/** Discovery by the given client. */
export function createDiscovery(client: Client): Discovery {
  const known = new Map<string, Resource[]>()

  async function list(apiVersion: string): Promise<Resource[]> {
    const root = groupOf(apiVersion) === '' ? '/api' : '/apis'
    const answer = await client.request('GET', `${root}/${apiVersion}`)
    const listed = answer.resources as ListedResource[]
    const names = new Set(listed.map(({ name }) => name))
    return listed
      .filter(({ name }) => !name.includes('/'))
      .map(({ name, kind, namespaced }) => ({
        apiVersion,
        group: groupOf(apiVersion),
        name,
        kind,
        namespaced,
        hasStatus: names.has(`${name}/status`),
      }))
  }

  async function find(
    apiVersion: string,
    what: string,
    matches: (resource: Resource) => boolean,
  ): Promise<Resource> {
    const remembered = known.get(apiVersion)?.find(matches)
    if (remembered !== undefined) return remembered
    const resources = await list(apiVersion).catch(() => [])
    known.set(apiVersion, resources)
    const found = resources.find(matches)
    if (found === undefined) {
      throw new Error(`discovery: can't find ${what} in apiVersion ${apiVersion}`)
    }
    return found
  }

  return {
    byName: (apiVersion, name) =>
      find(apiVersion, `resource ${name}`, (resource) => resource.name === name),
    byKind: (apiVersion, kind) =>
      find(apiVersion, `kind ${kind}`, (resource) => resource.kind === kind),
  }
}
