import { newAjv } from './ajv.ts'
import { CustomizeRequest, HookRequest } from '../myapp/request.ts'
import { MyAppSpec } from './myapp.ts'
import { inParts } from './schema-parts.ts'

/**
 * The validators, compiled by Ajv from the schemas. scripts/build.ts replaces this module by the code that Ajv makes of
 * it, so that neither Ajv nor the schemas are in the built program.
 */

export const ajv = newAjv({ code: { source: true, esm: true }, inlineRefs: false, verbose: false })

/** The schemas by the name of the validator that is exported for each. */
export const schemas = {
  specValidator: inParts(MyAppSpec),
  hookRequestValidator: inParts(HookRequest),
  customizeRequestValidator: inParts(CustomizeRequest),
}

export const specValidator = ajv.compile<MyAppSpec>(schemas.specValidator)
export const hookRequestValidator = ajv.compile<HookRequest>(schemas.hookRequestValidator)
export const customizeRequestValidator = ajv.compile<CustomizeRequest>(
  schemas.customizeRequestValidator,
)
