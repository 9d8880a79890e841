import type { CustomizeResponse } from '../metacontroller/protocol.ts'
import { childKinds } from './children/child-kind.ts'
import type { CustomizeRequest } from './request.ts'

/**
 * What a sync of a MyApp has to see besides its children: whatever has the names that the children need, since what is
 * not ours is not among the children and a failed create is not reported to the hook.
 */
export function customize ({ parent: { metadata: { namespace, name } } }: CustomizeRequest): CustomizeResponse {
  return { relatedResources: childKinds.map(({ apiVersion, resource }) => ({ apiVersion, resource, namespace, names: [name] })) }
}
