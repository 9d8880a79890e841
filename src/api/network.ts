import type { TSchema } from 'typebox'
import { lastAppliedAnnotation } from '../metacontroller/protocol.ts'
import {
  annotations,
  atLeastOne,
  childMaxBytes,
  choice,
  distinct,
  formatted,
  list,
  map,
  object,
  objectName,
  opt,
  portName,
  portNumber,
  portReference,
  rule,
  rules,
  text,
} from './fields.ts'
import { celOf, formats } from './formats.ts'

/** Fields of a MyApp for access to the app: Ingress, HTTPRoute and NetworkPolicy. */

const nonEmpty = (description: string, maxLength = 253) =>
  text(description, { minLength: 1, maxLength })

/** The deprecated annotation for the class of an Ingress. */
export const classAnnotation = 'kubernetes.io/ingress.class'

/** Messages for the Ingress. cross-field.ts checks the same rules in TypeScript. */
export const ingressMessages = {
  hosts: 'hosts may not contain the value of host',
  class: `the annotation ${classAnnotation} must have the same value as ingressClassName`,
  lastApplied: `the annotation ${lastAppliedAnnotation} is reserved for Metacontroller`,
}

/** How a path of an Ingress matches. */
const pathType = opt(
  choice(
    ['Prefix', 'Exact', 'ImplementationSpecific'],
    'How the path matches. Defaults to Prefix.',
  ),
)
/** A path is plain, or a pattern in the syntax of the Ingress controller. */
const pathRule = rule(
  "!has(self.path) || (has(self.pathType) && self.pathType == 'ImplementationSpecific') " +
    `|| (${celOf(formats.plainPath, 'self.path')})`,
  `path ${formats.plainPath.message}`,
)

export const Ingress = object(
  'An Ingress that routes to the Service.',
  {
    host: opt(
      formatted(
        'hostName',
        'Host name. Without host and hosts, the Ingress has the host of the platform defaults, ' +
          'or accepts every host.',
      ),
    ),
    hosts: opt(
      list(
        'More host names, with the same paths.',
        formatted('hostName', 'Host name.'),
        16,
        rules(rule('self.all(one, self.exists_one(other, other == one))', 'duplicate host')),
      ),
    ),
    path: opt(
      formatted('urlPath', 'Path. Defaults to "/" if paths is not set.', { maxLength: 1024 }),
    ),
    pathType,
    port: opt(portName('Name of the port that path leads to. Defaults to the main port.')),
    paths: opt(
      list(
        'More paths. Each may lead to another port.',
        object(
          'A path.',
          {
            path: formatted('urlPath', 'Path.', { maxLength: 1024 }),
            pathType,
            port: opt(
              portName('Name of the port that the path leads to. Defaults to the main port.'),
            ),
          },
          rules(pathRule),
        ),
        16,
      ),
    ),
    ingressClassName: opt(
      objectName(
        "IngressClass. Defaults to the platform's default, or to the cluster's default class.",
      ),
    ),
    tlsSecretName: opt(
      objectName('Secret with the TLS certificate. If set, all hosts are served over HTTPS.'),
    ),
    annotations: opt(
      annotations('Annotations of the Ingress, for its controller.', childMaxBytes / 2, 8192),
    ),
  },
  rules(
    pathRule,
    rule(
      '!has(self.host) || !has(self.hosts) || !(self.host in self.hosts)',
      ingressMessages.hosts,
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
export const parentRefMessage =
  'to use all listeners of a Gateway, list it once without sectionName'

export const Gateway = object('An HTTPRoute that routes from Gateways to the Service.', {
  parentRefs: list(
    'Gateways. Each name may be listed once, even if the namespaces differ.',
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
  port: opt(portName('Name of the port that traffic goes to. Defaults to the main port.')),
})

/** Messages for the NetworkPolicy. cross-field.ts checks the same rules in TypeScript. */
export const policyMessages = {
  pods: 'app and podLabels may not be set together',
  cidr: 'cidr may not be set together with app, podLabels or namespace',
  except: 'except may only be set together with cidr',
  endPort: 'endPort must be at least port',
  hostBits: 'must be the first address of the network, without bits beyond the prefix',
  outside: 'must be a smaller network within cidr',
}

const peerFields = ['app', 'podLabels', 'namespace', 'cidr']
const peers = <Ports extends TSchema>(description: string, ports: Ports) =>
  list(
    description,
    object(
      'Apps, pods or namespaces, or a network. app, podLabels, namespace or cidr must be set.',
      {
        app: opt(formatted('peerName', 'Name of a MyApp.', { maxLength: 63 })),
        podLabels: opt(
          map('Labels of pods, such as those of a database. All must match.', {
            key: 'labelKey',
            value: { format: 'labelValue' },
            options: { minProperties: 1, maxProperties: 16 },
          }),
        ),
        namespace: opt(
          formatted('peerName', 'Name of a namespace. Defaults to the namespace of the MyApp.', {
            maxLength: 63,
          }),
        ),
        cidr: opt(
          formatted('cidr', 'Network outside the cluster, such as 10.20.0.0/16.', {
            maxLength: 43,
          }),
        ),
        except: opt(
          list(
            'Networks within cidr that are excluded.',
            formatted('cidr', 'Network.', { maxLength: 43 }),
            16,
            { minItems: 1 },
          ),
        ),
        ports: opt(ports),
      },
      {
        anyOf: atLeastOne(...peerFields).anyOf,
        ...rules(
          ...atLeastOne(...peerFields)['x-kubernetes-validations'],
          rule('!has(self.app) || !has(self.podLabels)', policyMessages.pods),
          rule(
            '!has(self.cidr) || !(has(self.app) || has(self.podLabels) || ' +
              'has(self.__namespace__))',
            policyMessages.cidr,
          ),
          rule('!has(self.except) || has(self.cidr)', policyMessages.except),
        ),
      },
    ),
    32,
  )
export const NetworkPolicy = object('Allowed connections to and from the app.', {
  from: opt(
    peers(
      'Peers that may connect to the ports of the app. An empty list allows none. Defaults to ' +
        'every peer.',
      list(
        'Numbers or names of the ports of the app. Defaults to the ports in the Service, or to ' +
          'all ports if the app has no Service.',
        portReference('Port of the app.'),
        16,
        { minItems: 1 },
      ),
    ),
  ),
  to: opt(
    peers(
      'Peers that the app may connect to. DNS (ports 53 and 5353 of every address) is always ' +
        'allowed. An empty list allows only DNS. Defaults to every peer.',
      list(
        'Ports of the peers. Defaults to all ports.',
        object(
          'A port, or a range of ports.',
          {
            port: portNumber('Port of the peer.'),
            endPort: opt(portNumber('Last port of a range that starts at port.')),
            protocol: opt(choice(['TCP', 'UDP'], 'Transport protocol. Defaults to TCP.')),
          },
          rules(rule('!has(self.endPort) || self.endPort >= self.port', policyMessages.endPort)),
        ),
        16,
        { minItems: 1 },
      ),
    ),
  ),
})
