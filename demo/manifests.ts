/** The repository's manifests, as the demo applies them. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseAllDocuments, stringify } from 'yaml'

const root = join(import.meta.dirname, '..')

/** Where the manifests are. */
export const manifests = {
  crds: [join(root, 'manifests/crd.yaml'), join(root, 'manifests/inspection-crd.yaml')],
  compositeControllers: [
    join(root, 'metacontroller/composite-controller.yaml'),
    join(root, 'metacontroller/inspection-composite-controller.yaml'),
  ],
  example: join(root, 'manifests/examples/demo-app.yaml'),
  metacontrollerCrds: join(root, 'manifests/metacontroller/custom-resource-definitions.yaml'),
}

/** An object of Kubernetes, as far as the demo looks at it. */
export interface Manifest {
  kind: string
  metadata: {
    name: string
    namespace?: string
    uid?: string
    labels?: Record<string, string>
    finalizers?: string[]
  }
}

interface CompositeController extends Manifest {
  spec: {
    childResources?: { resource: string }[]
    hooks: Record<string, { webhook: { url: string } }>
    endpointConfigs?: object[]
  }
}

// By this label a later run knows what an earlier one left in a cluster.
const label = { key: 'app.kubernetes.io/managed-by', value: 'myapp-operator-demo' }

/** The label selector of all that the demo added to a cluster, MyApps aside. */
export const selectsTheDemo = `${label.key}=${label.value}`

/** Whether the demo added an object. */
export const isOfTheDemo = ({ metadata }: Manifest): boolean =>
  metadata.labels?.[label.key] === label.value

/** The objects of some manifests, labelled as the demo's. */
export async function readManifests(...files: string[]): Promise<Manifest[]> {
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')))
  const objects = texts.flatMap((text) =>
    parseAllDocuments(text).map((document) => document.toJS() as Manifest),
  )
  for (const { metadata } of objects) {
    metadata.labels = { ...metadata.labels, [label.key]: label.value }
  }
  return objects
}

/** A CompositeController, its webhooks pointed at a hook that is called without certificates. */
export async function compositeControllerFor(file: string, hookUrl: string): Promise<Manifest[]> {
  const controllers = (await readManifests(file)) as CompositeController[]
  for (const { spec } of controllers) {
    delete spec.endpointConfigs
    for (const { webhook } of Object.values(spec.hooks)) {
      webhook.url = new URL(new URL(webhook.url).pathname, hookUrl).href
    }
  }
  return controllers
}

/** The kinds of children that the CompositeController looks after, as kubectl takes them. */
export async function childResources(): Promise<string> {
  const controllers = (await readManifests(
    ...manifests.compositeControllers,
  )) as CompositeController[]
  return controllers
    .flatMap(({ spec }) => (spec.childResources ?? []).map(({ resource }) => resource))
    .join(',')
}

/** Objects as kubectl reads them. */
export const toYaml = (objects: Manifest[]): string =>
  objects.map((object) => stringify(object)).join('---\n')
