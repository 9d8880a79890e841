/** The manifests of the repository as the demo applies them. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseAllDocuments, stringify } from 'yaml'

const root = join(import.meta.dirname, '..')

/** The paths of the manifests. */
export const manifests = {
  crds: [join(root, 'manifests/crd.yaml'), join(root, 'manifests/inspection-crd.yaml')],
  compositeControllers: [
    join(root, 'metacontroller/composite-controller.yaml'),
    join(root, 'metacontroller/inspection-composite-controller.yaml'),
  ],
  example: join(root, 'manifests/examples/demo-app.yaml'),
  metacontrollerCrds: join(root, 'manifests/metacontroller/custom-resource-definitions.yaml'),
}

/** The fields of a Kubernetes object that the demo reads. */
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

// A later run finds the objects of an earlier run by this label.
const label = { key: 'app.kubernetes.io/managed-by', value: 'myapp-operator-demo' }

/** The label selector of the objects that the demo adds to a cluster, except MyApps. */
export const selectsTheDemo = `${label.key}=${label.value}`

/** Whether the demo added an object. */
export const isOfTheDemo = ({ metadata }: Manifest): boolean =>
  metadata.labels?.[label.key] === label.value

/** The objects in some manifests, with the demo's label. */
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

/** CompositeControllers whose webhooks point to a hook without TLS. */
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

/** The kinds of the children, for the command line of kubectl. */
export async function childResources(): Promise<string> {
  const controllers = (await readManifests(
    ...manifests.compositeControllers,
  )) as CompositeController[]
  return controllers
    .flatMap(({ spec }) => (spec.childResources ?? []).map(({ resource }) => resource))
    .join(',')
}

/** Objects as YAML documents. */
export const toYaml = (objects: Manifest[]): string =>
  objects.map((object) => stringify(object)).join('---\n')
