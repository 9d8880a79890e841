import { join } from 'node:path'
import { freePort, startProgram, waitUntilReady } from '../local-cluster/control-plane/processes.ts'

/** The running hook. */
export interface DemoHook {
  url: string
  stop(): Promise<void>
}

/** Runs the hook from its source files. Node restarts the hook when a file is saved. */
export async function startDemoHook(logFile: string, signal: AbortSignal): Promise<DemoHook> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const program = await startProgram({
    name: 'hook',
    command: process.execPath,
    args: ['--watch', '--watch-preserve-output', 'src/main.ts'],
    cwd: join(import.meta.dirname, '..'),
    env: { ...process.env, HOST: '127.0.0.1', PORT: String(port), LOG_FORMAT: 'json' },
    logFile,
  })
  try {
    await waitUntilReady(program, async () => (await fetch(`${url}/readyz`)).ok, { signal })
  } catch (error) {
    await program.stop()
    throw error
  }
  return { url, stop: () => program.stop() }
}
