import { inParts, newAjv } from './ajv.ts'
import { outlineOf } from './messages.ts'
import { MyApp, StoredMyApp } from './myapp.ts'
import { PlatformDefaultsSchema } from './platform-defaults-schema.ts'

/**
 * The validator of a stored MyApp, compiled by Ajv. The build replaces this module by the generated
 * code and the constants, so the built program contains neither Ajv nor the schema.
 */

export const ajv = newAjv()

/** The schemas by the name of the validator that is exported for each. */
export const schemas = {
  storedMyAppValidator: inParts(StoredMyApp),
  platformDefaultsValidator: inParts(PlatformDefaultsSchema),
}

export const storedMyAppValidator = ajv.compile<StoredMyApp>(schemas.storedMyAppValidator)
export const platformDefaultsValidator = ajv.compile(schemas.platformDefaultsValidator)

/** Exports that the build writes as JSON. */
export const constants = {
  outline: outlineOf(MyApp),
  platformDefaultsOutline: outlineOf(PlatformDefaultsSchema),
}

export const { outline, platformDefaultsOutline } = constants
