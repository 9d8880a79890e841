import { quantityPattern } from './quantity.ts'

/** A form that Kubernetes asks of a value, and the words for one that has another. It is a rule of the CRD and of the hook. */
export interface Form<Value = string> {
  words: string
  /** The rule in CEL that an expression has the form. */
  rule(expression: string): string
  /** Whether a value has it. */
  fits(value: Value): boolean
}

type Condition = Omit<Form, 'words'>

/** That a text matches a regular expression, which JavaScript and the API server read alike. */
function like(pattern: string): Condition {
  const expression = new RegExp(pattern)
  return {
    rule: (text) => `${text}.matches(${JSON.stringify(pattern)})`,
    fits: (text) => expression.test(text),
  }
}

function unlike(pattern: string): Condition {
  const { rule, fits } = like(pattern)
  return { rule: (text) => `!${rule(text)}`, fits: (text) => !fits(text) }
}

const form = (words: string, ...conditions: Condition[]): Form => ({
  words,
  rule: (text) => conditions.map(({ rule }) => rule(text)).join(' && '),
  fits: (text) => conditions.every(({ fits }) => fits(text)),
})

/** A form that is a pattern of the schema too. */
export interface PatternForm extends Form {
  pattern: string
}

const patternForm = (pattern: string, words: string): PatternForm => ({
  pattern,
  ...form(words, like(pattern)),
})

export const image = patternForm('^\\S+$', 'not an image: one is written without blanks')
/** The rules for names of environment variables that every supported Kubernetes accepts: C identifiers, dots and dashes, not `.` or `..` at the start. */
export const variableName = patternForm(
  '^([-_a-zA-Z]|\\.[-_a-zA-Z0-9])[-._a-zA-Z0-9]*$',
  'not a name for an environment variable: use letters, digits, "_", "-" and ".", and do not start with a digit or with ".."',
)
export const amount = patternForm(
  quantityPattern,
  'not an amount: use 0 or more, with at most three decimals, and a unit or none, such as 500m, 1.5, 256Mi or 1G',
)
export const podsOrShare = patternForm(
  '^(100|[0-9]{1,2})%$',
  'not a number of pods or a share of them: use 0 to 100, or "0%" to "100%"',
)
export const volumeName = patternForm(
  '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
  'not a name for a volume: use lower-case letters, digits and "-", and start and end with a letter or digit',
)
export const mountPath = patternForm(
  '^/[^:]*$',
  'not a path in the container: it starts with "/" and has no ":" in it',
)
export const urlPath = patternForm('^/', 'not a path: it starts with "/"')

const patternForms = [image, variableName, amount, podsOrShare, volumeName, mountPath, urlPath]

/** What is wrong with a text that does not match a pattern of the schema. */
export const wordsOf = (pattern: string) =>
  patternForms.find((form) => form.pattern === pattern)?.words

const label = (letters = 'a-z') => `[${letters}0-9]([-${letters}0-9]*[${letters}0-9])?`
const domain = (letters?: string) => `${label(letters)}(\\.${label(letters)})*`
const name = '[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?'
const qualified = (letters?: string) => `(${domain(letters)}/)?${name}`
const ofLetters =
  'use at most 63 letters, digits, "-", "_" and ".", and before a "/" a domain of at most 253'
const shortDomain: Condition = {
  rule: (text) => `${text}.indexOf('/') <= 253`,
  fits: (text) => text.indexOf('/') <= 253,
}

export const labelKey = form(
  `not one for a label: ${ofLetters}`,
  like(`^${qualified()}$`),
  shortDomain,
)
export const annotationKey = form(
  `not one for an annotation: ${ofLetters}`,
  like(`^${qualified('A-Za-z')}$`),
  shortDomain,
)
export const labelValue = form(
  'not one for a label: use at most 63 letters, digits, "-", "_" and "."',
  like(`^(${name})?$`),
)

/** A field that a variable may take from its pod. */
export const podField = form(
  "a variable can have metadata.name, metadata.namespace, metadata.uid, metadata.labels['KEY'], metadata.annotations['KEY'], spec.nodeName, spec.serviceAccountName, status.hostIP, status.hostIPs, status.podIP and status.podIPs",
  like(
    `^(metadata\\.(name|namespace|uid|labels\\['${qualified()}'\\]|annotations\\['${qualified('A-Za-z')}'\\])|spec\\.(nodeName|serviceAccountName)|status\\.(hostIP|podIP)s?)$`,
  ),
)
/** A resource that a variable may take from its container. */
export const containerResource = form(
  'a variable can have the limits and requests of the container, such as limits.memory: of cpu, memory, ephemeral-storage and hugepages-SIZE',
  like('^(limits|requests)\\.(cpu|memory|ephemeral-storage|hugepages-.+)$'),
)

export const configKey = form(
  'a key has letters, digits, "-", "_" and "." only, and does not start with ".."',
  like('^[-._a-zA-Z0-9]+$'),
  unlike('^\\.(\\.|$)'),
)

const inside = 'has no "/" at its start, and no ".." as a part'
const outside = '^/|(^|/)\\.\\.(/|$)'
export const volumePath = form(`a path in the volume ${inside}`, unlike(outside))
export const filePath = form(
  `a file in the volume ${inside} or at its start`,
  unlike(`${outside}|^\\.\\.`),
)
export const profilePath = form(
  `a profile is a file in the folder that the kubelet has for them: its path ${inside}`,
  unlike(outside),
)

const ofNames = 'only, and starts and ends with a letter or digit'
export const objectName = form(
  `a name has lower-case letters, digits, "-" and "." ${ofNames}`,
  like(`^${domain()}$`),
)
export const optionalName = form(objectName.words, like(`^(${domain()})?$`))
export const peerName = form(
  'a name has letters, digits, "-", "_" and "." only, at most 63, and starts and ends with a letter or digit',
  like(`^${name}$`),
)
export const namespaceName = form(
  `a name has lower-case letters, digits and "-" ${ofNames}`,
  like(`^${label()}$`),
)

export const hostName = form(
  'a host is a name, not an address: lower-case letters, digits, "-" and ".", and at most a "*." before it',
  like(`^(\\*\\.)?${domain()}$`),
  unlike('^[0-9]+(\\.[0-9]+){3}$'),
)

export const variablePrefix = form(
  'a prefix has letters, digits and signs of ASCII, and no "="',
  like('^[ -<>-~]*$'),
)

/** The highest number that a user or a group may have. */
export const idMaximum = 2_147_483_647
export const idWords = `an id is at most ${idMaximum}`

/** What can be a part of a path of the API, such as the name of a metric. */
export const pathPart = form(
  'a name here has no "/" and no "%" in it, and is not "." or ".."',
  unlike('[/%]|^\\.\\.?$'),
)
export const versionOfKind = form(
  'a version is written as GROUP/VERSION, or as VERSION',
  unlike('/.*/'),
)
export const containerName = form(
  `a container has a name of lower-case letters, digits and "-" ${ofNames}`,
  like(`^${label()}$`),
)
export const measuredResource = form(
  'the resource of a container is cpu, memory, ephemeral-storage or hugepages-SIZE, or has a domain and a "/" before it',
  like(`^(cpu|memory|ephemeral-storage|hugepages-${label('A-Za-z')}|${domain()}/${name})$`),
)

/** A path of a URL to be matched as it is or as a prefix. */
export const plainPath = form(
  'a path has none of //, /./, /../ and %2F in it, and does not end with /.. or /., unless pathType is ImplementationSpecific',
  unlike('//|/\\.\\.?(/|$)|%2[fF]'),
)
