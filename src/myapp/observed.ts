import type { ObservedMetadata } from '../metacontroller/protocol.ts'
import { type ChildKind, childKinds } from './children/child-kind.ts'
import { type HookRequest, keyOf, type ObservedDeployment, type ObservedService } from './request.ts'

/** An object that has the name of a child and is not one. */
export interface TakenName {
  kind: ChildKind
  /** Whether it is on its way out. */
  leaving: boolean
}

/** What there is of a MyApp on the API server. */
export interface Observations {
  deployment: ObservedDeployment | undefined
  service: ObservedService | undefined
  taken: TakenName[]
}

/** Picks what belongs to the parent of a request, by name, and finds the names that others have taken. */
export function observe (request: HookRequest): Observations {
  const key = keyOf(request.parent.metadata)
  return {
    deployment: request.children['Deployment.apps/v1'][key],
    service: request.children['Service.v1'][key],
    taken: childKinds.flatMap((kind) => {
      const other = request.related[kind.group]?.[key]?.metadata
      if (other === undefined || request.children[kind.group][key] !== undefined || belongsTo(request.parent.metadata.uid, other)) return []
      return [{ kind, leaving: other.deletionTimestamp !== undefined }]
    }),
  }
}

/** Ours is what has us for its controller, or what has none and bears the label by which Metacontroller will adopt it. */
function belongsTo (uid: string, { ownerReferences = [], labels }: ObservedMetadata): boolean {
  const controller = ownerReferences.find((owner) => owner.controller)
  return controller === undefined ? labels?.['controller-uid'] === uid : controller.uid === uid
}
