import type { ValidateFunction } from 'ajv'
import { crossFieldProblems } from './cross-field.ts'
import { outline, storedMyAppValidator } from './compiled.ts'
import { type Problem, problemsOf } from './messages.ts'
import type { StoredMyApp } from './myapp.ts'

export type { Problem } from './messages.ts'

/**
 * The problems of a MyApp by the rules of its schema and of cross-field.ts. Rules that span fields
 * are checked only if every field is valid. The default validator checks the name and the spec
 * only, and stops at the first problem.
 */
export function validate(
  myApp: unknown,
  validator: ValidateFunction<StoredMyApp> = storedMyAppValidator,
): Problem[] {
  if (validator(myApp)) return crossFieldProblems(myApp.spec)
  const problems = problemsOf(validator.errors ?? [], myApp, outline)
  // An object of another kind has other fields, so only its kind is reported.
  const wrongKind = problems.find(({ field }) => field === 'kind')
  return wrongKind === undefined ? problems : [wrongKind]
}
