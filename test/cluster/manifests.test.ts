/** The installation: every manifest, and the components alone and combined, on an API server. */
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import {
  installCertManagerKinds,
  installOptionalKinds,
} from '../../local-cluster/control-plane/optional-kinds.ts'
import { bootBare } from '../support/cluster/cluster.ts'
import { manifest } from '../support/cluster/install.ts'
import { type Folder, kustomizeToYaml } from '../support/cluster/kustomize.ts'

t.setTimeout(600_000)
const controlPlane = await bootBare(t)
const { kubectl } = controlPlane

t.test('two commands install everything on an empty cluster', async (t) => {
  t.match(
    await kubectl(['apply', '-k', manifest('manifests')]),
    /deployment.apps\/myapp-operator created/,
  )
  t.match(
    await kubectl(['apply', '-k', manifest('metacontroller')]),
    /compositecontroller.metacontroller.k8s.io\/myapp created/,
  )
})

t.test('each command can be repeated without a change', async (t) => {
  for (const folder of ['manifests', 'metacontroller']) {
    const lines = (await kubectl(['apply', '-k', manifest(folder)])).trim().split('\n')
    t.strictSame(
      // kubectl always sends the whole spec of a PodDisruptionBudget. The server changes nothing.
      lines.filter((line) => !/ unchanged$|^poddisruptionbudget/.test(line)),
      [],
      folder,
    )
  }
})

/** Components that exclude each other. */
const exclusive = ['cert-manager', 'without-secrets']

/** The components of a folder. */
function componentsOf(folder: Folder): string[] {
  return readdirSync(manifest(folder), { recursive: true, encoding: 'utf8' })
    .filter(
      (path) =>
        path.endsWith('/kustomization.yaml') &&
        (parse(readFileSync(manifest(`${folder}/${path}`), 'utf8')) as { kind?: string }).kind ===
          'Component',
    )
    .map((path) => path.replace('/kustomization.yaml', ''))
    .sort()
}

/** The objects of some YAML that the API server refuses in a dry run. */
async function refused(yaml: string): Promise<string[]> {
  const args = ['apply', '--dry-run=server', '--validate=strict', '-f', '-']
  const answer = await kubectl(args, yaml).catch((error: Error) => error.message)
  const lines = answer.trim().split('\n')
  return lines.filter((line) => !line.endsWith('(server dry run)'))
}

t.test('the API server accepts every component, alone and with the others', async (t) => {
  await Promise.all([
    installOptionalKinds(controlPlane),
    installCertManagerKinds(controlPlane),
    kubectl(['create', 'namespace', 'cert-manager']),
    // The template of a Job is immutable, as docs/install.md explains.
    kubectl(['-n', 'myapp-operator', 'delete', 'job', 'myapp-operator-certificates']),
  ])
  for (const folder of ['manifests', 'metacontroller'] as const) {
    const all = componentsOf(folder)
    t.ok(all.length > 3, `${folder} has components: ${all.join(', ')}`)
    // Each component comes before and after each other one that it can be combined with.
    const mostOfThem = exclusive
      .map((one) => all.filter((name) => name !== one))
      .flatMap((components) => [components, components.toReversed()])
    for (const components of [...all.map((name) => [name]), ...mostOfThem]) {
      const what = `${folder} with ${components.join(', ')}`
      t.strictSame(await refused(await kustomizeToYaml(controlPlane, folder, components)), [], what)
    }
  }
})

t.test('the API server accepts every manifest unchanged', async (t) => {
  const files = ['manifests', 'metacontroller'].flatMap((folder) => yamlFiles(folder))
  t.ok(files.length > 30, `${files.length} files`)
  const documents = files.flatMap((file) =>
    parseAllDocuments(readFileSync(file, 'utf8')).filter((document) => document.contents !== null),
  )
  t.strictSame(await refused(documents.map((document) => document.toString()).join('---\n')), [])
})

/** The YAML files below a folder that are complete objects. */
function yamlFiles(folder: string): string[] {
  return readdirSync(manifest(folder), { recursive: true, encoding: 'utf8' })
    .filter(
      (path) =>
        path.endsWith('.yaml') &&
        !/(kustomization|kustomizeconfig|patch|argocd-cm)\.yaml$/.test(path) &&
        path !== 'platform-defaults/defaults.yaml' &&
        !path.startsWith('kustomize/'),
    )
    .map((path) => manifest(`${folder}/${path}`))
}
