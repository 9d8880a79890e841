import type {
  V1Capabilities,
  V1PodSecurityContext,
  V1SecurityContext,
} from '@kubernetes/client-node'
import type { MyAppSpec } from '../../api/myapp.ts'
import { escalating } from '../../api/pod.ts'
import { compact } from './compact.ts'

/**
 * The security context of the pod. Baseline: the default seccomp profile. Restricted: also no root.
 * Custom: Baseline, changed by securityContext. The user and the groups of the spec apply to all of
 * them.
 */
export function podSecurity({
  podSecurity = 'Baseline',
  securityContext = {},
  runAsUser,
  runAsGroup,
  fsGroup,
  fsGroupChangePolicy,
  supplementalGroups,
}: MyAppSpec): V1PodSecurityContext {
  return compact<V1PodSecurityContext>({
    seccompProfile: { type: 'RuntimeDefault' },
    runAsNonRoot: podSecurity === 'Restricted' ? true : undefined,
    runAsUser,
    runAsGroup,
    fsGroup,
    fsGroupChangePolicy,
    supplementalGroups,
    ...(podSecurity === 'Custom' ? securityContext : {}),
  })
}

/** Whether the root file systems are read-only, unless containerSecurityContext sets it. */
export const isRootReadOnly = ({ readOnlyRootFilesystem, podSecurity }: MyAppSpec) =>
  readOnlyRootFilesystem ?? podSecurity === 'Restricted'

/**
 * The security context of the container. Baseline: no privilege escalation. Restricted: also no
 * capabilities and a read-only root file system, unless readOnlyRootFilesystem is false. Custom:
 * Baseline, changed by containerSecurityContext.
 */
export function containerSecurity(spec: MyAppSpec): V1SecurityContext {
  const { podSecurity = 'Baseline', containerSecurityContext = {} } = spec
  const readOnlyRootFilesystem = isRootReadOnly(spec) ? true : undefined
  switch (podSecurity) {
    case 'Baseline':
      return compact<V1SecurityContext>({ allowPrivilegeEscalation: false, readOnlyRootFilesystem })
    case 'Restricted':
      return compact<V1SecurityContext>({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem,
        capabilities: { drop: ['ALL'] },
      })
    case 'Custom': {
      const { capabilities, ...rest } = containerSecurityContext
      // The API server refuses false for a container that can gain privileges anyway.
      const canEscalate = rest.privileged || capabilities?.add?.includes(escalating)
      return compact<V1SecurityContext>({
        allowPrivilegeEscalation: canEscalate ? undefined : false,
        readOnlyRootFilesystem,
        ...rest,
        capabilities: capabilities && compact<V1Capabilities>(capabilities),
      })
    }
  }
}
