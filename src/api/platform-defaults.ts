import type { ValidateFunction } from 'ajv'
import type Type from 'typebox'
import { isExposed } from './declared-ports.ts'
import { classAnnotation } from './network.ts'
import { platformDefaultsOutline, platformDefaultsValidator } from './compiled.ts'
import { requestProblems } from './cross-field.ts'
import { defaultGracePeriodSeconds, type MyAppSpec } from './myapp.ts'
import { problemsOf, sentence } from './messages.ts'
import type { PlatformDefaultsSchema as Schema } from './platform-defaults-schema.ts'

/** The defaults that a platform team sets once for all MyApps. See docs/platform-defaults.md. */
export type PlatformDefaults = Type.Static<typeof Schema>

/**
 * Checks platform defaults that were read from a file.
 * @throws {Error} with one line that names the first invalid field and the reason.
 */
export function checkPlatformDefaults(value: unknown): PlatformDefaults {
  const validator = platformDefaultsValidator as ValidateFunction<PlatformDefaults>
  const [problem] = validator(value)
    ? requestProblems(['resources'], value.resources)
    : problemsOf(validator.errors ?? [], value, platformDefaultsOutline)
  if (problem !== undefined) throw new Error(sentence(problem))
  return value as PlatformDefaults
}

/** A spec with the platform's defaults filled in. */
export interface DefaultedSpec {
  spec: MyAppSpec
  /** The fields that the platform set, such as `ingress.host`. The status lists them. */
  defaulted: string[]
}

/** The time between the drain and the end of the grace period, in seconds. */
const secondsAfterDrain = defaultGracePeriodSeconds

/**
 * Fills in the unset fields of a valid spec. A field of the MyApp always replaces the whole
 * default: the resources of a MyApp and of the platform are never mixed. A default that contradicts
 * the MyApp is not applied.
 */
export function withPlatformDefaults(
  { name, namespace }: { name: string; namespace: string },
  spec: MyAppSpec,
  defaults: PlatformDefaults = {},
): DefaultedSpec {
  const { ingress = {} } = defaults
  const { annotations = {}, hosts = [] } = spec.ingress ?? {}
  const host = ingress.host?.replaceAll('{name}', name).replaceAll('{namespace}', namespace)
  const ingressDefaults = {
    ingressClassName: Object.hasOwn(annotations, classAnnotation) ? undefined : ingress.className,
    host: hosts.length > 0 ? undefined : host,
  }
  const runsAsRoot = spec.runAsUser === 0
  const top = missing(spec, {
    podSecurity:
      runsAsRoot && defaults.podSecurity === 'Restricted' ? undefined : defaults.podSecurity,
    resources: defaults.resources,
    imagePullSecrets: defaults.imagePullSecrets,
    ...drainDefaults(spec, defaults),
  })
  const inIngress = spec.ingress ? missing(spec.ingress, ingressDefaults) : {}
  return {
    spec: {
      ...spec,
      ...top,
      ...(spec.ingress && { ingress: { ...spec.ingress, ...inIngress } }),
    } as MyAppSpec,
    defaulted: [...Object.keys(top), ...Object.keys(inIngress).map((field) => `ingress.${field}`)],
  }
}

/**
 * The time to drain, and a grace period that is long enough for it. If the MyApp sets the grace
 * period, draining takes at most half of it.
 */
function drainDefaults(spec: MyAppSpec, { drainSeconds }: PlatformDefaults) {
  if (drainSeconds === undefined || spec.drainSeconds !== undefined || !isExposed(spec)) return {}
  const { terminationGracePeriodSeconds: gracePeriod } = spec
  return {
    drainSeconds:
      gracePeriod === undefined
        ? drainSeconds
        : Math.min(drainSeconds, Math.floor(gracePeriod / 2)),
    terminationGracePeriodSeconds: drainSeconds + secondsAfterDrain,
  }
}

/** The defaults of the fields that are not set. */
const missing = <Defaults extends object>(set: object, defaults: Defaults): Partial<Defaults> =>
  Object.fromEntries(
    Object.entries(defaults).filter(
      ([field, value]) => value !== undefined && !Object.hasOwn(set, field),
    ),
  ) as Partial<Defaults>

/** Labels by which Metacontroller and the operator find their objects. They are never copied. */
const reservedLabels = new Set(['controller-uid', 'app', 'managed-by'])

/**
 * The labels of a MyApp that are copied to its children and pods, because the platform lists them.
 * An entry that ends with `/` lists all labels with this prefix.
 */
export function copiedLabels(
  labels: Record<string, string> = {},
  { labels: listed = [] }: PlatformDefaults = {},
): Record<string, string> {
  const exact = new Set(listed)
  const isListed = (key: string) => exact.has(key) || exact.has(key.slice(0, key.indexOf('/') + 1))
  return Object.fromEntries(
    Object.entries(labels).filter(([key]) => isListed(key) && !reservedLabels.has(key)),
  )
}
