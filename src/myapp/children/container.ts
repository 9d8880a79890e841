import { posix } from 'node:path'
import { type App, isExposed } from '../app.ts'
import { canonicalQuantity } from '../../api/quantity.ts'
import { defaults, type MyAppSpec } from '../../api/myapp.ts'
import { compact } from './compact.ts'
import { containerSecurity } from './pod-security.ts'

type Probe = NonNullable<NonNullable<MyAppSpec['probes']>['liveness']>
type Amounts = NonNullable<NonNullable<MyAppSpec['resources']>['limits']>

/** Seconds that a pod goes on serving after it was told to end, while the cluster stops sending to it. */
const drainSeconds = 5

/** The container of a MyApp. */
export function appContainer({ spec }: App) {
  const tmp = tmpVolume(spec)
  const port = spec.port ?? defaults.port
  const probe = (probe: Probe | undefined) => probe && toProbe(probe, port)
  return compact({
    name: 'app',
    image: spec.image,
    imagePullPolicy: spec.imagePullPolicy,
    command: spec.command,
    args: spec.args,
    workingDir: spec.workingDir,
    ports: isExposed(spec) ? [{ name: 'http', containerPort: port, protocol: 'TCP' }] : undefined,
    env: (spec.env ?? []).map(toEnvVar),
    envFrom: (spec.envFrom ?? []).map(compact),
    resources: compact({
      requests: toAmounts(spec.resources?.requests),
      limits: toAmounts(spec.resources?.limits),
    }),
    startupProbe: probe(spec.probes?.startup),
    readinessProbe: probe(
      spec.probes?.readiness ?? (isExposed(spec) ? { tcpSocket: {} } : undefined),
    ),
    livenessProbe: probe(spec.probes?.liveness),
    lifecycle: isExposed(spec)
      ? {
          preStop: {
            sleep: {
              seconds: Math.min(
                drainSeconds,
                Math.ceil((spec.terminationGracePeriodSeconds ?? 30) / 2),
              ),
            },
          },
        }
      : undefined,
    securityContext: containerSecurity(spec),
    volumeMounts: [
      ...(spec.volumes ?? []).map(({ name, mountPath, subPath, readOnly, emptyDir }) =>
        compact({
          name,
          mountPath,
          subPath,
          readOnly: (readOnly ?? emptyDir === undefined) ? true : undefined,
        }),
      ),
      ...(tmp !== undefined ? [{ name: tmp, mountPath: '/tmp' }] : []),
    ],
  })
}

/** The name of the volume by which a read-only root has an empty /tmp, where the user has not seen to one; it is one that is free. */
export function tmpVolume({ podSecurity, volumes = [] }: MyAppSpec): string | undefined {
  if (
    podSecurity !== 'Restricted' ||
    volumes.some(({ mountPath }) => posix.resolve(mountPath) === '/tmp')
  ) {
    return undefined
  }
  const isFree = (name: string) => !volumes.some((volume) => volume.name === name)
  return ['tmp', ...volumes.map((_, index) => `tmp-${index + 1}`)].find(isFree)
}

/** `value: ''` is not stored; a variable without a value is empty all the same. */
function toEnvVar({ name, value, valueFrom }: NonNullable<MyAppSpec['env']>[number]) {
  if (valueFrom === undefined) return compact({ name, value })
  const { fieldRef, resourceFieldRef, ...keyRefs } = valueFrom
  return {
    name,
    valueFrom: compact({
      ...keyRefs,
      fieldRef: fieldRef && { apiVersion: 'v1', ...fieldRef },
      // The API server says a divisor of 1 as 0.
      resourceFieldRef: resourceFieldRef && {
        containerName: 'app',
        resource: resourceFieldRef.resource,
        divisor: toDivisor(resourceFieldRef.divisor),
      },
    }),
  }
}

const toDivisor = (divisor: string | number | undefined) =>
  divisor === undefined ? '0' : canonicalQuantity(divisor)

const toAmounts = (amounts: Amounts = {}) =>
  Object.fromEntries(
    Object.entries(amounts).map(([resource, quantity]) => [resource, canonicalQuantity(quantity)]),
  )

/** A probe with the port of the app for its own, and without the zeros that the API server does not store. */
function toProbe(
  { httpGet, tcpSocket, grpc, exec, initialDelaySeconds, ...timing }: Probe,
  port: number,
) {
  return compact({
    httpGet: httpGet && compact({ path: '/', scheme: 'HTTP', port, ...httpGet }),
    tcpSocket: tcpSocket && { port, ...tcpSocket },
    grpc: grpc && { port, service: '', ...grpc },
    exec,
    initialDelaySeconds: initialDelaySeconds || undefined,
    ...timing,
  })
}
