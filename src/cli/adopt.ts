import { apiVersion, kind } from '../api/myapp.ts'
import { validate } from '../api/validate.ts'
import { isObject } from '../metacontroller/json.ts'
import type { ObservedObject } from '../metacontroller/protocol.ts'
import { selectorLabels } from '../myapp/children/labels.ts'
import { type Task, UserError } from './arguments.ts'
import { kubectlFor } from './kubectl.ts'
import type { Streams } from './output.ts'
import { myAppValidator } from './validators.ts'
import { yamlText } from './yaml.ts'

type Fields = Record<string, unknown>

/** Kinds of other objects with its name that a MyApp can adopt. */
const otherKinds = [
  'services',
  'poddisruptionbudgets.policy',
  'horizontalpodautoscalers.autoscaling',
  'ingresses.networking.k8s.io',
  'networkpolicies.networking.k8s.io',
]

/** Prints the commands of docs/migration.md for a live Deployment. Returns the exit code. */
export function adopt(
  { name, namespace: requested, context }: Extract<Task, { command: 'adopt' }>,
  { out, err }: Streams,
): number {
  const kubectl = kubectlFor(context)
  const namespace = requested ?? kubectl.namespace()
  const [deployment] = kubectl.get(['deployments.apps', name, '-n', namespace])
  if (deployment === undefined) throw new UserError(`no Deployment ${namespace}/${name}`)
  const selector = fieldsOf(fieldsOf(deployment.spec)['selector'])
  const beside = kubectl.get([otherKinds.join(), name, '-n', namespace])
  const service = beside.find(({ kind }) => kind === 'Service')
  refuse(deployment, selector, service)
  const replicaSets = kubectl
    .get(['replicasets.apps', '-n', namespace, '-l', selectorText(selector)])
    .filter(({ metadata }) =>
      (metadata.ownerReferences ?? []).some(({ uid }) => uid === deployment.metadata.uid),
    )
  const { myApp, byHand } = skeleton(name, namespace, deployment)
  for (const note of notes(myApp, byHand, service, beside)) err(`${note}\n`)
  out(script({ name, namespace, context, selector, replicaSets, myApp, byHand, beside }))
  return 0
}

/** Throws if the labels of a MyApp would remove pods from their present selectors. */
function refuse(deployment: ObservedObject, selector: Fields, service: ObservedObject | undefined) {
  const { name } = deployment.metadata
  if ((deployment.metadata.ownerReferences ?? []).some(({ controller }) => controller)) {
    throw new UserError(`Deployment ${name} belongs to another controller: remove it from there`)
  }
  const labels: Record<string, string> = selectorLabels(name)
  const template = fieldsOf(fieldsOf(fieldsOf(deployment.spec)['template'])['metadata'])
  const used = [
    ['the selector of the Deployment', fieldsOf(selector['matchLabels'])],
    ['the selector of the Service', fieldsOf(fieldsOf(service?.spec)['selector'])],
    ['the pods', fieldsOf(template['labels'])],
  ] as const
  for (const [what, own] of used) {
    for (const [key, value] of Object.entries(labels)) {
      if (own[key] !== undefined && own[key] !== value) {
        throw new UserError(
          `${what} has ${key}=${String(own[key])}, and a MyApp needs ${key}=${value}: ` +
            'give the MyApp another name, and move the traffic to its Service',
        )
      }
    }
  }
  if (
    Object.entries(labels).every(([key, value]) => fieldsOf(selector['matchLabels'])[key] === value)
  ) {
    throw new UserError(
      `Deployment ${name} has the selector of a MyApp already: apply the MyApp, ` +
        'and label the Deployment (see docs/migration.md)',
    )
  }
}

/** The fields of a container that a MyApp has under the same name. */
const sameFields = [
  'image',
  'command',
  'args',
  'workingDir',
  'env',
  'envFrom',
  'resources',
] as const

/** Fields that the API server defaults or that a MyApp sets. */
const expected = new Set([
  ...['name', 'imagePullPolicy', 'terminationMessagePath', 'terminationMessagePolicy', 'ports'],
  ...['containers', 'restartPolicy', 'dnsPolicy', 'schedulerName', 'serviceAccount'],
  ...[
    'terminationGracePeriodSeconds',
    'securityContext',
    'readinessProbe',
    'livenessProbe',
    'startupProbe',
  ],
])

/** A MyApp with the fields of a Deployment, and the fields that the user must translate. */
function skeleton(name: string, namespace: string, deployment: ObservedObject) {
  const spec = fieldsOf(deployment.spec)
  const pod = fieldsOf(fieldsOf(spec['template'])['spec'])
  const containers = listOf(pod['containers'])
  const container = containers[0] ?? {}
  const port = listOf(container['ports'])[0]?.['containerPort']
  const candidates: Fields = {
    ...Object.fromEntries(sameFields.map((field) => [field, container[field]])),
    replicas: spec['replicas'],
    ...(port === undefined ? { expose: false } : { port }),
    probes: probesOf(container),
    ...Object.fromEntries(
      ['serviceAccountName', 'imagePullSecrets', 'nodeSelector', 'tolerations', 'affinity'].map(
        (field) => [field, pod[field]],
      ),
    ),
    terminationGracePeriodSeconds:
      pod['terminationGracePeriodSeconds'] === 30
        ? undefined
        : pod['terminationGracePeriodSeconds'],
  }
  const myApp: { apiVersion: string; kind: string; metadata: Fields; spec: Fields } = {
    apiVersion,
    kind,
    metadata: { name, namespace },
    spec: Object.fromEntries(
      Object.entries(candidates).filter(([, value]) => value !== undefined && !isEmpty(value)),
    ),
  }
  const byHand = [
    ...containers.slice(1).map((other) => `container ${String(other['name'])}`),
    ...[...Object.keys(container), ...Object.keys(pod)].filter(
      (field) => !expected.has(field) && !(field in candidates),
    ),
    ...(isEmpty(pod['securityContext'] ?? {}) ? [] : ['securityContext of the pod']),
    ...(isEmpty(container['securityContext'] ?? {}) ? [] : ['securityContext of the container']),
  ]
  // The user must also translate fields that are invalid in a MyApp.
  for (const { path } of validate(myApp, myAppValidator)) {
    const field = String(path[1])
    if (path[0] !== 'spec' || field === 'image' || !(field in myApp.spec)) continue
    delete myApp.spec[field]
    byHand.push(field)
  }
  return { myApp, byHand: [...new Set(byHand)] }
}

/** The probes of a container by their names in a MyApp. A named port is the port of the app. */
function probesOf(container: Fields): Fields {
  const probes = Object.entries({
    startup: container['startupProbe'],
    readiness: container['readinessProbe'],
    liveness: container['livenessProbe'],
  }).flatMap(([name, probe]) => (isObject(probe) ? [[name, withoutNamedPort(probe)]] : []))
  return Object.fromEntries(probes)
}

const withoutNamedPort = (probe: Fields): Fields =>
  Object.fromEntries(
    Object.entries(probe).map(([handler, fields]) => [
      handler,
      isObject(fields)
        ? Object.fromEntries(
            Object.entries(fields).filter(
              ([field, value]) => field !== 'port' || typeof value !== 'string',
            ),
          )
        : fields,
    ]),
  )

function notes(
  { spec }: { spec: Fields },
  byHand: string[],
  service: ObservedObject | undefined,
  beside: ObservedObject[],
): string[] {
  const ports = listOf(fieldsOf(service?.spec)['ports']).map(({ port }) => port)
  const lost = ports.filter((port) => port !== spec['port'])
  return [
    ...byHand.map((field) => `not translated: ${field}`),
    ...lost.map(
      (port) =>
        `the Service offers port ${String(port)} now, and the MyApp offers ` +
        `${String(spec['port'] ?? 'none')}: callers must change first`,
    ),
    ...beside
      .filter(({ kind }) => kind !== 'Service')
      .map(
        ({ kind, metadata }) =>
          `${kind} ${metadata.name} exists: the script makes the MyApp adopt it, ` +
          'and the MyApp deletes it unless its spec asks for one',
      ),
  ]
}

function script({
  name,
  namespace,
  context,
  selector,
  replicaSets,
  myApp,
  byHand,
  beside,
}: {
  name: string
  namespace: string
  context: string | undefined
  selector: Fields
  replicaSets: ObservedObject[]
  myApp: object
  byHand: string[]
  beside: ObservedObject[]
}): string {
  const kubectl = [
    'kubectl',
    ...(context === undefined ? [] : ['--context', context]),
    '-n',
    namespace,
  ]
    .map(quote)
    .join(' ')
  const file = `${name}.yaml`
  const labels = Object.entries(selectorLabels(name)).map(([key, value]) => `${key}=${value}`)
  const lines = [
    `# Turns Deployment ${namespace}/${name} into a MyApp without downtime. See docs/migration.md.`,
    '# Each step can be repeated. Nothing is deleted before the pods of the MyApp are ready.',
    'set -eu',
    '',
    '# 1. The MyApp. Compare it with the Deployment before you continue.',
    ...byHand.map((field) => `#    Not translated: ${field.replace(/\s+/g, ' ')}`),
    `cat > ${file} <<'END-OF-MYAPP'`,
    yamlText(myApp).trimEnd(),
    'END-OF-MYAPP',
    '',
    '# 2. Add the labels of the MyApp to the pods.',
    `${kubectl} label pods -l ${quote(selectorText(selector))} ${labels.join(' ')}`,
    '',
    '# 3. Delete the Deployment. Its ReplicaSets and pods stay and serve.',
    `${kubectl} delete deployment ${name} --cascade=orphan`,
    '',
    '# 4. Create the MyApp. It adopts the objects with its name.',
    `${kubectl} apply -f ${file}`,
    `uid=$(${kubectl} get myapp ${name} -o jsonpath='{.metadata.uid}')`,
    ...beside.map(
      (object) =>
        `${kubectl} label ${object.kind.toLowerCase()} ${name} controller-uid="$uid" --overwrite`,
    ),
    `${kubectl} wait --for=condition=Ready myapp/${name} --timeout=15m`,
    '',
    '# 5. Delete the old pods.',
    ...replicaSets.map(({ metadata }) => `${kubectl} delete replicaset ${quote(metadata.name)}`),
  ]
  return `${lines.join('\n')}\n`
}

/** Quotes a text for a shell. */
const quote = (text: string) =>
  /^[\w./:=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`

/** A label selector for the option -l of kubectl. */
function selectorText(selector: Fields): string {
  const expressions = listOf(selector['matchExpressions']).map(({ key, operator, values }) => {
    const all = Array.isArray(values) ? values.join(',') : ''
    return {
      In: `${String(key)} in (${all})`,
      NotIn: `${String(key)} notin (${all})`,
      Exists: String(key),
      DoesNotExist: `!${String(key)}`,
    }[String(operator)]
  })
  return [
    ...Object.entries(fieldsOf(selector['matchLabels'])).map(
      ([key, value]) => `${key}=${String(value)}`,
    ),
    ...expressions,
  ].join(',')
}

const fieldsOf = (value: unknown): Fields => (isObject(value) ? value : {})
const listOf = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isObject) : [])
const isEmpty = (value: unknown) =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0
