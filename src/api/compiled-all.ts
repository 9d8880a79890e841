import { inParts, newAjv } from './ajv.ts'
import { StoredMyApp } from './myapp.ts'

/**
 * The validator of a stored MyApp that finds every problem. Like compiled.ts it is replaced at
 * build. Only the admission webhook needs it, so its first request loads it.
 */
export const ajv = newAjv({ allErrors: true })

/** The schema by the name of the validator that is exported for it. */
export const schemas = { allProblemsValidator: inParts(StoredMyApp) }

export const allProblemsValidator = ajv.compile<StoredMyApp>(schemas.allProblemsValidator)
