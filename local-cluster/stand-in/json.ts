import { isFields } from './objects.ts'

/**
 * A number with a fraction or an exponent in its text. Metacontroller does not treat `3.0` and `3`
 * as equal but writes both as `3`, so such a field is written at every sync.
 */
export class Float {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }

  toJSON(): number {
    return this.value
  }

  toString(): string {
    return String(this.value)
  }
}

/** Does not match a text such as `nginx:1.29`, so that most objects are read the fast way. */
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
    typeof value === 'number' && Number.isInteger(value) && /[.eE]/.test(source ?? '')
      ? new Float(value)
      : value,
  )
}

/** A copy that shares nothing with the original. */
export function clone<T>(value: T): T {
  if (Array.isArray(value)) return value.map(clone) as T
  if (!isFields(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, clone(item)])) as T
}

/** Equality in Metacontroller: absent, null and empty differ, and so do 3 and 3.0. */
export function deepEqual(left: unknown, right: unknown): boolean {
  if (left instanceof Float && right instanceof Float) return left.value === right.value
  if (Array.isArray(left) && Array.isArray(right)) {
    return (
      left.length === right.length && left.every((item, index) => deepEqual(item, right[index]))
    )
  }
  if (isFields(left) && isFields(right)) {
    const keys = Object.keys(left)
    return (
      keys.length === Object.keys(right).length &&
      keys.every((key) => Object.hasOwn(right, key) && deepEqual(left[key], right[key]))
    )
  }
  return left === right
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
