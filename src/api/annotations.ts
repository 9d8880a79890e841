import { containerName } from './pod.ts'
import { rule } from './fields.ts'

/**
 * Checks of pod annotations. The API server validates most of these annotations too, and refuses a
 * Deployment with an invalid one. See `ValidatePodSpecificAnnotations` and
 * `validateSeccompAnnotationsAndFields` of k8s.io/kubernetes. The annotations with the prefix
 * `filesPrefix` are reserved for the operator.
 */

const mirror = 'kubernetes.io/config.mirror'
const tolerations = 'scheduler.alpha.kubernetes.io/tolerations'
const deletionCost = 'controller.kubernetes.io/pod-deletion-cost'
const seccompPod = 'seccomp.security.alpha.kubernetes.io/pod'
const seccompContainer = 'container.seccomp.security.alpha.kubernetes.io/'
/** The prefix of the AppArmor annotation of a container. The name of the container follows. */
export const appArmor = 'container.apparmor.security.beta.kubernetes.io/'

/** The prefix of the pod annotations with the texts of `files`. */
export const filesPrefix = 'files.example.com/'

const integer = '^(0|[1-9][0-9]{0,9}|-[0-9]{1,10})$'
const seccomp = '^(runtime/default|docker/default|unconfined|localhost/.*)$'
const unsafePath = '^localhost/(/|(.*/)?\\.\\.(/|$))'
const appArmorProfile = '^(|runtime/default|unconfined|localhost/.*)$'

const [least, most] = [-(2 ** 31), 2 ** 31 - 1]

interface Check {
  /** Whether the check is for an annotation with this key. */
  isFor: (key: string) => boolean
  isValid: (key: string, value: string) => boolean
  /** The same check in CEL, on the whole map. */
  cel: string
  message: string
}

const profileMessage = 'must be runtime/default, unconfined or localhost/PATH'

const checks: Check[] = [
  {
    isFor: (key) => key.startsWith(filesPrefix),
    isValid: () => false,
    cel: `self.all(key, !key.startsWith('${filesPrefix}'))`,
    message: `annotations with the prefix ${filesPrefix} are reserved for spec.files`,
  },
  {
    isFor: (key) => key === mirror,
    isValid: () => false,
    cel: `!('${mirror}' in self)`,
    message: `the annotation ${mirror} is reserved for the kubelet`,
  },
  {
    isFor: (key) => key === tolerations,
    isValid: (_key, value) => value === '',
    cel: `!('${tolerations}' in self) || self['${tolerations}'] == ''`,
    message: `the annotation ${tolerations} is not supported: use spec.tolerations`,
  },
  {
    isFor: (key) => key === deletionCost,
    isValid: (_key, value) =>
      new RegExp(integer).test(value) && Number(value) >= least && Number(value) <= most,
    cel:
      `!('${deletionCost}' in self) || (self['${deletionCost}'].matches('${integer}') && ` +
      `int(self['${deletionCost}']) >= ${least} && int(self['${deletionCost}']) <= ${most})`,
    message: `the annotation ${deletionCost} must be an integer from ${least} to ${most}`,
  },
  {
    isFor: (key) => key === seccompPod || key.startsWith(seccompContainer),
    isValid: (_key, value) =>
      new RegExp(seccomp).test(value) && !new RegExp(unsafePath).test(value),
    cel:
      `self.all(key, (key != '${seccompPod}' && !key.startsWith('${seccompContainer}')) || ` +
      `(self[key].matches('${seccomp}') && !self[key].matches(r'${unsafePath}')))`,
    message: `a seccomp annotation ${profileMessage}`,
  },
  {
    isFor: (key) => key.startsWith(appArmor),
    isValid: (_key, value) => new RegExp(appArmorProfile).test(value),
    cel:
      `self.all(key, !key.startsWith('${appArmor}') || ` +
      `self[key].matches('${appArmorProfile}'))`,
    message: `an AppArmor annotation ${profileMessage}`,
  },
]

/** The rules in CEL for the annotations of the pods. */
export const podAnnotationRules = checks.map(({ cel, message }) => rule(cel, message))

/** The message for an AppArmor annotation of a container that the pod does not have. */
const appArmorMessage =
  `NAME in an AppArmor annotation ${appArmor}NAME must be a container of the pod: ` +
  `${containerName}, or one of init and sidecars`

/** In CEL, on `spec`: whether a key is a prefix followed by the name of a container. */
const namesContainer = (prefix: string) =>
  [
    `key == '${prefix}${containerName}'`,
    ...['init', 'sidecars'].map(
      (list) => `(has(self.${list}) && self.${list}.exists(one, key == '${prefix}' + one.name))`,
    ),
  ].join(' || ')

/** The CEL rule on `spec`: AppArmor annotations name containers of the pod. */
export const appArmorRule = rule(
  '!has(self.podAnnotations) || self.podAnnotations.all(key, ' +
    `!key.startsWith('${appArmor}') || ${namesContainer(appArmor)})`,
  appArmorMessage,
)

/**
 * The keys of pod annotations that a pod with these containers may not have, with a message for
 * each.
 */
export const invalidPodAnnotations = (annotations: Record<string, string>, containers: string[]) =>
  Object.entries(annotations).flatMap(([key, value]) => [
    ...checks
      .filter(({ isFor, isValid }) => isFor(key) && !isValid(key, value))
      .map(({ message }) => ({ key, message })),
    ...(key.startsWith(appArmor) && !containers.includes(key.slice(appArmor.length))
      ? [{ key, message: appArmorMessage }]
      : []),
  ])

interface SeccompProfile {
  type: string
  localhostProfile?: string
}

/** The values of the seccomp annotation that agree with a profile. */
const annotationsFor = ({ type, localhostProfile = '' }: SeccompProfile) =>
  type === 'RuntimeDefault'
    ? ['runtime/default', 'docker/default']
    : [type === 'Unconfined' ? 'unconfined' : `localhost/${localhostProfile}`]

/** The message for a seccomp annotation that contradicts the profile. */
export const seccompMessage =
  'a seccomp annotation must be the same as the seccompProfile: remove the annotation'

/** The seccomp annotations that contradict the profile of the pod or of its containers. */
export const contradictingSeccomp = (
  annotations: Record<string, string>,
  {
    pod,
    container,
    containers,
  }: {
    pod: SeccompProfile | undefined
    container: SeccompProfile | undefined
    containers: string[]
  },
) =>
  [
    { key: seccompPod, profile: pod },
    ...containers.map((name) => ({ key: `${seccompContainer}${name}`, profile: container })),
  ].flatMap(({ key, profile }) =>
    annotations[key] === undefined ||
    profile === undefined ||
    annotationsFor(profile).includes(annotations[key])
      ? []
      : [key],
  )

/** CEL rules on `spec`: no seccomp annotation contradicts the profile. */
export const seccompRules = (() => {
  const isDefault = (value: string) => `${value} in ['runtime/default', 'docker/default']`
  const matches = (value: string, context: string, unset: string) => {
    const profile = `self.${context}.seccompProfile`
    const expected =
      `${profile}.type == 'RuntimeDefault' ? ${isDefault(value)} : ` +
      `${profile}.type == 'Unconfined' ? ${value} == 'unconfined' : ` +
      `!has(${profile}.localhostProfile) || ` +
      `${value} == 'localhost/' + ${profile}.localhostProfile`
    return `(!has(self.${context}) || !has(${profile}) ? ${unset} : (${expected}))`
  }
  const isCustom = "has(self.podSecurity) && self.podSecurity == 'Custom'"
  const podValue = `self.podAnnotations['${seccompPod}']`
  return [
    rule(
      `!has(self.podAnnotations) || !('${seccompPod}' in self.podAnnotations) || (${isCustom} ? ` +
        `${matches(podValue, 'securityContext', isDefault(podValue))} : ${isDefault(podValue)})`,
      seccompMessage,
    ),
    rule(
      '!has(self.podAnnotations) || self.podAnnotations.all(key, ' +
        `!key.startsWith('${seccompContainer}') || !(${namesContainer(seccompContainer)}) || ` +
        `${matches('self.podAnnotations[key]', 'containerSecurityContext', 'true')})`,
      seccompMessage,
    ),
  ]
})()
