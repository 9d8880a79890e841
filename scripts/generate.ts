// Writes the files generated from the code: the CRDs, the schemas for editors and kustomize, the
// reference of the API, the tables of tables.ts, and the manifests of components.ts.
import { mkdirSync, writeFileSync } from 'node:fs'
import { stringify } from 'yaml'
import { customResourceDefinition } from '../src/api/crd.ts'
import { inspectionResourceDefinition } from '../src/api/inspection-crd.ts'
import { apiReference } from './api-reference.ts'
import { kindManifests } from './components.ts'
import { editorSchemaText } from './editor-schema.ts'
import { kustomizeSchemaText } from './kustomize-schema.ts'
import { pages } from './tables.ts'

/** The text of manifests/crd.yaml. */
export const crdYaml = () =>
  '# Generated from src/api/myapp.ts by `npm run generate`.\n' +
  stringify(customResourceDefinition(), { lineWidth: 0, aliasDuplicateObjects: false })

/** The text of manifests/inspection-crd.yaml. */
const inspectionCrdYaml = () =>
  '# Generated from src/api/inspection.ts by `npm run generate`.\n' +
  stringify(inspectionResourceDefinition(), { lineWidth: 0, aliasDuplicateObjects: false })

/** Every generated file with the function that creates its text. */
export const generated: Record<string, () => string> = {
  'manifests/crd.yaml': crdYaml,
  'manifests/inspection-crd.yaml': inspectionCrdYaml,
  'manifests/schema/myapp.schema.json': editorSchemaText,
  'manifests/kustomize/openapi.json': kustomizeSchemaText,
  'docs/api.md': apiReference,
  ...pages,
  ...kindManifests,
}

if (import.meta.main) {
  for (const [file, text] of Object.entries(generated)) {
    const url = new URL(`../${file}`, import.meta.url)
    mkdirSync(new URL('.', url), { recursive: true })
    writeFileSync(url, text())
  }
}
