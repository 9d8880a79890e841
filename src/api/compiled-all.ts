import { inParts, newAjv } from './ajv.ts'
import { StoredMyApp } from './myapp.ts'

/**
 * The validator that reports all violations of the schema of a stored MyApp. The build replaces
 * this module, like compiled.ts. Only the admission webhook needs this module. It loads the module
 * at the first update of an invalid MyApp that stays invalid.
 */
export const ajv = newAjv({ allErrors: true, messages: false })

/** The schema of each exported validator, by the name of the validator. */
export const schemas = { allProblemsValidator: inParts(StoredMyApp) }

export const allProblemsValidator = ajv.compile<StoredMyApp>(schemas.allProblemsValidator)
