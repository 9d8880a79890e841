import { isDeepStrictEqual } from 'node:util'
import type { Test } from 'tap'
import { render } from '../../../src/cli/render.ts'
import { isObject, nameOf, type ObjectPath } from '../../../src/metacontroller/json.ts'
import type { KubernetesObject } from '../../../src/metacontroller/protocol.ts'
import { each } from '../../../src/metacontroller/repair.ts'
import type { ChildKind } from '../../../src/myapp/children/child.ts'
import { childKinds } from '../../../src/myapp/children/index.ts'
import { additionsFor, unorderedLists } from '../../support/cluster/additions.ts'
import { RefusedByApi } from '../../support/cluster/api.ts'
import type { Cluster } from '../../support/cluster/cluster.ts'
import {
  type Intrusion,
  type FieldPath,
  type Intruder,
  intruderOf,
  leavesOf,
  pointer,
  valueAt,
} from '../../support/cluster/intruder.ts'
import type { LiveMyApp, LiveObject } from '../../support/cluster/kinds.ts'
import type { Namespace } from '../../support/cluster/namespace.ts'

/** A child that another client changes. */
interface Victim {
  /** As in `Deployment shop`. */
  called: string
  kind: ChildKind
  path: string
  /** The same child of the smallest MyApp, which has only `image`. Undefined if it has none. */
  smallest: KubernetesObject | undefined
  desired: KubernetesObject
  before: LiveObject
  app: LiveMyApp
  /** The index of the MyApp. */
  turn: number
}

/** Accepted reasons why a field stays: neither another value nor removing a parent is possible. */
const fixedFields = [
  /field is immutable/,
  /`selector` does not match template `labels`/,
  // A volume whose mounts stay.
  /volumeMounts\[\d+\]\.name: Not found/,
  // A type for which other fields are set.
  /\.type: Required value/,
]
/** Why the API server refuses an addition. */
const fullFields = [/may not be set for init containers without restartPolicy=Always/]

/** The most writes of one verb to one child in a repair. */
const maxAnswers = 3

/**
 * Another client changes every field that the MyApps set in their children, and then adds to every
 * exact field. Each time all children become as before.
 */
export async function repairsEveryChild(
  t: Test,
  cluster: Cluster,
  here: Namespace,
  names: string[],
): Promise<void> {
  const victims = (
    await Promise.all(names.map((name, turn) => victimsOf(cluster, here, name, turn)))
  ).flat()
  t.ok(victims.length >= names.length, `${victims.length} children of ${names.length} MyApps`)
  const isServerSide = cluster.differs('foreign list items stay')

  async function intrude(
    plan: (intruder: Intruder, victim: Victim) => Promise<void>,
    reasons: RegExp[],
  ): Promise<void> {
    const writes = here.writes().length
    const intruders = await Promise.all(
      victims.map(async (victim) => {
        const intruder = intruderOf(cluster.api, victim.path, victim.before)
        await plan(intruder, victim)
        return { victim, intruder }
      }),
    )
    const refused = intruders.flatMap(({ victim, intruder }) =>
      intruder
        .refused()
        .filter(({ why }) => !reasons.some((reason) => reason.test(why)))
        .map(({ field, why }) => `${victim.called} ${field}: ${why}`),
    )
    t.strictSame(refused, [], 'the API server accepts every other change')
    await Promise.all(intruders.map(({ intruder }) => intruder.intrude()))
    await restored(cluster, here, victims)
    const answers = Object.entries(Object.groupBy(here.writes().slice(writes), String))
      .filter(([write]) => !write.includes(' myapp') && !write.endsWith('(409)'))
      .map(([write, all = []]) => ({ write, times: all.length }))
    t.ok(answers.length > 0, 'the operator wrote')
    t.strictSame(
      answers.filter(({ times }) => times > maxAnswers),
      [],
    )
  }

  await intrude(
    (intruder, victim) =>
      intruder.change(fieldsOf(victim).filter((field) => !isServerSide || isMerged(field, victim))),
    fixedFields,
  )
  // Under server-side apply additions stay.
  if (!isServerSide) {
    await intrude((intruder, victim) => intruder.add(additionsTo(victim)), fullFields)
  }
}

/** The keys of list items. */
const itemKeys = new Set([
  ...['name', 'containerPort', 'port', 'protocol', 'mountPath', 'ip'],
  ...['topologyKey', 'whenUnsatisfiable'],
])

/**
 * Whether server-side apply undoes a change of a field. It does not undo another key of a list
 * item, changed metadata of most kinds, and a field added to an empty map. After a change of the
 * strategy's type, the fields that only the foreign type has stay.
 */
const isMerged = (field: FieldPath, { desired }: Victim) =>
  field[0] === 'spec' &&
  pointer(field) !== '/spec/strategy/type' &&
  !(typeof field.at(-2) === 'number' && itemKeys.has(String(field.at(-1)))) &&
  !isObject(valueAt(desired, field))

async function victimsOf(
  cluster: Cluster,
  here: Namespace,
  name: string,
  turn: number,
): Promise<Victim[]> {
  const app = here.get('MyApp', name)
  const { labels = {} } = app.metadata
  const childrenOf = (spec: LiveMyApp['spec'] | { image: string }) =>
    render(
      { metadata: { name, namespace: here.name, labels }, isPlaced: true, spec },
      { 'ConfigMap.v1': {}, 'Secret.v1': {} },
      {},
    ).children
  const smallest = childrenOf({ image: app.spec.image })
  const victims = childrenOf(app.spec).map(async (desired): Promise<Victim[]> => {
    const kind = childKinds.find((one) => one.kind === desired.kind)
    if (kind === undefined) throw new Error(desired.kind)
    const path = `${listPath(kind, here)}/${name}`
    const before = await cluster.api.request<LiveObject>('GET', path).catch((error: unknown) => {
      if (error instanceof RefusedByApi && error.code === 404) return undefined
      throw error
    })
    if (before === undefined) {
      // The cluster may lack the kind, and a paused MyApp creates nothing.
      if (kind.optional !== undefined || app.spec.paused) return []
      throw new Error(`no ${desired.kind} ${name}`)
    }
    return [
      {
        called: `${desired.kind} ${name}`,
        kind,
        path,
        smallest: smallest.find((child) => child.kind === desired.kind),
        desired,
        before,
        app,
        turn,
      },
    ]
  })
  return (await Promise.all(victims)).flat()
}

const listPath = ({ apiVersion, resource }: ChildKind, here: Namespace) =>
  `/${apiVersion.includes('/') ? 'apis' : 'api'}/${apiVersion}/namespaces/${here.name}/${resource}`

/**
 * The fields of a child that differ from the child of the smallest MyApp, or one field if none
 * differs. If the MyApp is the smallest, all fields.
 */
function fieldsOf({ desired, smallest, app, turn }: Victim): FieldPath[] {
  const { labels, annotations } = desired.metadata
  const all = leavesOf({
    metadata: { labels, ...(annotations && { annotations }) },
    ...(desired.spec !== undefined && { spec: desired.spec }),
  }).filter((field) => !belongsToAutoscaler(field, app))
  const isSmallest = isDeepStrictEqual(Object.keys(app.spec), ['image'])
  const added = isSmallest
    ? all
    : all.filter((field) => !isDeepStrictEqual(valueAt(smallest, field), valueAt(desired, field)))
  const anyField = all[turn % all.length]
  return added.length > 0 || anyField === undefined ? added : [anyField]
}

const belongsToAutoscaler = (field: FieldPath, { spec }: LiveMyApp) =>
  spec.autoscaling !== undefined && pointer(field) === '/spec/replicas'

/** The additions to all exact fields of a child. */
function additionsTo({ kind, desired, before }: Victim): Intrusion[] {
  const all = kind.exactFields.flatMap((exactField) =>
    placesOf(exactField.path, before, desired).flatMap((place) => {
      const isSet = valueAt(desired, place) !== undefined
      if ('exact' in exactField && exactField.exact === 'if set' && !isSet) return []
      const addition = additionsFor(kind.kind, place)?.find(([steps, value]) => {
        const parent = steps.length === 0 ? desired : before
        return Array.isArray(value) || valueAt(parent, [...place, ...steps]) === undefined
      })
      if (addition === undefined) return []
      const [steps, value] = addition
      return [additionOf(before, place, steps, value)]
    }),
  )
  // A Deployment has two rules for the exact field `volumes`.
  return [...new Map(all.map((addition) => [pointer(addition.field), addition])).values()]
}

/** The places of an exact field in a child: a field of each container has several. */
function placesOf(path: ObjectPath, before: unknown, desired: unknown): FieldPath[] {
  let places: FieldPath[] = [[]]
  for (const step of path) {
    places = places.flatMap((place) => {
      if (typeof step === 'string') return [[...place, step]]
      const [items, own] = [valueAt(before, place), valueAt(desired, place)]
      const names = Array.isArray(own) ? own.map(nameOf) : []
      return (Array.isArray(items) ? items : []).flatMap((item, index) =>
        names.includes(nameOf(item)) && (step === each || nameOf(item) === step.name)
          ? [[...place, index]]
          : [],
      )
    })
  }
  return places
}

/** Adds a value, or items to a list, with the parents that the child does not have. */
function additionOf(before: unknown, place: FieldPath, steps: string[], value: unknown): Intrusion {
  const field = [...place, ...steps]
  if (Array.isArray(value) && valueAt(before, field) !== undefined) {
    const path = `${pointer(field)}/-`
    return { field, operations: value.map((item) => ({ op: 'add', path, value: item })) }
  }
  const depth = [...field.keys()].find(
    (depth) => depth >= place.length && valueAt(before, field.slice(0, depth)) === undefined,
  )
  const missing = field.slice(depth ?? field.length)
  const added = missing.reduceRight<unknown>((inner, step) => ({ [step]: inner }), value)
  const path = pointer(field.slice(0, depth ?? field.length))
  return { field, operations: [{ op: 'add', path, value: added }] }
}

/** A child without what the server and other programs add to it. */
function essence({ metadata: { labels = {}, annotations = {} }, ...rest }: LiveObject): unknown {
  const foreign = [
    'metacontroller.k8s.io/last-applied-configuration',
    'deployment.kubernetes.io/revision',
  ]
  const spec = 'spec' in rest ? rest.spec : undefined
  return inAnyOrder({
    labels,
    annotations: Object.fromEntries(
      Object.entries(annotations).filter(([key]) => !foreign.includes(key)),
    ),
    spec,
  })
}

function inAnyOrder(value: unknown, name = ''): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => inAnyOrder(item))
    return unorderedLists.has(name)
      ? items.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
      : items
  }
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, inAnyOrder(value[key], key)]),
  )
}

/** Waits until all children are as before. */
async function restored(cluster: Cluster, here: Namespace, victims: Victim[]): Promise<void> {
  const kinds = new Set(victims.map(({ kind }) => kind))
  let left: string[] = []
  try {
    await here.eventually('every child is restored', async () => {
      const lists = await Promise.all(
        [...kinds].map(async (kind) => {
          const { items } = await cluster.api.request<{ items: LiveObject[] }>(
            'GET',
            listPath(kind, here),
          )
          return [kind, new Map(items.map((item) => [item.metadata.name, item]))] as const
        }),
      )
      const live = new Map(lists)
      left = victims.flatMap(({ called, kind, before }) => {
        const now = live.get(kind)?.get(before.metadata.name)
        return now !== undefined && isDeepStrictEqual(essence(now), essence(before))
          ? []
          : [`${called}: ${now && differing(essence(now), essence(before)).join('; ')}`]
      })
      return left.length === 0
    })
  } catch (error) {
    throw new Error(`${(error as Error).message}:\n${left.join('\n')}`)
  }
}

/** The fields in which a child differs from before. */
function differing(now: unknown, before: unknown): string[] {
  const paths = [...leavesOf(before), ...leavesOf(now)]
  const found = paths
    .filter((path) => !isDeepStrictEqual(valueAt(now, path), valueAt(before, path)))
    .map((path) => {
      const [is, was] = [now, before].map((child) => JSON.stringify(valueAt(child, path)))
      return `${pointer(path)} is ${is}, was ${was}`
    })
  return [...new Set(found)]
}
