import type { MyAppSpec } from '../api/myapp.ts'
import { sentence } from '../api/messages.ts'
import { validate } from '../api/validate.ts'
import { sizeProblems } from './child-size.ts'
import type { Parent } from './request.ts'

/** A valid spec, or one sentence that names the first problem. */
export type ValidSpec = { spec: MyAppSpec } | { problem: string }

/**
 * Checks the name and the spec of a MyApp against the rules of the schema, and the size of its
 * children. The API server checks most of these rules too, but it may have stored the MyApp under
 * an older CRD with fewer rules. The problem names the field. It never contains the value of an
 * environment variable.
 */
export function validSpec({ metadata: { name }, spec }: Parent): ValidSpec {
  const [problem] = validate({ metadata: { name }, spec })
  if (problem !== undefined) return { problem: sentence(problem) }
  const [tooLarge] = sizeProblems(name, spec as MyAppSpec)
  return tooLarge === undefined ? { spec: spec as MyAppSpec } : { problem: sentence(tooLarge) }
}
