// Stores the CRD, the examples and the children of the examples, as they are in this release.
// Tests of later releases compare with them.
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import packageJson from '../package.json' with { type: 'json' }
import { goldenFolder, renderFile } from '../test/support/compatibility/golden.ts'
import { yamlFiles } from '../test/support/yaml-files.ts'

const manifests = fileURLToPath(new URL('../manifests', import.meta.url))
const folder = `${goldenFolder}/${packageJson.version}`
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
copyFileSync(`${manifests}/crd.yaml`, `${folder}/crd.yaml`)
for (const name of yamlFiles(`${manifests}/examples`)) {
  for (const part of ['examples', 'children']) {
    mkdirSync(dirname(`${folder}/${part}/${name}`), { recursive: true })
  }
  copyFileSync(`${manifests}/examples/${name}`, `${folder}/examples/${name}`)
  writeFileSync(`${folder}/children/${name}`, renderFile(`${manifests}/examples/${name}`))
}
