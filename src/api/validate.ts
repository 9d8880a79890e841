import type { ErrorObject, ValidateFunction } from 'ajv'
import { wordsOf } from './formats.ts'
import { brokenRules, type Problem } from './cross-field.ts'
import { type MyAppSpec, nameMaxLength, namePattern } from './myapp.ts'
import { alternatives, alternativesWords } from './fields.ts'

/** All that is wrong with the name and the spec of a MyApp, as far as the given validator of the spec goes on after the first. */
export function problems(
  name: string,
  spec: unknown,
  isValid: ValidateFunction<MyAppSpec>,
): Problem[] {
  const isName = name.length <= nameMaxLength && new RegExp(namePattern).test(name)
  return [
    ...(isName
      ? []
      : [
          {
            path: ['metadata', 'name'],
            message: `${JSON.stringify(name)} cannot name a Service: use at most ${nameMaxLength} lower-case letters, digits and "-", starting with a letter and not ending with "-"`,
          },
        ]),
    ...(spec === undefined
      ? [{ path: ['spec'], message: 'it is missing' }]
      : isValid(spec)
        ? brokenRules(spec)
        : mistakes(isValid.errors ?? [], spec)),
  ]
}

/** The whole sentence: `spec.replicas: 500 is more than the maximum of 100`. */
export const sentence = ({ path, message }: Problem) =>
  path.length === 0 ? message : `${pathText(path)}: ${message}`

const pathText = (path: Problem['path']) =>
  path
    .map((key, index) =>
      typeof key === 'number'
        ? `[${key}]`
        : /^[\w-]+$/.test(key)
          ? `${index === 0 ? '' : '.'}${key}`
          : `[${JSON.stringify(key)}]`,
    )
    .join('')

/** Ajv's findings in words. Of alternatives it finds each one wrong, where the choice of them, or what is meant, is what there is to say. */
function mistakes(errors: ErrorObject[], spec: unknown): Problem[] {
  const isOfAlternative = ({ schemaPath }: ErrorObject) => /\/(anyOf|oneOf)\/\d+\//.test(schemaPath)
  const [ofAlternatives, others] = [
    errors.filter(isOfAlternative),
    errors.filter((error) => !isOfAlternative(error)),
  ]
  const isOfWrongType = (path: string) =>
    others.some(({ instancePath, keyword }) => keyword === 'type' && instancePath === path)
  return others
    .filter(({ keyword, instancePath }) => keyword !== 'enum' || !isOfWrongType(instancePath))
    .map((error) => {
      const meant =
        error.keyword === 'anyOf'
          ? ofAlternatives.find(
              ({ instancePath, keyword }) =>
                instancePath === error.instancePath && keyword !== 'type',
            )
          : undefined
      return mistake(meant ?? error, spec)
    })
}

function mistake(error: ErrorObject, spec: unknown): Problem {
  const path: Problem['path'] = ['spec']
  let value = spec
  for (const step of error.instancePath.split('/').slice(1)) {
    const key = Array.isArray(value)
      ? Number(step)
      : step.replaceAll('~1', '/').replaceAll('~0', '~')
    path.push(key)
    value = (value as Record<string | number, unknown>)[key]
  }
  return {
    path,
    message: finding(error, path, value),
    ...(error.keyword === 'additionalProperties' && { stray: error.params.additionalProperty }),
  }
}

function finding(
  { keyword, params, message }: ErrorObject,
  path: Problem['path'],
  value: unknown,
): string {
  const shown = show(path, value, keyword)
  switch (keyword) {
    case 'required':
      return `${params.missingProperty} is missing`
    case 'additionalProperties':
      return `${JSON.stringify(params.additionalProperty)} is not a field of it`
    case 'oneOf':
      return alternativesWords(
        alternatives[path.findLast((step) => Object.hasOwn(alternatives, step)) ?? ''] ?? [],
      )
    case 'anyOf':
      return `${shown} is neither an integer nor a string`
    case 'enum':
      return `${shown} is not one of ${params.allowedValues.join(', ')}`
    case 'type':
      return `${shown} is not of type ${params.type}${remedy(params.type, value)}`
    case 'minimum':
      return `${shown} is less than the minimum of ${params.limit}`
    case 'maximum':
      return `${shown} is more than the maximum of ${params.limit}`
    case 'minLength':
      return 'it is empty'
    case 'maxLength':
      return `it has ${[...String(value)].length} characters, more than the maximum of ${params.limit}`
    case 'minItems':
      return 'it is empty'
    case 'maxItems':
      return `it has ${(value as unknown[]).length} items, more than the maximum of ${params.limit}`
    case 'pattern':
      return `${shown} is ${wordsOf(params.pattern) ?? `not of the form ${params.pattern}`}`
    default:
      return `${shown} ${message}`
  }
}

/** What to do where YAML makes another type of a value than was meant. */
function remedy(wanted: string, value: unknown): string {
  if (wanted === 'string' && ['number', 'boolean'].includes(typeof value)) {
    return ': put it in quotes'
  }
  return wanted === 'array' && ['string', 'number', 'boolean'].includes(typeof value)
    ? ': write it as a list'
    : ''
}

/** Where a value could be a secret, or a part of one, whatever its type: only that is told. */
const hidden: Array<string | number> = [
  'value',
  'command',
  'args',
  'annotations',
  'podAnnotations',
  'podLabels',
  'nodeSelector',
  'matchLabels',
]

/** The fields whose texts may be shown; of any other a text is shown only where it should have been one of a few words. */
const shownTexts: Array<string | number | undefined> = [
  'image',
  'replicas',
  'port',
  'name',
  'minReplicas',
  'maxReplicas',
  'cpu',
  'memory',
  'ephemeral-storage',
  'sizeLimit',
  'divisor',
  'averageValue',
  'maxSurge',
  'maxUnavailable',
  'minAvailable',
]

function show(path: Problem['path'], value: unknown, keyword: string): string {
  const isText =
    typeof value === 'string' && (shownTexts.includes(path.at(-1)) || keyword === 'enum')
  if (
    (isText || typeof value === 'number' || typeof value === 'boolean') &&
    !path.some((step) => hidden.includes(step))
  ) {
    return JSON.stringify(value)
  }
  return Array.isArray(value)
    ? 'a list'
    : value === null
      ? 'null'
      : typeof value === 'object'
        ? 'an object'
        : `a ${typeof value}`
}
