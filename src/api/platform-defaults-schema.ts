import Type from 'typebox'
import { formatted, integer, list, object, objectName, opt, text } from './fields.ts'
import { MyAppSpec } from './myapp.ts'

const { podSecurity, resources, imagePullSecrets } = MyAppSpec.properties

/** The file with the defaults of a platform for all its MyApps. */
export const PlatformDefaultsSchema = object('Defaults of a platform for all MyApps.', {
  ingress: opt(
    object('Defaults of spec.ingress, for MyApps that have one.', {
      className: opt(objectName('IngressClass.')),
      host: opt(
        text('Host name. {name} and {namespace} stand for those of the MyApp.', {
          maxLength: 128,
          format: 'hostPattern',
        }),
      ),
    }),
  ),
  podSecurity,
  resources,
  imagePullSecrets,
  drainSeconds: opt(
    integer(
      'Seconds for which a terminating pod keeps serving. terminationGracePeriodSeconds defaults ' +
        'to this value plus 30.',
      0,
      3600,
    ),
  ),
  labels: opt(
    list(
      'Keys of labels of a MyApp that its children and pods also get. An entry that ends with ' +
        '"/" is a prefix of keys.',
      Type.String({ minLength: 1, maxLength: 254, format: 'labelKeyOrPrefix' }),
      64,
    ),
  ),
  monitoringNamespace: opt(
    formatted('namespaceName', 'Namespace of Prometheus.', { maxLength: 63 }),
  ),
})
