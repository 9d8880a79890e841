import { createTwoFilesPatch } from 'diff'
import { isDeepStrictEqual } from 'node:util'
import { differences } from '../metacontroller/compare.ts'
import { applyOnce } from '../metacontroller/merge.ts'
import {
  type KubernetesObject,
  lastAppliedAnnotation,
  type ObservedObject,
} from '../metacontroller/protocol.ts'
import { configDigestAnnotation } from '../myapp/children/pod-template.ts'
import { hookRequestValidator } from '../myapp/compiled.ts'
import { readReferencedConfig } from '../myapp/config-references.ts'
import type { Context, TimedContext } from '../myapp/context.ts'
import { type HookRequest, inconsistency, keyOf } from '../myapp/request.ts'
import { isBlocking } from '../myapp/status/reasons.ts'
import { sync } from '../myapp/sync.ts'
import { validSpec } from '../myapp/valid-spec.ts'
import { type Baseline, UserError } from './arguments.ts'
import { kubectlFor, type LiveRequest, liveRequests } from './cluster.ts'
import { type FileConfig, type FileMyApp, readText } from './manifests.ts'
import { yamlText } from './yaml/print.ts'

/** The changes to the children if a MyApp is applied, with notes for the user. */
export interface Diff {
  changes: ChildChange[]
  notes: string[]
}

/** The MyApps and children that exist. */
interface Existing {
  /** The namespace for documents without one. */
  namespace: () => string
  requestsFor: (apps: FileMyApp[]) => LiveRequest[]
}

/** Opens the baseline of a diff. `requested` is the namespace of -n. */
export function openBaseline(baseline: Baseline, requested: string | undefined): Existing {
  if ('context' in baseline) {
    const kubectl = kubectlFor(baseline.context)
    return { namespace: kubectl.namespace, requestsFor: (apps) => liveRequests(apps, kubectl) }
  }
  const requests = baseline.recordings.map(readRecording)
  const isOf =
    ({ metadata, isPlaced }: FileMyApp) =>
    ({ parent }: HookRequest) =>
      parent.metadata.name === metadata.name &&
      ((!isPlaced && requested === undefined) || parent.metadata.namespace === metadata.namespace)
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

/** The context of a sync, with this key and the current time. */
const timed = (context: Context): TimedContext => ({
  ...context,
  configDigestKey: comparisonKey,
  now: Date.now(),
})

/** The digest of the config of a spec. Undefined without config, or if the spec is invalid. */
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
      ...blockers(applied, key, context),
    ],
  }
}

/** Messages about problems that block the MyApp after the change. */
function blockers(request: HookRequest, key: string, context: TimedContext): string[] {
  const blocking = (sync(request, context).status.conditions ?? []).filter(
    ({ type, reason }) => ['Ready', 'Routed'].includes(type) && isBlocking(reason),
  )
  return [...new Set(blocking.map(({ message }) => `${key}: ${message}`))]
}

/** Printed in place of a digest that only the hook can compute. */
export const unknownDigest = '<known only in the cluster>'

/** The config digest of the pods of an object. Undefined if they have none. */
const digestOf = (object: KubernetesObject | undefined): string | undefined =>
  annotationsOf(object)?.[configDigestAnnotation]

/** Replaces the config digest of an object. An object without a digest is returned unchanged. */
export function withDigest<Item extends KubernetesObject>(object: Item, digest: string): Item {
  if (digestOf(object) === undefined) return object
  const copy = structuredClone(object)
  Object.assign(annotationsOf(copy) ?? {}, { [configDigestAnnotation]: digest })
  return copy
}

/** The children with a config digest replaced by another. */
const replaceDigest = (children: Children, digest: string, by: string): Children =>
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

/** The change of one child. */
export interface ChildChange {
  action: 'create' | 'update' | 'delete'
  apiVersion: string
  kind: string
  namespace: string
  name: string
  /** The paths of the fields that differ, for an update. */
  fields: string[]
  /** Whether pods are replaced. */
  podsRoll: boolean
  /** The child before and after, without fields of the API server and Metacontroller. */
  before: object | undefined
  after: object | undefined
}

/** The changes between two states of the children of a MyApp. */
export function changes(before: Children, after: Children): ChildChange[] {
  const groups = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return groups.flatMap((group) => {
    const keys = [
      ...new Set([...Object.keys(before[group] ?? {}), ...Object.keys(after[group] ?? {})]),
    ]
    return keys.flatMap((key) => change(before[group]?.[key], after[group]?.[key]) ?? [])
  })
}

function change(
  before: ObservedObject | undefined,
  after: ObservedObject | undefined,
): ChildChange | undefined {
  const object = after ?? before
  if (object === undefined) return undefined
  const [old, fresh] = [before && withoutServerFields(before), after && withoutServerFields(after)]
  const fields = old && fresh ? changedFields(old, fresh) : []
  if (old && fresh && fields.length === 0) return undefined
  const {
    apiVersion,
    kind,
    metadata: { namespace, name },
  } = object
  return {
    action: old === undefined ? 'create' : fresh === undefined ? 'delete' : 'update',
    apiVersion,
    kind,
    namespace,
    name,
    fields,
    podsRoll: kind === 'Deployment' && fields.some((field) => field.startsWith('spec.template')),
    before: old,
    after: fresh,
  }
}

/** The paths of fields that were added, removed or changed. */
export const changedFields = (before: object, after: object) => [
  ...new Set([...differences(before, after), ...differences(after, before)]),
]

/** An object without the fields of the API server and Metacontroller. */
function withoutServerFields({
  apiVersion,
  kind,
  metadata: { name, namespace, labels = {}, annotations = {} },
  spec,
}: ObservedObject): object {
  const { 'controller-uid': _mark, ...ownLabels } = labels
  const {
    [lastAppliedAnnotation]: _record,
    'deployment.kubernetes.io/revision': _revision,
    ...ownAnnotations
  } = annotations
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace,
      labels: ownLabels,
      ...(Object.keys(ownAnnotations).length > 0 && { annotations: ownAnnotations }),
    },
    ...(spec !== undefined && { spec }),
  }
}

/** A change as text: action, fields, and a unified diff of the YAML. */
export function changeText({
  action,
  kind,
  namespace,
  name,
  fields,
  podsRoll,
  before,
  after,
}: ChildChange): string {
  const yaml = (object: object | undefined) =>
    object === undefined ? '' : yamlText(object, { sorted: true })
  const what = `${kind} ${namespace}/${name}`
  const patch = createTwoFilesPatch(
    before ? `${what} before the change` : '/dev/null',
    after ? `${what} after the change` : '/dev/null',
    yaml(before),
    yaml(after),
    undefined,
    undefined,
    { context: 3 },
  )
  return [
    `${action} ${what}${podsRoll ? ', whose pods roll' : ''}`,
    ...fields.map((field) => `  ${field}`),
    patch.replace(/^=+\n/, ''),
  ].join('\n')
}

/** Children by `Kind.version` and key. */
export type Children = Record<string, Record<string, ObservedObject>>

/** Every child reaches its desired state within this number of syncs. */
const maxSyncs = 8

/** The children after Metacontroller has synced and applied until nothing changes. */
export function settle(request: HookRequest, context: TimedContext): Children {
  let children: Children = request.children
  for (let syncs = 0; syncs < maxSyncs; syncs++) {
    const response = sync({ ...request, children: children as HookRequest['children'] }, context)
    const next = apply(children, response.children, request.parent.metadata.uid)
    if (isDeepStrictEqual(next, children)) break
    children = next
  }
  return children
}

function apply(children: Children, desired: KubernetesObject[], uid: string): Children {
  const next: Children = Object.fromEntries(Object.keys(children).map((group) => [group, {}]))
  for (const object of desired) {
    const group = `${object.kind}.${object.apiVersion}`
    const { name, namespace = '', labels } = object.metadata
    const key = keyOf({ namespace, name })
    // Metacontroller marks the children of a parent with this label.
    const marked = {
      ...object,
      metadata: { ...object.metadata, labels: { ...labels, 'controller-uid': uid } },
    }
    next[group] = { ...next[group], [key]: applyOnce(marked, children[group]?.[key]) }
  }
  return next
}

/** Reads a recorded request to /sync. */
export function readRecording(file: string): HookRequest {
  const request = parse(file)
  if (!hookRequestValidator(request)) {
    const [error] = hookRequestValidator.errors ?? []
    throw new UserError(
      `${file} is not a request to /sync: ` +
        `${error?.instancePath.slice(1) || 'it'} ${error?.message}`,
    )
  }
  const objection = inconsistency(request)
  if (objection !== undefined) {
    throw new UserError(`${file} is not a request to /sync: ${objection}`)
  }
  return request
}

function parse(file: string): unknown {
  const text = readText(file)
  try {
    // PowerShell writes a byte order mark.
    return JSON.parse(text.replace(/^\ufeff/, ''))
  } catch (error) {
    throw new UserError(`${file} is not a request to /sync: ${(error as Error).message}`)
  }
}
