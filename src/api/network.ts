import { lastAppliedAnnotation } from '../metacontroller/protocol.ts'
import {
  annotations,
  atLeastOne,
  childMaxBytes,
  choice,
  distinct,
  formatted,
  list,
  object,
  objectName,
  opt,
  rule,
  rules,
  text,
} from './fields.ts'
import { celOf, formats } from './formats.ts'

/** Fields of a MyApp that say how the app is reached: Ingress, HTTPRoute and NetworkPolicy. */

const nonEmpty = (description: string, maxLength = 253) =>
  text(description, { minLength: 1, maxLength })

/** The deprecated annotation for the class of an Ingress. */
export const classAnnotation = 'kubernetes.io/ingress.class'

/** Messages for annotations of an Ingress. cross-field.ts checks the same. */
export const ingressMessages = {
  class: `the annotation ${classAnnotation} must have the same value as ingressClassName`,
  lastApplied: `the annotation ${lastAppliedAnnotation} is reserved for Metacontroller`,
}

export const Ingress = object(
  'An Ingress that routes to the Service.',
  {
    host: opt(formatted('hostName', 'Host name. Defaults to every host.')),
    path: opt(formatted('urlPath', 'Path. Defaults to "/".', { maxLength: 1024 })),
    pathType: opt(
      choice(
        ['Prefix', 'Exact', 'ImplementationSpecific'],
        'How the path matches. Defaults to Prefix.',
      ),
    ),
    ingressClassName: opt(objectName("IngressClass. Defaults to the cluster's default class.")),
    tlsSecretName: opt(
      objectName('Secret with the TLS certificate. If set, the host is served over HTTPS.'),
    ),
    annotations: opt(
      annotations('Annotations of the Ingress, for its controller.', childMaxBytes / 2, 8192),
    ),
  },
  rules(
    rule(
      "!has(self.path) || (has(self.pathType) && self.pathType == 'ImplementationSpecific') " +
        `|| (${celOf(formats.plainPath, 'self.path')})`,
      `path ${formats.plainPath.message}`,
    ),
    rule(
      `!has(self.ingressClassName) || !has(self.annotations) || !('${classAnnotation}' in ` +
        `self.annotations) || self.annotations['${classAnnotation}'] == self.ingressClassName`,
      ingressMessages.class,
    ),
    rule(
      `!has(self.annotations) || !('${lastAppliedAnnotation}' in self.annotations)`,
      ingressMessages.lastApplied,
    ),
  ),
)

/** The message for a Gateway that is listed twice. Metacontroller merges the list by name. */
export const parentRefMessage = 'without sectionName it refers to all listeners of the Gateway'

export const Gateway = object('An HTTPRoute that routes from Gateways to the Service.', {
  parentRefs: list(
    'Gateways. Each may be listed once.',
    object('A Gateway.', {
      name: nonEmpty('Name of the Gateway.'),
      namespace: opt(
        formatted(
          'namespaceName',
          'Namespace of the Gateway. Defaults to the namespace of the MyApp.',
          { maxLength: 63 },
        ),
      ),
      sectionName: opt(objectName('Listener of the Gateway. Defaults to all listeners.')),
    }),
    8,
    { minItems: 1, ...rules(distinct('name', `duplicate name; ${parentRefMessage}`)) },
  ),
  hostnames: opt(
    list('Host names. Defaults to those of the Gateways.', formatted('hostName', 'Host name.'), 16),
  ),
})

const peers = (description: string) =>
  list(
    description,
    object(
      'Apps or namespaces. app or namespace must be set.',
      {
        app: opt(formatted('peerName', 'Name of a MyApp.', { maxLength: 63 })),
        namespace: opt(
          formatted('peerName', 'Name of a namespace. Defaults to the namespace of the MyApp.', {
            maxLength: 63,
          }),
        ),
      },
      atLeastOne('app', 'namespace'),
    ),
    32,
  )
export const NetworkPolicy = object('Allowed connections to and from the app.', {
  from: opt(
    peers('Peers that may connect to the port. An empty list allows none. Defaults to every peer.'),
  ),
  to: opt(
    peers(
      'Peers that the app may connect to, besides DNS. An empty list allows none. Defaults ' +
        'to every peer.',
    ),
  ),
})
