/** A form that Kubernetes asks of a value, and the words for one that has another. It is a rule of the CRD and of the hook. */
export interface Form<Value = string> {
  words: string
  /** The rule in CEL that an expression has the form. */
  rule (expression: string): string
  /** Whether a value has it. */
  fits (value: Value): boolean
}

type Condition = Omit<Form, 'words'>

/** That a text matches a regular expression, which JavaScript and the API server read alike. */
function like (pattern: string): Condition {
  const expression = new RegExp(pattern)
  return { rule: (text) => `${text}.matches(${JSON.stringify(pattern)})`, fits: (text) => expression.test(text) }
}

function unlike (pattern: string): Condition {
  const { rule, fits } = like(pattern)
  return { rule: (text) => `!${rule(text)}`, fits: (text) => !fits(text) }
}

const form = (words: string, ...conditions: Condition[]): Form => ({
  words,
  rule: (text) => conditions.map(({ rule }) => rule(text)).join(' && '),
  fits: (text) => conditions.every(({ fits }) => fits(text)),
})

const label = (letters = 'a-z') => `[${letters}0-9]([-${letters}0-9]*[${letters}0-9])?`
const domain = (letters?: string) => `${label(letters)}(\\.${label(letters)})*`
const name = '[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?'
const qualified = (letters?: string) => `(${domain(letters)}/)?${name}`
const ofLetters = 'use letters, digits, "-", "_" and ".", and before a "/" a domain'

export const labelKey = form(`not one for a label: ${ofLetters}`, like(`^${qualified()}$`))
export const annotationKey = form(`not one for an annotation: ${ofLetters}`, like(`^${qualified('A-Za-z')}$`))
export const labelValue = form('not one for a label: use at most 63 letters, digits, "-", "_" and "."', like(`^(${name})?$`))

/** A field that a variable may take from its pod. */
export const podField = form(
  "a variable can have metadata.name, metadata.namespace, metadata.uid, metadata.labels['KEY'], metadata.annotations['KEY'], spec.nodeName, spec.serviceAccountName, status.hostIP, status.hostIPs, status.podIP and status.podIPs",
  like(`^(metadata\\.(name|namespace|uid|labels\\['${qualified()}'\\]|annotations\\['${qualified('A-Za-z')}'\\])|spec\\.(nodeName|serviceAccountName)|status\\.(hostIP|podIP)s?)$`)
)
/** A resource that a variable may take from its container. */
export const containerResource = form(
  'a variable can have the limits and requests of the container, such as limits.memory: of cpu, memory, ephemeral-storage and hugepages-SIZE',
  like('^(limits|requests)\\.(cpu|memory|ephemeral-storage|hugepages-.+)$')
)

export const configKey = form('a key has letters, digits, "-", "_" and "." only, and does not start with ".."', like('^[-._a-zA-Z0-9]+$'), unlike('^\\.(\\.|$)'))

const inside = 'has no "/" at its start, and no ".." as a part'
const outside = '^/|(^|/)\\.\\.(/|$)'
export const volumePath = form(`a path in the volume ${inside}`, unlike(outside))
export const filePath = form(`a file in the volume ${inside} or at its start`, unlike(`${outside}|^\\.\\.`))
export const profilePath = form(`a profile is a file in the folder that the kubelet has for them: its path ${inside}`, unlike(outside))

const ofNames = 'only, and starts and ends with a letter or digit'
export const objectName = form(`a name has lower-case letters, digits, "-" and "." ${ofNames}`, like(`^${domain()}$`))
export const optionalName = form(objectName.words, like(`^(${domain()})?$`))
export const peerName = form('a name has letters, digits, "-", "_" and "." only, at most 63, and starts and ends with a letter or digit', like(`^${name}$`))
export const namespaceName = form(`a name has lower-case letters, digits and "-" ${ofNames}`, like(`^${label()}$`))

export const hostName = form('a host is a name, not an address: lower-case letters, digits, "-" and ".", and at most a "*." before it',
  like(`^(\\*\\.)?${domain()}$`), unlike('^[0-9]+(\\.[0-9]+){3}$'))

/** A path of a URL to be matched as it is or as a prefix. */
export const plainPath = form('a path has none of //, /./, /../ and %2F in it, and does not end with /.. or /., unless pathType is ImplementationSpecific',
  unlike('//|/\\.\\.?(/|$)|%2[fF]'))
