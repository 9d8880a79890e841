import { isDeepStrictEqual } from 'node:util'

interface Rule {
  rule: string
  optionalOldSelf?: boolean
}

/** The compared keywords of a CRD schema. */
export interface CrdSchema {
  type?: string
  properties?: Record<string, CrdSchema>
  items?: CrdSchema
  additionalProperties?: CrdSchema
  required?: string[]
  enum?: unknown[]
  default?: unknown
  pattern?: string
  nullable?: boolean
  'x-kubernetes-validations'?: Rule[]
  [keyword: string]: unknown
}

interface Version {
  name: string
  served: boolean
  subresources?: object
  schema: { openAPIV3Schema: CrdSchema }
}
/** The compared fields of a CustomResourceDefinition. */
export interface Crd {
  spec: { group: string; scope: string; names: Record<string, unknown>; versions: Version[] }
}

/**
 * Describes in one sentence each change of a CRD that removes, narrows or redefines a field. A
 * first bound, or a rule without oldSelf, is allowed, because the API server applies it to new and
 * changed values only (CRD validation ratcheting).
 */
export function narrowings(before: Crd, after: Crd): string[] {
  const { group, scope, names } = before.spec
  return [
    ...(isDeepStrictEqual(
      { group, scope, plural: names['plural'], kind: names['kind'] },
      {
        group: after.spec.group,
        scope: after.spec.scope,
        plural: after.spec.names['plural'],
        kind: after.spec.names['kind'],
      },
    )
      ? []
      : ['the group, the scope, the plural or the kind changed']),
    ...before.spec.versions.flatMap((old) => {
      const fresh = after.spec.versions.find(({ name }) => name === old.name)
      if (fresh === undefined || (old.served && !fresh.served)) {
        return [`version ${old.name} is no longer served`]
      }
      const lost = Object.keys(old.subresources ?? {}).filter(
        (name) => !(name in (fresh.subresources ?? {})),
      )
      return [
        ...lost.map((name) => `version ${old.name} no longer has the subresource ${name}`),
        ...narrowed(old.schema.openAPIV3Schema, fresh.schema.openAPIV3Schema, ''),
      ]
    }),
  ]
}

/** Lower and upper bounds. */
const lower = ['minimum', 'minLength', 'minItems', 'minProperties']
const upper = ['maximum', 'maxLength', 'maxItems', 'maxProperties']
/** Keywords that must keep their values. */
const fixed = [
  'type',
  'default',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-int-or-string',
]
/** Keywords without effect on validation. */
const silent = ['title', 'description', 'example', 'externalDocs']
/** Keywords that this module understands. */
const understood = [
  ...lower,
  ...upper,
  ...fixed,
  ...silent,
  'nullable',
  'enum',
  'required',
  'properties',
  'items',
  'additionalProperties',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-validations',
]

function narrowed(before: CrdSchema, after: CrdSchema, path: string): string[] {
  const field = path === '' ? 'the MyApp' : path
  return [
    ...fixed.flatMap((keyword) =>
      isDeepStrictEqual(before[keyword], after[keyword])
        ? []
        : [`${field}: ${keyword} is ${shown(after[keyword])}, and was ${shown(before[keyword])}`],
    ),
    // Other keywords are not comparable: they may be removed, but not added or changed.
    ...Object.keys(after)
      .filter(
        (keyword) =>
          !understood.includes(keyword) &&
          after[keyword] !== undefined &&
          !isDeepStrictEqual(before[keyword], after[keyword]),
      )
      .map(
        (keyword) =>
          `${field}: ${keyword} is ${shown(after[keyword])}, and was ${shown(before[keyword])}`,
      ),
    ...lower.flatMap((keyword) => bound(before, after, keyword, field, (was, is) => is > was)),
    ...upper.flatMap((keyword) => bound(before, after, keyword, field, (was, is) => is < was)),
    ...(before.nullable && !after.nullable ? [`${field}: null is no longer allowed`] : []),
    ...(before['x-kubernetes-preserve-unknown-fields'] &&
    !after['x-kubernetes-preserve-unknown-fields']
      ? [`${field}: unknown fields are no longer kept`]
      : []),
    ...enumNarrowed(before, after, field),
    ...(after.required ?? [])
      .filter(
        (name) =>
          !before.required?.includes(name) && after.properties?.[name]?.default === undefined,
      )
      .map((name) => `${join(path, name)} is required now`),
    ...rulesAdded(before, after, field),
    ...parts(before, after, path),
  ]
}

const shown = (value: unknown) => (value === undefined ? 'not set' : JSON.stringify(value))
const join = (path: string, name: string) => (path === '' ? name : `${path}.${name}`)

function bound(
  before: CrdSchema,
  after: CrdSchema,
  keyword: string,
  field: string,
  isNarrower: (was: number, is: number) => boolean,
): string[] {
  const [was, is] = [before[keyword], after[keyword]] as [number | undefined, number | undefined]
  return is !== undefined && was !== undefined && isNarrower(was, is)
    ? [`${field}: ${keyword} is ${is}, and was ${shown(was)}`]
    : []
}

function enumNarrowed(before: CrdSchema, after: CrdSchema, field: string): string[] {
  if (after.enum === undefined) return []
  if (before.enum === undefined) return [`${field}: only ${after.enum.join(', ')} are allowed now`]
  return before.enum
    .filter((value) => !after.enum?.includes(value))
    .map((value) => `${field}: ${shown(value)} is no longer allowed`)
}

/** New rules with oldSelf. The API server does not ratchet them. */
function rulesAdded(before: CrdSchema, after: CrdSchema, field: string): string[] {
  const known = (before['x-kubernetes-validations'] ?? []).map(withoutMessage)
  return (after['x-kubernetes-validations'] ?? [])
    .filter(
      (rule) =>
        /\boldSelf\b/.test(rule.rule) &&
        !known.some((old) => isDeepStrictEqual(old, withoutMessage(rule))),
    )
    .map(({ rule }) => `${field} has a new rule with oldSelf, ${rule}`)
}

/** A rule without its message. */
const withoutMessage = ({ rule, optionalOldSelf = false }: Rule) => ({ rule, optionalOldSelf })

function parts(before: CrdSchema, after: CrdSchema, path: string): string[] {
  return [
    ...Object.entries(before.properties ?? {}).flatMap(([name, old]) => {
      const fresh = after.properties?.[name]
      return fresh === undefined
        ? [`${join(path, name)} is gone`]
        : narrowed(old, fresh, join(path, name))
    }),
    ...(before.items === undefined ? [] : narrowed(before.items, after.items ?? {}, `${path}[]`)),
    ...(before.additionalProperties === undefined
      ? []
      : narrowed(before.additionalProperties, after.additionalProperties ?? {}, `${path}{}`)),
  ]
}
