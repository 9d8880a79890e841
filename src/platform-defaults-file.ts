import { readFile } from 'node:fs/promises'
import { checkPlatformDefaults, type PlatformDefaults } from './api/platform-defaults.ts'

/**
 * Reads a file of platform defaults, in YAML.
 * @throws {Error} if the file cannot be read or is invalid. The message is one line that starts
 * with the name of the file.
 */
export async function readPlatformDefaults(file: string): Promise<PlatformDefaults> {
  try {
    // Most hooks have no such file, and start faster without the parser. The package yaml is
    // CommonJS, so its chunk of the bundle has only a default export.
    const { default: yaml } = await import('yaml')
    return checkPlatformDefaults(yaml.parse(await readFile(file, 'utf8')) ?? {})
  } catch (error) {
    const [line] = (error as Error).message.split('\n')
    throw new Error(`${file}: ${line}`)
  }
}
