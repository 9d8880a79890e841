import { readFileSync } from 'node:fs'

/**
 * The requests of the Job to the API server. A method throws an error for every failure that its
 * comment does not name.
 */
export interface ApiServer {
  /** Gets an object; undefined if there is none. */
  get<Kind>(path: string): Promise<Kind | undefined>
  /** Creates an object; false if an object of that name exists already. */
  create(path: string, object: object): Promise<boolean>
  /** Changes an object by a JSON patch. */
  patch(path: string, operations: object[]): Promise<void>
}

/** The folder of the ServiceAccount's token in a pod. */
const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount'

/**
 * Connects to the API server of the pod's cluster, with the token of its ServiceAccount. The API
 * server's CA comes from NODE_EXTRA_CA_CERTS.
 * @throws {Error} if the process does not run in a pod
 */
export function connect(environment: Record<string, string | undefined>): ApiServer {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = environment
  if (!host) throw new Error('KUBERNETES_SERVICE_HOST is not set: this program must run in a pod')
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`
  const tokenFile = `${environment['SERVICE_ACCOUNT_DIR'] || serviceAccount}/token`

  async function call(
    method: string,
    path: string,
    body?: object,
    type = 'application/json',
  ): Promise<{ code: number; answer: unknown }> {
    const response = await fetch(server + path, {
      method,
      headers: {
        // The kubelet renews the token.
        authorization: `Bearer ${readFileSync(tokenFile, 'utf8').trim()}`,
        'content-type': type,
      },
      redirect: 'error',
      signal: AbortSignal.timeout(10_000),
      ...(body && { body: JSON.stringify(body) }),
    })
    const answer = (await response.json()) as { message?: string }
    if (response.ok || response.status === 404 || response.status === 409) {
      return { code: response.status, answer }
    }
    throw new Error(`${method} ${path}: ${response.status} ${answer.message ?? ''}`.slice(0, 500))
  }

  return {
    async get<Kind>(path: string) {
      const { code, answer } = await call('GET', path)
      return code === 404 ? undefined : (answer as Kind)
    },
    async create(path, object) {
      const { code } = await call('POST', path, object)
      if (code === 404) throw new Error(`POST ${path}: the namespace does not exist`)
      return code !== 409
    },
    async patch(path, operations) {
      const { code } = await call('PATCH', path, operations, 'application/json-patch+json')
      if (code >= 400) throw new Error(`PATCH ${path}: ${code}`)
    },
  }
}
