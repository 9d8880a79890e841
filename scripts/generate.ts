// Writes what is generated from src/myapp/schema.ts: manifests/crd.yaml.
import { writeFileSync } from 'node:fs'
import { stringify } from 'yaml'
import { customResourceDefinition } from '../src/myapp/crd.ts'

/** The text of manifests/crd.yaml. */
export const crdYaml = () => '# Generated from src/myapp/schema.ts by `npm run generate`.\n' + stringify(customResourceDefinition(), { lineWidth: 0, aliasDuplicateObjects: false })

if (import.meta.main) {
  writeFileSync(new URL('../manifests/crd.yaml', import.meta.url), crdYaml())
}
