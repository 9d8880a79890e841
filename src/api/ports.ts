import {
  choice,
  distinct,
  flag,
  formatted,
  listByKey,
  object,
  opt,
  portName,
  portNumber,
  portReference,
  rule,
  rules,
} from './fields.ts'

/** The ports of a MyApp, and the rules that span them. */

/** The protocols of a port. */
export const protocols = ['HTTP', 'HTTP2', 'GRPC', 'TLS', 'TCP', 'UDP'] as const
export type Protocol = (typeof protocols)[number]

/** The field for the protocol of a port. */
export const protocol = (description: string) =>
  choice(
    protocols,
    `${description} HTTP2 and GRPC are without TLS. TLS is any encrypted protocol, such as ` +
      'HTTPS. Defaults to HTTP.',
  )

/** Messages for rules that span fields. cross-field.ts checks the same rules in TypeScript. */
export const portMessages = {
  port:
    'duplicate port; each number may be used once, because Metacontroller cannot distinguish a ' +
    'TCP and a UDP port of the same number',
  mainPort:
    'a port in ports has the number of spec.port; set spec.protocol instead, or use another number',
  mainName:
    'a port in ports has the name of the main port, which is its protocol in lower case: http ' +
    'by default',
  servicePort: 'duplicate servicePort; the Service needs one number for each exposed port',
  mainServicePort:
    'an exposed port in ports has the same Service port as the main port; set another servicePort',
  probePort: 'a probe names a port that is not in ports',
  metricsPort: 'metrics.port names a port that is not in ports',
  metricsName: 'a port in ports is named metrics; set metrics.port to its number or name',
  metricsUnexposed: 'metrics.port must be set when expose is false',
  routedPort: 'ingress and gateway may only name exposed ports that do not speak UDP',
  mainRouted: 'ingress and gateway must name a port, because the main port speaks UDP',
  policyPort: 'networkPolicy.from names a port that is not in ports',
}

/**
 * Parts of rules in CEL. They use has() instead of optionals. The API server limits the estimated
 * cost of a rule, and cannot estimate the size of the result of `orValue`.
 */
const isExposed = (port: string) => `(!has(${port}.expose) || ${port}.expose)`
const servicePort = (port: string) =>
  `(has(${port}.servicePort) ? ${port}.servicePort : ${port}.port)`
const speaksUdp = (port: string) => `(has(${port}.protocol) && ${port}.protocol == 'UDP')`

export const Ports = listByKey(
  'Ports besides spec.port. Each has a name, so that probes, ingress, gateway, networkPolicy and ' +
    'metrics can refer to it.',
  object('A port that the container listens on.', {
    name: portName('Name of the port.'),
    port: portNumber('Port of the container.'),
    servicePort: opt(portNumber('Port of the Service. Defaults to port.')),
    protocol: opt(protocol('Protocol of the port.')),
    expose: opt(
      flag(
        'False for a port that is not in the Service, such as one for metrics. Defaults to true.',
      ),
    ),
  }),
  16,
  'name',
  rules(
    distinct('port', portMessages.port),
    rule(
      `self.all(one, !${isExposed('one')} || !self.exists(other, ${isExposed('other')} && ` +
        `other.port != one.port && ${servicePort('other')} == ${servicePort('one')}))`,
      portMessages.servicePort,
    ),
  ),
)

export const Metrics = object(
  'Metrics for Prometheus. If networkPolicy.from is set, the namespace monitoring may also ' +
    'connect to this port. The platform can set another namespace.',
  {
    port: opt(
      portReference(
        'Number or name of the port. A number that is not declared yet gets the name metrics and ' +
          'is not in the Service. Defaults to spec.port.',
      ),
    ),
    path: opt(formatted('urlPath', 'Path. Defaults to "/metrics".', { maxLength: 1024 })),
  },
)

const hasMainPort = isExposed('self')
const mainPort = '(has(self.port) ? self.port : 8080)'
const mainServicePort = `(has(self.servicePort) ? self.servicePort : ${mainPort})`
const mainName = "(has(self.protocol) ? self.protocol.lowerAscii() : 'http')"
/**
 * In CEL: `ports` or the main port is not set, or every port meets a condition. The condition may
 * use `main` for the given value, which is worked out once.
 */
const everyPort = (main: string, condition: string) =>
  `!has(self.ports) || !${hasMainPort} || ` +
  `[${main}].all(main, self.ports.all(port, ${condition}))`
const somePort = (condition: string) => `(has(self.ports) && self.ports.exists(port, ${condition}))`

/** In CEL: a string is the name of a port. */
const isNamed = (name: string) =>
  `(${hasMainPort} && ${name} == ${mainName}) || ${somePort(`port.name == ${name}`)}`

/** In CEL: a string is the name of a port that HTTP can be routed to. */
const isRoutable = (name: string) =>
  `(${hasMainPort} && ${name} == ${mainName} && !${speaksUdp('self')}) || ` +
  somePort(`port.name == ${name} && ${isExposed('port')} && !${speaksUdp('port')}`)

/** In CEL: a field is unset or meets a condition. */
function ifSet(path: string, condition: (value: string) => string, from = 'self'): string {
  const steps = path.split('.')
  const unset = steps.map((_, index) => `!has(${from}.${steps.slice(0, index + 1).join('.')})`)
  return `(${unset.join(' || ')} || ${condition(`${from}.${path}`)})`
}

const probePorts = ['startup', 'readiness', 'liveness'].flatMap((probe) =>
  ['httpGet', 'tcpSocket', 'grpc'].map((handler) => `${probe}.${handler}.port`),
)

/**
 * In CEL: every port of the probes meets a condition. CEL has no variables, so a list with one item
 * gives the probes a short name. Without it the rule would read the spec up to 25 times.
 */
const everyProbePort = (condition: (port: string) => string) =>
  '!has(self.probes) || [self.probes].all(probes, ' +
  `${probePorts.map((path) => ifSet(path, condition, 'probes')).join(' && ')})`

const isNumberOrNamed = (port: string) => `type(${port}) == int || ${isNamed(port)}`

/**
 * Rules about the ports of the whole spec. The API server evaluates every rule at every write. Each
 * access to a field of the spec takes longer, the more fields the spec has. So a rule first tests
 * the field that most MyApps do not set.
 */
export const portRules = [
  rule(everyPort(mainPort, 'port.port != main'), portMessages.mainPort),
  rule(everyPort(mainName, 'port.name != main'), portMessages.mainName),
  rule(
    everyPort(
      `[${mainPort}, ${mainServicePort}]`,
      `!${isExposed('port')} || port.port == main[0] || ${servicePort('port')} != main[1]`,
    ),
    portMessages.mainServicePort,
  ),
  rule(everyProbePort(isNumberOrNamed), portMessages.probePort),
  rule(ifSet('metrics.port', isNumberOrNamed), portMessages.metricsPort),
  rule(
    ifSet(
      'metrics.port',
      (port) =>
        `type(${port}) != int || (${hasMainPort} && ${port} == ${mainPort}) || ` +
        `${somePort(`port.port == ${port}`)} || !${somePort("port.name == 'metrics'")}`,
    ),
    portMessages.metricsName,
  ),
  rule(
    `!has(self.metrics) || has(self.metrics.port) || ${hasMainPort}`,
    portMessages.metricsUnexposed,
  ),
  rule(
    `${ifSet('gateway.port', isRoutable)} && ` +
      ifSet(
        'ingress',
        (ingress) =>
          `(${ifSet('port', isRoutable, ingress)} && ${ifSet(
            'paths',
            (paths) => `${paths}.all(path, !has(path.port) || ${isRoutable('path.port')})`,
            ingress,
          )})`,
      ),
    portMessages.routedPort,
  ),
  rule(
    `!${speaksUdp('self')} || ((!has(self.gateway) || has(self.gateway.port)) && ` +
      '(!has(self.ingress) || ((has(self.ingress.port) || ' +
      '(has(self.ingress.paths) && size(self.ingress.paths) > 0 && !has(self.ingress.path))) && ' +
      '(!has(self.ingress.paths) || self.ingress.paths.all(path, has(path.port))))))',
    portMessages.mainRouted,
  ),
  rule(
    ifSet(
      'networkPolicy.from',
      (peers) =>
        `${peers}.all(peer, !has(peer.ports) || peer.ports.all(one, ${isNumberOrNamed('one')}))`,
    ),
    portMessages.policyPort,
  ),
]
