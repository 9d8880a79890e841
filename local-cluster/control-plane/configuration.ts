/** The configuration files of the control plane's programs. */
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { stages } from './stages.ts'

/** The users of the API server and their groups. The audit log names the user of each request. */
const groups = {
  admin: 'system:masters',
  metacontroller: 'system:masters',
  // Has only the rights that a test grants with role bindings.
  'restricted-metacontroller': '',
  'kube-controller-manager': 'system:masters',
  'kube-scheduler': 'system:masters',
  kwok: 'system:masters',
} as const

/** A user of the API server. */
export type User = keyof typeof groups

/** The bearer token of each user. */
export type UserTokens = Record<User, string>

/** Logs the metadata of every write, and of every request of Metacontroller. */
const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'Metadata', users: ['metacontroller', 'restricted-metacontroller'] },
    { level: 'None', verbs: ['get', 'list', 'watch'] },
    { level: 'Metadata' },
  ],
}

const users = Object.keys(groups) as User[]

/** Writes the files that the programs need at the start. */
export async function writeConfiguration(dir: string): Promise<UserTokens> {
  const tokens = Object.fromEntries(users.map((user) => [user, randomUUID()])) as UserTokens
  const { publicKey, privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  await Promise.all([
    writeFile(
      join(dir, 'tokens.csv'),
      users.map((user) => `${tokens[user]},${user},${user},"${groups[user]}"\n`).join(''),
    ),
    writeFile(join(dir, 'service-account.key'), privateKey),
    writeFile(join(dir, 'service-account.pub'), publicKey),
    writeFile(join(dir, 'audit-policy.yaml'), stringify(auditPolicy)),
    writeFile(join(dir, 'stages.yaml'), stages.map((stage) => stringify(stage)).join('---\n')),
  ])
  return tokens
}

/** Writes the kubeconfig of each user. The API server must have created its certificate. */
export async function writeKubeconfigs(
  dir: string,
  server: string,
  tokens: UserTokens,
): Promise<void> {
  const certificate = await readFile(join(dir, 'apiserver.crt'), 'base64')
  await Promise.all(
    users.map((user) =>
      writeFile(
        kubeconfigOf(dir, user),
        stringify({
          apiVersion: 'v1',
          kind: 'Config',
          'current-context': 'local',
          clusters: [
            { name: 'local', cluster: { server, 'certificate-authority-data': certificate } },
          ],
          users: [{ name: user, user: { token: tokens[user] } }],
          contexts: [{ name: 'local', context: { cluster: 'local', user } }],
        }),
      ),
    ),
  )
}

/** The path of a user's kubeconfig. */
export const kubeconfigOf = (dir: string, user: User): string => join(dir, `${user}.kubeconfig`)
