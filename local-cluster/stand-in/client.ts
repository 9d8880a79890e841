import { type HttpMethod, KubeConfig, RequestContext } from '@kubernetes/client-node'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseJson } from './json.ts'
import type { KubeObject } from './objects.ts'

/** An error response of the API server. `reason` is a reason of Kubernetes, such as NotFound. */
export class ApiError extends Error {
  readonly reason: string

  constructor(reason: string, message: string) {
    super(message)
    this.reason = reason
  }
}

/** Whether the API server returned an error with one of the reasons. */
export const hasReason = (error: unknown, ...reasons: string[]): boolean =>
  error instanceof ApiError && reasons.includes(error.reason)

/** A kind that the API server serves. */
export interface Resource {
  apiVersion: string
  /** The plural for paths. */
  name: string
  kind: string
  namespaced: boolean
}

/** The path of a resource, of one of its objects, or of a subresource. */
export function resourcePath(
  { apiVersion, name: plural, namespaced }: Resource,
  namespace?: string,
  name?: string,
  subresource?: string,
): string {
  const scope = namespaced && namespace ? ['namespaces', namespace] : []
  const parts = [...scope, plural, name, subresource].filter((part) => part !== undefined)
  return [rootPath(apiVersion), ...parts.map(encodeURIComponent)].join('/')
}

const rootPath = (apiVersion: string) =>
  `${apiVersion.includes('/') ? '/apis' : '/api'}/${apiVersion}`

/** While etcd is stopped, the API server answers after 60 s. A sync must be retried sooner. */
const requestTimeoutMs = 20_000
/** The number of times to send a request that the server answers with 429. */
const triesWhenThrottled = 10
/** The delays before another try of a conflicting write, in milliseconds. */
const conflictDelays = [10, 50, 250]

/** client-node opens a connection for each request. This KubeConfig lets requests share them. */
class SharingKubeConfig extends KubeConfig {
  #session: Promise<RequestContext> | undefined

  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    const first = new RequestContext(context.getUrl(), 'GET')
    this.#session ??= super.applySecurityAuthentication(first).then(() => first)
    const session = await this.#session
    for (const [name, value] of Object.entries(session.getHeaders())) {
      context.setHeaderParam(name, value)
    }
    // The API server records the part before the slash as the field manager.
    context.setHeaderParam('user-agent', 'metacontroller/stand-in')
    const dispatcher = session.getDispatcher()
    if (dispatcher !== undefined) context.setDispatcher(dispatcher)
  }
}

/**
 * A client for objects of every kind. It replaces KubernetesObjectApi of client-node, which drops
 * fields that it does not know and has no status subresource.
 */
export class Client {
  readonly config: KubeConfig = new SharingKubeConfig()
  readonly #resources = new Map<string, Resource[]>()

  /** A client for the current context of a kubeconfig. */
  constructor(kubeconfig: string) {
    this.config.loadFromFile(kubeconfig)
  }

  /**
   * Sends a request. If the server answers with 429 and Retry-After, waits for that time and sends
   * the request again. Throws an ApiError if the last status is not 2xx.
   */
  async request<Answer = KubeObject>(
    method: HttpMethod,
    path: string,
    body?: object,
  ): Promise<Answer> {
    const context = new RequestContext(`${this.config.getCurrentCluster()?.server}${path}`, method)
    await this.config.applySecurityAuthentication(context)
    const dispatcher = context.getDispatcher()
    if (dispatcher === undefined) throw new Error('the kubeconfig has no certificate authority')
    const { origin } = new URL(context.getUrl())
    const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
    const headers = { ...context.getHeaders(), 'content-type': contentType }
    const sent = body === undefined ? null : JSON.stringify(body)
    for (let tries = 1; ; tries++) {
      const response = await dispatcher.request({
        origin,
        path,
        method,
        headers,
        body: sent,
        signal: AbortSignal.timeout(requestTimeoutMs),
      })
      const text = await response.body.text()
      const { statusCode: status } = response
      if (status >= 200 && status < 300) return parseJson(text) as Answer
      const retryAfter = Number(response.headers['retry-after'])
      if (status !== 429 || !retryAfter || tries >= triesWhenThrottled) throw apiError(status, text)
      await sleep(retryAfter * 1000)
    }
  }

  /** Finds a resource by its plural or its kind. */
  async resource(apiVersion: string, nameOrKind: string): Promise<Resource> {
    const find = () =>
      this.#resources
        .get(apiVersion)
        ?.find(({ name, kind }) => name === nameOrKind || kind === nameOrKind)
    const known = find()
    if (known !== undefined) return known
    const { resources } = await this.request<{ resources: Resource[] }>('GET', rootPath(apiVersion))
    const listed = resources.filter(({ name }) => !name.includes('/'))
    this.#resources.set(
      apiVersion,
      listed.map((resource) => ({ ...resource, apiVersion })),
    )
    const found = find()
    if (found !== undefined) return found
    throw new Error(`discovery: can't find ${nameOrKind} in apiVersion ${apiVersion}`)
  }

  /** Sends a request about an object, with a body for other methods than GET. */
  async send(
    method: HttpMethod,
    { apiVersion, kind, metadata: { namespace, name } }: KubeObject,
    body?: object,
    subresource?: 'status',
  ): Promise<KubeObject> {
    const resource = await this.resource(apiVersion, kind)
    const pathName = method === 'POST' ? undefined : name
    return await this.request(
      method,
      resourcePath(resource, namespace, pathName, subresource),
      body,
    )
  }

  /**
   * Reads an object, changes it and writes it. Repeats that after a conflict. `change` returns
   * undefined if there is nothing to write.
   */
  async update(
    object: KubeObject,
    change: (current: KubeObject) => KubeObject | undefined,
    subresource?: 'status',
  ): Promise<KubeObject> {
    for (let tries = 0; ; tries++) {
      const current = await this.send('GET', object)
      if (current.metadata.uid !== object.metadata.uid) {
        throw new ApiError('NotFound', `${object.kind} "${object.metadata.name}" not found`)
      }
      const changed = change(current)
      if (changed === undefined) return current
      try {
        return await this.send('PUT', changed, changed, subresource)
      } catch (error) {
        const delay = conflictDelays[tries]
        if (!hasReason(error, 'Conflict') || delay === undefined) throw error
        await sleep(delay)
      }
    }
  }
}

/** The error in a Status object, or in any other text. */
function apiError(code: number, text: string): ApiError {
  try {
    const { reason, message } = JSON.parse(text) as { reason?: string; message: string }
    return new ApiError(reason ?? '', message)
  } catch {
    return new ApiError('', text.trim() || `status ${code}`)
  }
}
