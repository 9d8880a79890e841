import { isObject } from '../metacontroller/json.ts'
import { type Streams, type Task, UserError } from './arguments.ts'
import {
  authoritySecret,
  certificateObjects,
  checkedAuthority,
  checkedCertificate,
  createAuthority,
  dateText,
  expiryOf,
  type KeyPair,
  names,
} from '../certificates/objects.ts'
import { findingText, parseManifests, readText } from './manifests.ts'
import { objectsText } from './yaml/print.ts'

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
  const authority =
    ca === undefined
      ? await createAuthority(now)
      : readAuthority(ca, (pair) => checkedAuthority(pair, now))
  const objects = [
    authoritySecret(authority, namespace),
    ...(await certificateObjects(authority, now, {
      hookNamespace: namespace,
      metacontrollerNamespace,
      days,
      trusted: trusted.map((file) =>
        readAuthority(file, ({ certificate }) => checkedCertificate(certificate)),
      ),
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

/**
 * Reads the Secret of the CA from a file that `certificates` or `kubectl get` printed. Returns the
 * result of the check.
 */
function readAuthority<Checked>(file: string, check: (pair: KeyPair) => Checked): Checked {
  const { manifests, findings } = parseManifests({ name: file, text: readText(file) })
  for (const { object } of manifests) {
    if (object['kind'] !== 'Secret' || !isObject(object['metadata'])) continue
    if (object['metadata']['name'] !== names.authority) continue
    const { data = {}, stringData = {} } = object
    const field = (name: string): unknown => {
      const plain = isObject(stringData) ? stringData[name] : undefined
      const encoded = isObject(data) ? data[name] : undefined
      return (
        plain ??
        (typeof encoded === 'string' ? Buffer.from(encoded, 'base64').toString() : undefined)
      )
    }
    const [certificate, key] = [field('tls.crt'), field('tls.key')]
    if (typeof certificate !== 'string' || typeof key !== 'string') continue
    try {
      return check({ certificate, key })
    } catch (error) {
      throw new UserError(`${file}: ${(error as Error).message}`)
    }
  }
  const error = findings.find(({ severity }) => severity === 'error')
  throw new UserError(
    error === undefined
      ? `${file} has no Secret ${names.authority} with tls.crt and tls.key`
      : findingText(error),
  )
}
