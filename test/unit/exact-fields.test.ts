import fc from 'fast-check'
import t from 'tap'
import type { MyAppSpec } from '../../src/api/myapp.ts'
import { commonMergeKey } from '../../src/metacontroller/merge.ts'
import { deployment } from '../../src/myapp/children/deployment.ts'
import { childKinds } from '../../src/myapp/children/index.ts'
import { additionsFor } from '../support/cluster/additions.ts'
import type { Anything } from '../support/fixtures/anything.ts'
import * as arbitrary from '../support/fixtures/arbitrary.ts'
import { converge, desiredOf, living } from '../support/fixtures/converging.ts'
import { exampleSpecs } from '../support/fixtures/examples.ts'

const marker = 'foreign-entry'

/**
 * An object of a Deployment, or a list with a merge key. Metacontroller's merge keeps foreign
 * entries in both.
 */
interface Place {
  steps: Array<string | number>
  /** The path without names and indexes. */
  field: string
}

const podSpec = 'spec.template.spec'
/** Others may add fields to these objects. */
const openObjects = [
  'spec',
  'spec.template',
  podSpec,
  `${podSpec}.containers[]`,
  `${podSpec}.initContainers[]`,
]
/** Others may also add to the parts of these objects. The selector is immutable. */
const openTrees = ['spec.selector', 'spec.template.metadata']
const isOpen = (field: string) =>
  openObjects.includes(field) || openTrees.some((tree) => field.startsWith(tree))

/** The objects, and the lists with a merge key, in a Deployment that a MyApp sets. */
function places(value: unknown, steps: Place['steps'] = ['spec']): Place[] {
  if (typeof value !== 'object' || value === null) return []
  const field = steps
    .map((step) => (typeof step === 'number' ? '[]' : `.${step}`))
    .join('')
    .slice(1)
  const isMerged = !Array.isArray(value) || commonMergeKey(value) !== undefined
  return [
    ...(isMerged && !isOpen(field) ? [{ steps, field }] : []),
    ...Object.entries(value).flatMap(([step, part]) =>
      places(part, [...steps, Array.isArray(value) ? Number(step) : step]),
    ),
  ]
}

/** Adds a foreign field to the object, or a foreign item to the list, at a place. */
function addForeign(child: Anything, { steps }: Place): void {
  const holder = steps.reduce((part, step) => part[step], child)
  if (!Array.isArray(holder)) {
    holder[marker] = marker
    return
  }
  const key = commonMergeKey(holder) ?? ''
  holder.push({ ...requiredFields(String(steps.at(-1)), holder), [key]: marker })
}

/**
 * The fields without which the API server refuses an item: the image of a container, the volume of
 * a mount, and the source of a volume.
 */
function requiredFields(list: string, items: Anything[]): object {
  if (['containers', 'initContainers'].includes(list)) return { image: 'nginx' }
  return ['volumes', 'volumeMounts'].includes(list) ? items[0] : {}
}

/** Whether a foreign entry at a place of the Deployment disappears. */
function isRemoved(spec: MyAppSpec, place: Place): boolean {
  const observed = living(deployment, spec, (child) => addForeign(child, place))
  const { child } = converge(deployment, spec, observed)
  return !JSON.stringify(child.spec).includes(marker)
}

const message = (field: string) =>
  `foreign entries in ${field} of the Deployment stay, although the MyApp sets it: add the field ` +
  'to exactIfSet in src/myapp/children/deployment.ts and to docs/repair.md'

t.test('removes foreign entries from everything that an example sets in pods', async (t) => {
  const fields = new Map<string, { spec: MyAppSpec; place: Place }>()
  for (const spec of exampleSpecs) {
    for (const place of places(desiredOf(deployment, spec).spec)) {
      if (!fields.has(place.field)) fields.set(place.field, { spec, place })
    }
  }
  t.ok(fields.size > 50)
  const reported: string[] = []
  for (const [field, { spec, place }] of fields) {
    if (reported.some((outer) => field.startsWith(outer)) || isRemoved(spec, place)) continue
    reported.push(field)
    t.fail(message(field))
  }
})

t.test('removes a foreign entry from anything that a MyApp sets in pods', async () => {
  fc.assert(
    fc.property(arbitrary.grownSpec, fc.nat(), (spec, number) => {
      const all = places(desiredOf(deployment, spec).spec)
      const place = all[number % all.length]
      if (place !== undefined && !isRemoved(spec, place)) throw new Error(message(place.field))
    }),
  )
})

t.test('the cluster tests have a foreign addition to every exact field', async (t) => {
  for (const { kind, exactFields } of childKinds) {
    for (const { path } of exactFields) {
      t.ok(
        additionsFor(kind, path),
        `${kind} ${String(path.at(-1))}: add it to additions in test/support/cluster/additions.ts`,
      )
    }
  }
})
