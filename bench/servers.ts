import type { ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { open as openFile } from 'node:fs/promises'
import { join } from 'node:path'
import type * as Flags from '../build/flags.ts'
import { freePort, spawnInGroup } from '../local-cluster/control-plane/processes.ts'
import type { HalfCore } from './half-core.ts'
import { getRequest, open } from './load.ts'

/** A running hook. */
export interface Server {
  port: number
  /** From the start of its process to the first 200 of /readyz, in ms. */
  startMs: number
  /** Highest resident memory so far, in MiB. */
  peakMebibytes: () => number
  /** Processor time of all its threads so far, in ms. */
  cpuMs: () => number
  stop: () => Promise<void>
}

/** The memory settings of the image and the manifest, which a process cannot set for itself. */
function memoryEnvironment(root: string): Record<string, string> {
  const read = (file: string) => readFileSync(join(root, file), 'utf8')
  const [, options = ''] =
    /name: NODE_OPTIONS\n\s+value: (\S+)/.exec(read('manifests/deployment.yaml')) ?? []
  const malloc = [...read('Dockerfile').matchAll(/^(?:ENV)?\s+(MALLOC_\w+)=(\w+)/gm)]
  return {
    NODE_OPTIONS: options,
    ...Object.fromEntries(malloc.map(([, name, value]) => [name, value])),
  }
}

/**
 * Starts the built program of the checkout `root` on half a core, as the image and the manifest
 * start it, with the flags of that checkout.
 */
export async function startMeasuredHook(
  root: string,
  { enter }: HalfCore,
  environment: Record<string, string>,
  log: string,
): Promise<Server> {
  const { nodeFlags, permissionFlags }: typeof Flags = await import(join(root, 'build/flags.ts'))
  const port = await freePort()
  const output = await openFile(log, 'a')
  const confined = permissionFlags.map((flag) => flag.replace('=/app', `=${root}`))
  const begun = performance.now()
  const child = spawnIn(root, enter, [...confined, ...nodeFlags, 'dist/main.js'], output.fd, {
    NODE_ENV: 'production',
    PORT: String(port),
    ...memoryEnvironment(root),
    ...environment,
  })
  const startMs = (await ready(port, child)) - begun
  await output.close()
  const pid = child.pid ?? NaN
  return {
    port,
    startMs,
    peakMebibytes: () =>
      Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024,
    cpuMs: () =>
      readdirSync(`/proc/${pid}/task`)
        .map((task) => readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0])
        .reduce((sum, nanoseconds) => sum + Number(nanoseconds) / 1e6, 0),
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** Runs `node -e 0` on half a core. Returns its duration in ms. */
export async function runNothing(root: string, { enter }: HalfCore): Promise<number> {
  const start = performance.now()
  const child = spawnIn(root, enter, ['-e', '0'], 'pipe', {})
  await new Promise((resolve) => child.once('exit', resolve))
  return performance.now() - start
}

/** Starts Node on half a core. Node ends when this process ends. */
const spawnIn = (
  root: string,
  enter: string,
  args: string[],
  output: number | 'pipe',
  env: Record<string, string>,
): ChildProcess =>
  spawnInGroup(
    {
      name: 'hook',
      command: '/bin/sh',
      args: ['-c', `${enter}; exec "$0" "$@"`, process.execPath, ...args],
      env,
      cwd: root,
    },
    output,
  )

/** Waits for the first 200 of /readyz. Returns the time. */
async function ready(port: number, child: ChildProcess): Promise<number> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the hook ended with ${child.exitCode}`)
    try {
      const connection = await open(port)
      await connection.call(getRequest('/readyz'))
      connection.close()
      return performance.now()
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }
}
