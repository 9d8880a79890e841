import { KubeConfig } from '@kubernetes/client-node'
import type { IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https'
import { text as textOf } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseJson } from './json.ts'
import { apiGroup, type Fields, type KubeObject } from './objects.ts'

/** An error that the API server returned. */
export class ApiError extends Error {
  readonly code: number
  readonly reason: string

  constructor(code: number, reason: string, message: string) {
    super(message)
    this.code = code
    this.reason = reason
  }
}

/** True if the object does not exist. */
export const isNotFound = (error: unknown) => error instanceof ApiError && error.code === 404
/** True if the object has changed since it was read. */
export const isConflict = (error: unknown) => hasReason(error, 'Conflict')
/** True if an object of this name exists. */
export const isAlreadyExists = (error: unknown) => hasReason(error, 'AlreadyExists')

const hasReason = (error: unknown, reason: string) =>
  error instanceof ApiError && error.reason === reason

/** A kind that the API server serves. */
export interface Resource {
  apiVersion: string
  /** The plural for paths. */
  name: string
  kind: string
  namespaced: boolean
  hasStatus: boolean
}

/** The path of a resource, of one of its objects, or of a subresource. */
export function resourcePath(
  { apiVersion, name: plural, namespaced }: Resource,
  namespace?: string,
  name?: string,
  subresource?: string,
): string {
  const root = apiGroup(apiVersion) === '' ? '/api' : '/apis'
  const scope = namespaced && namespace ? ['namespaces', namespace] : []
  const parts = [...scope, plural, name, subresource].filter((part) => part !== undefined)
  return [root, apiVersion, ...parts.map(encodeURIComponent)].join('/')
}

/** The path of an existing object. */
export const pathOfObject = (resource: Resource, { metadata }: KubeObject, subresource?: string) =>
  resourcePath(resource, metadata.namespace, metadata.name, subresource)

/** The API server ends a request after 60 s. A stopped etcd holds requests up for as long. */
const requestTimeoutMs = 20_000
/** The API server records the part before the slash as the field manager. */
const userAgent = 'metacontroller/stand-in'
/** The delays before another try of a conflicting write. */
const conflictDelays = [10, 50, 250]

/** A client for the current context of a kubeconfig. It keeps integers and floats apart. */
export class Client {
  readonly config = new KubeConfig()
  readonly #server: URL
  readonly #agent = new Agent({ keepAlive: true })
  readonly #resources = new Map<string, Resource[]>()

  constructor(kubeconfig: string) {
    this.config.loadFromFile(kubeconfig)
    const server = this.config.getCurrentCluster()?.server
    if (server === undefined) throw new Error(`${kubeconfig} has no current context with a cluster`)
    this.#server = new URL(server)
  }

  /** Sends a request. Throws an ApiError unless the status is 2xx. */
  async request(
    method: string,
    path: string,
    body?: unknown,
    contentType = 'application/json',
  ): Promise<KubeObject> {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const options: RequestOptions = { headers: {} }
    await this.config.applyToHTTPSOptions(options)
    const response = await send(
      {
        ...options,
        agent: this.#agent,
        method,
        signal: AbortSignal.timeout(requestTimeoutMs),
        host: this.#server.hostname,
        port: this.#server.port || 443,
        path,
        headers: {
          ...options.headers,
          accept: 'application/json',
          'user-agent': userAgent,
          ...(text !== undefined && {
            'content-type': contentType,
            'content-length': Buffer.byteLength(text),
          }),
        },
      },
      text,
    )
    const answer = await textOf(response)
    const { statusCode = 0 } = response
    if (statusCode < 200 || statusCode >= 300) throw apiError(statusCode, answer)
    return parseJson(answer) as KubeObject
  }

  /** Finds a kind by its plural or its name. */
  async resource(apiVersion: string, by: { name: string } | { kind: string }): Promise<Resource> {
    const find = (resources: Resource[] = []) =>
      resources.find(({ name, kind }) => ('name' in by ? by.name === name : by.kind === kind))
    const known = find(this.#resources.get(apiVersion))
    if (known !== undefined) return known
    const listed = await this.#discover(apiVersion)
    this.#resources.set(apiVersion, listed)
    const found = find(listed)
    if (found !== undefined) return found
    const what = 'name' in by ? `resource ${by.name}` : `kind ${by.kind}`
    throw new Error(`discovery: can't find ${what} in apiVersion ${apiVersion}`)
  }

  async #discover(apiVersion: string): Promise<Resource[]> {
    const root = apiGroup(apiVersion) === '' ? '/api' : '/apis'
    const { resources } = await this.request('GET', `${root}/${apiVersion}`)
    const listed = resources as Array<{ name: string; kind: string; namespaced: boolean }>
    return listed
      .filter(({ name }) => !name.includes('/'))
      .map(({ name, kind, namespaced }) => ({
        apiVersion,
        name,
        kind,
        namespaced,
        hasStatus: listed.some((other) => other.name === `${name}/status`),
      }))
  }

  /**
   * Reads an object, changes it and writes it. Repeats that after a conflict. `change` returns
   * undefined if there is nothing to write.
   */
  async update(
    resource: Resource,
    object: KubeObject,
    change: (current: KubeObject) => KubeObject | undefined,
    subresource?: 'status',
  ): Promise<KubeObject> {
    for (const delay of [...conflictDelays, undefined]) {
      const current = await this.request('GET', pathOfObject(resource, object))
      if (current.metadata.uid !== object.metadata.uid) {
        throw new ApiError(404, 'NotFound', `${resource.name} "${object.metadata.name}" not found`)
      }
      const changed = change(current)
      if (changed === undefined) return current
      try {
        return await this.request('PUT', pathOfObject(resource, object, subresource), changed)
      } catch (error) {
        if (!isConflict(error) || delay === undefined) throw error
        await sleep(delay)
      }
    }
    throw new Error('unreachable')
  }
}

function send(options: RequestOptions, body: string | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(options, resolve)
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // The server may close an idle connection at the moment of its next use.
      if (outgoing.reusedSocket && error.code === 'ECONNRESET') {
        send(options, body).then(resolve, reject)
      } else reject(error)
    })
    outgoing.end(body)
  })
}

/** The error in a Status object, or in any other text. */
function apiError(code: number, text: string): ApiError {
  let status: Fields = {}
  try {
    status = JSON.parse(text) as Fields
  } catch {
    // The text is the message.
  }
  const message = status.message ?? (text.trim() || `status ${code}`)
  return new ApiError(code, String(status.reason ?? ''), String(message))
}
