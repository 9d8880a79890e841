import { readdir, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Program,
  type RunningProgram,
  freePort,
  startProgram,
  waitUntilReady,
} from '../local-cluster/control-plane/processes.ts'
import { type Report } from '../local-cluster/control-plane/progress.ts'

const root = join(import.meta.dirname, '..')

/** The running hook. */
export interface DemoHook {
  url: string
  stop(): Promise<void>
}

/** Runs the hook from its sources, and again whenever one of them is saved. */
export async function startDemoHook(
  logFile: string,
  report: Report,
  signal: AbortSignal,
): Promise<DemoHook> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const program: Program = {
    name: 'hook',
    command: process.execPath,
    args: ['src/main.ts'],
    cwd: root,
    env: { ...process.env, HOST: '127.0.0.1', PORT: String(port), LOG_FORMAT: 'json' },
    logFile,
  }
  let running: RunningProgram | undefined

  async function start(): Promise<RunningProgram> {
    running = await startProgram(program)
    return running
  }
  async function noteEnd(started: RunningProgram): Promise<void> {
    const how = await started.ended
    if (started === running) {
      report(`The hook ended with ${how}; it starts again when a file under src/ is saved.`)
    }
  }
  async function stop(): Promise<void> {
    const stopped = running
    running = undefined
    await stopped?.stop()
  }

  try {
    const first = await start()
    await waitUntilReady(first, async () => (await fetch(`${url}/readyz`)).ok, { signal })
    noteEnd(first)
  } catch (error) {
    await stop()
    throw error
  }
  const watching = new AbortController()
  const watched = onSave(
    join(root, 'src'),
    async (file) => {
      report(`${file} was saved: the hook starts anew.`)
      await stop()
      noteEnd(await start())
    },
    watching.signal,
  )
  return {
    url,
    async stop() {
      watching.abort()
      await watched
      await stop()
    },
  }
}

/** Looks at the times of all files: unlike notices from the system it works the same everywhere. */
async function onSave(
  folder: string,
  act: (file: string) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let before = await timesOf(folder)
  while (await sleep(300, true, { signal }).catch(() => false)) {
    const now = await timesOf(folder).catch(() => before)
    const saved = [...now.keys()].find((file) => now.get(file) !== before.get(file))
    before = now
    if (saved !== undefined) await act(relative(root, saved))
  }
}

async function timesOf(folder: string): Promise<Map<string, number>> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  )
  return new Map(
    await Promise.all(
      files.map(async ({ parentPath, name }) => {
        const file = join(parentPath, name)
        return [file, (await stat(file)).mtimeMs] as const
      }),
    ),
  )
}
