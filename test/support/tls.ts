import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { type Agent, type AgentOptions, request } from 'node:https'
import { TLSSocket } from 'node:tls'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Anything } from './fixtures/anything.ts'
import { createAuthority, issue, type KeyPair } from '../../src/certificates/objects.ts'

export const serverName = 'myapp-operator.myapp-operator.svc'

/** A CA with the certificates of the hook and of Metacontroller. */
export interface Pki {
  authority: KeyPair
  server: KeyPair
  client: KeyPair
}

export async function createPki(): Promise<Pki> {
  const now = new Date()
  const authority = await createAuthority(now)
  return {
    authority,
    server: await issue(authority, serverName, 'serverAuth', now),
    client: await issue(authority, 'metacontroller', 'clientAuth', now),
  }
}

/** A folder whose files change at once, like the files of a mounted Secret. */
export interface MountedFolder {
  path: (file: string) => string
  replace: (files: Record<string, string>) => void
}

export function mountedFolder(t: Test, files: Record<string, string>): MountedFolder {
  const folder = mkdtempSync(join(tmpdir(), 'myapp-operator-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  let version = 0
  const replace = (files: Record<string, string>) => {
    const data = `..${++version}`
    mkdirSync(join(folder, data))
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, data, file), text)
    symlinkSync(data, join(folder, '..data_tmp'))
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
  }
  replace(files)
  for (const file of Object.keys(files)) symlinkSync(join('..data', file), join(folder, file))
  return { path: (file) => join(folder, file), replace }
}

/** The files that the hook mounts. */
export const hookFiles = ({ server }: Pki, authorities: KeyPair[]) => ({
  'tls.crt': server.certificate,
  'tls.key': server.key,
  'ca.crt': authorities.map(({ certificate }) => certificate).join(''),
})

export const tlsEnvironment = ({ path }: MountedFolder) => ({
  TLS_CERT_FILE: path('tls.crt'),
  TLS_KEY_FILE: path('tls.key'),
  TLS_CLIENT_CA_FILE: path('ca.crt'),
})

/** The options of a client that trusts the hook and authenticates with `pair`. */
export const clientOptions = (authorities: KeyPair[], pair?: KeyPair): AgentOptions => ({
  ca: authorities.map(({ certificate }) => certificate),
  servername: serverName,
  ...(pair !== undefined && { cert: pair.certificate, key: pair.key }),
})

/**
 * Posts a body over HTTPS. Rejects if the connection fails. Resolves with the answer and `serial`,
 * the serial number of the server's certificate.
 */
export function postTls(
  url: string,
  body: unknown,
  agent: Agent,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Anything; error: string | undefined; serial: string }> {
  const text = JSON.stringify(body)
  return new Promise((resolve, reject) => {
    request(url, {
      agent,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
        ...headers,
      },
    })
      .on('error', reject)
      .on('response', (response) => {
        const { socket } = response
        const certificate =
          socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined
        let answer = ''
        response
          .setEncoding('utf8')
          .on('data', (chunk: string) => {
            answer += chunk
          })
          .on('error', reject)
          .on('end', () => {
            const body = JSON.parse(answer)
            resolve({
              status: response.statusCode ?? 0,
              body,
              error: body.error,
              serial: certificate?.serialNumber ?? '',
            })
          })
      })
      .end(text)
  })
}
