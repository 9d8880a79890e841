/** Scalars by the rules of go-yaml 2, which kubectl uses (resolve.go and decode.go). */

/** The type of a plain scalar, and its value. */
export interface PlainScalar {
  kind: 'null' | 'bool' | 'int' | 'float' | 'str'
  value: unknown
  /** The scalar as a key, if that differs from the value. Null if it cannot be a key. */
  asKey?: string | null
}

const words = new Map<string, PlainScalar>([
  ...wordsFor('null', null, ['', '~', 'null', 'Null', 'NULL']),
  ...wordsFor('bool', true, ['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE']),
  ...wordsFor('bool', true, ['on', 'On', 'ON']),
  ...wordsFor('bool', false, ['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE']),
  ...wordsFor('bool', false, ['off', 'Off', 'OFF']),
  ...wordsFor('float', NaN, ['.nan', '.NaN', '.NAN']),
  ...wordsFor('float', Infinity, ['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF']),
  ...wordsFor('float', -Infinity, ['-.inf', '-.Inf', '-.INF']),
])

function wordsFor(
  kind: PlainScalar['kind'],
  value: unknown,
  names: string[],
): Array<[string, PlainScalar]> {
  const scalar = { kind, value, ...(typeof value === 'number' && { asKey: floatKey(value) }) }
  return names.map((name) => [name, scalar])
}

/** Reads a scalar without quotes. */
export function plainScalar(text: string): PlainScalar {
  const word = words.get(text)
  if (word !== undefined) return word
  const asText: PlainScalar = { kind: 'str', value: text }
  if (text.startsWith('.')) {
    return /^\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+(_[0-9]+)*)?$/.test(text)
      ? float(text.replaceAll('_', ''), asText)
      : asText
  }
  // A time stays text.
  if (!/^[-+0-9]/.test(text) || isTimestamp(text)) return asText
  const digits = text.replaceAll('_', '')
  return (
    integer(digits) ??
    (/^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/.test(digits)
      ? float(digits, asText)
      : asText)
  )
}

/** Reads a scalar with a tag of YAML. Undefined if the text does not have that type. */
export function taggedScalar(tag: string, text: string): PlainScalar | undefined {
  const scalar = plainScalar(text)
  if (tag === `!!${scalar.kind}`) return scalar
  if (tag === '!!timestamp' && isTimestamp(text)) return scalar
  const isSmallInteger = scalar.kind === 'int' && scalar.asKey !== null
  if (tag !== '!!float' || !isSmallInteger) return undefined
  return { ...scalar, asKey: floatKey(Number(scalar.value)) }
}

/** An integer of at most 64 bits. From 2^63 it is unsigned in Go, and cannot be a key. */
function integer(text: string): PlainScalar | undefined {
  const value = goInteger(text)
  if (value === undefined || value < -(2n ** 63n) || value >= 2n ** 64n) return undefined
  if (value < 2n ** 63n) return { kind: 'int', value: Number(value), asKey: String(value) }
  return /^\d/.test(text) ? { kind: 'int', value: Number(value), asKey: null } : undefined
}

/** The digits of an integer by its prefix in lower case. */
const integerDigits: Record<string, RegExp> = {
  '': /^[0-9]+$/,
  '0x': /^[0-9a-f]+$/i,
  '0b': /^[01]+$/,
  '0o': /^[0-7]+$/,
}

/** Reads an integer like Go's strconv.ParseInt with base 0. */
function goInteger(text: string): bigint | undefined {
  // After the prefix 0b, go-yaml also accepts a sign, as in 0b-1.
  const signed = /^0b([-+][01]+)$/.exec(text)?.[1]
  if (signed !== undefined) return goInteger(signed.replace(/\d/, '0b$&'))
  const [, sign, prefix = '', digits = ''] =
    /^([-+]?)(0[xXbBoO]|0(?=[0-9a-zA-Z]))?(\w+)$/.exec(text) ?? []
  // A leading zero means octal.
  const base = prefix === '0' ? '0o' : prefix.toLowerCase()
  if (integerDigits[base]?.test(digits) !== true) return undefined
  const size = BigInt(`${base}${digits}`)
  return sign === '-' ? -size : size
}

/** A float. A number that is too large is text. */
function float(text: string, asText: PlainScalar): PlainScalar {
  const value = Number(text)
  return Number.isFinite(value) ? { kind: 'float', value, asKey: floatKey(value) } : asText
}

/** A float as a key: Go's %g with a precision of 32 bits. */
function floatKey(value: number): string {
  const single = Math.fround(value)
  if (Number.isNaN(single)) return '.nan'
  if (!Number.isFinite(single)) return single > 0 ? '.inf' : '-.inf'
  const digits =
    [0, 1, 2, 3, 4, 5, 6, 7].find(
      (digits) => Math.fround(Number(single.toExponential(digits))) === single,
    ) ?? 8
  const [mantissa = '', exponent = ''] = single.toExponential(digits).split('e')
  const power = Number(exponent)
  if (power >= -4 && power < 6) {
    const sign = Object.is(single, -0) ? '-' : ''
    return sign + single.toFixed(Math.max(0, digits - power))
  }
  const sign = power < 0 ? '-' : '+'
  return `${mantissa}e${sign}${String(Math.abs(power)).padStart(2, '0')}`
}

const day = '(\\d{4})-(\\d{1,2})-(\\d{1,2})'
const timeOfDay = '(\\d{1,2}):(\\d{1,2}):(\\d{1,2})(?:[.,]\\d+)?'
/** A time after a T has a zone. A time after a blank has none. */
const timestamps = [
  `^${day}$`,
  `^${day} ${timeOfDay}$`,
  `^${day}[Tt]${timeOfDay}(?:Z|[-+]\\d\\d:\\d\\d)$`,
].map((pattern) => new RegExp(pattern))

function isTimestamp(text: string): boolean {
  const [, year, month, day, hour = '0', minute = '0', second = '0'] =
    timestamps.map((pattern) => pattern.exec(text)).find((match) => match !== null) ?? []
  if (year === undefined) return false
  const date = new Date(Date.UTC(2000, Number(month) - 1, Number(day)))
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  return (
    date.getUTCMonth() === Number(month) - 1 &&
    date.getUTCDate() === Number(day) &&
    Number(hour) < 24 &&
    Number(minute) < 60 &&
    Number(second) < 60
  )
}

/** The code of a character in hexadecimal, such as 2028. */
export const codePointText = (character: string) =>
  character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')
