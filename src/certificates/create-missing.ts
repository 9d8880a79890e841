import {
  authorityRemedy,
  authoritySecret,
  certificateObjects,
  checkedAuthority,
  configDigestSecret,
  type ConfigObject,
  createAuthority,
  dateText,
  expiryOf,
  type KeyPair,
  names,
  namespaces,
} from './objects.ts'
import type { ApiServer } from './api-server.ts'

/** The parts of the Job's work. Its arguments select the parts. */
export const parts = ['certificates', 'config-digest', 'admission'] as const
export type Part = (typeof parts)[number]

/** The ValidatingWebhookConfiguration of the component admission. */
const webhookConfiguration = 'myapp-operator-validation'

/** Reports the result for one object. */
type Report = (line: string) => void

interface Options {
  now: Date
  report: Report
  metacontrollerNamespace: string
}

/**
 * Creates missing objects, and sets a missing caBundle. Changes nothing else. The next run
 * continues an interrupted run, because the stored CA issues all certificates.
 */
export async function createMissing(
  requested: ReadonlySet<Part>,
  api: ApiServer,
  { now, report, metacontrollerNamespace }: Options,
): Promise<void> {
  if (requested.has('config-digest')) await create(api, configDigestSecret(), report)
  if (!requested.has('certificates') && !requested.has('admission')) return
  const authority = await storedAuthority(api, now, report)
  if (requested.has('certificates')) {
    for (const object of await certificateObjects(authority, now, { metacontrollerNamespace })) {
      await create(api, object, report)
    }
  }
  if (requested.has('admission')) await trustInWebhook(api, authority, report)
}

const pathOf = ({ kind, metadata: { namespace } }: ConfigObject): string =>
  `/api/v1/namespaces/${namespace}/${kind.toLowerCase()}s`

async function create(api: ApiServer, object: ConfigObject, report: Report): Promise<boolean> {
  const { kind, metadata, stringData, data } = object
  const created = await api.create(pathOf(object), object)
  const certificate = stringData?.['tls.crt'] ?? data?.['ca.crt']
  const expiry = certificate && `, expires ${dateText(expiryOf(certificate))}`
  report(
    `${kind} ${metadata.namespace}/${metadata.name}: ` +
      (created ? `created${expiry ?? ''}` : 'exists, not changed'),
  )
  return created
}

/** The CA in the cluster; a new one if there is none. */
async function storedAuthority(api: ApiServer, now: Date, report: Report): Promise<KeyPair> {
  const path = `/api/v1/namespaces/${namespaces.hook}/secrets/${names.authority}`
  const read = () => api.get<SecretData>(path)
  let stored = await read()
  if (stored === undefined) {
    await create(api, authoritySecret(await createAuthority(now)), report)
    // Read the stored CA, because another Job may have created it first.
    stored = await read()
  }
  const decoded = (key: string) => Buffer.from(stored?.data?.[key] ?? '', 'base64').toString()
  const authority = { certificate: decoded('tls.crt'), key: decoded('tls.key') }
  const what = `Secret ${namespaces.hook}/${names.authority}`
  if (!authority.certificate || !authority.key) {
    throw new Error(`${what} lacks tls.crt or tls.key: ${authorityRemedy}`)
  }
  try {
    return checkedAuthority(authority, now)
  } catch (error) {
    throw new Error(`${what}: ${(error as Error).message}`)
  }
}

interface SecretData {
  data?: Record<string, string>
}

/** Makes the API server trust the certificate of the hook for validation requests. */
async function trustInWebhook(
  api: ApiServer,
  { certificate }: KeyPair,
  report: Report,
): Promise<void> {
  const path =
    '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/' + webhookConfiguration
  const configuration = await api.get<{
    webhooks?: Array<{ clientConfig: { caBundle?: string } }>
  }>(path)
  const what = `ValidatingWebhookConfiguration ${webhookConfiguration}`
  if (configuration === undefined) throw new Error(`${what} does not exist yet`)
  const operations = (configuration.webhooks ?? []).flatMap(({ clientConfig }, index) =>
    clientConfig.caBundle
      ? []
      : [
          {
            op: 'add',
            path: `/webhooks/${index}/clientConfig/caBundle`,
            value: Buffer.from(certificate).toString('base64'),
          },
        ],
  )
  if (operations.length > 0) await api.patch(path, operations)
  report(`${what}: ${operations.length > 0 ? 'caBundle set' : 'has a caBundle, not changed'}`)
}
