import type { KubernetesObject } from '../metacontroller/protocol.ts'
import type { Context } from '../myapp/context.ts'
import { stateOf } from '../myapp/state.ts'
import type { FileConfig, FileMyApp } from './manifests.ts'
import { newRequest } from './requests.ts'

/**
 * The children of a new MyApp, with notes for the user. Do not print the digest of config in
 * them.
 */
export interface Rendered {
  children: KubernetesObject[]
  notes: string[]
}

/** Renders a MyApp that is not in any cluster yet. */
export function render(app: FileMyApp, config: FileConfig, context: Context): Rendered {
  const {
    children,
    config: { missing },
  } = stateOf(newRequest(app, config), app.spec, context)
  const desired = children.filter((child) => child.desired !== undefined)
  const called = `${app.metadata.namespace}/${app.metadata.name}`
  return {
    children: desired.flatMap(({ desired }) => desired ?? []),
    notes: [
      ...missing.map((what) => `${called}: ${what} is not in the files: no pod starts without it`),
      ...desired.flatMap(({ kind: { kind, optional } }) =>
        optional
          ? [`${called}: the ${kind} needs the ${optional.component} component of the operator`]
          : [],
      ),
      ...(app.spec.paused ? [`${called}: nothing is created while paused is true`] : []),
    ],
  }
}
