import { inParts, newAjv } from './ajv.ts'
import { StoredMyApp } from './myapp.ts'

/**
 * The validator of a stored MyApp that finds every problem. Replaced at build, as compiled.ts is.
 * Only the admission webhook needs it, so it is loaded with the first request that does.
 */
export const ajv = newAjv({ allErrors: true })

export const schemas = { allProblemsValidator: inParts(StoredMyApp) }

export const allProblemsValidator = ajv.compile<StoredMyApp>(schemas.allProblemsValidator)
