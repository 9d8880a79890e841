import { readdirSync, readFileSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { getSystemErrorMap } from 'node:util'
import { UserError } from './usage.ts'

/** A text and what it is called in messages. */
export interface Source {
  name: string
  text: string
}

/** Reads what -f names: files, folders, and stdin for `-`. */
export function readSources(files: string[], recursive: boolean): Source[] {
  return files.flatMap((file) =>
    file === '-'
      ? [{ name: '<stdin>', text: readStdin() }]
      : expand(file, recursive).map((name) => ({ name, text: readText(name) })),
  )
}

/** The manifests of a folder, in the order of their names; a file is itself. */
function expand(file: string, recursive: boolean): string[] {
  try {
    if (!statSync(file).isDirectory()) return [file]
    return readdirSync(file, { recursive, encoding: 'utf8' })
      .filter((name) => /\.(ya?ml|json)$/.test(name))
      .sort()
      .map((name) => join(file, name))
  } catch (error) {
    throw unreadable(file, error)
  }
}

/** Reads a file. */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw unreadable(file, error)
  }
}

/** Reads stdin to its end, waiting where the program at the other end takes its time and the pipe does not wait by itself. */
function readStdin(): string {
  const chunks: Buffer[] = []
  const buffer = Buffer.alloc(65_536)
  for (;;) {
    try {
      const length = readSync(0, buffer)
      if (length === 0) return Buffer.concat(chunks).toString('utf8')
      chunks.push(Buffer.from(buffer.subarray(0, length)))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw unreadable('stdin', error)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    }
  }
}

function unreadable(name: string, error: unknown): UserError {
  const { errno = 0, message } = error as NodeJS.ErrnoException
  return new UserError(`${name} can't be read: ${getSystemErrorMap().get(errno)?.[1] ?? message}`)
}
