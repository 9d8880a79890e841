import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { nodeFlags, permissionFlags } from '../../../build/flags.ts'
import { spawnInGroup } from '../../../local-cluster/control-plane/processes.ts'

/** The built hook, run with the flags of the image. */
export interface ExportingHook {
  child: ChildProcess
  url: string
  /** The lines of its log, parsed. */
  lines: Array<Record<string, unknown>>
  post: (
    path: string,
    body: unknown,
    headers?: Record<string, string>,
  ) => Promise<{ status: number; body: unknown; milliseconds: number }>
  /** Sends SIGTERM. Returns the exit code and how long the hook took to end. */
  terminate: () => Promise<{ code: number | null; milliseconds: number }>
}

const root = fileURLToPath(new URL('../../..', import.meta.url))
const program = join(root, 'dist/main.js')
/** The flags of the image, with the checkout in place of /app. */
const flags = [...permissionFlags.map((flag) => flag.replace('=/app', `=${root}`)), ...nodeFlags]
if (!existsSync(program)) throw new Error('dist/main.js is missing: run npm run build')

/** Starts the built hook on a free port, with only the given environment. */
export async function startExportingHook(
  t: Test,
  environment: Record<string, string> = {},
): Promise<ExportingHook> {
  const child = spawnInGroup(
    {
      name: 'hook',
      command: process.execPath,
      args: [...flags, program],
      env: { PORT: '0', ...environment },
    },
    'pipe',
  )
  t.teardown(() => {
    child.kill('SIGKILL')
  })
  // 'close', not 'exit': the last lines of the log can arrive after the exit.
  const closed = once(child, 'close')
  const lines: ExportingHook['lines'] = []
  let rest = ''
  child.stderr?.on('data', (text) => {
    process.stderr.write(text)
  })
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts) {
      lines.push(part.startsWith('{"level"') ? JSON.parse(part) : { printed: part })
    }
  })
  let url: string | undefined
  const deadline = Date.now() + 30_000
  while (url === undefined) {
    url = lines
      .map(({ msg }) => /http:\/\/127\.0\.0\.1:\d+/.exec(String(msg))?.[0])
      .find((url) => url !== undefined)
    if (child.exitCode !== null) throw new Error(`the hook ended: ${JSON.stringify(lines)}`)
    if (Date.now() > deadline) {
      throw new Error(`not listening after 30 s: ${JSON.stringify(lines)}`)
    }
    await wait(10)
  }
  const base = url
  return {
    child,
    url,
    lines,
    post: async (path, body, headers = {}) => {
      const start = performance.now()
      const response = await fetch(base + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      })
      return {
        status: response.status,
        body: await response.json(),
        milliseconds: performance.now() - start,
      }
    },
    terminate: async () => {
      const start = performance.now()
      child.kill('SIGTERM')
      const [code] = (await closed) as [number | null]
      return { code, milliseconds: performance.now() - start }
    },
  }
}
