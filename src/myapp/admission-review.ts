import type { ValidateFunction } from 'ajv'
import { isDeepStrictEqual } from 'node:util'
import Type from 'typebox'
import { type Path, type Problem, sentence } from '../api/messages.ts'
import { apiVersion, kind, type MyAppSpec, type StoredMyApp } from '../api/myapp.ts'
import type { PlatformDefaults } from '../api/platform-defaults.ts'
import { validate } from '../api/validate.ts'
import { platformWarnings } from '../api/warnings.ts'
import { structureOf } from '../metacontroller/json.ts'
import { Identifier } from '../metacontroller/protocol.ts'
import { sizeProblems } from './child-size.ts'

const { Optional } = Type

/** The fields of an AdmissionReview of admission.k8s.io/v1 that the webhook reads. */
export const AdmissionReview = Type.Object({
  apiVersion: Type.Literal('admission.k8s.io/v1'),
  kind: Type.Literal('AdmissionReview'),
  request: Type.Object({
    uid: Identifier,
    operation: Type.Union([
      Type.Literal('CREATE'),
      Type.Literal('UPDATE'),
      Type.Literal('DELETE'),
      Type.Literal('CONNECT'),
    ]),
    name: Optional(Type.String({ maxLength: 253 })),
    namespace: Optional(Type.String({ maxLength: 253 })),
    subResource: Optional(Type.String({ maxLength: 253 })),
    dryRun: Optional(Type.Boolean()),
    object: Optional(Type.Unknown()),
    oldObject: Optional(Type.Unknown()),
  }),
})
export type AdmissionReview = Type.Static<typeof AdmissionReview>

/** The response to an AdmissionReview. */
export interface AdmissionResponse {
  uid: string
  allowed: boolean
  status?: { status: 'Failure'; reason: 'Invalid'; code: 422; message: string }
  /** Sentences that kubectl prints. */
  warnings?: string[]
}

/**
 * The largest number of warnings in one response. The API server drops warnings beyond a total of
 * 4096 characters.
 */
const maxWarnings = 20
/** The largest number of problems in one message. */
const maxProblems = 5
/**
 * An update of an invalid MyApp is checked for all problems, to find those that the stored spec
 * already has. These limits bound the time and memory. Beyond a limit, validation stops at the
 * first problem, as it does for every other write.
 */
const maxSpecLength = 64 * 1024
/**
 * The same for the characters `{ [ , :`, because each value can have a problem. Ajv copies all
 * problems for each list item with a problem, so its time is quadratic in their number.
 */
const maxSpecCharacters = 4096
const maxComparedProblems = 100

/** The part of a MyApp that the webhook reads. The API server has checked the rest. */
interface Candidate {
  metadata: { name: string; deletionTimestamp?: unknown }
  spec: unknown
}

/**
 * Decides about one write of a MyApp. Refuses a spec for which the status would be InvalidSpec, and
 * warns of a valid spec that will not work. Like the API server, it lets an update keep a problem
 * of the stored spec. It never blocks a deletion or an update of the metadata alone. It stores
 * nothing, so a dry run needs no special case.
 * @param allProblems loads a validator that does not stop at the first problem
 * @param defaults the platform's defaults: the warnings are about the MyApp with these defaults
 */
export async function review(
  {
    uid,
    operation,
    namespace = '',
    subResource = '',
    object,
    oldObject,
  }: AdmissionReview['request'],
  allProblems: () => Promise<ValidateFunction<StoredMyApp>>,
  defaults: PlatformDefaults | undefined,
): Promise<AdmissionResponse> {
  const myApp = candidateOf(object)
  const before = operation === 'UPDATE' ? candidateOf(oldObject) : undefined
  if (
    !['CREATE', 'UPDATE'].includes(operation) ||
    subResource !== '' ||
    myApp === undefined ||
    myApp.metadata.deletionTimestamp !== undefined ||
    (before !== undefined && isDeepStrictEqual(myApp.spec, before.spec))
  ) {
    return { uid, allowed: true }
  }
  let problems = problemsOf(myApp)
  let kept: Problem[] = []
  if (problems.length > 0 && before !== undefined && problemsOf(before).length > 0) {
    const validator = await validatorFor([myApp, before], allProblems)
    const known = new Set(problemsOf(before, validator).map((problem) => keyOf(problem, before)))
    const all = problemsOf(myApp, validator)
    kept = all.filter((problem) => known.has(keyOf(problem, myApp)))
    problems = all.filter((problem) => !kept.includes(problem))
  }
  if (problems.length > 0) {
    const message = firstOf(problems.map(sentence), maxProblems).join('; ')
    return {
      uid,
      allowed: false,
      status: { status: 'Failure', reason: 'Invalid', code: 422, message },
    }
  }
  const app = { name: myApp.metadata.name, namespace }
  const found = kept.length > 0 ? kept : platformWarnings(app, myApp.spec as MyAppSpec, defaults)
  return {
    uid,
    allowed: true,
    ...(found.length > 0 && { warnings: firstOf(found.map(sentence), maxWarnings) }),
  }
}

/** A MyApp to check; undefined for objects of other kinds. */
function candidateOf(object: unknown): Candidate | undefined {
  if (!isRecord(object) || object['apiVersion'] !== apiVersion || object['kind'] !== kind) {
    return undefined
  }
  const { metadata, spec } = object
  const { name, generateName, deletionTimestamp } = isRecord(metadata) ? metadata : {}
  return {
    metadata: {
      // With generateName the API server adds five characters.
      name:
        typeof name === 'string'
          ? name
          : `${typeof generateName === 'string' ? generateName : ''}xxxxx`,
      ...(deletionTimestamp !== undefined && { deletionTimestamp }),
    },
    spec,
  }
}

/**
 * The validator that finds all problems. Undefined if one of the MyApps is too large or has too
 * many problems.
 */
async function validatorFor(
  myApps: Candidate[],
  allProblems: () => Promise<ValidateFunction<StoredMyApp>>,
): Promise<ValidateFunction<StoredMyApp> | undefined> {
  if (!myApps.every(isSmall)) return undefined
  const validator = await allProblems()
  const hasFewProblems = (myApp: Candidate) =>
    validator(myApp) || (validator.errors ?? []).length <= maxComparedProblems
  return myApps.every(hasFewProblems) ? validator : undefined
}

function problemsOf(myApp: Candidate, validator?: ValidateFunction<StoredMyApp>): Problem[] {
  const problems = validate(myApp, validator)
  return problems.length > 0 ? problems : sizeProblems(myApp.metadata.name, myApp.spec as MyAppSpec)
}

/**
 * A key by which the same problem of the same value is found again after an update. The item may
 * have moved in its list, so the key omits indexes. A message can contain a number that depends on
 * other fields, such as the size of a child, so the key omits numbers.
 */
function keyOf({ path, message }: Problem, myApp: Candidate): string {
  const field = path.map((key) => (typeof key === 'number' ? '[]' : key))
  return JSON.stringify([field, message.replaceAll(/\d+/g, '#'), valueAt(path, myApp)])
}

const valueAt = (path: Path, myApp: unknown): unknown =>
  path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? (value as Record<string | number, unknown>)[key]
        : undefined,
    myApp,
  )

function isSmall({ spec }: Candidate): boolean {
  const json = JSON.stringify(spec) ?? ''
  return (
    json.length <= maxSpecLength && structureOf(Buffer.from(json)).characters <= maxSpecCharacters
  )
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The first messages, and the number of the others. */
const firstOf = (sentences: string[], limit: number): string[] =>
  sentences.length <= limit
    ? sentences
    : [...sentences.slice(0, limit), `and ${sentences.length - limit} more`]
