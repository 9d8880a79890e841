import { type HookRequest, keyOf } from '../myapp/request.ts'
import { isBlocking } from '../myapp/status/reasons.ts'
import { sync } from '../myapp/sync.ts'
import { type Change, changes } from './change.ts'
import type { Baseline } from './arguments.ts'
import { digestOf, unknownDigest, withDigests } from './digest.ts'
import { kubectlFor } from './kubectl.ts'
import { type LiveRequest, liveRequests } from './live-request.ts'
import type { Files, MyApp } from './my-apps.ts'
import { noUid } from './new-request.ts'
import { readRecording } from './recording.ts'
import { settle } from './settle.ts'
import { UserError } from './usage.ts'

/** What applying a MyApp would do to its children, and what there is to know of it. */
export interface Diff {
  changes: Change[]
  notes: string[]
}

/** What is there already. */
export interface Present {
  /** The namespace of documents that name none. */
  namespace: () => string
  requestsFor: (apps: MyApp[]) => LiveRequest[]
}

/** Opens what a diff compares with. */
export function present(baseline: Baseline): Present {
  if ('context' in baseline) {
    const kubectl = kubectlFor(baseline.context)
    return { namespace: kubectl.namespace, requestsFor: (apps) => liveRequests(apps, kubectl) }
  }
  const requests = baseline.recordings.map(readRecording)
  const isOf =
    ({ metadata, isPlaced }: MyApp) =>
    ({ parent }: HookRequest) =>
      parent.metadata.name === metadata.name &&
      (!isPlaced || parent.metadata.namespace === metadata.namespace)
  return {
    namespace: () => requests[0]?.parent.metadata.namespace ?? 'default',
    requestsFor: (apps) =>
      apps.map((app) => {
        const request = requests.find(isOf(app))
        if (request === undefined) {
          throw new UserError(`no recorded request is about MyApp ${keyOf(app.metadata)}`)
        }
        return { app, request, unreadable: [] }
      }),
  }
}

/** What happens when a MyApp is applied, with the ConfigMaps and Secrets of the files. */
export function diff({ app, request, unreadable }: LiveRequest, config: Files['config']): Diff {
  const { namespace, uid, deletionTimestamp } = request.parent.metadata
  const key = keyOf(request.parent.metadata)
  if (deletionTimestamp !== undefined) {
    return {
      changes: [],
      notes: [`${key}: it is being deleted, and its children with it, whatever the spec says`],
    }
  }
  const related = {
    ...request.related,
    'ConfigMap.v1': { ...request.related['ConfigMap.v1'], ...config['ConfigMap.v1'] },
    'Secret.v1': { ...request.related['Secret.v1'], ...config['Secret.v1'] },
  }
  const applied = { ...request, parent: { ...request.parent, spec: app.spec }, related }
  const unknown = unreadable.filter(
    ({ kind, name }) => config[`${kind}.v1`][keyOf({ namespace, name })] === undefined,
  )
  const isDigestKnown = uid !== noUid && unknown.length === 0
  const settled = isDigestKnown
    ? settle(applied)
    : withDigests(
        settle(applied),
        digestOf(request.children['Deployment.apps/v1'][key]) ?? unknownDigest,
      )
  return {
    changes: changes(request.children, settled),
    notes: [
      ...unknown.map(
        ({ kind, name }) => `${key}: ${kind} ${name} may not be read: taken as there and unchanged`,
      ),
      ...held(applied, key),
    ],
  }
}

const held = (request: HookRequest, key: string) => {
  const holds = (sync(request, {}).status.conditions ?? []).filter(
    ({ type, reason }) => ['Ready', 'Routed'].includes(type) && isBlocking(reason),
  )
  return [...new Set(holds.map(({ message }) => `${key}: ${message}`))]
}
