import { isFields } from './objects.ts'

/**
 * An integer that is written as a float. Metacontroller does not treat `3.0` and `3` as equal but
 * writes both as `3`, so such a field is written at every sync.
 */
export class Float extends Number {}

/** Does not match a text such as `nginx:1.29`. Objects without a match are parsed faster. */
const perhapsFloat = /(?:"\s*:|[[,])\s*-?\d+[.eE]/

type SourceReviver = (key: string, value: unknown, context: { source?: string }) => unknown
const parseWithSource = JSON.parse as (text: string, reviver: SourceReviver) => unknown

/**
 * Like JSON.parse, but an integer that is written as a float becomes a Float. API servers write no
 * such numbers.
 */
export function parseJson(text: string): unknown {
  if (!perhapsFloat.test(text)) return JSON.parse(text)
  return parseWithSource(text, (_key, value, { source }) =>
    Number.isInteger(value) && /[.eE]/.test(source ?? '') ? new Float(value) : value,
  )
}

/** JSON with sorted keys and escaped HTML: the bytes of Go's encoder. */
export function canonicalJson(value: unknown): string {
  return marshal(value).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function marshal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(marshal).join(',')}]`
  if (!isFields(value)) return JSON.stringify(value)
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${marshal(value[key])}`)
  return `{${members.join(',')}}`
}
