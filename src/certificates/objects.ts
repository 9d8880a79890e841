/**
 * The certificates of a TLS connection between Metacontroller and the hook, as the Secrets and
 * ConfigMaps that manifests/ and metacontroller/ refer to. The functions have no side effects, but
 * use random numbers.
 */
// @peculiar/x509 needs this import when it loads.
import 'reflect-metadata'
import { createPrivateKey, randomBytes, type webcrypto, X509Certificate } from 'node:crypto'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate as Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'

/** A certificate and its private key (PKCS #8), both in PEM. */
export interface KeyPair {
  certificate: string
  key: string
}

/** A Secret or a ConfigMap, with plain text where Kubernetes has base64. */
export interface ConfigObject {
  apiVersion: 'v1'
  kind: 'Secret' | 'ConfigMap'
  metadata: { name: string; namespace: string; labels: Record<string, string> }
  type?: 'kubernetes.io/tls' | 'Opaque'
  stringData?: Record<string, string>
  data?: Record<string, string>
}

/** The default namespaces of the hook and of Metacontroller. */
export const namespaces = { hook: 'myapp-operator', metacontroller: 'metacontroller' } as const

/** The names of the created objects. */
export const names = {
  /** Secret with the CA's certificate and key. */
  authority: 'myapp-operator-ca',
  /** ConfigMap with the CA's certificate, in both namespaces. */
  bundle: 'myapp-operator-ca',
  /** Secret with the certificate of the hook. */
  server: 'myapp-operator-tls',
  /** Secret with the certificate of Metacontroller. */
  client: 'myapp-operator-client-tls',
  /** Secret with the key of config digests. */
  configDigest: 'myapp-operator-config-digest',
} as const

const day = 86_400_000
/** The lifetime of certificates, in days. */
export const validity = { authority: 3650, leaf: 365 } as const

// ECDSA: a handshake costs the hook a tenth of a handshake with RSA.
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** Creates a CA that only the operator uses. */
export async function createAuthority(now: Date): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...period(now, validity.authority),
    name: 'CN=myapp-operator',
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate: `${certificate.toString('pem')}\n`, key: await privateKeyOf(keys) }
}

/** What to do with a CA that cannot issue certificates. */
export const authorityRemedy = 'see "A CA that has expired or lacks its key" in docs/upgrade.md'

/**
 * Checks the certificate and the key of a CA. Returns them in the form of `createAuthority`.
 * @throws {Error} that says what is wrong with the CA, and the remedy.
 */
export function checkedAuthority(authority: KeyPair, now: Date): KeyPair {
  const certificate = checkedCertificate(authority.certificate)
  const end = expiryOf(certificate)
  if (end < now) throw new Error(`the CA expired on ${dateText(end)}: ${authorityRemedy}`)
  const key = parsed('tls.key', 'private key', () => createPrivateKey(authority.key))
  const { asymmetricKeyType: type = '', asymmetricKeyDetails: { namedCurve = '' } = {} } = key
  if (type !== 'ec' || namedCurve !== 'prime256v1') {
    throw new Error(
      `the CA needs an ECDSA P-256 key, got ${[type, namedCurve].join(' ').trim()}: ` +
        'create a new CA with myapp-operator certificates',
    )
  }
  const x509 = new X509Certificate(certificate)
  if (!x509.checkPrivateKey(key)) {
    throw new Error(`tls.key is not the key of tls.crt: ${authorityRemedy}`)
  }
  if (!x509.ca) {
    throw new Error(`tls.crt is not the certificate of a CA: ${authorityRemedy}`)
  }
  return { certificate, key: key.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

/** Checks the certificate of a CA. Returns it in the form in which bundles contain it. */
export function checkedCertificate(pem: string): string {
  parsed('tls.crt', 'certificate', () => new X509Certificate(pem))
  return `${pem.trim()}\n`
}

function parsed<Parsed>(field: string, what: string, parse: () => Parsed): Parsed {
  try {
    return parse()
  } catch {
    throw new Error(`${field} is not a ${what} in PEM: ${authorityRemedy}`)
  }
}

/** A date in messages: `2030-12-31`. */
export const dateText = (date: Date) => date.toISOString().slice(0, 10)

/** Issues a certificate for a DNS name, which is also its common name. */
export async function issue(
  authority: KeyPair,
  name: string,
  usage: 'serverAuth' | 'clientAuth',
  now: Date,
  days: number = validity.leaf,
): Promise<KeyPair> {
  const issuer = new Certificate(authority.certificate)
  const signingKey = await crypto.subtle.importKey(
    'pkcs8',
    PemConverter.decodeFirst(authority.key),
    algorithm,
    false,
    ['sign'],
  )
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const { notBefore, notAfter } = period(now, days)
  const certificate = await X509CertificateGenerator.create({
    notBefore,
    notAfter: notAfter < issuer.notAfter ? notAfter : issuer.notAfter,
    subject: `CN=${name}`,
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage[usage]]),
      new SubjectAlternativeNameExtension([{ type: 'dns', value: name }]),
      // While the CA changes, a bundle contains two CA certificates with one name. OpenSSL uses the
      // key identifier to find the right one.
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  })
  return { certificate: `${certificate.toString('pem')}\n`, key: await privateKeyOf(keys) }
}

/** The Secret that keeps the CA, so that it can issue the next certificates. */
export const authoritySecret = (
  authority: KeyPair,
  namespace: string = namespaces.hook,
): ConfigObject => tlsSecret(names.authority, namespace, authority)

/** Settings that can differ from the default installation. */
export interface CertificateOptions {
  /** The host of the URLs in the CompositeController. */
  serverName?: string
  /** The hook's TLS_CLIENT_NAME. */
  clientName?: string
  hookNamespace?: string
  metacontrollerNamespace?: string
  /** The lifetime of the certificates. A certificate never expires later than its CA. */
  days?: number
  /** Certificates of other CAs that are trusted too, in PEM. */
  trusted?: string[]
}

/** The objects that Metacontroller and the hook read, issued by a CA. */
export async function certificateObjects(
  authority: KeyPair,
  now: Date,
  {
    hookNamespace = namespaces.hook,
    metacontrollerNamespace = namespaces.metacontroller,
    serverName = `myapp-operator.${hookNamespace}.svc`,
    clientName = 'metacontroller',
    days,
    trusted = [],
  }: CertificateOptions = {},
): Promise<ConfigObject[]> {
  const [server, client] = await Promise.all([
    issue(authority, serverName, 'serverAuth', now, days),
    issue(authority, clientName, 'clientAuth', now, days),
  ])
  const certificates = [authority.certificate, ...trusted]
  return [
    bundle(hookNamespace, certificates),
    bundle(metacontrollerNamespace, certificates),
    tlsSecret(names.client, metacontrollerNamespace, client),
    tlsSecret(names.server, hookNamespace, server),
  ]
}

/** The Secret with a new random key for digests of config. */
export const configDigestSecret = (): ConfigObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: metadata(names.configDigest, namespaces.hook),
  type: 'Opaque',
  stringData: { key: randomBytes(32).toString('base64') },
})

/** The expiry of the first certificate in a PEM text. */
export const expiryOf = (pem: string): Date => new Date(new X509Certificate(pem).validTo)

// The validity starts 5 minutes ago, so that a machine whose clock is behind accepts a new
// certificate.
const period = (now: Date, days: number) => ({
  notBefore: new Date(now.getTime() - 5 * 60_000),
  notAfter: new Date(now.getTime() + days * day),
})

const metadata = (name: string, namespace: string) => ({
  name,
  namespace,
  labels: { 'app.kubernetes.io/part-of': 'myapp-operator' },
})

const bundle = (namespace: string, certificates: string[]): ConfigObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: metadata(names.bundle, namespace),
  data: { 'ca.crt': [...new Set(certificates)].join('') },
})

const tlsSecret = (name: string, namespace: string, pair: KeyPair): ConfigObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: metadata(name, namespace),
  type: 'kubernetes.io/tls',
  stringData: { 'tls.crt': pair.certificate, 'tls.key': pair.key },
})

async function privateKeyOf({ privateKey }: webcrypto.CryptoKeyPair): Promise<string> {
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', privateKey)
  return `${PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`
}
