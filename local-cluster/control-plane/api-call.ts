import { readFile } from 'node:fs/promises'
import { request } from 'node:https'

/** The address, certificate and bearer token for an API server. */
export interface Access {
  url: string
  certificateFile: string
  token: string
}

/** Calls an API server. Rejects unless the status is 2xx. */
export async function callApiServer(
  { url, certificateFile, token }: Access,
  method: string,
  path: string,
  body?: object,
): Promise<unknown> {
  const ca = await readFile(certificateFile)
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const call = request(
    new URL(path, url),
    { method, ca, headers, agent: false, timeout: 10_000 },
    async (response) => {
      try {
        const text = (await response.toArray()).join('')
        const { statusCode = 0 } = response
        if (statusCode < 200 || statusCode > 299) {
          throw new Error(`${method} ${path}: ${statusCode} ${text}`)
        }
        resolve(
          response.headers['content-type']?.startsWith('application/json')
            ? JSON.parse(text)
            : text,
        )
      } catch (error) {
        reject(error)
      }
    },
  )
  call.on('error', reject)
  call.on('timeout', () => call.destroy(new Error(`${method} ${path} took too long`)))
  call.end(body && JSON.stringify(body))
  return promise
}
