import { childKinds } from '../myapp/children/index.ts'
import type { HookRequest } from '../myapp/request.ts'
import { apiVersion, kind } from '../api/myapp.ts'
import type { Files, MyApp } from './my-apps.ts'

/** Stands for the uid of a MyApp that is not in any cluster: a uid is the cluster's to give. */
export const noUid = 'unknown'

/** The request that Metacontroller would send for a MyApp that has just been created, every kind of child being installed. */
export function newRequest({ metadata, spec }: MyApp, config: Files['config']): HookRequest {
  const children = Object.fromEntries(
    childKinds.map(({ group }) => [group, {}]),
  ) as unknown as HookRequest['children']
  return {
    parent: { apiVersion, kind, metadata: { ...metadata, uid: noUid, generation: 1 }, spec },
    children,
    related: { ...config },
    finalizing: false,
  }
}
