import { inParts, newAjv } from '../api/ajv.ts'
import { MyApp } from '../api/myapp.ts'

/**
 * The validator that finds every problem of a MyApp, also in its apiVersion, kind and metadata. The
 * build replaces this module, like src/api/compiled.ts.
 */
export const ajv = newAjv({ allErrors: true, messages: false })

export const schemas = { myAppValidator: inParts(MyApp) }

export const myAppValidator = ajv.compile<MyApp>(schemas.myAppValidator)
