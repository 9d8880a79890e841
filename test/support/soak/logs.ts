import { createReadStream } from 'node:fs'
import { cp, mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const maxLineLength = 600

/** Copies the logs in `dir`, not in its subfolders, to a folder that stays. Returns its path. */
export async function keepLogs(dir: string): Promise<string> {
  const copies = await mkdtemp(join(tmpdir(), 'myapp-operator-soak-'))
  for (const file of await logsIn(dir)) await cp(join(dir, file), join(copies, file))
  return copies
}

/** The last lines of each log that name an object, each with the name of its log. */
export async function linesAbout(dir: string, name: string, count: number): Promise<string[]> {
  const found: string[] = []
  const isAbout = new RegExp(`\\b${name}(?![\\w])`)
  for (const file of await logsIn(dir)) {
    const last: string[] = []
    for await (const line of createInterface(createReadStream(join(dir, file)))) {
      if (!isAbout.test(line)) continue
      last.push(`${file}: ${line.slice(0, maxLineLength)}`)
      if (last.length > count) last.shift()
    }
    found.push(...last)
  }
  return found
}

const logsIn = async (dir: string) => (await readdir(dir)).filter((file) => file.endsWith('.log'))
