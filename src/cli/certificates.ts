import { isObject } from '../metacontroller/json.ts'
import { type Streams, type Task, UserError } from './arguments.ts'
import {
  authoritySecret,
  certificateObjects,
  createAuthority,
  expiryOf,
  type KeyPair,
  names,
} from '../certificates/objects.ts'
import { readText } from './manifests.ts'
import { objectsText } from './yaml/print.ts'
import { readYaml } from './yaml/read.ts'

/**
 * Prints the Secrets and ConfigMaps with the certificates. Prints the expiry dates of the
 * certificates on stderr. Returns the exit code.
 */
export async function printCertificates(
  {
    days,
    ca,
    trusted,
    namespace,
    metacontrollerNamespace,
  }: Extract<Task, { command: 'certificates' }>,
  { out, err }: Streams,
): Promise<number> {
  const now = new Date()
  const authority = ca === undefined ? await createAuthority(now) : readAuthority(ca)
  const end = expiryOf(authority.certificate)
  if (end < now) throw new UserError(`the CA in ${ca} expired on ${dateText(end)}`)
  const objects = [
    authoritySecret(authority, namespace),
    ...(await certificateObjects(authority, now, {
      hookNamespace: namespace,
      metacontrollerNamespace,
      days,
      trusted: trusted.map((file) => readAuthority(file).certificate),
    })),
  ]
  for (const { kind, metadata, stringData } of objects) {
    const certificate = stringData?.['tls.crt']
    if (certificate === undefined) continue
    const end = dateText(expiryOf(certificate))
    err(`${kind} ${metadata.namespace}/${metadata.name} expires on ${end}\n`)
  }
  const restart = `kubectl -n ${metacontrollerNamespace} rollout restart statefulset metacontroller`
  err(`Apply the printed objects, then: ${restart}\n`)
  out(objectsText(objects, 'yaml'))
  return 0
}

const dateText = (date: Date) => date.toISOString().slice(0, 10)

/** Reads the Secret of the CA from a file that `certificates` or `kubectl get` printed. */
function readAuthority(file: string): KeyPair {
  for (const { value } of readYaml(readText(file))) {
    if (!isObject(value) || value['kind'] !== 'Secret' || !isObject(value['metadata'])) continue
    if (value['metadata']['name'] !== names.authority) continue
    const { data = {}, stringData = {} } = value
    const field = (name: string): unknown => {
      const plain = isObject(stringData) ? stringData[name] : undefined
      const encoded = isObject(data) ? data[name] : undefined
      return (
        plain ??
        (typeof encoded === 'string' ? Buffer.from(encoded, 'base64').toString() : undefined)
      )
    }
    const [certificate, key] = [field('tls.crt'), field('tls.key')]
    if (typeof certificate === 'string' && typeof key === 'string') return { certificate, key }
  }
  throw new UserError(`${file} has no Secret ${names.authority} with tls.crt and tls.key`)
}
