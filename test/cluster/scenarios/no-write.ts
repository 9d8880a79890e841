import type { Test } from 'tap'
import type { MyAppSpec } from '../../../src/api/myapp.ts'
import { type Cluster } from '../../support/cluster/cluster.ts'
import { documentsOf, namesIn, putAll, settles } from '../../support/cluster/documents.ts'
import { forceSyncs, waitUntilIdle } from '../../support/cluster/forced-syncs.ts'
import { builtInKinds } from '../../support/cluster/kinds.ts'
import type { Namespace } from '../../support/cluster/namespace.ts'
import { checkDiffs } from './command-line.ts'
import { repairsEveryChild } from './intrusion.ts'

/** Specs with values that the API server stores in a different form in the children. */
const specs: Record<string, MyAppSpec> = {
  'empty-value': {
    image: 'nginx',
    env: [
      { name: 'EMPTY', value: '' },
      { name: 'FULL', value: 'x' },
    ],
  },
  'empty-lists': {
    image: 'nginx',
    env: [],
    args: [],
    command: [],
    volumes: [],
    tolerations: [],
    topologySpreadConstraints: [],
  },
  'empty-objects': {
    image: 'nginx',
    resources: {},
    podLabels: {},
    podAnnotations: {},
    nodeSelector: {},
    probes: {},
    affinity: {},
  },
  'other-units': {
    image: 'nginx',
    resources: {
      requests: { cpu: '250m', memory: '1024Ki' },
      limits: { cpu: '1000m', memory: '2048Mi' },
    },
  },
  'zero-and-false': {
    image: 'nginx',
    replicas: 0,
    minReadySeconds: 0,
    automountServiceAccountToken: false,
    suspend: false,
    paused: false,
    rolloutOnConfigChange: false,
  },
}

/** Checks that a namespace has no writes once its MyApps have settled. */
export async function checkNoWrites(
  t: Test,
  here: Namespace,
  names: string[],
  settle: (name: string) => Promise<unknown> = (name) => here.running(name),
  forced = 10,
): Promise<void> {
  const each = (act: (name: string) => Promise<unknown>) => Promise.all(names.map(act))
  // The status of a MyApp can still be the one from before the last change of its Deployment.
  await each((name) =>
    here.until(`the Deployment controller has observed ${name}`, () => {
      const { metadata, status } = here.find('Deployment', name) ?? { metadata: {} }
      return (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0)
    }),
  )
  await each((name) => forceSyncs(here, name, 1))
  await each(settle)
  await each((name) =>
    here.until(`no condition of ${name} is Unknown`, () =>
      here.get('MyApp', name).status?.conditions?.every(({ status }) => status !== 'Unknown'),
    ),
  )
  await waitUntilIdle(here)
  const written = writesFromNow(here, names)
  await each((name) => forceSyncs(here, name, forced))
  // Wait until the last forced sync is complete.
  await waitUntilIdle(here)
  t.strictSame(written(), [], `no write in ${forced} forced syncs`)
}

/** Checks that the next resync of settled MyApps writes nothing. */
export async function checkResync(t: Test, here: Namespace, names: string[]): Promise<void> {
  await waitUntilIdle(here)
  const written = writesFromNow(here, names)
  const calls = new Map(names.map((name) => [name, here.calls(name).length]))
  for (const name of names) {
    await here.until(`${name} had a resync`, () => here.calls(name).length > (calls.get(name) ?? 0))
  }
  await waitUntilIdle(here)
  t.strictSame(written(), [], 'no write in a resync')
}

/** Returns a function that returns the writes since now, except those that autoscalers cause. */
function writesFromNow(here: Namespace, names: string[]): () => string[] {
  // An autoscaler can change its conditions every 15 s. The MyApp copies one of these conditions.
  const ofAutoscalers = names
    .filter((name) => here.get('MyApp', name).spec.autoscaling !== undefined)
    .map((name) => `update myapps/${name}/status`)
  const before = here.writes().length
  return () =>
    here
      .writes()
      .slice(before)
      .filter((write) => !ofAutoscalers.includes(write))
}

/** A settled MyApp causes no writes. `render --diff` and Argo CD show no difference. */
export function noWrite(t: Test, cluster: Cluster): void {
  t.test('every example settles, without more writes or a difference to its file', async (t) => {
    const here = await cluster.namespace(t)
    const documents = documentsOf('manifests/examples')
    await putAll(here, documents)
    for (const [name, spec] of Object.entries(specs)) await here.create(name, spec)
    await checkNoWrites(t, here, [...namesIn(documents), ...Object.keys(specs)], settles(here))
    await checkDiffs(t, cluster, here)
    await repairsEveryChild(t, cluster, here, namesIn(documents))
    await checkNoWrites(t, here, namesIn(documents), settles(here), 3)
    await deleteAll(here)
  })

  t.test('realistic apps settle without more writes, and are deleted completely', async (t) => {
    const here = await cluster.namespace(t)
    const documents = documentsOf('test/support/workloads')
    await putAll(here, documents)
    await checkNoWrites(t, here, namesIn(documents), settles(here), 3)
    await deleteAll(here)
  })
}

/** Deletes all MyApps of a namespace, and waits until their children of built-in kinds are gone. */
async function deleteAll(here: Namespace): Promise<void> {
  await here.kubectl('delete', 'myapps', '--all', '--wait=false')
  for (const kind of builtInKinds) {
    await here.until(`no ${kind} of a MyApp is left`, () =>
      here.list(kind).every(({ metadata }) => kind !== 'MyApp' && !isChild(metadata)),
    )
  }
}

const isChild = ({ labels }: { labels?: Record<string, string> }) =>
  labels?.['managed-by'] === 'myapp-operator'
