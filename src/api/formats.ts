import { quantityPattern } from './quantity.ts'

/**
 * A named format of strings. The schema of a string has the name in `format`. The schema of a map
 * has the name of the format of its keys in `propertyNames.format`. One entry of `formats` gives
 * the check of Ajv, the CEL rule of the CRD, the pattern of the editor schema, and the message.
 */
export interface Format {
  /**
   * A regular expression that the string must match. It starts with `^`. JavaScript and RE2 read
   * it alike.
   */
  matches?: string
  /** A regular expression that the string must not match. */
  excludes?: string
  /** The maximum length of the text before the first "/". */
  prefixMaxLength?: number
  /** The message for a string without this format. It never quotes the string. */
  message: string
}

const label = (letters = 'a-z') => `[${letters}0-9]([-${letters}0-9]*[${letters}0-9])?`
const domain = (letters?: string) => `${label(letters)}(\\.${label(letters)})*`
const name = '[A-Za-z0-9]([-\\w.]{0,61}[A-Za-z0-9])?'
const hostPart = `(${label()}|\\{name\\}|\\{namespace\\})`
const qualified = (letters?: string) => `(${domain(letters)}/)?${name}`

const keyRule =
  'at most 63 letters, digits, "-", "_" or ".", after an optional DNS prefix of at most 253 ' +
  'characters and "/"'
const labelKeyMessage = `invalid label key: ${keyRule}`
const nameMessage =
  'must consist of lower-case letters, digits, "-" or ".", and must start and end with a ' +
  'letter or digit'
const labelMessage =
  'must consist of lower-case letters, digits or "-", and must start and end with a letter or digit'

/** White space in JavaScript but not in RE2. */
const unicodeSpaces = '\\v\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff'
const unsafePath = '^/|(^|/)\\.\\.(/|$)'

const octet = '(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])'
const ipv4 = `${octet}(\\.${octet}){3}`
const group16 = '[0-9a-fA-F]{1,4}'
/** The full form of an IPv6 address, and the forms with "::" for groups of zeros. */
const ipv6 = [
  `(${group16}:){7}${group16}`,
  `(${group16}:){1,7}:`,
  ...[1, 2, 3, 4, 5, 6].map(
    (after) => `(${group16}:){1,${7 - after}}(:${group16}){${after === 1 ? 1 : `1,${after}`}}`,
  ),
  `:(:${group16}){1,7}`,
  '::',
].join('|')

/** Every format by its name. */
export const formats = {
  myAppName: {
    matches: '^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$',
    message:
      'must be a valid name of a Service: at most 63 lower-case letters, digits or "-", ' +
      'starting with a letter and ending with a letter or digit',
  },
  image: {
    matches: `^[^\\s${unicodeSpaces}]+$`,
    message: 'must be an image without white space, such as nginx:1.29',
  },
  /** Names that every supported Kubernetes accepts. */
  variableName: {
    matches: '^([-_a-zA-Z]|\\.[-_a-zA-Z0-9])[-._a-zA-Z0-9]*$',
    message:
      'must consist of letters, digits, "_", "-" or ".", and must not start with a digit or ' +
      'with ".."',
  },
  variablePrefix: {
    matches: '^[ -<>-~]*$',
    message: 'must consist of ASCII characters other than "="',
  },
  quantity: {
    matches: quantityPattern,
    message:
      'must be a quantity of 0 or more with at most three decimals, such as 500m, 1.5, 256Mi or 1G',
  },
  positiveQuantity: {
    matches: quantityPattern,
    excludes: '^[0.]+[A-Za-z]*$',
    message: 'must be a quantity of more than 0, such as 500m, 1.5, 256Mi or 1G',
  },
  podsOrPercent: {
    matches: '^(100|[0-9]{1,2})%$',
    message: 'must be a number of pods from 0 to 100, or a percentage from "0%" to "100%"',
  },
  csiDriver: {
    matches: `^${domain('A-Za-z')}$`,
    message:
      'must consist of letters, digits, "-" or ".", and must start and end with a letter or digit',
  },
  volumeName: { matches: `^${label()}$`, message: labelMessage },
  mountPath: { matches: '^/[^:]*$', message: 'must be an absolute path without ":"' },
  /** An absolute path of a file, in its shortest form. */
  plainFilePath: {
    matches: '^(/[-._a-zA-Z0-9]+)+$',
    excludes: '/\\.\\.?(/|$)',
    message:
      'must be an absolute path of letters, digits, "-", "_" or ".", without "//", "/./" or ' +
      '"/../", and must not end with "/"',
  },
  urlPath: { matches: '^/', message: 'must start with "/"' },
  labelKey: { matches: `^${qualified()}$`, prefixMaxLength: 253, message: labelKeyMessage },
  optionalLabelKey: {
    matches: `^(${qualified()})?$`,
    prefixMaxLength: 253,
    message: labelKeyMessage,
  },
  annotationKey: {
    matches: `^${qualified('A-Za-z')}$`,
    prefixMaxLength: 253,
    message: `invalid annotation key: ${keyRule}`,
  },
  labelValue: {
    matches: `^(${name})?$`,
    message:
      'invalid label value: at most 63 letters, digits, "-", "_" or ".", starting and ending ' +
      'with a letter or digit',
  },
  /** A field that a variable can take from its pod. */
  podField: {
    matches:
      `^(metadata\\.(name|namespace|uid|labels\\['${qualified()}'\\]` +
      `|annotations\\['${qualified('A-Za-z')}'\\])` +
      '|spec\\.(nodeName|serviceAccountName)|status\\.(hostIP|podIP)s?)$',
    message:
      "must be metadata.name, metadata.namespace, metadata.uid, metadata.labels['KEY'], " +
      "metadata.annotations['KEY'], spec.nodeName, spec.serviceAccountName, status.hostIP, " +
      'status.hostIPs, status.podIP or status.podIPs',
  },
  /** A resource that a variable can take from its container. */
  containerResource: {
    matches: '^(limits|requests)\\.(cpu|memory|ephemeral-storage|hugepages-.+)$',
    message:
      'must be limits.RESOURCE or requests.RESOURCE, with cpu, memory, ephemeral-storage or ' +
      'hugepages-SIZE',
  },
  configKey: {
    matches: '^[-._a-zA-Z0-9]+$',
    excludes: '^\\.(\\.|$)',
    message: 'must consist of letters, digits, "-", "_" or ".", and must not start with ".."',
  },
  volumePath: {
    excludes: unsafePath,
    message: 'must be a relative path without ".."',
  },
  filePath: {
    excludes: `${unsafePath}|^\\.\\.`,
    message: 'must be a relative path without "..", and must not start with ".."',
  },
  profilePath: {
    excludes: unsafePath,
    message: 'must be a path below the kubelet\'s folder of profiles: relative and without ".."',
  },
  ipAddress: {
    matches: `^(${ipv4}|${ipv6})$`,
    message: 'must be an IP address, such as 192.0.2.1 or 2001:db8::1',
  },
  /** A search domain of a DNS resolver. */
  searchDomain: {
    matches: `^${domain()}\\.?$`,
    message: 'must be a DNS domain in lower case, such as svc.cluster.local',
  },
  headerName: {
    matches: '^[-A-Za-z0-9]+$',
    message: 'must consist of letters, digits or "-"',
  },
  /** An extended resource of nodes. */
  extendedResource: {
    matches: `^${domain()}/${name}$`,
    excludes: '^([^/]*\\.)?kubernetes\\.io/|^requests\\.',
    prefixMaxLength: 244,
    message: 'must be an extended resource with a DNS prefix, such as nvidia.com/gpu',
  },
  objectName: { matches: `^${domain()}$`, message: nameMessage },
  optionalName: { matches: `^(${domain()})?$`, message: nameMessage },
  namespaceName: { matches: `^${label()}$`, message: labelMessage },
  optionalNamespaceName: { matches: `^(${label()})?$`, message: labelMessage },
  peerName: {
    matches: `^${name}$`,
    message:
      'must consist of at most 63 letters, digits, "-", "_" or ".", and must start and end ' +
      'with a letter or digit',
  },
  hostName: {
    matches: `^(\\*\\.)?${domain()}$`,
    excludes: '^[0-9]+(\\.[0-9]+){3}$',
    message:
      'must be a DNS name, not an IP address or URL: lower-case letters, digits, "-" or ".", ' +
      'with an optional "*." at the start',
  },
  /**
   * A host name of the platform's defaults. A placeholder must be a whole label, because a name can
   * have the maximum length of a label.
   */
  hostPattern: {
    matches: `^${hostPart}(\\.${hostPart})*$`,
    message:
      'must be a DNS name in which {name} and {namespace} stand for whole labels, such as ' +
      '{name}.{namespace}.apps.example.com',
  },
  labelKeyOrPrefix: {
    matches: `^(${qualified()}|${domain()}/)$`,
    prefixMaxLength: 253,
    message: `${labelKeyMessage}; or a prefix that ends with "/"`,
  },
  /** A segment of an API path, such as the name of a metric. */
  pathSegment: {
    excludes: '[/%]|^\\.\\.?$',
    message: 'must not contain "/" or "%", and must not be "." or ".."',
  },
  apiVersion: { excludes: '/.*/', message: 'must be GROUP/VERSION or VERSION' },
  /** The name of a container port. At least one letter is required. */
  portName: {
    matches: `^${label()}$`,
    excludes: '--|^[-0-9]*$',
    message:
      'must consist of lower-case letters and digits with single "-" between them, and must ' +
      'contain a letter',
  },
  /** A port name in a field that also accepts a port number. */
  portNameOrNumber: {
    matches: `^${label()}$`,
    excludes: '--|^[-0-9]*$',
    message: 'must be a number from 1 to 65535, or the name of a port',
  },
  /** A network in CIDR notation. Decimal numbers have no leading zeros. IPv6 is in lower case. */
  cidr: {
    matches:
      '^((25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)(\\.(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)){3}' +
      '/(3[0-2]|[12]?\\d)' +
      '|(([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|(([0-9a-f]{1,4}:){0,6}[0-9a-f]{1,4})?::' +
      '(([0-9a-f]{1,4}:){0,6}[0-9a-f]{1,4})?)/(12[0-8]|1[01]\\d|[1-9]?\\d))$',
    excludes: '(:[^:]*){8}',
    message: 'must be a network in CIDR notation, such as 10.0.0.0/8 or 2001:db8::/32',
  },
  /** The name of an init container or a sidecar. */
  extraContainerName: {
    matches: `^${label()}$`,
    excludes: '^app$',
    message: `${labelMessage}, and must not be app, the name of the app's own container`,
  },
  containerName: { matches: `^${label()}$`, message: labelMessage },
  measuredResource: {
    matches: `^(cpu|memory|ephemeral-storage|hugepages-${label('A-Za-z')}|${domain()}/${name})$`,
    message:
      'must be cpu, memory, ephemeral-storage, hugepages-SIZE, or an extended resource such ' +
      'as example.com/gpu',
  },
  /** A URL path that is matched exactly or by prefix. */
  plainPath: {
    excludes: '//|/\\.\\.?(/|$)|%2[fF]',
    message:
      'must not contain "//", "/./", "/../" or "%2F", or end with "/." or "/..", unless ' +
      'pathType is ImplementationSpecific',
  },
} satisfies Record<string, Format>

/** The name of a format. */
export type FormatName = keyof typeof formats

const byName = new Map<string, Format>(Object.entries(formats))

/** The format with a name; undefined for names that `formats` does not contain, such as int32. */
export const formatOf = (name: unknown): Format | undefined =>
  typeof name === 'string' ? byName.get(name) : undefined

const checkOf = ({ matches, excludes, prefixMaxLength }: Format) => {
  const [required, forbidden] = [matches, excludes].map((pattern) =>
    pattern === undefined ? undefined : new RegExp(pattern),
  )
  return (text: string) =>
    (required?.test(text) ?? true) &&
    !(forbidden?.test(text) ?? false) &&
    (prefixMaxLength === undefined || text.indexOf('/') <= prefixMaxLength)
}

/**
 * The formats for Ajv. A compiled validator refers to them by name: see `code.formats` in ajv.ts.
 */
export const ajvFormats: Record<string, true | ((text: string) => boolean)> = {
  ...Object.fromEntries(Object.entries(formats).map(([name, format]) => [name, checkOf(format)])),
  int32: true,
  int64: true,
  'date-time': true,
}

/** Whether a string has a format. */
export const hasFormat = (name: FormatName, text: string): boolean =>
  (ajvFormats[name] as (text: string) => boolean)(text)

/** A rule in CEL: the value of an expression has a format. */
export const celOf = ({ matches, excludes, prefixMaxLength }: Format, expression: string) =>
  [
    ...(matches === undefined ? [] : [`${expression}.matches(${celString(matches)})`]),
    ...(excludes === undefined ? [] : [`!${expression}.matches(${celString(excludes)})`]),
    ...(prefixMaxLength === undefined ? [] : [`${expression}.indexOf('/') <= ${prefixMaxLength}`]),
  ].join(' && ')

/** A string literal of CEL, in ASCII. */
export const celString = (text: string) =>
  JSON.stringify(text).replaceAll(
    /[^ -~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

/**
 * A regular expression for a format. It needs lookahead, which JavaScript and editors support and
 * RE2 does not.
 */
export const editorPattern = ({ matches = '^', excludes }: Format) =>
  excludes === undefined ? matches : `^(?![\\s\\S]*(?:${excludes}))${matches}`
