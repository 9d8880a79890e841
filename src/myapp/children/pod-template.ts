import type { App } from '../app.ts'
import { canonicalQuantity } from '../../api/quantity.ts'
import type { MyAppSpec } from '../../api/myapp.ts'
import { compact, withoutEmptyParts } from './compact.ts'
import { appContainer, tmpVolume } from './container.ts'
import { childLabels, selectorLabels } from './labels.ts'
import { podSecurity } from './pod-security.ts'

/** Where a change of the config that the pods use shows, so that they roll. */
export const configDigestAnnotation = 'example.com/config-digest'

/** The pods of a MyApp. */
export function podTemplate(app: App) {
  const { name, spec } = app
  const digest = digestOf(app)
  const tmp = tmpVolume(spec)
  return {
    metadata: compact({
      labels: { ...spec.podLabels, ...childLabels(name, spec.image) },
      annotations: {
        ...spec.podAnnotations,
        ...(digest !== undefined && { [configDigestAnnotation]: digest }),
      },
    }),
    spec: compact({
      serviceAccountName: spec.serviceAccountName,
      // Its older name, which the API server keeps beside it: what only it holds would come back.
      serviceAccount: spec.serviceAccountName,
      automountServiceAccountToken: spec.automountServiceAccountToken ?? false,
      imagePullSecrets: spec.imagePullSecrets,
      securityContext: podSecurity(spec),
      containers: [appContainer(app)],
      volumes: [
        ...(spec.volumes ?? []).map(toVolume),
        ...(tmp !== undefined ? [{ name: tmp, emptyDir: {} }] : []),
      ],
      terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds,
      topologySpreadConstraints: toSpread(name, spec),
      nodeSelector: spec.nodeSelector,
      tolerations: (spec.tolerations ?? []).map(compact),
      affinity: withoutEmptyParts(spec.affinity),
      priorityClassName: spec.priorityClassName,
    }),
  }
}

/** Opting out keeps the digest that the pods have: to take it away would roll them, and so would opting in again without a change. */
function digestOf({ spec, configDigest, deployment }: App): string | undefined {
  if (configDigest === undefined || (spec.rolloutOnConfigChange ?? true)) return configDigest
  return deployment?.spec.template.metadata?.annotations?.[configDigestAnnotation]
}

function toVolume({
  name,
  configMap,
  secret,
  emptyDir,
  persistentVolumeClaim,
}: NonNullable<MyAppSpec['volumes']>[number]) {
  // An emptyDir without anything in it is stored as it is: {}.
  const folder =
    emptyDir &&
    compact({
      medium: emptyDir.medium,
      sizeLimit:
        emptyDir.sizeLimit === undefined ? undefined : canonicalQuantity(emptyDir.sizeLimit),
    })
  return {
    name,
    ...compact({
      configMap: configMap && compact(configMap),
      secret: secret && compact(secret),
      persistentVolumeClaim,
    }),
    ...(folder && { emptyDir: folder }),
  }
}

/** Over zones, then over nodes, as far as possible; the pods of one revision, or the old ones would skew a rollout. */
const defaultSpread = ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map(
  (topologyKey) => ({ topologyKey, maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway' }),
)

const toSpread = (name: string, spec: MyAppSpec) =>
  (spec.topologySpreadConstraints ?? defaultSpread).map((constraint) => ({
    ...constraint,
    labelSelector: { matchLabels: selectorLabels(name) },
    matchLabelKeys: ['pod-template-hash'],
  }))
