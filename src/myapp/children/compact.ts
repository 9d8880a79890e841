/** The fields of an object, where optional ones may also be undefined. */
type Loose<Fields> = {
  [Name in keyof Fields]: object extends Pick<Fields, Name>
    ? Fields[Name] | undefined
    : Fields[Name]
}

declare const isCompact: unique symbol
/** An object that `compact` created. */
export type Compact<Fields extends object> = Fields & { readonly [isCompact]: true }

/**
 * An object without undefined values, empty lists, empty objects and empty strings. The API server
 * would not store most of them. A false or a zero stays, because the API server stores it in some
 * fields. Name the type of the object, as in `compact<V1Container>({ … })`, so that a misspelled
 * field does not compile.
 */
export function compact<Fields extends object = never>(
  fields: Loose<NoInfer<Fields>>,
): Compact<Fields> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => !isEmpty(value)),
  ) as Compact<Fields>
}

const isEmpty = (value: unknown) =>
  value === undefined ||
  value === '' ||
  (typeof value === 'object' && value !== null && Object.keys(value).length === 0)

/**
 * Removes empty lists and objects from a value, at any depth. An empty label selector stays,
 * because it selects everything. An empty `preference` stays, because the API server requires the
 * field.
 */
export function withoutEmptyParts<Value>(value: Value): Value {
  return prune(value) as Value
}

function prune(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(prune)
  if (typeof value !== 'object' || value === null) return value
  const parts = Object.entries(value).map(([key, part]) => [key, prune(part)] as const)
  return Object.fromEntries(
    parts.filter(([key, part]) => isSelector(key) || typeof part !== 'object' || !isEmpty(part)),
  )
}

const isSelector = (key: string) => key.endsWith('elector') || key === 'preference'
