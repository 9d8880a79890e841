import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  freePort,
  type RunningProgram,
  startProgram,
  waitUntilReady,
} from '../../../local-cluster/control-plane/processes.ts'
import { nodeFlags } from '../../../build/flags.ts'
import type { HookName } from '../../../src/metacontroller/protocol.ts'
import { followJsonLinesOf } from './json-lines.ts'

/** A line that the hook logs for a request. Other lines have fewer fields. */
export interface HookLine {
  level: number
  time: string
  msg: string
  hook?: HookName
  namespace?: string
  name?: string
  generation?: number
  statusCode?: number
  reason?: string
  phase?: string
  desiredChildren?: number
}

/** A process of the built hook. */
export interface Replica {
  port: number
  /** The id of the current process. */
  pid(): number
  /**
   * The lines that all its processes logged for a namespace. Without an argument, the lines that
   * have no namespace.
   */
  log(namespace?: string): readonly HookLine[]
  /** Kills the process. */
  kill(): Promise<void>
  /** Starts a new process on the same port. */
  start(): Promise<void>
  stop(): Promise<void>
}

const program = join(import.meta.dirname, '../../../dist/main.js')

/**
 * Starts the built hook on a free port, with the flags of the image except those of the permission
 * model. Its log is a file in `dir`.
 */
export async function startReplica({
  dir,
  name = 'hook',
  env = {},
}: {
  dir: string
  name?: string
  env?: Record<string, string>
}): Promise<Replica> {
  if (!existsSync(program)) throw new Error('dist/main.js is missing: run npm run build')
  const port = await freePort()
  // With TLS, probes have a port of their own.
  const probePort = env['TLS_CERT_FILE'] === undefined ? port : await freePort()
  const logFile = join(dir, `${name}.log`)
  const keyFile = join(dir, 'config-digest-key')
  writeFileSync(keyFile, 'of all replicas'.repeat(3))
  let running: RunningProgram
  async function start(): Promise<void> {
    running = await startProgram({
      name,
      command: process.execPath,
      args: [...nodeFlags, program],
      env: {
        PORT: String(port),
        LOG_FORMAT: 'json',
        CONFIG_DIGEST_KEY_FILE: keyFile,
        ...(probePort !== port && { PROBE_PORT: String(probePort) }),
        ...env,
      },
      cwd: dir,
      logFile,
    })
    await waitUntilReady(
      running,
      async () =>
        (await fetch(`http://127.0.0.1:${probePort}/readyz`, { headers: { connection: 'close' } }))
          .ok,
    )
  }
  await start()
  return {
    port,
    pid: () => running.pid,
    log: followJsonLinesOf<HookLine>(logFile, (line) => line.namespace),
    start,
    kill: () => running.stop(0),
    stop: () => running.stop(),
  }
}
