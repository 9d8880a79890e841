import type {
  V1Container,
  V1EnvFromSource,
  V1EnvVar,
  V1EnvVarSource,
  V1GRPCAction,
  V1HTTPGetAction,
  V1Lifecycle,
  V1Probe,
  V1ResourceRequirements,
  V1VolumeMount,
} from '@kubernetes/client-node'
import { defaultGracePeriodSeconds, type MyAppSpec } from '../../api/myapp.ts'
import type { InitContainer, Sidecar } from '../../api/more-containers.ts'
import { canonicalQuantity } from '../../api/quantity.ts'
import {
  containerPort,
  declaredPorts,
  isExposed,
  portNumberOf,
  portOf,
} from '../../api/declared-ports.ts'
import type { App } from '../app.ts'
import { compact } from './compact.ts'
import { containerSecurity } from './pod-security.ts'
import { toVolumeMount, volumeMounts } from './volumes.ts'

type Probe = NonNullable<NonNullable<MyAppSpec['probes']>['liveness']>
type Resources = NonNullable<MyAppSpec['resources']>
type Amounts = NonNullable<Resources['limits']> & Record<string, string | number>
type EnvVar = NonNullable<MyAppSpec['env']>[number]
type VolumeMount = NonNullable<InitContainer['volumeMounts']>[number]

/** Seconds for which a terminating pod keeps serving by default. */
const defaultDrainSeconds = 5

/** The container of a MyApp. */
export function appContainer({ spec }: App): V1Container {
  const { startup, liveness, readiness = defaultReadiness(spec) } = spec.probes ?? {}
  return compact<V1Container>({
    name: 'app',
    image: spec.image,
    imagePullPolicy: spec.imagePullPolicy,
    command: spec.command,
    args: spec.args,
    workingDir: spec.workingDir,
    ports: declaredPorts(spec).map(containerPort),
    env: toEnv(spec.env, 'app'),
    envFrom: toEnvFrom(spec.envFrom),
    resources: toResources(spec.resources),
    startupProbe: startup && toProbe(startup, spec),
    readinessProbe: readiness && toProbe(readiness, spec),
    livenessProbe: liveness && toProbe(liveness, spec),
    lifecycle: drain(spec),
    terminationMessagePolicy: 'FallbackToLogsOnError',
    securityContext: containerSecurity(spec),
    volumeMounts: volumeMounts(spec),
  })
}

/**
 * The init containers and sidecars, in the order in which they start. Sidecars come first, so that
 * an init step can use a proxy.
 */
export const initContainers = ({ spec }: App): V1Container[] => [
  ...(spec.sidecars ?? []).map((sidecar) => toSidecar(spec, sidecar)),
  ...(spec.init ?? []).map((container) => compact<V1Container>(toContainer(spec, container))),
]

/** A native sidecar: an init container that keeps running. */
function toSidecar(spec: MyAppSpec, sidecar: Sidecar): V1Container {
  const { startup, readiness, liveness } = sidecar.probes ?? {}
  return compact<V1Container>({
    ...toContainer(spec, sidecar),
    restartPolicy: 'Always',
    startupProbe: startup && toProbe(startup, spec),
    readinessProbe: readiness && toProbe(readiness, spec),
    livenessProbe: liveness && toProbe(liveness, spec),
  })
}

/** A container. Its image, variables, resources and mounts default to those of the app. */
const toContainer = (spec: MyAppSpec, container: InitContainer | Sidecar) =>
  compact<V1Container>({
    name: container.name,
    image: container.image ?? spec.image,
    imagePullPolicy: spec.imagePullPolicy,
    command: container.command,
    args: container.args,
    workingDir: container.workingDir,
    env: toEnv(container.env ?? spec.env, container.name),
    envFrom: toEnvFrom(container.envFrom ?? spec.envFrom),
    resources: toResources(container.resources ?? withoutExtended(spec.resources)),
    terminationMessagePolicy: 'FallbackToLogsOnError',
    securityContext: containerSecurity(spec),
    volumeMounts:
      container.volumeMounts === undefined
        ? volumeMounts(spec)
        : container.volumeMounts.flatMap((mount) => mountOf(spec, mount)),
  })

/** Other containers do not inherit extended resources: each would get a device of its own. */
const withoutExtended = ({ requests = {}, limits = {} }: Resources = {}): Resources => ({
  requests,
  limits,
})

/** A mount of a volume of the app at another path. */
const mountOf = (spec: MyAppSpec, { name, mountPath, subPath, readOnly }: VolumeMount) =>
  (spec.volumes ?? [])
    .filter((volume) => volume.name === name)
    .slice(0, 1)
    .map((volume) =>
      compact<V1VolumeMount>({
        ...toVolumeMount(spec, { ...volume, ...(readOnly !== undefined && { readOnly }) }),
        mountPath,
        subPath,
      }),
    )

/** A TCP check of the main port, unless that port speaks UDP. */
const defaultReadiness = (spec: MyAppSpec): Probe | undefined =>
  isExposed(spec) && spec.protocol !== 'UDP' ? { tcpSocket: {} } : undefined

/**
 * The sleep of a terminating pod before it gets SIGTERM. By default it takes at most half of the
 * grace period, rounded up. Without a port there is nothing to drain.
 */
function drain(spec: MyAppSpec): V1Lifecycle | undefined {
  const { terminationGracePeriodSeconds: gracePeriod = defaultGracePeriodSeconds } = spec
  const byDefault = Math.min(defaultDrainSeconds, Math.ceil(gracePeriod / 2))
  const seconds = spec.drainSeconds ?? (isExposed(spec) ? byDefault : 0)
  return seconds === 0 ? undefined : { preStop: { sleep: { seconds } } }
}

const toEnv = (env: EnvVar[] = [], container: string) =>
  env.map((variable) => toEnvVar(variable, container))

const toEnvFrom = (envFrom: MyAppSpec['envFrom'] = []) =>
  envFrom.map((source) => compact<V1EnvFromSource>(source))

/** The API server does not store `value: ''`: a variable without a value is empty. */
function toEnvVar({ name, value, valueFrom }: EnvVar, containerName: string): V1EnvVar {
  if (valueFrom === undefined) return compact<V1EnvVar>({ name, value })
  const { fieldRef, resourceFieldRef, ...keyRefs } = valueFrom
  return {
    name,
    valueFrom: compact<V1EnvVarSource>({
      ...keyRefs,
      fieldRef: fieldRef && { apiVersion: 'v1', ...fieldRef },
      resourceFieldRef: resourceFieldRef && {
        containerName,
        resource: resourceFieldRef.resource,
        divisor: toDivisor(resourceFieldRef.divisor),
      },
    }),
  }
}

/** The API server stores an unset divisor, which means 1, as 0. */
const toDivisor = (divisor: string | number | undefined) =>
  divisor === undefined ? '0' : canonicalQuantity(divisor)

/** Kubernetes requires equal requests and limits of an extended resource. */
const toResources = ({ requests, limits, extended }: Resources = {}) =>
  compact<V1ResourceRequirements>({
    requests: toAmounts({ ...requests, ...extended }),
    limits: toAmounts({ ...limits, ...extended }),
  })

const toAmounts = (amounts: Amounts = {}): Record<string, string> =>
  Object.fromEntries(
    Object.entries(amounts).map(([resource, quantity]) => [resource, canonicalQuantity(quantity)]),
  )

/** A probe of the main port by default, without the zeros that the API server does not store. */
function toProbe(
  { httpGet, tcpSocket, grpc, exec, initialDelaySeconds, ...timing }: Probe,
  spec: MyAppSpec,
) {
  const portIn = ({ port = portOf(spec) }: { port?: number | string }) => portNumberOf(spec, port)
  return compact<V1Probe>({
    httpGet:
      httpGet &&
      compact<V1HTTPGetAction>({ path: '/', scheme: 'HTTP', ...httpGet, port: portIn(httpGet) }),
    tcpSocket: tcpSocket && { port: portIn(tcpSocket) },
    grpc: grpc && ({ service: '', ...grpc, port: portIn(grpc) } satisfies V1GRPCAction),
    exec,
    initialDelaySeconds: initialDelaySeconds || undefined,
    ...timing,
  })
}
