import Type, { type TProperties, type TSchema } from 'typebox'
import type { FormatName } from './formats.ts'

/**
 * The building blocks of the schema. Each bound and each format is written once. crd.ts converts
 * the schema for the API server, and ajv.ts for the hook and the command line.
 */

/** The largest value of an int32 field. */
export const int32Maximum = 2_147_483_647

/** An optional field. */
export const opt = Type.Optional

/** A string of a bounded length. */
export const text = (description: string, options: object = {}) =>
  Type.String({ description, maxLength: 4096, ...options })

/** A string of a named format. */
export const formatted = (format: FormatName, description: string, options: object = {}) =>
  text(description, { maxLength: 253, ...options, format })

/** True or false. */
export const flag = (description: string) => Type.Boolean({ description })

/** An int32 within bounds. */
export const integer = (description: string, minimum: number, maximum: number, options = {}) =>
  Type.Integer({ description, format: 'int32', minimum, maximum, ...options })

/** A number of seconds, at most a day. */
export const seconds = (description: string, minimum = 0) => integer(description, minimum, 86_400)

/** The number of a port. */
export const portNumber = (description: string, options = {}) =>
  integer(description, 1, 65_535, options)

/** One of several words. */
export const choice = <const Choices extends readonly string[]>(
  choices: Choices,
  description: string,
) => Type.Unsafe<Choices[number]>({ type: 'string', enum: choices, description })

/** An object with exactly these fields. */
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

/** A list that the API server merges by a key, which is unique. */
export const listByKey = <Item extends TSchema>(
  description: string,
  items: Item,
  maxItems: number,
  key: string,
  options: object = {},
) =>
  list(description, items, maxItems, {
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': [key],
    ...options,
  })

/**
 * A rule in CEL, checked by the API server. The hook checks the same with Ajv, in cross-field.ts or
 * in src/myapp/child-size.ts.
 */
export const rule = (cel: string, message: string) => ({ rule: cel, message })

/** The keyword for rules in CEL. */
export const rules = (...all: object[]) => ({ 'x-kubernetes-validations': all })

/** The rule that no two items of a list have the same value in a field. */
export const distinct = (field: string, message = `duplicate ${field}`) =>
  rule(`self.all(one, self.exists_one(other, other.${field} == one.${field}))`, message)

/** Exactly one of several fields must be set. */
export const exactlyOne = (...fields: string[]) => ({
  oneOf: fields.map((field) => ({ required: [field] })),
  ...rules(
    rule(
      `[${fields.map((field) => `has(self.${inCel(field)})`).join(', ')}].filter(set, ` +
        'set).size() == 1',
      exactlyOneMessage(fields),
    ),
  ),
})
export const exactlyOneMessage = (fields: string[]) =>
  `exactly one of ${fields.join(', ')} must be set`

/** At least one of several fields must be set. */
export const atLeastOne = (...fields: string[]) => ({
  anyOf: fields.map((field) => ({ required: [field] })),
  ...rules(
    rule(
      fields.map((field) => `has(self.${inCel(field)})`).join(' || '),
      atLeastOneMessage(fields),
    ),
  ),
})
export const atLeastOneMessage = (fields: string[]) =>
  fields.length === 1 ? `${fields.join()} is required` : `${fields.join(' or ')} must be set`

/** The name of a field in CEL, which reserves some words and characters. */
export const inCel = (field: string) =>
  field === 'namespace' ? '__namespace__' : field.replaceAll('-', '__dash__')

/**
 * Keeps the format of a value or of keys out of the CRD, so that only the hook and the command line
 * check it. The API server limits the estimated cost of all rules together.
 */
export const hookOnly = { 'x-hook-only': true }

interface MapOptions {
  key?: FormatName
  value?: object
  options?: object
}
/** A map of strings. */
export const map = (description: string, { key, value, options }: MapOptions = {}) =>
  Type.Unsafe<Record<string, string>>({
    type: 'object',
    description,
    maxProperties: 64,
    additionalProperties: { type: 'string', maxLength: 4096, ...value },
    ...(key && { propertyNames: { format: key } }),
    ...options,
  })

/** Labels of an object. */
export const labels = (description: string, options: object = {}) =>
  map(description, { key: 'labelKey', value: { format: 'labelValue', ...options }, options })

/**
 * The maximum size of a child. All annotations of an object may have 256 KiB, and Metacontroller
 * keeps a copy of the child in one of them. The CRD counts characters and refuses a spec that can
 * never fit. src/myapp/child-size.ts counts bytes.
 */
export const childMaxBytes = 262_144 - 512

/** Annotations with at most `maxCharacters` in total. */
export const annotations = (
  description: string,
  maxCharacters: number,
  maxLength = 4096,
  ...more: object[]
) =>
  map(description, {
    key: 'annotationKey',
    value: { maxLength },
    options: rules(
      rule(
        `self.map(key, size(key) + size(self[key])).sum() <= ${maxCharacters}`,
        `must have at most ${maxCharacters} characters in total`,
      ),
      ...more,
    ),
  })

/** The name of a Kubernetes object. */
export const objectName = (description: string) => formatted('objectName', description)

const intOrString = (
  description: string,
  bounds: { minimum: number; maximum?: number },
  format: FormatName,
  maxLength: number,
) =>
  Type.Unsafe<number | string>({
    description,
    'x-kubernetes-int-or-string': true,
    anyOf: [
      { type: 'integer', ...bounds },
      { type: 'string', format, maxLength },
    ],
  })

/** A quantity, as a number or a string. */
export const quantity = (description: string) =>
  intOrString(description, { minimum: 0 }, 'quantity', 32)

/** The longest name of a container port that Kubernetes accepts. */
const portNameMaxLength = 15

/** The name of a port. */
export const portName = (description: string) =>
  formatted('portName', description, { maxLength: portNameMaxLength })

/** The number of a port of the container, or the name of a port of the MyApp. */
export const portReference = (description: string) =>
  intOrString(description, { minimum: 1, maximum: 65_535 }, 'portNameOrNumber', portNameMaxLength)

/** A quantity of more than 0. */
export const positiveQuantity = (description: string) =>
  intOrString(description, { minimum: 1 }, 'positiveQuantity', 32)

/** A number of pods, or a percentage of them such as 25%. */
export const podsOrPercent = (description: string) =>
  intOrString(description, { minimum: 0, maximum: 100 }, 'podsOrPercent', 32)
