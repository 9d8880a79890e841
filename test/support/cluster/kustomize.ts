import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, parseAllDocuments, stringify } from 'yaml'
import type { ControlPlane } from '../../../local-cluster/control-plane/boot.ts'
import { manifest } from './install.ts'
import type { LiveObject } from './kinds.ts'

/** The folders that users install with `kubectl apply -k`. */
export type Folder = 'manifests' | 'metacontroller'

let builds = 0

/** The output of `kubectl kustomize` for a folder with some components, as YAML. */
export async function kustomizeToYaml(
  { dir, kubectl }: Pick<ControlPlane, 'dir' | 'kubectl'>,
  folder: Folder,
  components: readonly string[] = [],
): Promise<string> {
  const copy = join(dir, `kustomize-${++builds}`)
  cpSync(manifest(folder), copy, { recursive: true })
  const file = join(copy, 'kustomization.yaml')
  const kustomization = parse(readFileSync(file, 'utf8')) as object
  writeFileSync(file, stringify({ ...kustomization, components }))
  const yaml = await kubectl(['kustomize', copy])
  rmSync(copy, { recursive: true })
  return yaml
}

/** The output of `kubectl kustomize` for a folder with some components, as objects. */
export async function kustomize(
  controlPlane: Pick<ControlPlane, 'dir' | 'kubectl'>,
  folder: Folder,
  components: readonly string[] = [],
): Promise<LiveObject[]> {
  return parseAllDocuments(await kustomizeToYaml(controlPlane, folder, components)).map(
    (document) => document.toJS() as LiveObject,
  )
}
