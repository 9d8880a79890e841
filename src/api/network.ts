import Type from 'typebox'
import { lastAppliedAnnotation } from '../metacontroller/last-applied.ts'
import { hostName, namespaceName, objectName, peerName, plainPath, urlPath } from './formats.ts'
import {
  Annotations,
  childMaxBytes,
  differIn,
  eachOfForm,
  laterRule,
  object,
  ofForm,
  ofPattern,
  opt,
  strictName,
} from './fields.ts'

/** Fields of a MyApp that say how the app is reached: Ingress, HTTPRoute and NetworkPolicy. */

const name = (description: string, maxLength = 253) =>
  Type.String({ description, minLength: 1, maxLength })
/** The older way to say the class of an Ingress. */
export const classAnnotation = 'kubernetes.io/ingress.class'

export const Ingress = object(
  'An Ingress that leads to the Service.',
  {
    host: opt(
      Type.String({ description: 'Host name.', minLength: 1, maxLength: 253, ...ofForm(hostName) }),
    ),
    path: opt(
      Type.String({
        description: 'Path prefix. / unless given.',
        maxLength: 1024,
        ...ofPattern(urlPath),
      }),
    ),
    pathType: opt(
      Type.Enum(['Prefix', 'Exact', 'ImplementationSpecific'], {
        type: 'string',
        description: 'Prefix unless given.',
      }),
    ),
    ingressClassName: opt(strictName('Class. That of the cluster unless given.')),
    tlsSecretName: opt(
      strictName('Secret with the certificate; with it the host is served over HTTPS.'),
    ),
    annotations: opt(Annotations('For the controller of the class.', childMaxBytes / 2, 8192)),
  },
  {
    'x-kubernetes-validations': [
      laterRule(
        `!has(self.path) || (has(self.pathType) && self.pathType == 'ImplementationSpecific') || (${plainPath.rule('self.path')})`,
        plainPath.words,
      ),
      laterRule(
        `!has(self.ingressClassName) || !has(self.annotations) || !('${classAnnotation}' in self.annotations) || self.annotations['${classAnnotation}'] == self.ingressClassName`,
        `the annotation ${classAnnotation} says another class than ingressClassName`,
      ),
      laterRule(
        `!has(self.annotations) || !('${lastAppliedAnnotation}' in self.annotations)`,
        `the annotation ${lastAppliedAnnotation} is Metacontroller's own`,
      ),
    ],
  },
)

export const Gateway = object('An HTTPRoute that leads from Gateways to the Service.', {
  parentRefs: Type.Array(
    object('A Gateway.', {
      name: name('Its name.'),
      namespace: opt(name('Its namespace. That of the MyApp unless given.', 63)),
      sectionName: opt(name('Its listener. All of them unless given.')),
    }),
    {
      description: 'The Gateways, each once.',
      minItems: 1,
      maxItems: 8,
      // Metacontroller merges them by name.
      'x-kubernetes-validations': [
        differIn(
          'name',
          'a Gateway is there twice; without a sectionName it stands for all of its listeners',
        ),
        eachOfForm('namespace', namespaceName),
        eachOfForm('sectionName', objectName),
      ],
    },
  ),
  hostnames: opt(
    Type.Array(name('Host name.', 253), {
      description: 'Host names. Those of the Gateways unless given.',
      maxItems: 16,
      'x-kubernetes-validations': [
        laterRule(`self.all(one, ${hostName.rule('one')})`, hostName.words),
      ],
    }),
  ),
})

const peer = object(
  'Apps or namespaces.',
  {
    app: opt(name('Name of a MyApp.', 63)),
    namespace: opt(name('Name of a namespace. That of the MyApp unless given.', 63)),
  },
  {
    'x-kubernetes-validations': [
      { rule: 'has(self.app) || has(self.namespace)', message: 'app or namespace is to be given' },
    ],
  },
)
const peers = (description: string) =>
  Type.Array(peer, {
    description,
    maxItems: 32,
    'x-kubernetes-validations': ['app', 'namespace'].map((field) => eachOfForm(field, peerName)),
  })
export const NetworkPolicy = object(
  'Who may call in, and where the app may call. Anybody and anywhere unless given.',
  {
    from: opt(peers('Who may call the port. An empty list: nobody. Anybody unless given.')),
    to: opt(
      peers(
        'Where the app may call, DNS besides. An empty list: nowhere else. Anywhere unless given.',
      ),
    ),
  },
)
