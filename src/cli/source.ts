import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from './usage.ts'

/** A text and what it is called in messages. */
export interface Source { name: string, text: string }

/** Reads what -f names: files, folders, and stdin for `-`. */
export function readSources (files: string[], recursive: boolean): Source[] {
  return files.flatMap((file) => file === '-' ? [{ name: '<stdin>', text: read(0, 'stdin') }] : expand(file, recursive).map((name) => ({ name, text: read(name, name) })))
}

/** The manifests of a folder, in the order of their names; a file is itself. */
function expand (file: string, recursive: boolean): string[] {
  try {
    if (!statSync(file).isDirectory()) return [file]
    return readdirSync(file, { recursive, encoding: 'utf8' }).filter((name) => /\.(ya?ml|json)$/.test(name)).sort().map((name) => join(file, name))
  } catch (error) {
    throw unreadable(file, error)
  }
}

function read (file: string | number, name: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw unreadable(name, error)
  }
}

const unreadable = (name: string, error: unknown) => new UserError(`${name} can't be read: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`)
