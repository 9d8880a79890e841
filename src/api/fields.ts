import Type, { type TProperties, type TSchema } from 'typebox'
import {
  amount,
  annotationKey,
  type Form,
  labelKey,
  labelValue,
  objectName,
  type PatternForm,
  podsOrShare,
} from './formats.ts'

/** What the schema of a MyApp is put together from: kinds of fields, and rules for them that the API server says in words. */

/** A field that may be left out. */
export const opt = Type.Optional
/** A text of a bounded length. */
export const text = (description: string, options: object = {}) =>
  Type.String({ description, maxLength: 4096, ...options })
/** True or false. */
export const flag = (description: string) => Type.Boolean({ description })
/** A number of seconds, of a day at most. */
export const seconds = (description: string, minimum = 0) =>
  Type.Integer({ description, format: 'int32', minimum, maximum: 86_400 })
/** One of some words. */
export const choice = <const Choices extends readonly string[]>(
  choices: Choices,
  description: string,
) => Type.Enum(choices, { type: 'string', description })
/** An object that has no other fields. */
export const object = <Properties extends TProperties>(
  description: string,
  properties: Properties,
  options: object = {},
) => Type.Object(properties, { description, additionalProperties: false, ...options })
/** A list of a bounded length. */
export const list = <Item extends TSchema>(
  description: string,
  items: Item,
  maxItems: number,
  options: object = {},
) => Type.Array(items, { description, maxItems, ...options })

/** Fields of which exactly one is given, by the field that they are in or below. */
export const alternatives: Record<string, string[]> = {
  valueFrom: ['secretKeyRef', 'configMapKeyRef', 'fieldRef', 'resourceFieldRef'],
  envFrom: ['configMapRef', 'secretRef'],
  probes: ['httpGet', 'tcpSocket', 'grpc', 'exec'],
  volumes: ['configMap', 'secret', 'emptyDir', 'persistentVolumeClaim'],
  disruption: ['maxUnavailable', 'minAvailable'],
}
export const alternativesWords = (fields: string[]) =>
  `exactly one of ${fields.join(', ')} is to be given`

/** The rule that exactly one of the fields in some place is given, for the API server in words and for the validator as it is. */
export function exactlyOne(place: keyof typeof alternatives) {
  const fields = alternatives[place] ?? []
  return {
    oneOf: fields.map((field) => ({ required: [field] })),
    'x-kubernetes-validations': [
      {
        rule: `[${fields.map((field) => `has(self.${field})`).join(', ')}].filter(given, given).size() == 1`,
        message: alternativesWords(fields),
      },
    ],
  }
}

/** A map of texts. */
export const strings = (description: string, rules: object[] = [], maxLength = 4096) =>
  Type.Record(Type.String(), Type.String({ maxLength }), {
    description,
    maxProperties: 64,
    ...(rules.length > 0 && { 'x-kubernetes-validations': rules }),
  })

/**
 * What a child may come to: the 256 KiB that all annotations of an object may have, less what Metacontroller and Kubernetes add.
 * The CRD counts characters, and refuses what can never fit; how many bytes they take shows in what is rendered.
 */
export const childMaxBytes = 262_144 - 512

/** A rule that came with a later version: it is for what is new or changed, and what is stored stands. */
export const laterRule = (rule: string, message: string) => ({
  rule: `oldSelf == optional.of(self) || (${rule})`,
  optionalOldSelf: true,
  message,
})

/** The rule that no two items of a list have the same value in a field. */
export const differIn = (field: string, message: string) =>
  laterRule(`self.all(one, self.exists_one(other, other.${field} == one.${field}))`, message)

/** The rule that a text has a form. */
export const ofForm = (form: Form) => ({
  'x-kubernetes-validations': [laterRule(form.rule('self'), form.words)],
})

/** The name of a field in CEL, where some characters and words mean something else. */
export const inCel = (field: string) =>
  field === 'namespace' ? '__namespace__' : field.replaceAll('-', '__dash__')

/** A rule for a field below an object, where each on the way to it may be missing. */
export function ifGiven(object: string, path: string, rule: (field: string) => string): string {
  const names = [object, ...path.split('.').map(inCel)]
  const missing = names
    .map((_, index) => `!has(${names.slice(0, index + 1).join('.')}) || `)
    .slice(1)
  return `(${missing.join('')}(${rule(names.join('.'))}))`
}

/** The rule that a field has a form in all of a list. A rule in the items would have nothing to compare with: the API server takes them as a whole. */
export const eachOfForm = (path: string, form: Form) =>
  laterRule(`self.all(one, ${ifGiven('one', path, form.rule)})`, `${path}: ${form.words}`)

/** A name that Kubernetes takes for the kind that is named. */
export const strictName = (description: string) =>
  text(description, { minLength: 1, maxLength: 253, ...ofForm(objectName) })

/** A pattern with its words, which editors show. */
export const patternOf = ({ pattern, words }: PatternForm) => ({
  pattern,
  patternErrorMessage: words,
})

/** The same, and the rule by which the API server says them; not for what is in the items of a list without keys. */
export const ofPattern = (form: PatternForm) => ({ ...patternOf(form), ...ofForm(form) })

const intOrString = (
  description: string,
  bounds: { minimum: number; maximum?: number },
  form: PatternForm,
  more: object,
  rules: object = {},
) =>
  Type.Union([Type.Integer(bounds), Type.String({ ...patternOf(form), ...more })], {
    description,
    'x-kubernetes-int-or-string': true,
    ...rules,
  })

/** The bounds of an integer or the form of a text, as a rule: what is either has no bounds in a CRD. */
const either = (bounds: string, form: PatternForm) => ({
  'x-kubernetes-validations': [
    laterRule(`type(self) == int ? ${bounds} : ${form.rule('self')}`, form.words),
  ],
})

/** A quantity as a number or as text, without a rule for it. */
export const bareQuantity = (description: string, rules?: object) =>
  intOrString(description, { minimum: 0 }, amount, { maxLength: 32 }, rules)
/** A quantity as a number or as text, with the rule for it. */
export const quantity = (description: string) =>
  bareQuantity(description, either('self >= 0', amount))

/** A number of pods, or a share of them such as 25%. */
export const podsOrPercent = (description: string) =>
  intOrString(
    description,
    { minimum: 0, maximum: 100 },
    podsOrShare,
    {},
    either('self >= 0 && self <= 100', podsOrShare),
  )

const keyRule = (form: Form) =>
  laterRule(`self.all(key, ${form.rule('key')})`, `a key is ${form.words}`)
const valueRule = laterRule(
  `self.all(key, ${labelValue.rule('self[key]')})`,
  `a value is ${labelValue.words}`,
)

export const Labels = (description: string) => strings(description, [keyRule(labelKey), valueRule])
/** Annotations that can have `maxCharacters` in all. */
export const Annotations = (description: string, maxCharacters: number, maxLength?: number) =>
  strings(
    description,
    [
      keyRule(annotationKey),
      laterRule(
        `self.map(key, size(key) + size(self[key])).sum() <= ${maxCharacters}`,
        `it has more than the ${maxCharacters} characters in all that can fit`,
      ),
    ],
    maxLength,
  )
