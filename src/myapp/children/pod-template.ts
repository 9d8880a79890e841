import type { App } from '../app.ts'
import { canonicalQuantity } from '../quantity.ts'
import type { MyAppSpec } from '../schema.ts'
import { compact } from './compact.ts'
import { appContainer, needsTmp } from './container.ts'
import { childLabels, selectorLabels } from './labels.ts'
import { podSecurity } from './pod-security.ts'

/** Where a change of the config that the pods use shows, so that they roll. */
export const configDigestAnnotation = 'example.com/config-digest'

/** The pods of a MyApp. */
export function podTemplate (app: App) {
  const { name, spec } = app
  return {
    metadata: compact({
      labels: { ...spec.podLabels, ...childLabels(name, spec.image) },
      annotations: compact({ ...spec.podAnnotations, [configDigestAnnotation]: app.configDigest }),
    }),
    spec: compact({
      serviceAccountName: spec.serviceAccountName,
      automountServiceAccountToken: spec.automountServiceAccountToken ?? false,
      imagePullSecrets: spec.imagePullSecrets,
      securityContext: podSecurity(spec),
      containers: [appContainer(app)],
      volumes: [...(spec.volumes ?? []).map(toVolume), ...needsTmp(spec) ? [{ name: 'tmp', emptyDir: {} }] : []],
      terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds,
      topologySpreadConstraints: toSpread(name, spec),
      nodeSelector: spec.nodeSelector,
      tolerations: (spec.tolerations ?? []).map(compact),
      affinity: compactAffinity(spec.affinity ?? {}),
      priorityClassName: spec.priorityClassName,
    }),
  }
}

function toVolume ({ name, configMap, secret, emptyDir, persistentVolumeClaim }: NonNullable<MyAppSpec['volumes']>[number]) {
  // An emptyDir without anything in it is stored as it is: {}.
  const folder = emptyDir && compact({ medium: emptyDir.medium, sizeLimit: emptyDir.sizeLimit === undefined ? undefined : canonicalQuantity(emptyDir.sizeLimit) })
  return { name, ...compact({ configMap: configMap && compact(configMap), secret: secret && compact(secret), persistentVolumeClaim }), ...folder && { emptyDir: folder } }
}

/** Over zones, then over nodes, as far as possible; the pods of one revision, or the old ones would skew a rollout. */
const defaultSpread = ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((topologyKey) => ({ topologyKey, maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway' }))

const toSpread = (name: string, spec: MyAppSpec) => (spec.topologySpreadConstraints ?? defaultSpread).map((constraint) => ({
  ...constraint,
  labelSelector: { matchLabels: selectorLabels(name) },
  matchLabelKeys: ['pod-template-hash'],
}))

/** Affinity without its empty parts. */
function compactAffinity (value: object): object {
  return compact(Object.fromEntries(Object.entries(value).map(([key, part]) => [key, typeof part !== 'object' || key.endsWith('elector') ? part : Array.isArray(part) ? part.map((item) => typeof item === 'object' ? compactAffinity(item) : item) : compactAffinity(part)])))
}
