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
import { posix } from 'node:path'
import { defaultGracePeriodSeconds, type MyAppSpec } from '../../api/myapp.ts'
import { canonicalQuantity } from '../../api/quantity.ts'
import {
  declaredPorts,
  isExposed,
  portNumberOf,
  portOf,
  transportOf,
} from '../../api/declared-ports.ts'
import type { App } from '../app.ts'
import { compact } from './compact.ts'
import { containerSecurity } from './pod-security.ts'

type Probe = NonNullable<NonNullable<MyAppSpec['probes']>['liveness']>
type Resources = NonNullable<MyAppSpec['resources']>
type Amounts = NonNullable<Resources['limits']> & Record<string, string | number>
type EnvVar = NonNullable<MyAppSpec['env']>[number]
type Volume = NonNullable<MyAppSpec['volumes']>[number]

/** Seconds for which a terminating pod keeps serving, if the spec does not say. */
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
    ports: declaredPorts(spec).map((port) => ({
      name: port.name,
      containerPort: port.port,
      protocol: transportOf(port),
    })),
    env: (spec.env ?? []).map(toEnvVar),
    envFrom: (spec.envFrom ?? []).map((source) => compact<V1EnvFromSource>(source)),
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

/** A TCP check of the main port, unless that port speaks UDP. */
const defaultReadiness = (spec: MyAppSpec): Probe | undefined =>
  isExposed(spec) && spec.protocol !== 'UDP' ? { tcpSocket: {} } : undefined

/**
 * The sleep of a terminating pod before it gets SIGTERM. By default it takes at most half of the
 * grace period. Without a port there is nothing to drain.
 */
function drain(spec: MyAppSpec): V1Lifecycle | undefined {
  const { terminationGracePeriodSeconds: gracePeriod = defaultGracePeriodSeconds } = spec
  const byDefault = Math.min(defaultDrainSeconds, Math.ceil(gracePeriod / 2))
  const seconds = spec.drainSeconds ?? (isExposed(spec) ? byDefault : 0)
  return seconds === 0 ? undefined : { preStop: { sleep: { seconds } } }
}

function volumeMounts(spec: MyAppSpec): V1VolumeMount[] {
  const tmp = tmpVolume(spec)
  return [
    ...(spec.volumes ?? []).map(toVolumeMount),
    ...(tmp !== undefined ? [{ name: tmp, mountPath: '/tmp' }] : []),
  ]
}

const toVolumeMount = ({ name, mountPath, subPath, readOnly, emptyDir }: Volume) =>
  compact<V1VolumeMount>({
    name,
    mountPath,
    subPath,
    readOnly: (readOnly ?? emptyDir === undefined) ? true : undefined,
  })

/**
 * The name of the emptyDir for /tmp, which an app with a read-only root file system gets unless it
 * mounts a volume there. The name differs from those of the spec's volumes.
 */
export function tmpVolume({ podSecurity, volumes = [] }: MyAppSpec): string | undefined {
  const isMounted = volumes.some(({ mountPath }) => posix.resolve(mountPath) === '/tmp')
  if (podSecurity !== 'Restricted' || isMounted) return undefined
  const isFree = (name: string) => !volumes.some((volume) => volume.name === name)
  return ['tmp', ...volumes.map((_, index) => `tmp-${index + 1}`)].find(isFree)
}

/** The API server does not store `value: ''`: a variable without a value is empty. */
function toEnvVar({ name, value, valueFrom }: EnvVar): V1EnvVar {
  if (valueFrom === undefined) return compact<V1EnvVar>({ name, value })
  const { fieldRef, resourceFieldRef, ...keyRefs } = valueFrom
  return {
    name,
    valueFrom: compact<V1EnvVarSource>({
      ...keyRefs,
      fieldRef: fieldRef && { apiVersion: 'v1', ...fieldRef },
      resourceFieldRef: resourceFieldRef && {
        containerName: 'app',
        resource: resourceFieldRef.resource,
        divisor: toDivisor(resourceFieldRef.divisor),
      },
    }),
  }
}

/** The API server stores an unset divisor, which means 1, as 0. */
const toDivisor = (divisor: string | number | undefined) =>
  divisor === undefined ? '0' : canonicalQuantity(divisor)

/** Kubernetes wants requests and limits of an extended resource to be equal. */
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
