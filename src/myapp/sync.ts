import { answerNow } from '../metacontroller/converge.ts'
import { asItIs } from '../metacontroller/last-applied.ts'
import type { SyncResponse } from '../metacontroller/protocol.ts'
import { childKinds } from './children/child-kind.ts'
import { observe } from './observed.ts'
import type { HookRequest } from './request.ts'
import type { MyAppStatus } from './schema.ts'
import { statusOf } from './status.ts'
import { validate } from './validation.ts'

/**
 * What a MyApp shall have and how it is. Of an invalid MyApp the children stay as they are; a child whose name somebody
 * else has is left out, which touches nothing, since an object that is not in `children` is not deleted either.
 */
export function sync (request: HookRequest): SyncResponse<MyAppStatus> {
  const validated = validate(request.parent)
  const observations = observe(request)
  const key = `${request.parent.metadata.namespace}/${request.parent.metadata.name}`
  const children = childKinds.flatMap((kind) => {
    const child = request.children[kind.group][key]
    if ('problem' in validated) return child === undefined ? [] : [asItIs(child)]
    if (observations.taken.some((taken) => taken.kind === kind)) return []
    return [answerNow(kind.desired(request.parent, validated.spec), child, kind.exactFields)]
  })
  return { status: statusOf(request, validated, observations), children }
}
