import { containerName } from './pod.ts'
import { rule } from './fields.ts'

/**
 * Pod annotations that the API server itself validates: `ValidatePodSpecificAnnotations` and
 * `validateSeccompAnnotationsAndFields` of k8s.io/kubernetes. It refuses the whole Deployment for
 * an invalid one.
 */

const mirror = 'kubernetes.io/config.mirror'
const tolerations = 'scheduler.alpha.kubernetes.io/tolerations'
const deletionCost = 'controller.kubernetes.io/pod-deletion-cost'
const seccompPod = 'seccomp.security.alpha.kubernetes.io/pod'
const seccompContainer = 'container.seccomp.security.alpha.kubernetes.io/'
const appArmor = 'container.apparmor.security.beta.kubernetes.io/'

const integer = '^(0|[1-9][0-9]{0,9}|-[0-9]{1,10})$'
const seccomp = '^(runtime/default|docker/default|unconfined|localhost/.*)$'
const climbing = '^localhost/(/|(.*/)?\\.\\.(/|$))'
const appArmorProfile = '^(|runtime/default|unconfined|localhost/.*)$'

const [least, most] = [-(2 ** 31), 2 ** 31 - 1]

interface Check {
  /** Whether the check is for an annotation with this key. */
  isFor: (key: string) => boolean
  isValid: (key: string, value: string) => boolean
  /** The same check in CEL, of the whole map. */
  cel: string
  message: string
}

const profileMessage = 'must be runtime/default, unconfined or localhost/PATH'

const checks: Check[] = [
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
    isValid: (_key, value) => new RegExp(seccomp).test(value) && !new RegExp(climbing).test(value),
    cel:
      `self.all(key, (key != '${seccompPod}' && !key.startsWith('${seccompContainer}')) || ` +
      `(self[key].matches('${seccomp}') && !self[key].matches(r'${climbing}')))`,
    message: `a seccomp annotation ${profileMessage}`,
  },
  {
    isFor: (key) => key.startsWith(appArmor),
    isValid: (key, value) =>
      key === `${appArmor}${containerName}` && new RegExp(appArmorProfile).test(value),
    cel:
      `self.all(key, !key.startsWith('${appArmor}') || (key == '${appArmor}${containerName}' ` +
      `&& self[key].matches('${appArmorProfile}')))`,
    message:
      `an AppArmor annotation must be ${appArmor}${containerName}, since the container is ` +
      `called ${containerName}, and ${profileMessage}`,
  },
]

/** The rules in CEL for the annotations of the pods. */
export const podAnnotationRules = checks.map(({ cel, message }) => rule(cel, message))

/** The keys of pod annotations that the API server refuses, with a message for each. */
export const invalidPodAnnotations = (annotations: Record<string, string>) =>
  Object.entries(annotations).flatMap(([key, value]) =>
    checks
      .filter(({ isFor, isValid }) => isFor(key) && !isValid(key, value))
      .map(({ message }) => ({ key, message })),
  )

interface SeccompProfile {
  type: string
  localhostProfile?: string
}

/** The values that the seccomp annotation of the pod may have beside a profile. */
const annotationsFor = ({ type, localhostProfile = '' }: SeccompProfile) =>
  type === 'RuntimeDefault'
    ? ['runtime/default', 'docker/default']
    : [type === 'Unconfined' ? 'unconfined' : `localhost/${localhostProfile}`]

/** The message for a seccomp annotation that contradicts the profile. */
export const seccompMessage =
  'a seccomp annotation must be the same as the seccompProfile: remove the annotation'

/** The seccomp annotations that contradict the profile of the pod or of the container. */
export const contradictingSeccomp = (
  annotations: Record<string, string>,
  profiles: { pod: SeccompProfile | undefined; container: SeccompProfile | undefined },
) =>
  [
    { key: seccompPod, profile: profiles.pod },
    { key: `${seccompContainer}${containerName}`, profile: profiles.container },
  ].flatMap(({ key, profile }) =>
    annotations[key] === undefined ||
    profile === undefined ||
    annotationsFor(profile).includes(annotations[key])
      ? []
      : [key],
  )

/** The same in CEL, of the spec. */
export const seccompRules = (() => {
  const runtimeDefault = (key: string) =>
    `self.podAnnotations['${key}'] in ['runtime/default', 'docker/default']`
  const matches = (key: string, context: string, unset: string) => {
    const value = `self.podAnnotations['${key}']`
    const profile = `self.${context}.seccompProfile`
    const expected =
      `${profile}.type == 'RuntimeDefault' ? ${value} in ['runtime/default', 'docker/default'] : ` +
      `${profile}.type == 'Unconfined' ? ${value} == 'unconfined' : ` +
      `!has(${profile}.localhostProfile) || ` +
      `${value} == 'localhost/' + ${profile}.localhostProfile`
    return `(!has(self.${context}) || !has(${profile}) ? ${unset} : (${expected}))`
  }
  const unless = (key: string, cel: string) =>
    rule(
      `!has(self.podAnnotations) || !('${key}' in self.podAnnotations) || (${cel})`,
      seccompMessage,
    )
  const isCustom = "has(self.podSecurity) && self.podSecurity == 'Custom'"
  return [
    unless(
      seccompPod,
      `${isCustom} ? ${matches(seccompPod, 'securityContext', runtimeDefault(seccompPod))} : ` +
        runtimeDefault(seccompPod),
    ),
    unless(
      `${seccompContainer}${containerName}`,
      matches(`${seccompContainer}${containerName}`, 'containerSecurityContext', 'true'),
    ),
  ]
})()
