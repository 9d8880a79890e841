import { isDeepStrictEqual } from 'node:util'
import { transportOf } from '../api/declared-ports.ts'
import { type Protocol, protocols } from '../api/ports.ts'
import { thousandthsOf } from '../api/quantity.ts'
import { computeResources, userFields } from '../api/pod.ts'
import { differences } from '../metacontroller/compare.ts'
import { isObject, type JsonObject } from '../metacontroller/json.ts'
import { deployment as deploymentKind } from '../myapp/children/deployment.ts'
import { selectorLabels } from '../myapp/children/labels.ts'
import { configDigestAnnotation } from '../myapp/children/pod-template.ts'
import { apiVersion, copiedPodFields, kind, type MyAppSpec } from '../api/myapp.ts'
import { validate } from '../api/validate.ts'
import { myAppValidator } from './validators.ts'

type Fields = JsonObject

/** The spec of a MyApp, and the parts of the Deployment and the Service that it cannot contain. */
export interface Translation {
  spec: Fields
  untranslated: string[]
}

/**
 * Translates the specs of a live Deployment and of the Service with the same name into the spec of
 * a MyApp. The result is rendered and compared with the Deployment, to report the fields that would
 * be lost.
 */
export function translate(name: string, deployment: unknown, service?: unknown): Translation {
  const live = withoutDefaults(fieldsOf(deployment))
  const template = fieldsOf(live['template'])
  const pod = fieldsOf(template['spec'])
  const metadata = fieldsOf(template['metadata'])
  const { main, others } = containersOf(fieldsOf(deployment), name, pod)
  const untranslated = listOf(main['ports'])
    .filter((port) => !isPlainPort(port))
    .map(({ containerPort }) => `port ${String(containerPort)}`)
  const spec: Fields = defined({
    ...pickNamed(main, ['image', 'command', 'args', 'workingDir']),
    replicas: live['replicas'],
    ...portsOf(main, fieldsOf(service), untranslated),
    env: envOf(main),
    envFrom: main['envFrom'],
    imagePullPolicy: main['imagePullPolicy'],
    resources: resourcesOf(main),
    probes: probesOf(main),
    drainSeconds: drainSecondsOf(main),
    ...pickNamed(pod, [
      ...copiedPodFields,
      ...['serviceAccountName', 'automountServiceAccountToken', 'tolerations', 'affinity'],
      ...['dnsConfig', 'enableServiceLinks'],
    ]),
    // By default Kubernetes mounts the token, and a MyApp does not.
    ...(pod['serviceAccountName'] !== undefined &&
      pod['automountServiceAccountToken'] === undefined && { automountServiceAccountToken: true }),
    topologySpreadConstraints: spreadOf(pod),
    ...securityOf(pod, main),
    ...volumesOf(pod, main, others, untranslated),
    ...extraContainers(main, others),
    ...pickNamed(live, ['minReadySeconds', 'progressDeadlineSeconds', 'revisionHistoryLimit']),
    strategy: live['strategy'],
    podLabels: labelsOf(metadata),
    podAnnotations: metadata['annotations'],
  })
  const claims = listOf(spec['volumes']).map((volume) => volume['persistentVolumeClaim'])
  // Several pods use the claim already, so its access mode allows several.
  if (Number(spec['replicas'] ?? 1) > 1) {
    for (const claim of claims) {
      if (isObject(claim)) Object.assign(claim, { accessMode: 'ReadWriteMany' })
    }
  }
  untranslated.push(...dropInvalid(name, spec))
  if (validate({ metadata: { name }, spec }).length === 0) {
    const expected = {
      ...live,
      template: { ...template, spec: podForComparison(pod, main, others) },
    }
    untranslated.push(...lost(name, spec as MyAppSpec, expected))
  }
  return { spec, untranslated: [...new Set(untranslated)] }
}

/** Removes the fields that are invalid in a MyApp, and returns their names. */
function dropInvalid(name: string, spec: Fields): string[] {
  const myApp = { apiVersion, kind, metadata: { name }, spec }
  const invalid = validate(myApp, myAppValidator)
    .filter(({ path }) => path[0] === 'spec')
    .map(({ path }) => String(path[1]))
    .filter((field) => field !== 'image' && field in spec)
  if (invalid.length === 0) return []
  for (const field of invalid) delete spec[field]
  // Rules that span fields are checked only if every field is valid, so the rest is checked again.
  return [...invalid, ...dropInvalid(name, spec)]
}

/** Labels without those that the operator sets itself. */
function labelsOf({ labels }: Fields): unknown {
  const own = ['name', 'instance', 'version', 'managed-by'].map((key) => `app.kubernetes.io/${key}`)
  const others = pick(fieldsOf(labels), (key) => !own.includes(key))
  return isEmpty(others) ? undefined : others
}

/** The fields of a Deployment that the rendered one lacks, or has with another value. */
function lost(name: string, spec: MyAppSpec, expected: Fields): string[] {
  const [rendered] = deploymentKind.desired({ name, namespace: 'default', spec })
  const { selector: _selector, strategy: _strategy, ...fields } = expected
  return differences(rendered?.spec, fields).map((path) => path.replace(/^template\./, ''))
}

/**
 * The spec of the pods, with the containers named and ordered as in a MyApp. It lacks volumes and
 * mounts, and the ports and the drain of the app, because `translate` checks them separately.
 */
function podForComparison(pod: Fields, main: Fields, others: Other[]): Fields {
  const strip = ({ volumeMounts: _mounts, ...container }: Fields) => numericProbes(container)
  const { ports: _ports, lifecycle, ...app } = strip(main)
  const isDrain = drainSecondsOf({ lifecycle }) !== undefined
  const { volumes: _volumes, topologySpreadConstraints: spread, ...rest } = pod
  return {
    ...rest,
    ...(spread !== undefined && { topologySpreadConstraints: spreadOf(pod) }),
    containers: [{ ...app, ...(!isDrain && defined({ lifecycle })), name: 'app' }],
    initContainers: [...others]
      .sort((a, b) => Number(b.isSidecar) - Number(a.isSidecar))
      .map(({ container, isSidecar }) => ({
        ...strip(container),
        ...(isSidecar && { restartPolicy: 'Always' }),
      })),
  }
}

/** An additional container of the pods. */
interface Other {
  container: Fields
  isSidecar: boolean
}

/** The annotation that names the default container for kubectl logs and kubectl exec. */
const defaultContainer = 'kubectl.kubernetes.io/default-container'

/**
 * The container of the app, and the others. The app is the default container of kubectl, the
 * container with the name of the Deployment, or the first one.
 */
function containersOf(deployment: Fields, name: string, pod: Fields) {
  const { annotations } = fieldsOf(fieldsOf(deployment['template'])['metadata'])
  const named = [fieldsOf(annotations)[defaultContainer], name]
  const containers = listOf(pod['containers'])
  const main =
    named
      .map((name) => containers.find((container) => container['name'] === name))
      .find((container) => container !== undefined) ??
    containers[0] ??
    {}
  return {
    main,
    others: [
      ...listOf(pod['initContainers']).map(({ restartPolicy, ...container }) => ({
        container,
        isSidecar: restartPolicy === 'Always',
      })),
      ...containers
        .filter((container) => container !== main)
        .map((container) => ({ container, isSidecar: true })),
    ],
  }
}

/** The ports of the container and of the Service. */
function portsOf(main: Fields, service: Fields, untranslated: string[]): Fields {
  const declared = listOf(main['ports'])
  const offered = listOf(service['ports']).map((port) => ({
    ...port,
    number: numberOf(declared, port['targetPort'] ?? port['port']),
  }))
  const numbers = [
    ...new Set([
      ...offered.slice(0, 1).map(({ number }) => number),
      ...declared.map(({ containerPort }) => containerPort),
      ...offered.map(({ number }) => number),
    ]),
  ].filter((number) => typeof number === 'number')
  const all = numbers.map((number) => {
    const { name, protocol } = declared.find(({ containerPort }) => containerPort === number) ?? {}
    const offer = offered.find((port) => port.number === number) as Fields | undefined
    const appProtocol = protocolOf({ name, protocol, ...offer })
    const transport = transportOf({ protocol: appProtocol })
    // A MyApp uses each number once.
    const lost = [
      ...declared.map((port) => ({ ...port, number: port['containerPort'] })),
      ...offered,
    ]
      .filter((port) => port.number === number && storedProtocol(port) !== transport)
      .map((port) => `port ${number}/${storedProtocol(port)}`)
    untranslated.push(...lost)
    return defined({
      name: offer?.['name'] ?? name ?? `port-${number}`,
      port: number,
      servicePort: offer?.['port'] === number ? undefined : offer?.['port'],
      protocol: appProtocol === 'HTTP' ? undefined : appProtocol,
      expose: offer === undefined ? false : undefined,
    })
  })
  const [first, ...more] = all
  if (first === undefined) return { expose: false }
  if (offered.length === 0) return { expose: false, ports: all }
  const { name, expose: _expose, ...mainPort } = first
  const mainName = String(mainPort['protocol'] ?? 'HTTP').toLowerCase()
  if (name !== mainName && !isAnonymous(first)) untranslated.push(`port name ${String(name)}`)
  const ports = more.map((port) =>
    port['name'] === mainName ? { ...port, name: `${mainName}-${String(port['port'])}` } : port,
  )
  return { ...mainPort, ...(ports.length > 0 && { ports }) }
}

/** The transport protocol of a port of a container or of a Service. */
const storedProtocol = ({ protocol = 'TCP' }: Fields) => String(protocol)

/** Whether a port has the name that `portsOf` gives to a port without a name. */
const isAnonymous = ({ name, port }: Fields) => name === `port-${String(port)}`

/** Whether a MyApp can declare a port of a container. */
const isPlainPort = ({ protocol = 'TCP', ...port }: Fields) =>
  ['TCP', 'UDP'].includes(String(protocol)) &&
  Object.keys(port).every((field) => field === 'name' || field === 'containerPort')

/** The protocol of a port: from its appProtocol, its transport or its name. */
function protocolOf({ name = '', protocol, appProtocol }: Fields): Protocol {
  if (protocol === 'UDP') return 'UDP'
  const word = String(name).split('-')[0]?.toUpperCase()
  if (appProtocol === 'kubernetes.io/h2c') return word === 'GRPC' ? 'GRPC' : 'HTTP2'
  const known = [String(appProtocol ?? '').toUpperCase(), word === 'HTTPS' ? 'TLS' : word]
  return protocols.find((one) => known.includes(one)) ?? 'HTTP'
}

const numberOf = (declared: Fields[], port: unknown) =>
  typeof port === 'string' ? declared.find(({ name }) => name === port)?.['containerPort'] : port

/** Variables without the fields that a MyApp sets itself. */
function envOf(container: Fields): unknown {
  const env = listOf(container['env']).map(({ name, value, valueFrom }) => {
    const { fieldRef, resourceFieldRef, ...rest } = fieldsOf(valueFrom)
    const source = defined({
      ...rest,
      fieldRef: isObject(fieldRef) ? { fieldPath: fieldRef['fieldPath'] } : undefined,
      resourceFieldRef: isObject(resourceFieldRef)
        ? defined({
            resource: resourceFieldRef['resource'],
            divisor: resourceFieldRef['divisor'] === '0' ? undefined : resourceFieldRef['divisor'],
          })
        : undefined,
    })
    return defined({ name, value, valueFrom: isEmpty(source) ? undefined : source })
  })
  return env.length > 0 ? env : undefined
}

/** Requests, limits and extended resources. */
function resourcesOf(container: Fields): unknown {
  const { requests, limits } = fieldsOf(container['resources'])
  const known = (amounts: unknown) =>
    pick(fieldsOf(amounts), (resource) =>
      (computeResources as readonly string[]).includes(resource),
    )
  const extended = pick(
    fieldsOf(limits),
    (resource) => !(computeResources as readonly string[]).includes(resource),
  )
  const resources = {
    requests: known(requests),
    limits: known(limits),
    extended: Object.fromEntries(
      Object.entries(extended).map(([resource, amount]) => [
        resource,
        Number(thousandthsOf(amount as string)) / 1000,
      ]),
    ),
  }
  const set = pick(resources, (field) => !isEmpty(resources[field as keyof typeof resources]))
  return isEmpty(set) ? undefined : set
}

/** A container whose probes have port numbers, because a MyApp can have other port names. */
function numericProbes(container: Fields): Fields {
  const declared = listOf(container['ports'])
  const numeric = (handler: unknown) =>
    isObject(handler) && 'port' in handler
      ? { ...handler, port: numberOf(declared, handler['port']) ?? handler['port'] }
      : handler
  return Object.fromEntries(
    Object.entries(container).map(([field, probe]) => [
      field,
      field.endsWith('Probe') && isObject(probe)
        ? Object.fromEntries(Object.entries(probe).map(([key, value]) => [key, numeric(value)]))
        : probe,
    ]),
  )
}

function probesOf(container: Fields): unknown {
  const { startupProbe, readinessProbe, livenessProbe } = numericProbes(container)
  const probes = defined({
    startup: startupProbe,
    readiness: readinessProbe,
    liveness: livenessProbe,
  })
  return isEmpty(probes) ? undefined : probes
}

/** The seconds of a preStop hook that only sleeps. Undefined for any other hook. */
function drainSecondsOf(container: Fields): number | undefined {
  const { preStop, ...others } = fieldsOf(container['lifecycle'])
  if (!isEmpty(others)) return undefined
  const { sleep, exec } = fieldsOf(preStop)
  const { seconds } = fieldsOf(sleep)
  if (typeof seconds === 'number') return seconds
  const { command } = fieldsOf(exec)
  const words = Array.isArray(command) ? command.join(' ') : ''
  const text = /^(?:(?:\/bin\/)?sh -c )?(?:\/bin\/)?sleep (\d{1,5})$/.exec(words)?.[1]
  return text === undefined ? undefined : Number(text)
}

/** Spread constraints without labelSelector and matchLabelKeys, which the operator sets. */
const spreadOf = (pod: Fields): unknown =>
  pod['topologySpreadConstraints'] === undefined
    ? undefined
    : listOf(pod['topologySpreadConstraints']).map(
        ({ labelSelector: _selector, matchLabelKeys: _keys, ...constraint }) => constraint,
      )

const restrictedContainer = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
}

/** The users and groups, and the value of podSecurity that matches the other settings. */
function securityOf(pod: Fields, main: Fields): Fields {
  const context = fieldsOf(pod['securityContext'])
  const isUserField = (field: string) =>
    [...userFields, 'fsGroupChangePolicy', 'supplementalGroups'].includes(field)
  const { seccompProfile, ...others } = pick(context, (field) => !isUserField(field))
  const isDefault = fieldsOf(seccompProfile)['type'] === 'RuntimeDefault'
  const securityContext = defined({
    ...others,
    seccompProfile: isDefault ? undefined : seccompProfile,
  })
  const { allowPrivilegeEscalation, ...inContainer } = fieldsOf(main['securityContext'])
  const containerContext = defined({
    ...inContainer,
    allowPrivilegeEscalation:
      allowPrivilegeEscalation === false ? undefined : allowPrivilegeEscalation,
  })
  const users = pick(context, isUserField)
  if (isEmpty(securityContext) && isEmpty(containerContext)) return users
  return isDeepStrictEqual(securityContext, { runAsNonRoot: true }) &&
    isDeepStrictEqual(main['securityContext'], restrictedContainer)
    ? { ...users, podSecurity: 'Restricted' }
    : {
        ...users,
        podSecurity: 'Custom',
        ...(!isEmpty(securityContext) && { securityContext }),
        ...(!isEmpty(containerContext) && { containerSecurityContext: containerContext }),
      }
}

const volumeFields = [
  ...['configMap', 'secret', 'emptyDir', 'persistentVolumeClaim', 'projected', 'csi'],
]
const mountFields = ['name', 'mountPath', 'subPath', 'readOnly']

/**
 * Volumes with their mounts. A volume with several mounts becomes several entries, if entries can
 * share its source.
 */
function volumesOf(pod: Fields, main: Fields, others: Other[], untranslated: string[]): Fields {
  const mounts = listOf(main['volumeMounts'])
  const entries = listOf(pod['volumes']).flatMap(({ name, ...source }) => {
    const own = mounts.filter((mount) => mount['name'] === name)
    const elsewhere = others
      .flatMap(({ container }) => listOf(container['volumeMounts']))
      .find((mount) => mount['name'] === name)
    if (own.length === 0 && elsewhere !== undefined) {
      untranslated.push(`volume ${String(name)} without a mount in the app`)
    }
    const places = own.length > 0 ? own : elsewhere ? [elsewhere] : []
    const [kind = ''] = Object.keys(source)
    const canRepeat = kind !== 'emptyDir' && kind !== 'csi'
    const isKnown =
      volumeFields.includes(kind) &&
      places.every((mount) => Object.keys(mount).every((field) => mountFields.includes(field)))
    if (!isKnown || (places.length > 1 && !canRepeat)) {
      untranslated.push(`volume ${String(name)}`)
      return []
    }
    return places.map((mount, index) => ({
      ...entryOf(source, mount),
      name: index === 0 ? name : `${String(name)}-${index + 1}`,
    }))
  })
  return entries.length > 0 ? { volumes: entries } : {}
}

function entryOf(source: Fields, { mountPath, subPath, readOnly }: Fields): Fields {
  const { persistentVolumeClaim: claim, ...others } = source
  const isWritable = readOnly !== true && fieldsOf(claim)['readOnly'] !== true
  return defined({
    mountPath,
    subPath,
    readOnly: isWritable ? undefined : true,
    ...others,
    persistentVolumeClaim: isObject(claim) ? { claimName: claim['claimName'] } : undefined,
  })
}

/**
 * Init containers and sidecars. A field that equals the app's is left out, because it is inherited.
 * A missing field becomes empty, so that it is not inherited.
 */
function extraContainers(main: Fields, others: Other[]): Fields {
  const translated = (sidecars: boolean) =>
    others
      .filter(({ isSidecar }) => isSidecar === sidecars)
      .map(({ container }) =>
        defined({
          ...pickNamed(container, ['name', 'command', 'args', 'workingDir']),
          image: container['image'] === main['image'] ? undefined : container['image'],
          env: isDeepStrictEqual(container['env'], main['env'])
            ? undefined
            : (envOf(container) ?? []),
          envFrom: isDeepStrictEqual(container['envFrom'], main['envFrom'])
            ? undefined
            : (container['envFrom'] ?? []),
          resources: isDeepStrictEqual(container['resources'], main['resources'])
            ? undefined
            : (resourcesOf(container) ?? {}),
          volumeMounts: isDeepStrictEqual(container['volumeMounts'], main['volumeMounts'])
            ? undefined
            : (container['volumeMounts'] ?? []),
          probes: sidecars ? probesOf(container) : undefined,
        }),
      )
  const [init, sidecars] = [translated(false), translated(true)]
  return {
    ...(init.length > 0 && { init }),
    ...(sidecars.length > 0 && { sidecars }),
  }
}

/** Default values of the API server by field. */
const serverDefaults: Record<string, unknown> = {
  progressDeadlineSeconds: 600,
  revisionHistoryLimit: 10,
  terminationGracePeriodSeconds: 30,
  restartPolicy: 'Always',
  dnsPolicy: 'ClusterFirst',
  schedulerName: 'default-scheduler',
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  timeoutSeconds: 1,
  periodSeconds: 10,
  successThreshold: 1,
  failureThreshold: 3,
  scheme: 'HTTP',
  defaultMode: 420,
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
  securityContext: {},
  resources: {},
}
/** Fields that hold a map with keys of the user. */
const maps = ['labels', 'annotations', 'nodeSelector', 'matchLabels', 'volumeAttributes']

/** Labels and annotations of the pods that only the Deployment needs, or the operator sets. */
const transient: Record<string, string[]> = {
  'template.metadata.labels': [...Object.keys(selectorLabels('')), 'pod-template-hash'],
  'template.metadata.annotations': [
    'kubectl.kubernetes.io/restartedAt',
    defaultContainer,
    configDigestAnnotation,
  ],
}

/** A Deployment without defaults and without fields that only it needs. */
function withoutDefaults(spec: Fields): Fields {
  const strip = (value: unknown, path: string[]): unknown => {
    if (Array.isArray(value)) return value.map((item) => strip(item, path))
    if (!isObject(value)) return value
    return Object.fromEntries(
      Object.entries(value)
        .filter(([field, part]) => !isIgnored(field, part, value, path))
        .map(([field, part]) => [field, strip(part, [...path, field])]),
    )
  }
  return strip(spec, []) as Fields
}

function isIgnored(field: string, value: unknown, holder: Fields, path: string[]): boolean {
  if (maps.includes(path.at(-1) ?? '')) return transient[path.join('.')]?.includes(field) ?? false
  if (path.length === 2 && field === 'serviceAccount') return true
  if (path.length === 0 && field === 'selector') return true
  if (field === 'creationTimestamp') return true
  // This field distinguishes sidecars from init containers.
  if (field === 'restartPolicy' && path.at(-1) === 'initContainers') return false
  if (field === 'imagePullPolicy') {
    const image = String(holder['image'])
    const isLatest = !/[:@][^/]*$/.test(image) || /:latest$/.test(image)
    return value === (isLatest ? 'Always' : 'IfNotPresent')
  }
  return Object.hasOwn(serverDefaults, field) && isDeepStrictEqual(value, serverDefaults[field])
}

/** An object without undefined values. */
const defined = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
const pick = (fields: Fields, isPicked: (field: string) => boolean): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([field]) => isPicked(field)))
const pickNamed = (fields: Fields, names: string[]): Fields =>
  pick(fields, (field) => names.includes(field))

export const fieldsOf = (value: unknown): Fields => (isObject(value) ? value : {})
export const listOf = (value: unknown): Fields[] =>
  Array.isArray(value) ? value.filter(isObject) : []
const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0
