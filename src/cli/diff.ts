import { readConfig } from '../myapp/config-references.ts'
import { type HookRequest, keyOf } from '../myapp/request.ts'
import { isBlocking } from '../myapp/status/reasons.ts'
import { sync } from '../myapp/sync.ts'
import { validSpec } from '../myapp/valid-spec.ts'
import { type Change, changes } from './change.ts'
import type { Baseline } from './arguments.ts'
import { comparisonKey, digestOf, replaceDigest, unknownDigest } from './digest.ts'
import { kubectlFor } from './kubectl.ts'
import { type LiveRequest, liveRequests } from './live-request.ts'
import type { Files, MyApp } from './my-apps.ts'
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

/** Digests are only compared, with a key of our own. */
const context = { configDigestKey: comparisonKey }

/** The digest of the config that a spec refers to; undefined for a spec that is not valid, too. */
function configDigest(request: HookRequest, spec: unknown): string | undefined {
  const validated = validSpec({ ...request.parent, spec })
  return 'spec' in validated ? readConfig(request, validated.spec, context).digest : undefined
}

/** What happens when a MyApp is applied, with the ConfigMaps and Secrets of the files. */
export function diff({ app, request, unreadable }: LiveRequest, config: Files['config']): Diff {
  const { namespace, deletionTimestamp } = request.parent.metadata
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
  const before = configDigest(request, request.parent.spec)
  const after = configDigest(applied, app.spec)
  const observed = digestOf(request.children['Deployment.apps/v1'][key])
  const settled =
    after === undefined
      ? settle(applied, context)
      : replaceDigest(
          settle(applied, context),
          after,
          after === before && observed !== undefined ? observed : unknownDigest,
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
  const holds = (sync(request, context).status.conditions ?? []).filter(
    ({ type, reason }) => ['Ready', 'Routed'].includes(type) && isBlocking(reason),
  )
  return [...new Set(holds.map(({ message }) => `${key}: ${message}`))]
}
