import { readdirSync } from 'node:fs'

/** The names of all YAML files below a folder, in order, such as `apps/worker.yaml`. */
export const yamlFiles = (folder: string | URL): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yaml'))
    .sort()
