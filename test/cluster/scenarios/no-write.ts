import { readdirSync, readFileSync } from 'node:fs'
import type { Test } from 'tap'
import { parseAllDocuments } from 'yaml'
import type { MyAppSpec } from '../../../src/myapp/schema.ts'
import { type Cluster, manifest } from '../cluster.ts'
import { forceSyncs, rest } from '../forced-syncs.ts'
import type { StoredKind } from '../kinds.ts'
import type { Namespace } from '../namespace.ts'
import { type Claim, putBound } from '../volume-claim.ts'

/** Specs that say in other words what the API server stores, or what it does not store at all. */
const specs: Record<string, MyAppSpec> = {
  'an empty value': { image: 'nginx', env: [{ name: 'EMPTY', value: '' }, { name: 'FULL', value: 'x' }] },
  'empty lists': { image: 'nginx', env: [], args: [], command: [], volumes: [], tolerations: [], topologySpreadConstraints: [] },
  'empty objects': { image: 'nginx', resources: {}, podLabels: {}, podAnnotations: {}, nodeSelector: {}, probes: {}, affinity: {} },
  'quantities in other units': { image: 'nginx', resources: { requests: { cpu: '250m', memory: '1024Ki' }, limits: { cpu: '1000m', memory: '2048Mi' } } },
  'fields at zero and false': { image: 'nginx', replicas: 0, minReadySeconds: 0, automountServiceAccountToken: false, suspend: false, paused: false, rolloutOnConfigChange: false },
}

interface Document { apiVersion: string, kind: StoredKind, metadata: { name: string } }

const isClaim = (document: Document): document is Claim => document.kind === 'PersistentVolumeClaim'

const documentsIn = (file: string) => parseAllDocuments(readFileSync(file, 'utf8')).map(document => document.toJS() as Document)

/** Where no HTTPRoutes are enabled, what asks for a gateway runs; that it can't be reached is told as a failure. */
async function runsWithoutGateway (here: Namespace, name: string): Promise<void> {
  const { status } = await here.failed(name, 'GatewayNotEnabled')
  if (status?.conditions?.find(({ type }) => type === 'Routed')?.reason !== 'GatewayNotEnabled') throw new Error('Routed does not say why')
  await here.until('it runs all the same', () => here.get('MyApp', name).status?.conditions?.some(({ type, status }) => type === 'Available' && status === 'True'))
}

/** Checks that nothing is written for a MyApp once it has settled. */
export async function isQuiet (t: Test, here: Namespace, name: string, settle: () => Promise<unknown> = () => here.running(name)): Promise<void> {
  await settle()
  await here.until('every condition is known', () => here.get('MyApp', name).status?.conditions?.every(({ status }) => status !== 'Unknown'))
  await rest(here)
  const before = here.writes().length
  const calls = here.calls(name).length
  await here.until('there was a resync', () => here.calls(name).length > calls)
  await forceSyncs(here, name, 1)
  t.strictSame(here.writes().slice(before), [], 'nothing is written in a resync')
  await forceSyncs(here, name, 9)
  await rest(here) // the last of them has been through then, too
  t.strictSame(here.writes().slice(before), [], 'nor in ten forced syncs')
}

/** What is as it shall be is not written again. */
export function noWrite (t: Test, cluster: Cluster): void {
  t.test('nothing is written for a MyApp that is as it shall be', async t => {
    t.jobs = 40
    for (const file of readdirSync(manifest('manifests/examples'))) {
      t.test(`examples/${file}`, async t => {
        const here = await cluster.namespace(t)
        const documents = documentsIn(manifest(`manifests/examples/${file}`))
        for (const document of documents) await (isClaim(document) ? putBound(here, document) : here.put(document))
        await Promise.all(documents.filter(({ kind }) => kind === 'MyApp').map(async ({ metadata: { name: app } }) => {
          await here.until(`MyApp ${app} is seen`, () => here.find('MyApp', app))
          await isQuiet(t, here, app, 'gateway' in here.get('MyApp', app).spec ? () => runsWithoutGateway(here, app) : undefined)
        }))
      })
    }
    for (const [what, spec] of Object.entries(specs)) {
      t.test(what, async t => {
        const here = await cluster.namespace(t)
        await here.create('shop', spec)
        await isQuiet(t, here, 'shop')
      })
    }
  })
}
