import { readFileSync } from 'node:fs'

/** The shortest key that is accepted, in bytes: the length of the HMAC's hash. */
const minBytes = 32

/**
 * Reads the key of config digests from the file of CONFIG_DIGEST_KEY_FILE. Returns undefined if the
 * variable is empty.
 * @throws {Error} if the file cannot be read or is too short. The message is one line.
 */
export function readDigestKey(file: string): Buffer | undefined {
  if (file === '') return undefined
  const key = read(file)
  if (key.length < minBytes) {
    throw new Error(
      `CONFIG_DIGEST_KEY_FILE=${file} must have at least ${minBytes} bytes, got ${key.length}`,
    )
  }
  return key
}

function read(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Error(`CONFIG_DIGEST_KEY_FILE=${file} cannot be read (${code})`)
  }
}
