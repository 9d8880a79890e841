import { readFile } from 'node:fs/promises'
import { checkPlatformDefaults, type PlatformDefaults } from './api/platform-defaults.ts'

/**
 * Reads a file of platform defaults, in YAML.
 * @throws {Error} if the file cannot be read or is invalid. The message is one line that starts
 * with the name of the file.
 */
export async function readPlatformDefaults(file: string): Promise<PlatformDefaults> {
  try {
    return await parsePlatformDefaults(await readFile(file, 'utf8'))
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`)
  }
}

/**
 * Parses platform defaults.
 * @throws {Error} if they are invalid. The message is one line.
 */
export async function parsePlatformDefaults(text: string): Promise<PlatformDefaults> {
  try {
    // Most hooks have no such file, and start faster without the parser. The package yaml is
    // CommonJS, so its chunk of the bundle has only a default export.
    const { default: yaml } = await import('yaml')
    return checkPlatformDefaults(yaml.parse(text) ?? {})
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const [line] = message.split('\n')
    throw new Error(code === 'MULTIPLE_DOCS' ? 'must be one document' : line)
  }
}
