import type { MyAppSpec } from '../../api/myapp.ts'
import { compact } from './compact.ts'

/** The security of the pod: the default seccomp profile, for Restricted also no root; for Custom what the spec says. */
export function podSecurity({ podSecurity = 'Baseline', securityContext = {} }: MyAppSpec) {
  const profile = { seccompProfile: { type: 'RuntimeDefault' } }
  switch (podSecurity) {
    case 'Baseline':
      return profile
    case 'Restricted':
      return { runAsNonRoot: true, ...profile }
    case 'Custom':
      return compact(securityContext)
  }
}

/** The security of the container: no gain of rights, for Restricted also no capabilities and a read-only root. */
export function containerSecurity({
  podSecurity = 'Baseline',
  containerSecurityContext = {},
}: MyAppSpec) {
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
      return compact({ ...rest, capabilities: capabilities && compact(capabilities) })
    }
  }
}
