import type { V1DeploymentSpec, V1DeploymentStrategy } from '@kubernetes/client-node'
import { appArmor } from '../../api/annotations.ts'
import type { MyAppSpec } from '../../api/myapp.ts'
import type { ObjectPath } from '../../metacontroller/json.ts'
import { each } from '../../metacontroller/repair.ts'
import { isSingleton } from '../../api/volumes.ts'
import { desiredReplicas, suspendedReplicas, suspendedReplicasAnnotation } from '../replicas.ts'
import { defineChild } from './child.ts'
import { compact } from './compact.ts'
import { deploymentLabels, selectorLabels } from './labels.ts'
import { podTemplate } from './pod-template.ts'

type RollingUpdate = NonNullable<NonNullable<MyAppSpec['strategy']>['rollingUpdate']>

const pod = ['spec', 'template', 'spec']
const podAnnotations = ['spec', 'template', 'metadata', 'annotations']
/** The paths of the containers that the MyApp sets. */
const containerPaths: ObjectPath[] = [
  [...pod, 'containers', { name: 'app' }],
  [...pod, 'initContainers', each],
]
/** The paths of the given fields in each container that the MyApp sets. */
const inContainers = (fields: string[]): ObjectPath[] =>
  containerPaths.flatMap((container) => fields.map((field) => [...container, field]))

/** The values that the API server fills in for fields that an answer omits. */
const serverDefaults = {
  timeoutSeconds: 1,
  periodSeconds: 10,
  successThreshold: 1,
  failureThreshold: 3,
  defaultMode: 0o644,
  terminationGracePeriodSeconds: 30,
  progressDeadlineSeconds: 600,
}

/**
 * The operator removes foreign additions to these fields if the MyApp sets the field. Together with
 * `alwaysExact` and the fields with `restore`, the list contains every object, and every list with
 * a merge key, that a MyApp can set in the spec of a pod.
 */
const exactIfSet = [
  ['spec', 'strategy'],
  ...[
    'volumes',
    'securityContext',
    'imagePullSecrets',
    'nodeSelector',
    'affinity',
    'hostAliases',
    'dnsConfig',
  ].map((field) => [...pod, field]),
  ...inContainers([
    'startupProbe',
    'readinessProbe',
    'livenessProbe',
    'resources',
    'securityContext',
  ]),
]

/**
 * The operator always removes foreign values of these fields. With them the API server could refuse
 * a later change of the MyApp.
 */
const alwaysExact = [
  ...['minReadySeconds', 'progressDeadlineSeconds'].map((field) => ['spec', field]),
  ...['terminationGracePeriodSeconds', 'os', 'resources'].map((field) => [...pod, field]),
  ...inContainers(['lifecycle', 'volumeDevices']),
]

/** The Deployment that runs the pods of a MyApp. */
export const deployment = defineChild<V1DeploymentSpec>({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  resource: 'deployments',
  deleteStage: 'with the pods',
  exact: [
    ...['containers', 'volumes'].map((field) => ({
      path: [...pod, field],
      restore: 'by adoption' as const,
      namesOnly: true,
    })),
    {
      path: [...pod, 'initContainers'],
      restore: 'by adoption' as const,
      namesOnly: true,
      ordered: true,
      references: { path: podAnnotations, prefix: appArmor },
    },
    ...inContainers(['env', 'envFrom', 'ports', 'volumeMounts', 'command', 'args']).map((path) => ({
      path,
      restore: 'by omission' as const,
    })),
    ...exactIfSet.map((path) => ({
      path,
      exact: 'if set' as const,
      serverDefaults,
    })),
    ...alwaysExact.map((path) => ({
      path,
      exact: 'always' as const,
      serverDefaults,
    })),
  ],
  labels: deploymentLabels,
  annotations: (app) => {
    const replicas = suspendedReplicas(app)
    return replicas === undefined ? undefined : { [suspendedReplicasAnnotation]: replicas }
  },
  spec: (app) => {
    const { name, spec } = app
    return compact<V1DeploymentSpec>({
      replicas: desiredReplicas(app),
      minReadySeconds: spec.minReadySeconds || undefined,
      progressDeadlineSeconds: spec.progressDeadlineSeconds,
      revisionHistoryLimit: spec.revisionHistoryLimit,
      selector: { matchLabels: selectorLabels(name) },
      strategy: strategyOf(spec),
      template: podTemplate(app),
    })
  },
})

/**
 * The complete strategy. If the operator omitted it, the API server would add `rollingUpdate`,
 * which Metacontroller's merge keeps, and would refuse a later change to Recreate.
 */
function strategyOf(spec: MyAppSpec): V1DeploymentStrategy {
  const byDefault = isSingleton(spec) ? 'Recreate' : 'RollingUpdate'
  const { type = byDefault, rollingUpdate = {} } = spec.strategy ?? {}
  return type === 'Recreate' ? { type } : { type, rollingUpdate: rollingUpdateOf(rollingUpdate) }
}

/** The API server refuses two bounds of 0, so maxUnavailable is 1 if both would be 0. */
function rollingUpdateOf({ maxSurge = '25%', maxUnavailable = 0 }: RollingUpdate) {
  const isStuck = isZero(maxSurge) && isZero(maxUnavailable)
  return { maxSurge, maxUnavailable: isStuck ? 1 : maxUnavailable }
}

const isZero = (pods: number | string) => parseInt(String(pods)) === 0
