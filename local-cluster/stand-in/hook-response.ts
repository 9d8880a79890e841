import { Float, parseJson } from './json.ts'
import { type Fields, isFields, type KubeObject } from './objects.ts'
import type { RelatedResourceRule } from './related.ts'

/** The answer of a sync or finalize hook. */
export interface CompositeResponse {
  status: Fields
  children: KubeObject[]
  resyncAfterSeconds: number
  finalized: boolean
}

/** An answer that crashes the real Metacontroller. */
export class FatalResponse extends Error {}

/**
 * Reads the answer of a sync or finalize hook as Metacontroller does: an unknown field is an error,
 * but `{}` and `null` mean no status and no children.
 */
export function parseCompositeResponse(body: string): CompositeResponse {
  const { status, children, resyncAfterSeconds, finalized } = parseResponse(body, {
    status: 'an object',
    children: 'a list',
    resyncAfterSeconds: 'a number',
    finalized: 'true or false',
  })
  return {
    status: (status ?? {}) as Fields,
    children: items('children', children).map(child),
    resyncAfterSeconds: Number(resyncAfterSeconds ?? 0),
    finalized: Boolean(finalized),
  }
}

/** Reads the answer of a customize hook. */
export function parseCustomizeResponse(body: string): RelatedResourceRule[] {
  const { relatedResources } = parseResponse(body, { relatedResources: 'a list' })
  return items('relatedResources', relatedResources).map(rule)
}

const checks = {
  'an object': isFields,
  'a list': Array.isArray,
  'a number': (value: unknown) => typeof value === 'number' || value instanceof Float,
  'true or false': (value: unknown) => typeof value === 'boolean',
}

function parseResponse(body: string, fields: Record<string, keyof typeof checks>): Fields {
  let response: unknown
  try {
    response = parseJson(body) ?? {}
  } catch (error) {
    throw unreadable((error as Error).message)
  }
  if (!isFields(response)) throw unreadable('it is not an object')
  checkUnknown(response, Object.keys(fields))
  for (const [field, expected] of Object.entries(fields)) {
    const value = response[field] ?? undefined
    if (value !== undefined && !checks[expected](value)) {
      throw unreadable(`${field} is not ${expected}`)
    }
  }
  return response
}

const unreadable = (problem: string) => new Error(`can't unmarshal webhookResponse: ${problem}`)

function checkUnknown(value: Fields, known: string[], prefix = ''): void {
  const unknown = Object.keys(value).filter((field) => !known.includes(field))
  if (unknown.length === 0) return
  const problems = unknown.map((field) => `unknown field "${prefix}${field}"`).join(', ')
  throw new Error(`strict validation failed for webhookResponse: ${problems}`)
}

/** The items of a list of objects. An absent list is empty. */
function items(field: string, list: unknown): Fields[] {
  return ((list ?? []) as unknown[]).map((item) => {
    if (item === null) {
      throw new FatalResponse(`the hook answered ${field}: [null], which crashes Metacontroller`)
    }
    if (!isFields(item)) throw unreadable(`an item of ${field} is not an object`)
    return item
  })
}

function child(value: Fields): KubeObject {
  if (typeof value.kind !== 'string' || value.kind === '') {
    throw unreadable(`Object 'Kind' is missing in '${JSON.stringify(value)}'`)
  }
  const metadata = isFields(value.metadata) ? { ...value.metadata } : {}
  return { apiVersion: '', ...value, metadata } as KubeObject
}

const ruleFields = 'apiVersion resource labelSelector namespace namespaceSelector names'.split(' ')

function rule(value: Fields): RelatedResourceRule {
  checkUnknown(value, ruleFields, 'relatedResources.')
  return value as unknown as RelatedResourceRule
}
