import { childKinds } from '../myapp/children/child-kind.ts'
import type { HookRequest } from '../myapp/request.ts'
import { apiVersion, kind } from '../myapp/schema.ts'
import type { Files, MyApp } from './my-apps.ts'

/** The request that Metacontroller would send for a MyApp that has just been created, every kind of child being installed. */
export function newRequest ({ metadata, spec }: MyApp, config: Files['config']): HookRequest {
  const children = Object.fromEntries(childKinds.map(({ group }) => [group, {}])) as unknown as HookRequest['children']
  return {
    // The uid is the cluster's to give. The digest of the config depends on it, so it is another one there.
    parent: { apiVersion, kind, metadata: { ...metadata, uid: 'unknown', generation: 1 }, spec },
    children,
    related: { ...config },
    finalizing: false,
  }
}
