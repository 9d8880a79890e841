import type { KubernetesObject } from '../metacontroller/protocol.ts'
import { configDigestAnnotation } from '../myapp/children/pod-template.ts'
import { readReferencedConfig } from '../myapp/config-references.ts'
import type { Context, TimedContext } from '../myapp/context.ts'
import { type HookRequest, keyOf } from '../myapp/request.ts'
import { stateOf } from '../myapp/state.ts'
import { isBlocking } from '../myapp/status/reasons.ts'
import { sync } from '../myapp/sync.ts'
import { validSpec } from '../myapp/valid-spec.ts'
import { type Baseline, UserError } from './arguments.ts'
import { changes, type Children, type ChildChange, settle } from './change.ts'
import { kubectlFor } from './kubectl.ts'
import type { FileConfig, FileMyApp } from './manifests.ts'
import { type LiveRequest, liveRequests, newRequest, readRecording } from './requests.ts'

/** The children of a new MyApp, with notes for the user. Never print their config digest. */
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

/** The changes to the children if a MyApp is applied, with notes for the user. */
export interface Diff {
  changes: ChildChange[]
  notes: string[]
}

/** The existing MyApps and children. */
export interface Present {
  /** The namespace for documents without one. */
  namespace: () => string
  requestsFor: (apps: FileMyApp[]) => LiveRequest[]
}

/** Opens the baseline of a diff. */
export function present(baseline: Baseline): Present {
  if ('context' in baseline) {
    const kubectl = kubectlFor(baseline.context)
    return { namespace: kubectl.namespace, requestsFor: (apps) => liveRequests(apps, kubectl) }
  }
  const requests = baseline.recordings.map(readRecording)
  const isOf =
    ({ metadata, isPlaced }: FileMyApp) =>
    ({ parent }: HookRequest) =>
      parent.metadata.name === metadata.name &&
      (!isPlaced || parent.metadata.namespace === metadata.namespace)
  return {
    namespace: () => requests[0]?.parent.metadata.namespace ?? 'default',
    requestsFor: (apps) =>
      apps.map((app) => {
        const request = requests.find(isOf(app))
        if (request === undefined) {
          throw new UserError(`no recorded request has the MyApp ${keyOf(app.metadata)}`)
        }
        return { app, request, unreadable: [] }
      }),
  }
}

/**
 * The key of the digests that `diff` compares. Only the hook has the real key, so digests with this
 * key are never printed.
 */
const comparisonKey = Buffer.from('compares digests, never printed')

/** The context of a sync with this key and the present time. */
const timed = (context: Context): TimedContext => ({
  ...context,
  configDigestKey: comparisonKey,
  now: Date.now(),
})

/** The digest of the config that a spec refers to. Undefined for an invalid spec, too. */
function configDigest(request: HookRequest, spec: unknown, context: Context): string | undefined {
  const validated = validSpec({ ...request.parent, spec })
  return 'spec' in validated
    ? readReferencedConfig(request, validated.spec, context).digest
    : undefined
}

/** The changes if a MyApp is applied with the ConfigMaps and Secrets of the files. */
export function diff(
  { app, request, unreadable }: LiveRequest,
  config: FileConfig,
  configured: Context,
): Diff {
  const context = timed(configured)
  const { namespace, deletionTimestamp } = request.parent.metadata
  const key = keyOf(request.parent.metadata)
  if (deletionTimestamp !== undefined) {
    return {
      changes: [],
      notes: [
        `${key}: the MyApp is being deleted, and its children with it, whatever the spec says`,
      ],
    }
  }
  const related = {
    ...request.related,
    'ConfigMap.v1': { ...request.related['ConfigMap.v1'], ...config['ConfigMap.v1'] },
    'Secret.v1': { ...request.related['Secret.v1'], ...config['Secret.v1'] },
  }
  const metadata = { ...request.parent.metadata, labels: app.metadata.labels ?? {} }
  const applied = { ...request, parent: { ...request.parent, metadata, spec: app.spec }, related }
  const unknown = unreadable.filter(
    ({ kind, name }) => config[`${kind}.v1`][keyOf({ namespace, name })] === undefined,
  )
  const before = configDigest(request, request.parent.spec, context)
  const after = configDigest(applied, app.spec, context)
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
        ({ kind, name }) =>
          `${key}: ${kind} ${name} cannot be read with your rights: it counts as unchanged`,
      ),
      ...held(applied, key, context),
    ],
  }
}

const held = (request: HookRequest, key: string, context: TimedContext) => {
  const holds = (sync(request, context).status.conditions ?? []).filter(
    ({ type, reason }) => ['Ready', 'Routed'].includes(type) && isBlocking(reason),
  )
  return [...new Set(holds.map(({ message }) => `${key}: ${message}`))]
}

/** Printed instead of a digest, which only the hook can compute. */
export const unknownDigest = '<known only in the cluster>'

/** The config digest of the pods of an object, if they have one. */
export const digestOf = (object: KubernetesObject | undefined): string | undefined =>
  annotationsOf(object)?.[configDigestAnnotation]

/** The object with another config digest, if it has one. */
export function withDigest<Item extends KubernetesObject>(object: Item, digest: string): Item {
  if (digestOf(object) === undefined) return object
  const copy = structuredClone(object)
  Object.assign(annotationsOf(copy) ?? {}, { [configDigestAnnotation]: digest })
  return copy
}

/** The children with a config digest replaced by another. */
export const replaceDigest = (children: Children, digest: string, by: string): Children =>
  mapped(children, (objects) =>
    mapped(objects, (object) => (digestOf(object) === digest ? withDigest(object, by) : object)),
  )

const annotationsOf = (object: KubernetesObject | undefined) =>
  (
    object?.spec as
      { template?: { metadata?: { annotations?: Record<string, string> } } } | undefined
  )?.template?.metadata?.annotations

const mapped = <Value>(
  all: Record<string, Value>,
  change: (value: Value) => Value,
): Record<string, Value> =>
  Object.fromEntries(Object.entries(all).map(([key, value]) => [key, change(value)]))
