import { transportOf } from '../api/declared-ports.ts'
import { apiVersion, kind } from '../api/myapp.ts'
import type { JsonObject } from '../metacontroller/json.ts'
import type { ObservedObject } from '../metacontroller/protocol.ts'
import { selectorLabels } from '../myapp/children/labels.ts'
import { type Streams, type Task, UserError } from './arguments.ts'
import { kubectlFor } from './cluster.ts'
import { fieldsOf, listOf, translate } from './translate.ts'
import { yamlText } from './yaml/print.ts'

/** The kinds of existing objects that the script labels, so that the MyApp adopts them. */
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
  const others = kubectl.get([otherKinds.join(), name, '-n', namespace])
  const service = others.find(({ kind }) => kind === 'Service')
  refuse(deployment, selector, others)
  const replicaSets = kubectl
    .get(['replicasets.apps', '-n', namespace, '-l', selectorText(selector)])
    .filter(({ metadata }) =>
      (metadata.ownerReferences ?? []).some(({ uid }) => uid === deployment.metadata.uid),
    )
  const { spec, untranslated } = translate(name, deployment.spec, service?.spec)
  const myApp = { apiVersion, kind, metadata: { name, namespace }, spec }
  for (const note of notes(myApp, untranslated, service, others)) err(`${note}\n`)
  const { uid } = deployment.metadata
  out(script({ name, namespace, context, uid, selector, replicaSets, myApp, untranslated, others }))
  return 0
}

/** Throws a UserError if the script cannot replace the Deployment. */
function refuse(deployment: ObservedObject, selector: JsonObject, others: ObservedObject[]) {
  const { name } = deployment.metadata
  for (const { kind, metadata } of [deployment, ...others]) {
    if ((metadata.ownerReferences ?? []).some(({ controller }) => controller)) {
      throw new UserError(`${kind} ${name} belongs to another controller: remove it from there`)
    }
  }
  const service = others.find(({ kind }) => kind === 'Service')
  const labels: Record<string, string> = selectorLabels(name)
  const template = fieldsOf(fieldsOf(fieldsOf(deployment.spec)['template'])['metadata'])
  const existing = [
    ['the selector of the Deployment', fieldsOf(selector['matchLabels'])],
    ['the selector of the Service', fieldsOf(fieldsOf(service?.spec)['selector'])],
    ['the pods', fieldsOf(template['labels'])],
  ] as const
  for (const [what, existingLabels] of existing) {
    for (const [key, value] of Object.entries(labels)) {
      if (existingLabels[key] !== undefined && existingLabels[key] !== value) {
        throw new UserError(
          `${what} has ${key}=${String(existingLabels[key])}, and a MyApp needs ${key}=${value}: ` +
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
        'and label the Deployment (see docs/migration.md, "Leaving the operator")',
    )
  }
}

function notes(
  { spec }: { spec: JsonObject },
  untranslated: string[],
  service: ObservedObject | undefined,
  others: ObservedObject[],
): string[] {
  const { type = 'ClusterIP', ports: servicePorts } = fieldsOf(service?.spec)
  const ports = listOf(servicePorts).map(
    ({ port, protocol = 'TCP' }) => `${String(port)}/${String(protocol)}`,
  )
  const offered = [spec, ...listOf(spec['ports'])]
    .filter(({ expose }) => expose !== false)
    .map((port) => `${String(port['servicePort'] ?? port['port'])}/${transportOf(port)}`)
  const lost = ports.filter((port) => !offered.includes(port))
  return [
    ...untranslated.map((field) => `not translated: ${field}`),
    ...lost.map(
      (port) =>
        `the Service offers port ${port} now, and the MyApp offers ` +
        `${offered.join(', ') || 'none'}: callers must change first`,
    ),
    ...(type === 'ClusterIP'
      ? []
      : [
          `the Service has type ${String(type)}, and the MyApp makes it ClusterIP: ` +
            'first create a second Service for callers from outside',
        ]),
    ...others
      .filter(({ kind }) => kind !== 'Service')
      .map(
        ({ kind, metadata }) =>
          `${kind} ${metadata.name} exists: the MyApp adopts it, ` +
          'and deletes it if the spec of the MyApp does not request it',
      ),
  ]
}

function script({
  name,
  namespace,
  context,
  uid,
  selector,
  replicaSets,
  myApp,
  untranslated,
  others,
}: {
  name: string
  namespace: string
  context: string | undefined
  uid: string
  selector: JsonObject
  replicaSets: ObservedObject[]
  myApp: object
  untranslated: string[]
  others: ObservedObject[]
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
    '# You can run it again. The old pods run until the pods of the MyApp are ready.',
    'set -eu',
    '',
    '# 1. The MyApp. Compare it with the Deployment before you run this script.',
    ...untranslated.map((field) => `#    Not translated: ${field.replace(/\s+/g, ' ')}`),
    `cat > ${file} <<'END-OF-MYAPP'`,
    yamlText(myApp).trimEnd(),
    'END-OF-MYAPP',
    '',
    '# 2. Add the labels of the MyApp to the pods.',
    `${kubectl} label pods -l ${quote(selectorText(selector))} ${labels.join(' ')}`,
    '',
    '# 3. Delete the Deployment. Its ReplicaSets and pods stay and serve.',
    '#    A Deployment with another uid is the Deployment of the MyApp.',
    `found=$(${kubectl} get deployment ${name} --ignore-not-found -o jsonpath='{.metadata.uid}')`,
    `if [ "$found" = ${quote(uid)} ]; then`,
    `  ${kubectl} delete deployment ${name} --cascade=orphan`,
    'fi',
    '',
    '# 4. Create the MyApp. It adopts the objects with its name.',
    `${kubectl} apply -f ${file}`,
    `uid=$(${kubectl} get myapp ${name} -o jsonpath='{.metadata.uid}')`,
    ...others.map(
      (object) =>
        `${kubectl} label ${object.kind.toLowerCase()} ${name} controller-uid="$uid" --overwrite`,
    ),
    `${kubectl} wait --for=condition=Ready myapp/${name} --timeout=15m`,
    '',
    '# 5. Delete the old pods.',
    ...replicaSets.map(
      ({ metadata }) => `${kubectl} delete replicaset ${quote(metadata.name)} --ignore-not-found`,
    ),
  ]
  return `${lines.join('\n')}\n`
}

/** Quotes a text for a shell. */
const quote = (text: string) =>
  /^[\w./:=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`

/** A label selector in the format of kubectl -l. */
function selectorText(selector: JsonObject): string {
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
