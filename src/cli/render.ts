import { stringify } from 'yaml'
import type { KubernetesObject } from '../metacontroller/protocol.ts'
import { stateOf } from '../myapp/state.ts'
import type { Files, MyApp } from './my-apps.ts'
import { newRequest } from './new-request.ts'

/** The children that a new MyApp gets, with a digest of config that is not to be printed, and what there is to know of them. */
export interface Rendered {
  children: KubernetesObject[]
  notes: string[]
}

/** Renders a MyApp that is not in any cluster yet. */
export function render(app: MyApp, config: Files['config']): Rendered {
  const {
    children,
    config: { missing },
  } = stateOf(newRequest(app, config), app.spec, {})
  const desired = children.filter((child) => child.desired !== undefined)
  const called = `${app.metadata.namespace}/${app.metadata.name}`
  return {
    children: desired.flatMap(({ desired }) => desired ?? []),
    notes: [
      ...missing.map((what) => `${called}: ${what} is not in the files: without it no pod starts`),
      ...desired.flatMap(({ kind: { kind, optional } }) =>
        optional
          ? [`${called}: the ${kind} needs the ${optional.component} component of the operator`]
          : [],
      ),
      ...(app.spec.paused ? [`${called}: nothing is created while paused is true`] : []),
    ],
  }
}

/** Objects as text: YAML documents, or a List in JSON. */
export function print(objects: object[], output: 'yaml' | 'json'): string {
  if (output === 'json') {
    return JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }, null, 2) + '\n'
  }
  return objects.map((object) => yamlOf(object)).join('---\n')
}

/** An object as YAML that kubectl reads as it is meant: a text such as `on` is quoted, which would be a boolean to it. */
export const yamlOf = (object: object, options: { sortMapEntries?: boolean } = {}) =>
  stringify(object, {
    version: '1.1',
    schema: 'yaml-1.1',
    lineWidth: 0,
    aliasDuplicateObjects: false,
    ...options,
  })
