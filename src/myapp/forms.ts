/** A form that Kubernetes asks of a text, and the words for a text that has another. It is a rule of the CRD and of the hook. */
export interface Form {
  words: string
  /** The rule in CEL that an expression has the form. */
  rule (expression: string): string
  /** Whether a text has it. */
  fits (text: string): boolean
}

/** The form of a regular expression that JavaScript and the API server read alike. */
function form (pattern: string, words: string): Form {
  const expression = new RegExp(pattern)
  return { words, rule: (text) => `${text}.matches(${JSON.stringify(pattern)})`, fits: (text) => expression.test(text) }
}

const name = '[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?'
const qualified = (letters: string) => `([${letters}0-9]([-${letters}0-9.]{0,251}[${letters}0-9])?/)?${name}`
const ofLetters = 'use letters, digits, "-", "_" and ".", and before a "/" a domain'

export const labelKey = form(`^${qualified('a-z')}$`, `not one for a label: ${ofLetters}`)
export const annotationKey = form(`^${qualified('A-Za-z')}$`, `not one for an annotation: ${ofLetters}`)
export const labelValue = form(`^(${name})?$`, 'not one for a label: use at most 63 letters, digits, "-", "_" and "."')

/** A field that a variable may take from its pod. */
export const podField = form(
  `^(metadata\\.(name|namespace|uid|labels\\['${qualified('a-z')}'\\]|annotations\\['${qualified('A-Za-z')}'\\])|spec\\.(nodeName|serviceAccountName)|status\\.(hostIP|podIP)s?)$`,
  "a variable can have metadata.name, metadata.namespace, metadata.uid, metadata.labels['KEY'], metadata.annotations['KEY'], spec.nodeName, spec.serviceAccountName, status.hostIP, status.hostIPs, status.podIP and status.podIPs"
)
/** A resource that a variable may take from its container. */
export const containerResource = form('^(limits|requests)\\.(cpu|memory|ephemeral-storage|hugepages-.+)$',
  'a variable can have the limits and requests of the container, such as limits.memory: of cpu, memory, ephemeral-storage and hugepages-SIZE')

export const configKey = form('^[-._a-zA-Z0-9]+$', 'a key has letters, digits, "-", "_" and "." only')

export const relativePath: Form = {
  words: 'a path in the volume has no "/" at its start, and no ".." as a part',
  rule: (path) => `!${path}.startsWith('/') && !('/' + ${path} + '/').contains('/../')`,
  fits: (path) => !path.startsWith('/') && !`/${path}/`.includes('/../'),
}

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
export const objectName = form(`^${label}(\\.${label})*$`, 'a name has lower-case letters, digits, "-" and "." only, and starts and ends with a letter or digit')

/** The last part has more than digits: Kubernetes takes no address for a host. */
export const hostName = form(`^(\\*\\.)?(${label}\\.)*([0-9]*[a-z]([-a-z0-9]*[a-z0-9])?|[0-9]+-[-a-z0-9]*[a-z0-9])$`,
  'a host is a name, not an address: lower-case letters, digits, "-" and ".", and at most a "*." before it')

const noParts = ['//', '/./', '/../', '%2f', '%2F']
const noEnds = ['/..', '/.']
/** A path of a URL to be matched as it is or as a prefix. */
export const plainPath: Form = {
  words: 'a path has none of //, /./, /../ and %2F in it, and does not end with /.. or /., unless pathType is ImplementationSpecific',
  rule: (path) => `!${JSON.stringify(noParts)}.exists(part, ${path}.contains(part)) && !${JSON.stringify(noEnds)}.exists(end, ${path}.endsWith(end))`,
  fits: (path) => !noParts.some((part) => path.includes(part)) && !noEnds.some((end) => path.endsWith(end)),
}
