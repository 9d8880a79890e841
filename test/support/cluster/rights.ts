import type { ControlPlane } from '../../../local-cluster/control-plane/boot.ts'
import type { User } from '../../../local-cluster/control-plane/configuration.ts'
import type { LiveObject } from './kinds.ts'

interface Rule {
  apiGroups: string[]
  resources: string[]
  verbs: string[]
}
export interface Role extends LiveObject {
  kind: 'Role' | 'ClusterRole'
  rules: Rule[]
}

export const isRole = (object: LiveObject): object is Role =>
  ['Role', 'ClusterRole'].includes(object.kind)
const isBinding = ({ kind }: LiveObject) => ['RoleBinding', 'ClusterRoleBinding'].includes(kind)

/** Applies the roles among some objects and binds them to a user of the local cluster. */
export async function grant(
  { kubectl }: Pick<ControlPlane, 'kubectl'>,
  objects: LiveObject[],
  user: User,
): Promise<void> {
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }]
  const items = [
    ...objects.filter(isRole),
    ...objects.filter(isBinding).map((binding) => ({ ...binding, subjects })),
  ]
  const namespaces = new Set(items.flatMap(({ metadata }) => metadata.namespace ?? []))
  for (const name of namespaces) {
    await kubectl(
      ['apply', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }),
    )
  }
  await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
}

/** Every right of some roles, as `verb group/resource`. */
export const rightsOf = (roles: Role[]): string[] => [
  ...new Set(
    roles.flatMap(({ rules }) =>
      rules.flatMap(({ apiGroups, resources, verbs }) =>
        apiGroups.flatMap((group) =>
          resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`)),
        ),
      ),
    ),
  ),
]

/** A copy of the roles without some rights. */
export function without(roles: Role[], rights: string[]): Role[] {
  return roles.map((role) => ({
    ...role,
    rules: role.rules.flatMap(({ apiGroups, resources, verbs, ...rest }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => {
          const left = verbs.filter((verb) => !rights.includes(`${verb} ${group}/${resource}`))
          return left.length === 0
            ? []
            : [{ ...rest, apiGroups: [group], resources: [resource], verbs: left }]
        }),
      ),
    ),
  }))
}
