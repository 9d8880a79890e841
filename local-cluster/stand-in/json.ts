import { isFields } from './kube-object.ts'

/**
 * A number that was written with a fraction or an exponent. Metacontroller tells `3.0` from `3`
 * when it compares, though it writes both as `3`; that difference shows as a write at every sync.
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

/** Not in a text such as `nginx:1.29`, which would have most objects read the slow way. */
const perhapsFloat = /(?:"\s*:|[[,])\s*-?\d+[.eE]/

type SourceReviver = (key: string, value: unknown, context: { source?: string }) => unknown
const parseWithSource = JSON.parse as (text: string, reviver: SourceReviver) => unknown

/** Like JSON.parse, but keeps apart integers (numbers) and floats (Float). */
export function parseJson(text: string): unknown {
  if (!perhapsFloat.test(text)) return JSON.parse(text)
  return parseWithSource(text, (_key, value, { source }) =>
    typeof value === 'number' && /[.eE]/.test(source ?? '') ? new Float(value) : value,
  )
}

/** A copy that shares nothing with the original. */
export function clone<T>(value: T): T {
  if (Array.isArray(value)) return value.map(clone) as T
  if (!isFields(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, clone(item)])) as T
}

/** Equality as Metacontroller means it: absent, null and empty all differ, and so do 3 and 3.0. */
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

/** JSON with its keys sorted and HTML escaped, byte for byte what Go's encoder writes. */
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
