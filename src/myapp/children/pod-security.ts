import type {
  V1Capabilities,
  V1PodSecurityContext,
  V1SecurityContext,
} from '@kubernetes/client-node'
import type { MyAppSpec } from '../../api/myapp.ts'
import { compact } from './compact.ts'

/**
 * The security context of the pod. Baseline: the default seccomp profile. Restricted: also no root.
 * Custom: what the spec sets.
 */
export function podSecurity({
  podSecurity = 'Baseline',
  securityContext = {},
}: MyAppSpec): V1PodSecurityContext {
  const profile = { seccompProfile: { type: 'RuntimeDefault' } }
  switch (podSecurity) {
    case 'Baseline':
      return profile
    case 'Restricted':
      return { runAsNonRoot: true, ...profile }
    case 'Custom':
      return compact<V1PodSecurityContext>(securityContext)
  }
}

/**
 * The security context of the container. Baseline: no privilege escalation. Restricted: also no
 * capabilities and a read-only root file system. Custom: what the spec sets.
 */
export function containerSecurity({
  podSecurity = 'Baseline',
  containerSecurityContext = {},
}: MyAppSpec): V1SecurityContext {
  switch (podSecurity) {
    case 'Baseline':
      return { allowPrivilegeEscalation: false }
    case 'Restricted':
      return {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      }
    case 'Custom': {
      const { capabilities, ...rest } = containerSecurityContext
      return compact<V1SecurityContext>({
        ...rest,
        capabilities: capabilities && compact<V1Capabilities>(capabilities),
      })
    }
  }
}
