import { inParts, newAjv } from './ajv.ts'
import { StoredMyApp } from './myapp.ts'

/**
 * The validator that finds every problem of a stored MyApp. The build replaces this module, like
 * compiled.ts. Only the admission webhook needs this module, and loads it at its first request.
 */
export const ajv = newAjv({ allErrors: true, messages: false })

/** The schema of each exported validator, by the name of the validator. */
export const schemas = { allProblemsValidator: inParts(StoredMyApp) }

export const allProblemsValidator = ajv.compile<StoredMyApp>(schemas.allProblemsValidator)
