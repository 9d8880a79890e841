/**
 * Starts programs. A program ends at `stop`, or when this process ends, even by SIGKILL. Needs a
 * POSIX shell: Linux, macOS, WSL.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { copyFile, open, readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A program to start. */
export interface Program {
  /** The name for messages. */
  name: string
  command: string
  args: readonly string[]
  /** The whole environment. Defaults to that of this process. */
  env?: NodeJS.ProcessEnv
  cwd?: string
  /** The file for its output. */
  logFile: string
}

/** A running program. */
export interface RunningProgram {
  readonly name: string
  readonly pid: number
  readonly logFile: string
  /** Resolves when the program has ended, to its exit code as `code N` or to the signal's name. */
  readonly ended: Promise<string>
  /** Sends SIGTERM, and SIGKILL after `graceMs`. Resolves when the program has ended. */
  stop(graceMs?: number): Promise<void>
}

/** The exit code and output of a program that has ended. */
export interface ProgramResult {
  code: number | null
  stdout: string
  stderr: string
}

/**
 * The shell starts a watchdog in the program's process group, then becomes the program. The
 * watchdog reads a pipe that only this process holds open. The pipe closes when this process ends,
 * even by SIGKILL, and the watchdog kills the group.
 */
const endWithParent = '(read -r _ <&3 || kill -s KILL -- "-$$") >/dev/null 2>&1 & exec "$@" 3<&-'

/** tap sets NODE_OPTIONS for child processes. Programs must run as they are shipped. */
const asShipped = process.env['TAP'] === undefined ? '' : 'unset NODE_OPTIONS; '

type Output = 'pipe' | number

/** Starts a program with output to a pipe or to an open file. It ends with this process. */
export function spawnInGroup(
  { name, command, args, env, cwd }: Omit<Program, 'logFile'>,
  output: Output,
): ChildProcess {
  const child = spawn('/bin/sh', ['-c', asShipped + endWithParent, name, command, ...args], {
    detached: true,
    stdio: [output === 'pipe' ? 'pipe' : 'ignore', output, output, 'pipe'],
    ...(env === undefined ? {} : { env }),
    ...(cwd === undefined ? {} : { cwd }),
  })
  for (const pipe of child.stdio) pipe?.on('error', () => {})
  child.once('exit', () => killGroup(child))
  child.once('close', () => child.stdio[3]?.destroy())
  return child
}

/** Kills the remaining processes of a group. While one exists, the group ID is not reused. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Starts a program that keeps running. */
export async function startProgram(program: Program): Promise<RunningProgram> {
  const log = await open(program.logFile, 'a')
  const child = spawnInGroup(program, log.fd)
  // These listeners are added before the next await, because the program may end at once.
  const ended = new Promise<string>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`))
  })
  await log.close()
  const { pid } = child
  if (pid === undefined) {
    await ended
    throw new Error(`${program.name} did not start`)
  }
  async function stop(graceMs = 5000): Promise<void> {
    if (graceMs > 0 && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM')
      const timeout = new AbortController()
      await Promise.race([ended, sleep(graceMs, undefined, timeout).catch(() => {})])
      timeout.abort()
    }
    killGroup(child)
    await ended
  }
  return { name: program.name, pid, logFile: program.logFile, ended, stop }
}

/** Waits until a program is ready. Throws with the path of its log if it ends or is too slow. */
export async function waitUntilReady(
  program: RunningProgram,
  isReady: () => Promise<boolean>,
  { timeoutMs = 30_000, signal }: { timeoutMs?: number; signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  let end: string | undefined
  program.ended.then(
    (how) => {
      end = how
    },
    (error) => {
      end = String(error)
    },
  )
  for (;;) {
    signal?.throwIfAborted()
    if (end !== undefined) throw await failure(program, `ended with ${end} before it was ready`)
    if (await isReady().catch(() => false)) return
    if (Date.now() > deadline) {
      throw await failure(program, `was not ready after ${timeoutMs / 1000} s`)
    }
    await sleep(40)
  }
}

async function failure({ name, logFile }: RunningProgram, what: string): Promise<Error> {
  const copy = await keepLog(name, logFile)
  const lines = (await readFile(copy, 'utf8')).trim().split('\n')
  const reason = lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1)
  return new Error(`${name} ${what}${reason ? ` (${reason.slice(0, 300)})` : ''}; its log: ${copy}`)
}

/** Copies a log out of its temporary folder. Returns the path of the copy. */
export async function keepLog(name: string, logFile: string): Promise<string> {
  const copy = join(
    tmpdir(),
    `myapp-operator-${name}-${new Date().toISOString().replaceAll(':', '')}.log`,
  )
  await copyFile(logFile, copy)
  return copy
}

/** Runs a program until it ends. */
export async function runProgram(
  program: Omit<Program, 'logFile' | 'name'>,
  options: {
    input?: string | undefined
    signal?: AbortSignal | undefined
    onStdout?: (text: string) => void
    onStderr?: (text: string) => void
  } = {},
): Promise<ProgramResult> {
  options.signal?.throwIfAborted()
  const child = spawnInGroup({ name: program.command, ...program }, 'pipe')
  const abort = () => killGroup(child)
  options.signal?.addEventListener('abort', abort)
  const [stdin, stdout, stderr] = child.stdio
  let printed = ''
  let complained = ''
  stdout?.setEncoding('utf8').on('data', (text: string) => {
    printed += text
    options.onStdout?.(text)
  })
  stderr?.setEncoding('utf8').on('data', (text: string) => {
    complained += text
    options.onStderr?.(text)
  })
  stdin?.end(options.input)
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    options.signal?.throwIfAborted()
    return { code, stdout: printed, stderr: complained }
  } finally {
    options.signal?.removeEventListener('abort', abort)
  }
}

/** Removes a folder when this process ends. Returns a function that removes it at once. */
export async function removeAtEnd(folder: string): Promise<() => Promise<void>> {
  const script = 'read -r _; for i in 1 2 3; do rm -rf -- "$1" && exit; sleep 1; done'
  const child = spawn('/bin/sh', ['-c', script, 'sh', folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  child.stdin.on('error', () => {})
  const ended = new Promise((resolve) => child.once('close', resolve))
  return async () => {
    child.stdin.end()
    await ended
  }
}

/**
 * Each process reserves a range of ports, so that no other process takes the port of a program
 * that is down for a while. The ranges lie below the ephemeral ports: a client that keeps dialling
 * a stopped server could otherwise connect to itself.
 */
const portRanges = { first: 20_000, length: 300, end: 32_000 }
let reserved: Promise<number> | undefined
let used = 0

/** A free port of 127.0.0.1. Every call, in every process, returns a different port. */
export async function freePort(): Promise<number> {
  reserved ??= reserveRange()
  const first = await reserved
  while (++used < portRanges.length) {
    const port = first + used
    const server = await listenOn(port)
    if (server === undefined) continue
    await new Promise((resolve) => server.close(resolve))
    return port
  }
  throw new Error(`no free port from ${first} to ${first + portRanges.length - 1}`)
}

/** Reserves a range of ports by listening on its first port until this process ends. */
async function reserveRange(): Promise<number> {
  for (let first = portRanges.first; first < portRanges.end; first += portRanges.length) {
    const reservation = await listenOn(first)
    if (reservation === undefined) continue
    reservation.unref()
    return first
  }
  throw new Error(
    `all ranges of ports from ${portRanges.first} to ${portRanges.end - 1} are reserved`,
  )
}

/** Listens on a port of 127.0.0.1. Resolves to undefined if it is in use. */
function listenOn(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
