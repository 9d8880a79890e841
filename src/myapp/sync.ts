import { answerNow } from '../metacontroller/converge.ts'
import { asItIs } from '../metacontroller/last-applied.ts'
import type { SyncResponse } from '../metacontroller/protocol.ts'
import { childKinds } from './children/child-kind.ts'
import { observe } from './observed.ts'
import { type HookRequest, keyOf, type SentChild, sentChildren } from './request.ts'
import type { MyAppStatus } from './schema.ts'
import { statusOf } from './status.ts'
import { validate } from './validation.ts'

/**
 * What a MyApp shall have and how it is. Of an invalid MyApp the children stay as they are; a child whose name somebody
 * else has is left out, which touches nothing, since an object that is not in `children` is not deleted either. What
 * this version would not have made stays as it is: a manifest copied under a new name, which Metacontroller adopts for
 * its label, or a kind that only a newer version knows.
 */
export function sync (request: HookRequest): SyncResponse<MyAppStatus> {
  const validated = validate(request.parent)
  const observations = observe(request)
  const own = keyOf(request.parent.metadata)
  const isOwn = ({ group, key }: SentChild) => key === own && childKinds.some((kind) => kind.group === group)
  const kept = sentChildren(request).filter((sent) => 'problem' in validated || !isOwn(sent)).map(({ child }) => asItIs(child))
  const desired = 'problem' in validated
    ? []
    : childKinds
      .filter((kind) => !observations.taken.some((taken) => taken.kind === kind))
      .map((kind) => answerNow(kind.desired(request.parent, validated.spec), request.children[kind.group][own], kind.exactFields))
  return { status: statusOf(request, validated, observations), children: [...desired, ...kept] }
}
