import type { App } from '../app.ts'
import { compact } from './compact.ts'
import { defaults, type MyAppSpec } from '../../api/myapp.ts'
import type { ChildKind } from './index.ts'
import { childLabels, selectorLabels } from './labels.ts'
import { podTemplate } from './pod-template.ts'

/** Where the number of replicas that an autoscaler had reached is kept while the app is suspended. */
export const suspendedReplicasAnnotation = 'example.com/suspended-replicas'

const pods = ['spec', 'template', 'spec']
const container = [...pods, 'containers', { name: 'app' }]

/** What the API server fills in where an answer is without it. */
const filledIn = {
  timeoutSeconds: 1,
  periodSeconds: 10,
  successThreshold: 1,
  failureThreshold: 3,
  defaultMode: 0o644,
  terminationGracePeriodSeconds: 30,
  progressDeadlineSeconds: 600,
}

/** Where others may add nothing to what a MyApp asks for. */
const parts = [
  ['spec', 'strategy'],
  ...['volumes', 'securityContext', 'imagePullSecrets', 'nodeSelector', 'affinity'].map((field) => [
    ...pods,
    field,
  ]),
  ...['startupProbe', 'readinessProbe', 'livenessProbe', 'resources', 'securityContext'].map(
    (field) => [...container, field],
  ),
]

/** Where others may add nothing at all: beside it the API server might refuse what a MyApp asks for. */
const closed = [
  ...['minReadySeconds', 'progressDeadlineSeconds'].map((field) => ['spec', field]),
  ...['terminationGracePeriodSeconds', 'os', 'resources'].map((field) => [...pods, field]),
  ...['lifecycle', 'volumeDevices'].map((field) => [...container, field]),
]

/** The Deployment that runs the pods of a MyApp. */
export const deployment: ChildKind = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  resource: 'deployments',
  group: 'Deployment.apps/v1',
  leaves: 'with the pods',
  desired: (app) => {
    const { name, namespace, spec } = app
    const { type = 'RollingUpdate', rollingUpdate = {} } = spec.strategy ?? {}
    return {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name,
        namespace,
        labels: childLabels(name, spec.image),
        ...(spec.suspend &&
          spec.autoscaling && {
            annotations: { [suspendedReplicasAnnotation]: String(reached(app)) },
          }),
      },
      spec: {
        replicas: replicas(app),
        ...compact({
          minReadySeconds: spec.minReadySeconds || undefined,
          progressDeadlineSeconds: spec.progressDeadlineSeconds,
          revisionHistoryLimit: spec.revisionHistoryLimit,
        }),
        selector: { matchLabels: selectorLabels(name) },
        // Always in full: a strategy that first comes up later can't be switched.
        strategy: type === 'Recreate' ? { type } : { type, rollingUpdate: bounds(rollingUpdate) },
        template: podTemplate(app),
      },
    }
  },
  exactFields: [
    ...['containers', 'initContainers', 'volumes'].map((field) => ({
      path: [...pods, field],
      remedy: 'take over' as const,
      namesOnly: true,
    })),
    ...['env', 'envFrom', 'ports', 'volumeMounts', 'command', 'args'].map((field) => ({
      path: [...container, field],
      remedy: 'leave out' as const,
    })),
    ...parts.map((path) => ({ path, remedy: 'take over strays' as const, filledIn })),
    ...closed.map((path) => ({
      path,
      remedy: 'take over strays' as const,
      filledIn,
      evenUnasked: true,
    })),
  ],
}

/** Bounds of a rolling update. One that may neither add nor remove a pod could not start, and the API server refuses it: it removes one. */
function bounds({
  maxSurge = '25%',
  maxUnavailable = 0,
}: NonNullable<NonNullable<MyAppSpec['strategy']>['rollingUpdate']>) {
  return {
    maxSurge,
    maxUnavailable: isZero(maxSurge) && isZero(maxUnavailable) ? 1 : maxUnavailable,
  }
}

const isZero = (pods: number | string) => parseInt(String(pods)) === 0

/**
 * How many replicas to ask for. Under an autoscaler the number is its own: whatever is there is asked for again, so that no
 * sync undoes what it did; what it had reached before a suspension comes back after it.
 */
export function replicas(app: App): number {
  if (app.spec.suspend) return 0
  return app.spec.autoscaling ? reached(app) : (app.spec.replicas ?? defaults.replicas)
}

function reached({ spec: { autoscaling, suspend, replicas }, deployment }: App): number {
  const note = Number(deployment?.metadata.annotations?.[suspendedReplicasAnnotation] ?? NaN)
  const kept = Number.isInteger(note) ? note : undefined
  // While it is suspended somebody may scale the Deployment by hand: that is no number that the autoscaler had reached.
  const there =
    (suspend ? kept : undefined) ??
    (deployment?.spec.replicas || kept) ??
    replicas ??
    defaults.replicas
  return Math.min(Math.max(there, autoscaling?.minReplicas ?? 1), autoscaling?.maxReplicas ?? there)
}
