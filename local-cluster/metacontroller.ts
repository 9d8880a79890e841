/** Starts Metacontroller: the program of METACONTROLLER, or the stand-in. */
import { access, constants, stat } from 'node:fs/promises'
import { get } from 'node:http'
import { join, resolve } from 'node:path'
import { freePort, startProgram, waitUntilReady } from './control-plane/processes.ts'

/** The strategy with which Metacontroller writes children. */
export type ApplyStrategy = 'dynamic-apply' | 'server-side-apply'

/** Options of a Metacontroller. */
export interface MetacontrollerOptions {
  kubeconfig: string
  /** The file of its output. */
  logFile: string
  /** Default: dynamic apply, the only strategy of the stand-in. */
  applyStrategy?: ApplyStrategy
  /** Additional command-line options. */
  options?: string[]
  /** Additional environment variables. */
  env?: Record<string, string>
}

/** A running Metacontroller. */
export interface RunningMetacontroller {
  /** The engine in messages: `stand-in` or `Metacontroller (PATH)`. */
  engine: string
  /** Its process ID. */
  pid: number
  /** The URL of its metrics. The stand-in serves none. */
  metricsUrl: string
  /** Resolves with the exit status once the process has ended. */
  ended: Promise<string>
  /** Stops it with SIGTERM. */
  stop(): Promise<void>
  /** Kills it. Resolves when the process is gone. */
  kill(): Promise<void>
}

interface Engine {
  engine: string
  command: string
  args: string[]
}

/** Starts Metacontroller and waits until it is ready. */
export async function startMetacontroller({
  kubeconfig,
  logFile,
  applyStrategy = 'dynamic-apply',
  options = [],
  env = {},
}: MetacontrollerOptions): Promise<RunningMetacontroller> {
  const { engine, command, args } = await chooseEngine(applyStrategy)
  const health = `127.0.0.1:${await freePort()}`
  const metrics = `127.0.0.1:${await freePort()}`
  const program = await startProgram({
    name: 'metacontroller',
    command,
    args: [
      ...args,
      `--kubeconfig=${kubeconfig}`,
      `--apply-strategy=${applyStrategy}`,
      `--health-probe-bind-address=${health}`,
      `--metrics-address=${metrics}`,
      // Its default limit of 5 queries per second is for shared clusters.
      '--client-go-qps=100',
      '--client-go-burst=200',
      // Metacontroller then knows a newly installed kind after at most 5 s.
      '--discovery-interval=5s',
      ...options,
    ],
    env: { ...process.env, ...env },
    logFile,
  })
  try {
    await waitUntilReady(program, () => isHealthy(`http://${health}/healthz`))
  } catch (error) {
    await program.stop(0)
    throw error
  }
  return {
    engine,
    pid: program.pid,
    metricsUrl: `http://${metrics}/metrics`,
    ended: program.ended,
    stop: () => program.stop(),
    kill: () => program.stop(0),
  }
}

/** The engine that `startMetacontroller` starts: `stand-in` or `Metacontroller (PATH)`. */
export function engineName(): string {
  const path = programPath()
  return path === undefined ? 'stand-in' : `Metacontroller (${path})`
}

async function chooseEngine(applyStrategy: ApplyStrategy): Promise<Engine> {
  const path = programPath()
  if (path !== undefined) {
    await assertExecutable(path)
    return { engine: engineName(), command: path, args: [] }
  }
  if (applyStrategy !== 'dynamic-apply') {
    throw new Error(
      `${applyStrategy} needs the real Metacontroller: set METACONTROLLER to the path of ` +
        'its program',
    )
  }
  return {
    engine: engineName(),
    command: process.execPath,
    args: [join(import.meta.dirname, 'stand-in/main.ts')],
  }
}

function programPath(): string | undefined {
  const path = process.env['METACONTROLLER']
  return path ? resolve(path) : undefined
}

async function assertExecutable(path: string): Promise<void> {
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => undefined,
  )
  if (isFile === undefined) throw new Error(`METACONTROLLER is ${path}, which does not exist`)
  if (!isFile) throw new Error(`METACONTROLLER is ${path}, which is not a file`)
  await access(path, constants.X_OK).catch(() => {
    throw new Error(`METACONTROLLER is ${path}, which is not executable`)
  })
}

function isHealthy(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    request.on('error', () => resolve(false))
  })
}
