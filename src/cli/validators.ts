import { inParts, newAjv } from '../api/ajv.ts'
import { MyApp } from '../api/myapp.ts'

/**
 * The validator of a whole MyApp, which finds every problem. Replaced at build like
 * src/api/compiled.ts.
 */
export const ajv = newAjv({ allErrors: true })

export const schemas = { myAppValidator: inParts(MyApp) }

export const myAppValidator = ajv.compile<MyApp>(schemas.myAppValidator)
