import { inParts, newAjv } from '../api/ajv.ts'
import { AdmissionReview } from './admission-review.ts'
import { InspectionCustomizeRequest, InspectionRequest } from './inspection-hooks.ts'
import { CustomizeRequest, HookRequest } from './request.ts'

/**
 * The validators of requests. The build replaces this module, like src/api/compiled.ts, by the code
 * that Ajv generates.
 */

export const ajv = newAjv()

/** The schemas, each under the name of its validator. */
export const schemas = {
  hookRequestValidator: inParts(HookRequest),
  customizeRequestValidator: inParts(CustomizeRequest),
  admissionReviewValidator: inParts(AdmissionReview),
  inspectionRequestValidator: inParts(InspectionRequest),
  inspectionCustomizeRequestValidator: inParts(InspectionCustomizeRequest),
}

export const hookRequestValidator = ajv.compile<HookRequest>(schemas.hookRequestValidator)
export const customizeRequestValidator = ajv.compile<CustomizeRequest>(
  schemas.customizeRequestValidator,
)
export const inspectionRequestValidator = ajv.compile<InspectionRequest>(
  schemas.inspectionRequestValidator,
)
export const inspectionCustomizeRequestValidator = ajv.compile<InspectionCustomizeRequest>(
  schemas.inspectionCustomizeRequestValidator,
)
export const admissionReviewValidator = ajv.compile<AdmissionReview>(
  schemas.admissionReviewValidator,
)
