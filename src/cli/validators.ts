import { inParts, newAjv } from '../api/ajv.ts'
import { MyApp } from '../api/myapp.ts'

/**
 * The validator of a whole MyApp, which does not stop at the first problem. Replaced at build, as
 * src/api/compiled.ts is.
 */
export const ajv = newAjv({ allErrors: true })

export const schemas = { myAppValidator: inParts(MyApp) }

export const myAppValidator = ajv.compile<MyApp>(schemas.myAppValidator)
