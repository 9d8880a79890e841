import { MyAppSpec } from '../api/myapp.ts'
import { inParts, newAjv } from '../api/ajv.ts'

/** As in src/api/compiled.ts, replaced when it is built: a validator that does not stop at the first problem. */
export const ajv = newAjv({ code: { source: true, esm: true }, inlineRefs: false, allErrors: true })

export const schemas = { wholeSpecValidator: inParts(MyAppSpec) }

export const wholeSpecValidator = ajv.compile<MyAppSpec>(schemas.wholeSpecValidator)
