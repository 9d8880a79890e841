import { lastAppliedAnnotation } from '../metacontroller/protocol.ts'
import { contradictingSeccomp, invalidPodAnnotations, seccompMessage } from './annotations.ts'
import { charactersOf } from '../text.ts'
import { isFirstAddress, isWithin } from './cidr.ts'
import { additionalPorts, isExposed, mainPortOf, namedPorts } from './declared-ports.ts'
import { type EnvVar, envMaxCharacters, envMessages } from './environment.ts'
import { containerMessages } from './more-containers.ts'
import { formats, hasFormat } from './formats.ts'
import { type Path, type Problem, problem, quoted } from './messages.ts'
import { defaultGracePeriodSeconds, messages, type MyAppSpec } from './myapp.ts'
import { dnsPolicyMessage } from './name-resolution.ts'
import { classAnnotation, ingressMessages, parentRefMessage, policyMessages } from './network.ts'
import {
  computeResources,
  escalating,
  expressionMessages,
  operatorFitsValues,
  nodeFieldMessage,
  rollingUpdateMessage,
  securityMessages,
  tolerationMessages,
  userFields,
} from './pod.ts'
import { portMessages } from './ports.ts'
import { serviceAccountMessages } from './service-account.ts'
import { canonicalQuantity, divisorMessage, divisors, thousandthsOf } from './quantity.ts'
import { metricMessage, metricSource } from './scaling.ts'
import {
  claimMessages,
  filesMaxCharacters,
  filesMessages,
  isForOnePod,
  pathMessage,
} from './volumes.ts'

/**
 * The rules that span fields. Most of them also exist in CEL in the schema, for the API server.
 * Expects a spec in which each field is valid.
 */
export function crossFieldProblems(spec: MyAppSpec): Problem[] {
  return [
    ...envProblems(spec),
    ...containerProblems(spec),
    ...duplicates(spec),
    ...resourceProblems(spec),
    ...tolerationProblems(spec),
    ...affinityProblems(spec),
    ...securityProblems(spec),
    ...annotationProblems(spec),
    ...autoscalingProblems(spec),
    ...ingressProblems(spec),
    ...rolloutProblems(spec),
    ...headerProblems(spec),
    ...nameResolutionProblems(spec),
    ...volumeProblems(spec),
    ...fileProblems(spec),
    ...serviceAccountProblems(spec),
    ...portProblems(spec),
    ...portReferenceProblems(spec),
    ...policyProblems(spec),
  ]
}

const at = (path: Path, message: string, isKey = false) =>
  problem(['spec', ...path], message, isKey)

/** Every container of the app, with the path of its fields. */
const containersOf = ({ init = [], sidecars = [], ...app }: MyAppSpec) => [
  { path: [], container: { name: 'app', ...app } },
  ...init.map((container, index) => ({ path: ['init', index], container })),
  ...sidecars.map((container, index) => ({ path: ['sidecars', index], container })),
]

function envProblems(spec: MyAppSpec): Problem[] {
  return containersOf(spec).flatMap(({ path, container }) =>
    envListProblems([...path, 'env'], container.env),
  )
}

function envListProblems(path: Path, env: EnvVar[] = []): Problem[] {
  const characters = env.reduce(
    (sum, { name, value = '' }) => sum + charactersOf(name) + charactersOf(value),
    0,
  )
  return [
    ...(characters > envMaxCharacters ? [at(path, `${envMessages.size}, got ${characters}`)] : []),
    ...duplicatesIn(path, env, 'name'),
    ...env.flatMap(({ value, valueFrom }, index) =>
      value && valueFrom ? [at([...path, index, 'valueFrom'], envMessages.valueFrom)] : [],
    ),
    ...env.flatMap(({ valueFrom: { resourceFieldRef } = {} }, index) => {
      const { resource = '', divisor = 1 } = resourceFieldRef ?? {}
      return divisors(resource).includes(canonicalQuantity(divisor))
        ? []
        : [at([...path, index, 'valueFrom', 'resourceFieldRef', 'divisor'], divisorMessage)]
    }),
  ]
}

/** Init containers and sidecars must have different names, and mount only volumes of the app. */
function containerProblems({ init = [], sidecars = [], volumes = [] }: MyAppSpec): Problem[] {
  const initNames = new Set(init.map(({ name }) => name))
  const volumeNames = new Set(volumes.map(({ name }) => name))
  return [
    ...duplicatesIn(['init'], init, 'name'),
    ...duplicatesIn(['sidecars'], sidecars, 'name'),
    ...sidecars.flatMap(({ name }, index) =>
      initNames.has(name) ? [at(['sidecars', index, 'name'], containerMessages.names)] : [],
    ),
    ...Object.entries({ init, sidecars }).flatMap(([field, containers]) =>
      containers.flatMap(({ volumeMounts = [] }, index) => [
        ...duplicatesIn([field, index, 'volumeMounts'], volumeMounts, 'mountPath'),
        ...volumeMounts.flatMap(({ name }, mount) =>
          volumeNames.has(name)
            ? []
            : [at([field, index, 'volumeMounts', mount, 'name'], containerMessages.volume)],
        ),
      ]),
    ),
  ]
}

function duplicates({
  volumes,
  imagePullSecrets,
  topologySpreadConstraints,
  gateway,
}: MyAppSpec): Problem[] {
  return [
    ...duplicatesIn(['volumes'], volumes, 'name'),
    ...duplicatesIn(['volumes'], volumes, 'mountPath'),
    ...duplicatesIn(['imagePullSecrets'], imagePullSecrets, 'name'),
    ...duplicatesIn(
      ['gateway', 'parentRefs'],
      gateway?.parentRefs,
      'name',
      `; ${parentRefMessage}`,
    ),
    ...duplicatesIn(
      ['topologySpreadConstraints'],
      topologySpreadConstraints,
      'topologyKey',
      ' with the same whenUnsatisfiable',
      ({ topologyKey, whenUnsatisfiable }) => `${whenUnsatisfiable} ${topologyKey}`,
    ),
  ]
}

/** Items of a list with the same value as an earlier item. */
function duplicatesIn<Key extends string, Item extends Record<Key, string>>(
  path: Path,
  items: Item[] = [],
  field: Key,
  more = '',
  identity: (item: Item) => string = (item) => item[field],
): Problem[] {
  const known = new Set<string>()
  return items.flatMap((item, index) =>
    known.size === known.add(identity(item)).size
      ? [at([...path, index, field], `duplicate value ${quoted(item[field])}${more}`)]
      : [],
  )
}

const resourceProblems = (spec: MyAppSpec): Problem[] =>
  containersOf(spec).flatMap(({ path, container: { resources } }) =>
    requestProblems(['spec', ...path, 'resources'], resources),
  )

/** The requests of a container that are larger than its limits. */
export const requestProblems = (
  path: Path,
  { requests = {}, limits = {} }: NonNullable<MyAppSpec['resources']> = {},
): Problem[] =>
  computeResources.flatMap((resource) => {
    const { [resource]: request = 0 } = requests
    const { [resource]: limit = request } = limits
    return thousandthsOf(request) > thousandthsOf(limit)
      ? [
          problem(
            [...path, 'requests', resource],
            `must be at most limits.${resource}, ${limit}, got ${request}`,
          ),
        ]
      : []
  })

function tolerationProblems({ tolerations = [] }: MyAppSpec): Problem[] {
  return tolerations.flatMap(
    ({ key = '', operator, value = '', effect, tolerationSeconds }, index) => [
      ...(key === '' && operator !== 'Exists'
        ? [at(['tolerations', index, 'operator'], tolerationMessages.operator)]
        : []),
      ...(value !== '' && operator === 'Exists'
        ? [at(['tolerations', index, 'value'], tolerationMessages.value)]
        : []),
      ...(tolerationSeconds !== undefined && effect !== 'NoExecute'
        ? [at(['tolerations', index, 'tolerationSeconds'], tolerationMessages.seconds)]
        : []),
    ],
  )
}

const [required, preferred] = [
  'requiredDuringSchedulingIgnoredDuringExecution',
  'preferredDuringSchedulingIgnoredDuringExecution',
] as const

interface Expression {
  key: string
  operator: string
  values?: string[]
}

function affinityProblems({
  affinity: { nodeAffinity, podAffinity, podAntiAffinity } = {},
}: MyAppSpec): Problem[] {
  const nodes = [
    ...(nodeAffinity?.[required]?.nodeSelectorTerms ?? []).map((term, index) => ({
      path: ['nodeAffinity', required, 'nodeSelectorTerms', index],
      term,
    })),
    ...(nodeAffinity?.[preferred] ?? []).map(({ preference: term }, index) => ({
      path: ['nodeAffinity', preferred, index, 'preference'],
      term,
    })),
  ]
  const pods = Object.entries({ podAffinity, podAntiAffinity }).flatMap(([field, affinity]) => [
    ...(affinity?.[required] ?? []).map((term, index) => ({
      path: [field, required, index],
      term,
    })),
    ...(affinity?.[preferred] ?? []).map(({ podAffinityTerm: term }, index) => ({
      path: [field, preferred, index, 'podAffinityTerm'],
      term,
    })),
  ])
  return [
    ...nodes.flatMap(({ path, term: { matchExpressions, matchFields = [] } }) => [
      ...expressionProblems('node', ['affinity', ...path, 'matchExpressions'], matchExpressions),
      ...matchFields.flatMap((field, index) =>
        isNodeName(field)
          ? []
          : [at(['affinity', ...path, 'matchFields', index], nodeFieldMessage)],
      ),
    ]),
    ...pods.flatMap(({ path, term }) =>
      (['labelSelector', 'namespaceSelector'] as const).flatMap((selector) =>
        expressionProblems(
          'pod',
          ['affinity', ...path, selector, 'matchExpressions'],
          term[selector]?.matchExpressions,
        ),
      ),
    ),
  ]
}

const expressionProblems = (of: 'node' | 'pod', path: Path, expressions: Expression[] = []) =>
  expressions.flatMap((expression, index) =>
    operatorFitsValues(of, expression) ? [] : [at([...path, index], expressionMessages[of])],
  )

const isNodeName = ({ key, operator, values: [name = '', ...others] = [] }: Expression) =>
  key === 'metadata.name' &&
  ['In', 'NotIn'].includes(operator) &&
  others.length === 0 &&
  hasFormat('objectName', name)

function securityProblems({
  podSecurity,
  securityContext,
  containerSecurityContext,
  ...spec
}: MyAppSpec): Problem[] {
  const contexts = { securityContext, containerSecurityContext }
  const { privileged, allowPrivilegeEscalation, capabilities } = containerSecurityContext ?? {}
  const escalation = ['containerSecurityContext', 'allowPrivilegeEscalation']
  return [
    ...((securityContext || containerSecurityContext) && podSecurity !== 'Custom'
      ? [at(['podSecurity'], messages.custom)]
      : []),
    ...Object.entries(contexts).flatMap(([field, context]) => {
      const { type, localhostProfile } = context?.seccompProfile ?? {}
      return (type === 'Localhost') === (localhostProfile !== undefined)
        ? []
        : [at([field, 'seccompProfile', 'localhostProfile'], securityMessages.localhostProfile)]
    }),
    ...userFields.flatMap((field) =>
      spec[field] !== undefined && securityContext?.[field] !== undefined
        ? [at([field], securityMessages.twice(field))]
        : [],
    ),
    ...(spec.runAsUser === 0 && podSecurity === 'Restricted'
      ? [at(['runAsUser'], securityMessages.root)]
      : []),
    ...(privileged && allowPrivilegeEscalation === false
      ? [at(escalation, securityMessages.privileged)]
      : []),
    ...(allowPrivilegeEscalation === false && capabilities?.add?.includes(escalating)
      ? [at(escalation, securityMessages.capability)]
      : []),
  ]
}

function annotationProblems(spec: MyAppSpec): Problem[] {
  const { podAnnotations = {}, podSecurity, securityContext, containerSecurityContext } = spec
  const containers = containersOf(spec).map(({ container }) => container.name)
  const isCustom = podSecurity === 'Custom'
  return [
    ...invalidPodAnnotations(podAnnotations, containers).map(({ key, message }) =>
      at(['podAnnotations', key], message, true),
    ),
    ...contradictingSeccomp(podAnnotations, {
      pod: (isCustom ? securityContext?.seccompProfile : undefined) ?? { type: 'RuntimeDefault' },
      container: isCustom ? containerSecurityContext?.seccompProfile : undefined,
      containers,
    }).map((key) => at(['podAnnotations', key], seccompMessage, true)),
  ]
}

function autoscalingProblems({ autoscaling }: MyAppSpec): Problem[] {
  if (autoscaling === undefined) return []
  const { minReplicas = 1, maxReplicas, metrics = [] } = autoscaling
  return [
    ...(minReplicas > maxReplicas
      ? [
          at(
            ['autoscaling', 'minReplicas'],
            `must be at most maxReplicas, ${maxReplicas}, got ${minReplicas}`,
          ),
        ]
      : []),
    ...metrics.flatMap(({ type, ...sources }, index) =>
      Object.keys(sources).join() === metricSource(type)
        ? []
        : [at(['autoscaling', 'metrics', index], metricMessage)],
    ),
  ]
}

function ingressProblems({ ingress }: MyAppSpec): Problem[] {
  if (ingress === undefined) return []
  const { host, hosts = [], ingressClassName, paths = [], annotations = {} } = ingress
  const { path = '/', pathType } = ingress
  const { [classAnnotation]: annotatedClass = ingressClassName } = annotations
  const known = new Set<string | undefined>([host])
  return [
    ...[
      { path, pathType, at: ['ingress', 'path'] },
      ...paths.map(({ path, pathType }, index) => ({
        path,
        pathType,
        at: ['ingress', 'paths', index, 'path'],
      })),
    ].flatMap(({ path, pathType, at: place }) =>
      pathType === 'ImplementationSpecific' || hasFormat('plainPath', path)
        ? []
        : [at(place, formats.plainPath.message)],
    ),
    ...hosts.flatMap((host, index) =>
      known.size === known.add(host).size
        ? [at(['ingress', 'hosts', index], `duplicate host ${quoted(host)}`)]
        : [],
    ),
    ...(ingressClassName === undefined || annotatedClass === ingressClassName
      ? []
      : [at(['ingress', 'annotations', classAnnotation], ingressMessages.class)]),
    ...(annotations[lastAppliedAnnotation] === undefined
      ? []
      : [at(['ingress', 'annotations', lastAppliedAnnotation], ingressMessages.lastApplied, true)]),
  ]
}

function serviceAccountProblems({ serviceAccount, serviceAccountName }: MyAppSpec): Problem[] {
  if (serviceAccount === undefined) return []
  return [
    ...(serviceAccountName === undefined
      ? []
      : [at(['serviceAccountName'], serviceAccountMessages.name)]),
    ...(serviceAccount.annotations?.[lastAppliedAnnotation] === undefined
      ? []
      : [
          at(
            ['serviceAccount', 'annotations', lastAppliedAnnotation],
            serviceAccountMessages.lastApplied,
            true,
          ),
        ]),
  ]
}

function rolloutProblems({
  expose,
  ingress,
  gateway,
  minReadySeconds = 0,
  progressDeadlineSeconds = 600,
  terminationGracePeriodSeconds: gracePeriod = defaultGracePeriodSeconds,
  drainSeconds = 0,
  strategy,
}: MyAppSpec): Problem[] {
  return [
    ...(expose === false && (ingress || gateway) ? [at(['expose'], messages.expose)] : []),
    ...(drainSeconds >= gracePeriod
      ? [
          at(
            ['drainSeconds'],
            `must be less than terminationGracePeriodSeconds, ${gracePeriod}, got ${drainSeconds}`,
          ),
        ]
      : []),
    ...(minReadySeconds >= progressDeadlineSeconds
      ? [
          at(
            ['minReadySeconds'],
            `must be less than progressDeadlineSeconds, ${progressDeadlineSeconds}, got ` +
              `${minReadySeconds}`,
          ),
        ]
      : []),
    ...(strategy?.rollingUpdate && strategy.type !== 'RollingUpdate'
      ? [at(['strategy', 'rollingUpdate'], rollingUpdateMessage)]
      : []),
  ]
}

function headerProblems({ probes = {}, sidecars = [] }: MyAppSpec): Problem[] {
  const all = [
    { path: ['probes'], probes },
    ...sidecars.map(({ probes = {} }, index) => ({ path: ['sidecars', index, 'probes'], probes })),
  ]
  return all.flatMap(({ path, probes }) =>
    Object.entries(probes).flatMap(([type, { httpGet }]) =>
      duplicatesIn([...path, type, 'httpGet', 'httpHeaders'], httpGet?.httpHeaders, 'name'),
    ),
  )
}

function nameResolutionProblems({ hostAliases, dnsPolicy, dnsConfig }: MyAppSpec): Problem[] {
  return [
    ...duplicatesIn(['hostAliases'], hostAliases, 'ip'),
    ...duplicatesIn(['dnsConfig', 'options'], dnsConfig?.options, 'name'),
    ...(dnsPolicy === 'None' && (dnsConfig?.nameservers ?? []).length === 0
      ? [at(['dnsConfig', 'nameservers'], dnsPolicyMessage)]
      : []),
  ]
}

function portProblems(spec: MyAppSpec): Problem[] {
  const { ports = [] } = spec
  const main = mainPortOf(spec)
  const others = additionalPorts(spec)
  return [
    ...duplicatesIn(['ports'], ports, 'name'),
    ...others.flatMap(({ name, port, servicePort, exposed }, index) => {
      const isInService = ports[index]?.expose ?? true
      const earlier = others.slice(0, index)
      const sameService = earlier.some(
        (one, before) =>
          (ports[before]?.expose ?? true) && one.port !== port && one.servicePort === servicePort,
      )
      return [
        ...(earlier.some((one) => one.port === port)
          ? [at(['ports', index, 'port'], portMessages.port)]
          : []),
        ...(main?.port === port ? [at(['ports', index, 'port'], portMessages.mainPort)] : []),
        ...(main?.name === name ? [at(['ports', index, 'name'], portMessages.mainName)] : []),
        ...(isInService && sameService
          ? [at(['ports', index, 'servicePort'], portMessages.servicePort)]
          : []),
        ...(exposed && main?.port !== port && main?.servicePort === servicePort
          ? [at(['ports', index, 'servicePort'], portMessages.mainServicePort)]
          : []),
      ]
    }),
  ]
}

/** The routes that lead to the main port because they name no port. */
function unnamedRoutes({ ingress, gateway }: MyAppSpec): Problem[] {
  const { path, paths = [], port } = ingress ?? {}
  const hasFirst = ingress !== undefined && (path !== undefined || paths.length === 0)
  return [
    ...(hasFirst && port === undefined ? [['ingress', 'port']] : []),
    ...paths.flatMap(({ port }, index) =>
      port === undefined ? [['ingress', 'paths', index, 'port']] : [],
    ),
    ...(gateway !== undefined && gateway.port === undefined ? [['gateway', 'port']] : []),
  ].map((path) => at(path, portMessages.mainRouted))
}

/** References to unknown ports, and to ports that cannot be used there. */
function portReferenceProblems(spec: MyAppSpec): Problem[] {
  const named = namedPorts(spec)
  const choices = named.map(({ name }) => quoted(name)).join(', ')
  const got = (port: string) =>
    choices === '' ? `, got ${quoted(port)}` : `, got ${quoted(port)}; the names are ${choices}`
  const unknown = (path: Path, port: number | string | undefined, message: string) =>
    typeof port !== 'string' || named.some(({ name }) => name === port)
      ? []
      : [at(path, `${message}${got(port)}`)]
  const unroutable = (path: Path, port: string | undefined) =>
    port === undefined ||
    named.some(({ name, exposed, protocol }) => name === port && exposed && protocol !== 'UDP')
      ? []
      : [at(path, `${portMessages.routedPort}${got(port)}`)]
  const { probes = {}, metrics, ingress, gateway, networkPolicy } = spec
  return [
    ...Object.entries(probes).flatMap(([probe, { httpGet, tcpSocket, grpc }]) =>
      Object.entries({ httpGet, tcpSocket, grpc }).flatMap(([handler, action]) =>
        unknown(['probes', probe, handler, 'port'], action?.port, portMessages.probePort),
      ),
    ),
    ...unknown(['metrics', 'port'], metrics?.port, portMessages.metricsPort),
    ...(metrics !== undefined && metrics.port === undefined && !isExposed(spec)
      ? [at(['metrics', 'port'], portMessages.metricsUnexposed)]
      : []),
    ...(typeof metrics?.port === 'number' &&
    named.every(({ port }) => port !== metrics.port) &&
    named.some(({ name }) => name === 'metrics')
      ? [at(['metrics', 'port'], portMessages.metricsName)]
      : []),
    ...unroutable(['ingress', 'port'], ingress?.port),
    ...(ingress?.paths ?? []).flatMap(({ port }, index) =>
      unroutable(['ingress', 'paths', index, 'port'], port),
    ),
    ...unroutable(['gateway', 'port'], gateway?.port),
    ...(spec.protocol === 'UDP' ? unnamedRoutes(spec) : []),
    ...(networkPolicy?.from ?? []).flatMap(({ ports = [] }, index) =>
      ports.flatMap((port, place) =>
        unknown(['networkPolicy', 'from', index, 'ports', place], port, portMessages.policyPort),
      ),
    ),
  ]
}

/**
 * The rules for peers of a NetworkPolicy. The rules about network addresses have no equivalent in
 * CEL, because the CEL functions for addresses need Kubernetes 1.31.
 */
function policyProblems({ networkPolicy: { from = [], to = [] } = {} }: MyAppSpec): Problem[] {
  return [
    ...Object.entries({ from, to }).flatMap(([side, peers]) =>
      peers.flatMap(({ app, podLabels, namespace, cidr, except = [] }, index) => {
        const peer = ['networkPolicy', side, index]
        return [
          ...(app !== undefined && podLabels !== undefined
            ? [at([...peer, 'podLabels'], policyMessages.pods)]
            : []),
          ...(cidr !== undefined && (app ?? podLabels ?? namespace) !== undefined
            ? [at([...peer, 'cidr'], policyMessages.cidr)]
            : []),
          ...(cidr === undefined && except.length > 0
            ? [at([...peer, 'except'], policyMessages.except)]
            : []),
          ...(cidr !== undefined && !isFirstAddress(cidr)
            ? [at([...peer, 'cidr'], policyMessages.hostBits)]
            : []),
          ...except.flatMap((network, place) =>
            !isFirstAddress(network)
              ? [at([...peer, 'except', place], policyMessages.hostBits)]
              : cidr !== undefined && !isWithin(network, cidr)
                ? [at([...peer, 'except', place], policyMessages.outside)]
                : [],
          ),
        ]
      }),
    ),
    ...to.flatMap(({ ports = [] }, index) =>
      ports.flatMap(({ port, endPort = port }, place) =>
        endPort < port
          ? [
              at(
                ['networkPolicy', 'to', index, 'ports', place, 'endPort'],
                `${policyMessages.endPort}, ${port}, got ${endPort}`,
              ),
            ]
          : [],
      ),
    ),
  ]
}

function volumeProblems({ volumes = [], replicas = 1, autoscaling }: MyAppSpec): Problem[] {
  const [path, pods] = autoscaling
    ? [['autoscaling', 'maxReplicas'], autoscaling.maxReplicas]
    : [['replicas'], replicas]
  const claim = volumes.findIndex(isForOnePod)
  return [
    ...(claim !== -1 && pods > 1 ? [at(path, claimMessages.value(claim, pods))] : []),
    ...volumes.flatMap(({ configMap, secret, projected }, index) => {
      const known = new Set<string>()
      const files = [
        ...filesFrom([], { configMap, secret }),
        ...(projected?.sources ?? []).flatMap((source, of) =>
          filesFrom(['projected', 'sources', of], source),
        ),
      ]
      return files.flatMap(({ field, path }) =>
        known.size === known.add(path).size ? [at(['volumes', index, ...field], pathMessage)] : [],
      )
    }),
  ]
}

interface FileSource {
  serviceAccountToken?: { path: string } | undefined
  configMap?: { items?: Array<{ path: string }> } | undefined
  secret?: { items?: Array<{ path: string }> } | undefined
}

/** The files of a volume whose paths the spec sets, each with the field of its path. */
const filesFrom = (at: Path, { serviceAccountToken, configMap, secret }: FileSource) => [
  ...(serviceAccountToken
    ? [{ field: [...at, 'serviceAccountToken', 'path'], path: serviceAccountToken.path }]
    : []),
  ...Object.entries({ configMap, secret }).flatMap(([source, config]) =>
    (config?.items ?? []).map(({ path }, index) => ({
      field: [...at, source, 'items', index, 'path'],
      path,
    })),
  ),
]

function fileProblems({ files = {}, volumes = [] }: MyAppSpec): Problem[] {
  const characters = Object.entries(files).reduce(
    (sum, [path, text]) => sum + charactersOf(path) + charactersOf(text),
    0,
  )
  const mountPaths = new Set(volumes.map(({ mountPath }) => mountPath))
  const paths = Object.keys(files)
  const isInAnother = (path: string) => paths.some((file) => path.startsWith(`${file}/`))
  return [
    ...(characters > filesMaxCharacters
      ? [at(['files'], `${filesMessages.size}, got ${characters}`)]
      : []),
    ...paths.flatMap((path) => [
      ...(isInAnother(path) ? [at(['files', path], filesMessages.inside, true)] : []),
      ...(mountPaths.has(path) ? [at(['files', path], filesMessages.mountPath, true)] : []),
    ]),
  ]
}
