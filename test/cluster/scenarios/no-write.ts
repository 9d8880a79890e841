import { readdirSync, readFileSync } from 'node:fs'
import type { Test } from 'tap'
import { parseAllDocuments } from 'yaml'
import type { MyAppSpec } from '../../../src/api/myapp.ts'
import { type Cluster } from '../../support/cluster/cluster.ts'
import { manifest } from '../../support/cluster/install.ts'
import { forceSyncs, rest } from '../../support/cluster/forced-syncs.ts'
import type { StoredKind } from '../../support/cluster/kinds.ts'
import type { Namespace } from '../../support/cluster/namespace.ts'
import { type Claim, putBound } from '../../support/cluster/volume-claim.ts'
import { tellsWhatHappens } from './command-line.ts'

/** Specs that say in other words what the API server stores, or what it does not store at all. */
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

interface Document {
  apiVersion: string
  kind: StoredKind
  metadata: { name: string }
}

const isClaim = (document: Document): document is Claim => document.kind === 'PersistentVolumeClaim'

const documentsIn = (file: string) =>
  parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS() as Document)

/** Where no HTTPRoutes are enabled, what asks for a gateway runs; that it can't be reached is told as a failure. */
async function runsWithoutGateway(here: Namespace, name: string): Promise<void> {
  const { status } = await here.failed(name, 'GatewayNotEnabled')
  if (status?.conditions?.find(({ type }) => type === 'Routed')?.reason !== 'GatewayNotEnabled') {
    throw new Error('Routed does not say why')
  }
  await here.until('it runs all the same', () =>
    here
      .get('MyApp', name)
      .status?.conditions?.some(({ type, status }) => type === 'Available' && status === 'True'),
  )
}

/** Checks that nothing is written in a namespace once its MyApps have settled. */
export async function isQuiet(
  t: Test,
  here: Namespace,
  names: string[],
  settle: (name: string) => Promise<unknown> = (name) => here.running(name),
): Promise<void> {
  const each = (act: (name: string) => Promise<unknown>) => Promise.all(names.map(act))
  await each(settle)
  await each((name) =>
    here.until(`every condition of ${name} is known`, () =>
      here.get('MyApp', name).status?.conditions?.every(({ status }) => status !== 'Unknown'),
    ),
  )
  await rest(here)
  const before = here.writes().length
  const calls = new Map(names.map((name) => [name, here.calls(name).length]))
  await each((name) =>
    here.until(
      `there was a resync of ${name}`,
      () => here.calls(name).length > (calls.get(name) ?? 0),
    ),
  )
  await each((name) => forceSyncs(here, name, 1))
  t.strictSame(here.writes().slice(before), [], 'nothing is written in a resync')
  await each((name) => forceSyncs(here, name, 9))
  await rest(here) // the last of them has been through then, too
  t.strictSame(here.writes().slice(before), [], 'nor in ten forced syncs')
}

/** What is as it shall be is not written again, and the command line tells of no difference. */
export function noWrite(t: Test, cluster: Cluster): void {
  t.test(
    'of every example nothing is written once it is as it shall be, and nothing is told to differ',
    async (t) => {
      const here = await cluster.namespace(t)
      const documents = readdirSync(manifest('manifests/examples')).flatMap((file) =>
        documentsIn(manifest(`manifests/examples/${file}`)),
      )
      for (const document of documents) {
        await (isClaim(document) ? putBound(here, document) : here.put(document))
      }
      for (const [name, spec] of Object.entries(specs)) await here.create(name, spec)
      const examples = documents
        .filter(({ kind }) => kind === 'MyApp')
        .map(({ metadata: { name } }) => name)
      await isQuiet(t, here, [...examples, ...Object.keys(specs)], (name) =>
        name === 'gateway' ? runsWithoutGateway(here, name) : here.running(name),
      )
      await tellsWhatHappens(t, cluster, here)
    },
  )
}
