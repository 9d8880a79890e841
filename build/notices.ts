import type { Metafile } from 'esbuild'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Name, version and licence texts of one bundled package. */
interface Notice {
  name: string
  version: string
  license: string
  text: string
}

/**
 * Returns the third-party notices of bundles: the licence and notice files of each package of which
 * a bundle contains code. Throws if a package names no licence.
 */
export function thirdPartyNotices(root: string, metafiles: Metafile[]): string {
  const folders = new Set(metafiles.flatMap(bundledPackages))
  const notices = [...folders]
    .map((folder) => noticeOf(join(root, folder)))
    .sort((a, b) => a.name.localeCompare(b.name) || a.version.localeCompare(b.version))
  return notices
    .map(
      ({ name, version, license, text }) => `${name} ${version} (${license})\n\n${text.trim()}\n`,
    )
    .join(`\n${'-'.repeat(72)}\n\n`)
}

/** The folders of the packages whose code is in the output. */
function bundledPackages({ outputs }: Metafile): string[] {
  return Object.values(outputs)
    .flatMap(({ inputs }) => Object.entries(inputs))
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .flatMap(([path]) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? [])
}

function noticeOf(folder: string): Notice {
  const { name, version, license } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  ) as { name: string; version: string; license?: string }
  if (license === undefined) throw new Error(`${folder}: package.json names no licence`)
  const text = readdirSync(folder, { withFileTypes: true })
    .filter((file) => file.isFile() && /^(licen[cs]e|notice|copying)/i.test(file.name))
    .map((file) => readFileSync(join(folder, file.name), 'utf8').trim())
    .join('\n\n')
  return { name, version, license, text: text || `License: ${license}, see the package's page.` }
}
