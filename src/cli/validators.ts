import { newAjv } from '../myapp/ajv.ts'
import { MyAppSpec } from '../myapp/schema.ts'
import { inParts } from '../myapp/schema-parts.ts'

/** As in src/myapp/validators.ts, replaced when it is built: a validator that does not stop at the first problem. */
export const ajv = newAjv({ code: { source: true, esm: true }, inlineRefs: false, allErrors: true })

export const schemas = { wholeSpecValidator: inParts(MyAppSpec) }

export const wholeSpecValidator = ajv.compile<MyAppSpec>(schemas.wholeSpecValidator)
