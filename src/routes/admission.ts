import type { FastifyInstance } from 'fastify'
import { review } from '../myapp/admission-review.ts'
import type { Context } from '../myapp/context.ts'
import { admissionReviewValidator } from '../myapp/compiled.ts'
import { limitLines } from '../plugins/call-log.ts'
import { RefusedRequest } from '../plugins/errors.ts'
import { firstProblem } from './hooks.ts'

/** On ADMISSION_PORT callers need no credentials, so they must not fill the log. */
const maxLinesPerSecond = 100

/** `POST /admission/validate`: a validating admission webhook for MyApps. */
export function admissionRoute(
  server: FastifyInstance,
  { platformDefaults }: Pick<Context, 'platformDefaults'>,
): void {
  const log = limitLines(server.log, maxLinesPerSecond)
  server.post('/admission/validate', async (call, reply) => {
    const { body } = call
    if (!admissionReviewValidator(body)) {
      throw new RefusedRequest(
        `not an AdmissionReview: ${firstProblem(admissionReviewValidator.errors)}`,
      )
    }
    const { operation, namespace, name, dryRun } = body.request
    const response = await review(body.request, allProblems, platformDefaults)
    const { allowed, warnings } = response
    const fields = {
      operation,
      namespace,
      name,
      ...(dryRun === true && { dryRun }),
      allowed,
      warnings: warnings?.length ?? 0,
      durationMs: Number(reply.elapsedTime.toFixed(3)),
    }
    log(() => {
      call.log.info(fields, 'admission request')
    })
    return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response }
  })
}

async function allProblems() {
  const { allProblemsValidator } = await import('../api/compiled-all.ts')
  return allProblemsValidator
}
