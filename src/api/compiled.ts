import { inParts, newAjv } from './ajv.ts'
import { outlineOf } from './messages.ts'
import { MyApp, StoredMyApp } from './myapp.ts'
import { PlatformDefaultsSchema } from './platform-defaults-schema.ts'

/**
 * The validators of stored MyApps and of platform defaults, compiled by Ajv. The build replaces
 * this module by the generated code and the constants, so the built programs do not contain Ajv. In
 * the built hook the schemas are empty objects: see typebox in build/unreachable.ts.
 */

export const ajv = newAjv({ messages: false })

/** The schema of each exported validator, by the name of the validator. */
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
