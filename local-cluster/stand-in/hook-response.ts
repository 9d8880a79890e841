import { Float, parseJson } from './json.ts'
import { type Fields, type KubeObject, isFields } from './kube-object.ts'
import { type RelatedResourceRule } from './related.ts'

/** What a sync or finalize hook answered. */
export interface CompositeResponse {
  status: Fields
  children: KubeObject[]
  resyncAfterSeconds: number
  finalized: boolean
}

/** The hook gave an answer that makes the real Metacontroller crash. */
export class FatalResponse extends Error {}

/**
 * Reads the answer of a sync or finalize hook as strictly, and as trustingly, as Metacontroller:
 * an unknown field is an error, but `{}` and `null` mean no status and no children.
 */
export function parseCompositeResponse(body: string): CompositeResponse {
  const { status, children, resyncAfterSeconds, finalized } = parseResponse(body, [
    'status',
    'children',
    'resyncAfterSeconds',
    'finalized',
  ])
  return {
    status: optional(status, isFields, 'status', 'an object') ?? {},
    children: (optional(children, Array.isArray, 'children', 'a list') ?? []).map(child),
    resyncAfterSeconds: Number(
      optional(resyncAfterSeconds, isNumber, 'resyncAfterSeconds', 'a number') ?? 0,
    ),
    finalized: optional(finalized, isBoolean, 'finalized', 'true or false') ?? false,
  }
}

/** Reads the answer of a customize hook. */
export function parseCustomizeResponse(body: string): RelatedResourceRule[] {
  const { relatedResources } = parseResponse(body, ['relatedResources'])
  return (optional(relatedResources, Array.isArray, 'relatedResources', 'a list') ?? []).map(rule)
}

function parseResponse(body: string, known: string[]): Fields {
  let response: unknown
  try {
    response = parseJson(body)
  } catch (error) {
    throw new Error(`can't unmarshal webhookResponse: ${(error as Error).message}`)
  }
  if (response === null) return {}
  if (!isFields(response)) throw new Error("can't unmarshal webhookResponse: it is not an object")
  const unknown = Object.keys(response).filter((field) => !known.includes(field))
  if (unknown.length > 0) {
    throw new Error(
      'strict validation failed for webhookResponse: ' +
        unknown.map((field) => `unknown field "${field}"`).join(', '),
    )
  }
  return response
}

function optional<T>(
  value: unknown,
  is: (value: unknown) => value is T,
  field: string,
  expected: string,
): T | undefined {
  if (value === undefined || value === null) return undefined
  if (!is(value)) throw new Error(`can't unmarshal webhookResponse: ${field} is not ${expected}`)
  return value
}

function isNumber(value: unknown): value is number | Float {
  return typeof value === 'number' || value instanceof Float
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean'
}

function child(value: unknown): KubeObject {
  if (value === null) {
    throw new FatalResponse('the hook answered children: [null], which crashes Metacontroller')
  }
  if (!isFields(value)) throw new Error("can't unmarshal webhookResponse: a child is not an object")
  if (typeof value.kind !== 'string' || value.kind === '') {
    throw new Error(
      `can't unmarshal webhookResponse: Object 'Kind' is missing in '${JSON.stringify(value)}'`,
    )
  }
  return {
    apiVersion: '',
    ...value,
    kind: value.kind,
    metadata: { ...(isFields(value.metadata) && value.metadata) } as KubeObject['metadata'],
  }
}

const ruleFields = [
  'apiVersion',
  'resource',
  'labelSelector',
  'namespace',
  'namespaceSelector',
  'names',
]

function rule(value: unknown): RelatedResourceRule {
  if (value === null) {
    throw new FatalResponse(
      'the hook answered relatedResources: [null], which crashes Metacontroller',
    )
  }
  if (!isFields(value)) {
    throw new Error("can't unmarshal webhookResponse: a related rule is not an object")
  }
  const unknown = Object.keys(value).find((field) => !ruleFields.includes(field))
  if (unknown !== undefined) {
    throw new Error(
      `strict validation failed for webhookResponse: unknown field "relatedResources.${unknown}"`,
    )
  }
  return value as unknown as RelatedResourceRule
}
