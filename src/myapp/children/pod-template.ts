import type {
  V1ObjectMeta,
  V1PodDNSConfig,
  V1PodSpec,
  V1PodTemplateSpec,
  V1Toleration,
  V1TopologySpreadConstraint,
} from '@kubernetes/client-node'
import { copiedPodFields, type MyAppSpec } from '../../api/myapp.ts'
import type { App } from '../app.ts'
import { compact, withoutEmptyParts } from './compact.ts'
import { appContainer, initContainers } from './container.ts'
import { podLabels, selectorLabels } from './labels.ts'
import { podSecurity } from './pod-security.ts'
import { fileAnnotations, podVolumes } from './volumes.ts'

/** Changes with the ConfigMaps and Secrets that the pods use, so that the pods roll. */
export const configDigestAnnotation = 'example.com/config-digest'

/** The template of a MyApp's pods. */
export function podTemplate(app: App): V1PodTemplateSpec {
  const { name, spec } = app
  const digest = digestOf(app)
  const serviceAccountName = spec.serviceAccount ? name : spec.serviceAccountName
  return {
    metadata: compact<V1ObjectMeta>({
      labels: podLabels(app),
      annotations: {
        ...spec.podAnnotations,
        ...fileAnnotations(spec),
        ...(digest !== undefined && { [configDigestAnnotation]: digest }),
      },
    }),
    spec: compact<V1PodSpec>({
      ...copiedFields(spec),
      serviceAccountName,
      // The deprecated name of the same field. The API server copies each of them to the other.
      serviceAccount: serviceAccountName,
      automountServiceAccountToken: spec.automountServiceAccountToken ?? false,
      securityContext: podSecurity(spec),
      initContainers: initContainers(app),
      containers: [appContainer(app)],
      volumes: podVolumes(spec),
      topologySpreadConstraints: toSpread(name, spec),
      tolerations: (spec.tolerations ?? []).map((toleration) => compact<V1Toleration>(toleration)),
      affinity: withoutEmptyParts(spec.affinity),
      // With service links an app could read variables such as REDIS_PORT as its own settings.
      enableServiceLinks: spec.enableServiceLinks ?? false,
      dnsConfig: spec.dnsConfig && compact<V1PodDNSConfig>(spec.dnsConfig),
    }),
  }
}

const copiedFields = (spec: MyAppSpec): Pick<MyAppSpec, (typeof copiedPodFields)[number]> =>
  Object.fromEntries(copiedPodFields.map((field) => [field, spec[field]]))

/**
 * The digest for the annotation. If rolloutOnConfigChange is false, the pods keep their digest,
 * because a change of the annotation rolls the pods, even if it is only removed.
 */
function digestOf({ spec, configDigest, deployment }: App): string | undefined {
  if (configDigest === undefined || (spec.rolloutOnConfigChange ?? true)) return configDigest
  return deployment?.spec.template.metadata?.annotations?.[configDigestAnnotation]
}

/** Pods spread over zones, then over nodes, as far as possible. */
const defaultSpread = ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map(
  (topologyKey) => ({ topologyKey, maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway' }),
)

/** Constraints that count the pods of one revision: old pods would skew a rollout. */
const toSpread = (name: string, spec: MyAppSpec): V1TopologySpreadConstraint[] =>
  (spec.topologySpreadConstraints ?? defaultSpread).map((constraint) => ({
    ...constraint,
    labelSelector: { matchLabels: selectorLabels(name) },
    matchLabelKeys: ['pod-template-hash'],
  }))
