import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { open as openFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nodeFlags } from '../build/flags.ts'
import { freePort } from '../local-cluster/control-plane/processes.ts'
import { get, open } from './load.ts'

const root = join(import.meta.dirname, '..')
/** The core of the servers that are measured; all else is on another. */
const serverCore = '0'
export const otherCore = '1'

const canPin = spawnSync('taskset', ['-p', String(process.pid)]).status === 0

/** Pins this process, and what it starts from here on without another word, to the core on which nothing is measured. */
export function pinThisProcess(): boolean {
  return (
    canPin && spawnSync('taskset', ['-a', '-p', '-c', otherCore, String(process.pid)]).status === 0
  )
}

/** A server that is measured. */
export interface Server {
  port: number
  pid: number
  /** From the start of its process to the first 200 of /readyz. */
  startMs: number
  residentMegabytes: () => number
  /** Time on a processor, of all its threads, in ms. */
  cpuMs: () => number
  stop: () => Promise<void>
}

/** What the image and the manifest set about memory, which a process can't set for itself. */
export function memoryEnvironment(): Record<string, string> {
  const [image, manifest] = ['Dockerfile', 'manifests/deployment.yaml'].map((file) =>
    readFileSync(join(root, file), 'utf8'),
  ) as [string, string]
  const [, options = ''] = /name: NODE_OPTIONS\n\s+value: (\S+)/.exec(manifest) ?? []
  return {
    NODE_OPTIONS: options,
    ...Object.fromEntries(
      [...image.matchAll(/^(?:ENV)?\s+(MALLOC_\w+)=(\w+)/gm)].map(([, name, value]) => [
        name,
        value,
      ]),
    ),
  }
}

/** Starts the built program, as the image and the manifest do. */
export const startHook = async (
  environment: Record<string, string>,
  log: string,
  flags = nodeFlags,
) =>
  await start(
    [...flags, join(root, 'dist/main.js')],
    { NODE_ENV: 'production', ...memoryEnvironment(), ...environment },
    log,
    '/readyz',
  )

/** Starts the baseline. */
export const startBare = async (log: string, flags = nodeFlags) =>
  await start([...flags, join(root, 'bench/bare.ts')], {}, log)

/** Starts Node with nothing to do: how long it takes to its end, in ms. */
export async function runNothing(): Promise<number> {
  const start = performance.now()
  const child = spawnPinned(['-e', '0'], {}, 'ignore')
  await new Promise((resolve) => child.once('exit', resolve))
  return performance.now() - start
}

async function start(
  args: string[],
  environment: Record<string, string>,
  log: string,
  readyPath?: string,
): Promise<Server> {
  const port = await freePort()
  const output = await openFile(log, 'a')
  const begun = performance.now()
  const child = spawnPinned(args, { PORT: String(port), ...environment }, output.fd)
  const startMs = (await ready(port, child, readyPath)) - begun
  await output.close()
  const pid = child.pid ?? NaN
  return {
    port,
    pid,
    startMs,
    residentMegabytes: () =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024,
    cpuMs: () =>
      readdirSync(`/proc/${pid}/task`).reduce(
        (sum, task) =>
          sum +
          Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]) / 1e6,
        0,
      ),
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
    },
  }
}

function spawnPinned(
  args: string[],
  environment: Record<string, string>,
  output: number | 'ignore',
): ChildProcess {
  const command = canPin
    ? ['taskset', '-c', serverCore, process.execPath, ...args]
    : [process.execPath, ...args]
  return spawn(command[0] as string, command.slice(1), {
    env: environment,
    cwd: root,
    stdio: ['ignore', output, output === 'ignore' ? 'ignore' : 'inherit'],
  })
}

/** When it first answers. */
async function ready(port: number, child: ChildProcess, path: string | undefined): Promise<number> {
  for (;;) {
    if (child.exitCode !== null) {
      throw new Error(`a server ended with ${child.exitCode} before it was ready`)
    }
    try {
      const connection = await open(port)
      if (path !== undefined) await connection.call(get(path))
      connection.close()
      return performance.now()
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }
}
