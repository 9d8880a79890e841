/** Stores files with MyApps and other objects in a namespace. */
import { readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'
import type { MyAppSpec } from '../../../src/api/myapp.ts'
import { configReferences } from '../../../src/myapp/config-references.ts'
import { yamlFiles } from '../yaml-files.ts'
import { manifest } from './install.ts'
import type { StoredKind } from './kinds.ts'
import type { Namespace } from './namespace.ts'
import { type Claim, putBound } from './volume-claim.ts'

interface Document {
  apiVersion: string
  kind: StoredKind
  metadata: { name: string }
  spec?: unknown
}

const isMyApp = (document: Document): document is Document & { spec: MyAppSpec } =>
  document.kind === 'MyApp'
const isClaim = (document: Document): document is Claim => document.kind === 'PersistentVolumeClaim'

/** The documents of all YAML files below a folder of the project. */
export const documentsOf = (folder: string): Document[] =>
  yamlFiles(manifest(folder)).flatMap((name) =>
    parseAllDocuments(readFileSync(manifest(`${folder}/${name}`), 'utf8')).map(
      (document) => document.toJS() as Document,
    ),
  )

/** The names of the MyApps. */
export const namesIn = (documents: Document[]): string[] =>
  documents.filter(isMyApp).map(({ metadata }) => metadata.name)

/** Stores documents, a volume for each claim, and each missing ConfigMap and Secret. */
export async function putAll(here: Namespace, documents: Document[]): Promise<void> {
  const written = new Set(documents.map(({ kind, metadata }) => `${kind}/${metadata.name}`))
  const config = new Map<string, Record<string, string>>()
  const references = documents.filter(isMyApp).flatMap(({ spec }) => configReferences(spec))
  for (const { kind, name, key, optional } of references) {
    const id = `${kind}/${name}`
    if (optional || written.has(id)) continue
    config.set(id, { ...config.get(id), ...(key !== undefined && { [key]: 'x' }) })
  }
  const missing = [...config].map(([id, values]) => {
    const [kind, name = ''] = id.split('/') as ['ConfigMap' | 'Secret', string]
    return {
      apiVersion: 'v1',
      kind,
      metadata: { name },
      ...(kind === 'Secret' ? { stringData: values } : { data: values }),
    }
  })
  for (const document of [...missing, ...documents]) {
    await (isClaim(document) ? putBound(here, document) : here.put(document))
  }
}

/**
 * Waits until a MyApp is Running. A MyApp with a gateway must be Failed, because this cluster has
 * no HTTPRoutes.
 */
export const settles = (here: Namespace) => async (name: string) => {
  const { spec } = await here.until(`MyApp ${name} is there`, () => here.find('MyApp', name))
  if (spec.gateway === undefined) await here.running(name)
  else await runsWithoutGateway(here, name)
}

/** Without HTTPRoutes a MyApp with a gateway is Available, and Routed has the cause. */
async function runsWithoutGateway(here: Namespace, name: string): Promise<void> {
  const { status } = await here.failed(name, 'GatewayNotEnabled')
  if (status?.conditions?.find(({ type }) => type === 'Routed')?.reason !== 'GatewayNotEnabled') {
    throw new Error('Routed has no reason')
  }
  await here.until('the app is available', () =>
    here
      .get('MyApp', name)
      .status?.conditions?.some(({ type, status }) => type === 'Available' && status === 'True'),
  )
}
