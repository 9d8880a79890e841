import { lastAppliedAnnotation } from '../metacontroller/protocol.ts'
import { annotations, childMaxBytes, object, opt, rule, rules } from './fields.ts'

/** Messages for the ServiceAccount. cross-field.ts checks the same rules in TypeScript. */
export const serviceAccountMessages = {
  name: 'only one of serviceAccount and serviceAccountName may be set',
  lastApplied: `the annotation ${lastAppliedAnnotation} is reserved for Metacontroller`,
}

export const ServiceAccount = object(
  'A ServiceAccount for the pods, with the name of the MyApp. If it is not set, the pods use ' +
    'serviceAccountName.',
  {
    annotations: opt(
      annotations(
        'Annotations of the ServiceAccount, such as the role that a cloud provider gives it.',
        childMaxBytes / 2,
      ),
    ),
  },
  rules(
    rule(
      `!has(self.annotations) || !('${lastAppliedAnnotation}' in self.annotations)`,
      serviceAccountMessages.lastApplied,
    ),
  ),
)

/** The CEL rule on `spec`. */
export const serviceAccountRule = rule(
  '!has(self.serviceAccount) || !has(self.serviceAccountName)',
  serviceAccountMessages.name,
)
