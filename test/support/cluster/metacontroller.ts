/** Starts Metacontroller: the program that METACONTROLLER names, or else the stand-in. */
import { access, constants, stat } from 'node:fs/promises'
import { get } from 'node:http'
import { join, resolve } from 'node:path'
import {
  freePort,
  startProgram,
  waitUntilReady,
} from '../../../local-cluster/control-plane/processes.ts'

/** How Metacontroller writes children. */
export type ApplyStrategy = 'dynamic-apply' | 'server-side-apply'

/** Where and how Metacontroller is to work. */
export interface MetacontrollerOptions {
  kubeconfig: string
  /** Where its output goes. */
  logFile: string
  /** Its own default without it. The stand-in knows that one only. */
  applyStrategy?: ApplyStrategy
  /** More of its options. */
  options?: string[]
  /** More of its environment. */
  env?: Record<string, string>
}

/** A running Metacontroller. */
export interface RunningMetacontroller {
  /** Which one it is, for people: `stand-in` or `Metacontroller (PATH)`. */
  engine: string
  /** Where its metrics are. */
  metricsUrl: string
  /** Settles once it has ended, with how. */
  ended: Promise<string>
  /** Ends it in order. */
  stop(): Promise<void>
  /** Ends it at once, as a crash would; settles when it is gone. */
  kill(): Promise<void>
}

interface Engine {
  engine: string
  command: string
  args: string[]
}

/** Starts Metacontroller and waits until it is up. */
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
      // Its own limits, 5 queries a second, are for clusters that it shares with others.
      '--client-go-qps=100',
      '--client-go-burst=200',
      // A kind that was installed a moment ago is found by asking again.
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
    metricsUrl: `http://${metrics}/metrics`,
    ended: program.ended,
    stop: () => program.stop(),
    kill: () => program.stop(0),
  }
}

/** The engine that `startMetacontroller` starts, for people: `stand-in` or `Metacontroller (PATH)`. */
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
    args: [join(import.meta.dirname, '../../../local-cluster/stand-in/main.ts')],
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
  if (isFile === undefined) throw new Error(`METACONTROLLER names ${path}, which does not exist`)
  if (!isFile) throw new Error(`METACONTROLLER names ${path}, which is not a program`)
  await access(path, constants.X_OK).catch(() => {
    throw new Error(`METACONTROLLER names ${path}, which may not be executed`)
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
