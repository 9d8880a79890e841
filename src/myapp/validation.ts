import type { ErrorObject } from 'ajv'
import { envMaxCharacters, type MyAppSpec, nameMaxLength, namePattern } from './schema.ts'
import type { Parent } from './request.ts'
import { specValidator } from './validators.ts'

/** A spec that can be acted on, or the sentence that says why it can't. */
export type Validated = { spec: MyAppSpec } | { problem: string }

/**
 * Judges the name and the spec of a MyApp by the rules of the CRD. The API server applies them first, but an older CRD or
 * an edit of the stored object can let others in. The sentence names the field, the bound and the value; the value of
 * an environment variable is never in it, since it can be a secret.
 */
export function validate (parent: Parent): Validated {
  const { name } = parent.metadata
  if (name.length > nameMaxLength || !new RegExp(namePattern).test(name)) {
    return { problem: `metadata.name: ${JSON.stringify(name)} cannot name a Service: use at most ${nameMaxLength} lower-case letters, digits and "-", starting with a letter and not ending with "-"` }
  }
  const spec = parent.spec
  if (spec === undefined) return { problem: 'spec: it is missing' }
  if (!specValidator(spec)) return { problem: sentence(specValidator.errors?.[0], spec) }
  const problem = envProblem(spec.env ?? []) ?? contradiction(spec)
  return problem === undefined ? { spec } : { problem }
}

/** What fits the schema field by field and not as a whole. */
function contradiction (spec: MyAppSpec): string | undefined {
  const { env = [], podSecurity, securityContext, containerSecurityContext, expose, ingress, gateway, minReadySeconds = 0, progressDeadlineSeconds = 600, autoscaling, strategy } = spec
  const both = env.findIndex(({ value, valueFrom }) => value && valueFrom)
  if (both >= 0) return `spec.env[${both}]: value and valueFrom are both given`
  if ((securityContext || containerSecurityContext) && podSecurity !== 'Custom') return 'spec.podSecurity: securityContext and containerSecurityContext go with podSecurity Custom only'
  if (expose === false && (ingress || gateway)) return 'spec.expose: ingress and gateway need a Service, and expose is false'
  if (minReadySeconds >= progressDeadlineSeconds) return `spec.minReadySeconds: ${minReadySeconds} is not less than progressDeadlineSeconds, ${progressDeadlineSeconds}`
  if (autoscaling && (autoscaling.minReplicas ?? 1) > autoscaling.maxReplicas) return `spec.autoscaling.minReplicas: ${autoscaling.minReplicas} is more than maxReplicas, ${autoscaling.maxReplicas}`
  const metric = autoscaling?.metrics?.findIndex(({ type, ...sources }) => Object.keys(sources).join() !== type.charAt(0).toLowerCase() + type.slice(1)) ?? -1
  if (metric >= 0) return `spec.autoscaling.metrics[${metric}]: the field that type names is to be given, and no other`
  if (strategy?.rollingUpdate && strategy.type !== 'RollingUpdate') return 'spec.strategy.rollingUpdate: it goes with type RollingUpdate only'
  return undefined
}

function envProblem (env: NonNullable<MyAppSpec['env']>): string | undefined {
  const names = new Set<string>()
  for (const [index, { name }] of env.entries()) {
    if (names.has(name)) return `spec.env[${index}].name: ${JSON.stringify(name)} is there twice`
    names.add(name)
  }
  const characters = env.reduce((sum, { name, value = '' }) => sum + [...name].length + [...value].length, 0)
  if (characters > envMaxCharacters) return `spec.env: names and values have ${characters} characters in all, more than the ${envMaxCharacters} that fit`
  return undefined
}

/** The words for what Ajv found: `spec.replicas: 500 is more than the maximum of 100`. */
function sentence (error: ErrorObject | undefined, spec: unknown): string {
  if (error === undefined) return 'spec: it is not valid'
  const path = error.instancePath.split('/').slice(1)
  const value = path.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], spec)
  return `spec${path.map((key) => /^\d+$/.test(key) ? `[${key}]` : `.${key}`).join('')}: ${finding(error, path, value)}`
}

function finding ({ keyword, params, message }: ErrorObject, path: string[], value: unknown): string {
  const shown = show(path, value)
  switch (keyword) {
    case 'required': return `${params.missingProperty} is missing`
    case 'additionalProperties': return `${JSON.stringify(params.additionalProperty)} is not a field of it`
    case 'oneOf': return 'exactly one kind of source or check is to be given'
    case 'enum': return `${shown} is not one of ${params.allowedValues.join(', ')}`
    case 'type': return `${shown} is not of type ${params.type}`
    case 'minimum': return `${shown} is less than the minimum of ${params.limit}`
    case 'maximum': return `${shown} is more than the maximum of ${params.limit}`
    case 'minLength': return 'it is empty'
    case 'maxLength': return `it has ${[...String(value)].length} characters, more than the maximum of ${params.limit}`
    case 'maxItems': return `it has ${(value as unknown[]).length} items, more than the maximum of ${params.limit}`
    case 'pattern': return `${shown} does not match ${params.pattern}`
    default: return `${shown} ${message}`
  }
}

/** The fields whose values may be shown; of any other a value could hold a secret, and only its kind is told. */
const shownFields = ['image', 'replicas', 'port', 'name', 'imagePullPolicy', 'podSecurity', 'type', 'minReplicas', 'maxReplicas']

function show (path: string[], value: unknown): string {
  if (typeof value !== 'object' && shownFields.includes(path.at(-1) ?? '')) return JSON.stringify(value)
  return Array.isArray(value) ? 'a list' : value === null ? 'null' : typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
