import { inParts, newAjv } from './ajv.ts'
import { MyAppSpec } from './myapp.ts'

/**
 * The validator of a spec, compiled by Ajv from the schema. The build replaces this module by the code that Ajv
 * generates, so that neither Ajv nor the schema is in the built program.
 */

export const ajv = newAjv({ code: { source: true, esm: true }, inlineRefs: false, verbose: false })

/** The schemas by the name of the validator that is exported for each. */
export const schemas = { specValidator: inParts(MyAppSpec) }

export const specValidator = ajv.compile<MyAppSpec>(schemas.specValidator)
