/**
 * Starting programs and being sure that they end: with `stop`, or with this process, however it
 * ends. Works where there is a POSIX shell: Linux, macOS, WSL.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { copyFile, open, readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A program to start. */
export interface Program {
  /** What messages call it. */
  name: string
  command: string
  args: readonly string[]
  /** Its whole environment; this process's without it. */
  env?: NodeJS.ProcessEnv
  cwd?: string
  /** Where its output goes. */
  logFile: string
}

/** A program that was started. */
export interface RunningProgram {
  readonly name: string
  readonly pid: number
  readonly logFile: string
  /** Settles once it has ended, with how: `code 1`, or the name of a signal. */
  readonly ended: Promise<string>
  /** Asks it to end, and makes it end if it has not within `graceMs`; settles once it has. */
  stop(graceMs?: number): Promise<void>
}

/** What a program that ran to its end left. */
export interface ProgramResult {
  code: number | null
  stdout: string
  stderr: string
}

/**
 * The program takes the place of this shell, at the head of a process group of its own. What stays
 * behind it in that group waits for the end of a pipe that only this process holds open: it comes
 * with the end of this process, even by SIGKILL, and takes the whole group with it.
 */
const endWithParent = '(read -r _ <&3 || kill -s KILL -- "-$$") >/dev/null 2>&1 & exec "$@" 3<&-'

/** tap has Node load something into every process that a test starts; programs run as they are shipped. */
const asShipped = process.env['TAP'] === undefined ? '' : 'unset NODE_OPTIONS; '

type Output = 'pipe' | number

/** Starts a program whose output is piped or goes to an open file; the end of this process is its end too. */
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

/** Ends what is left of the group: as long as anything is, no other group can have its number. */
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
  // Before anything is waited for: it may end at once.
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

/** Waits until a program just started is ready; throws, naming its log, when it ends or takes too long. */
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

/** Copies a log to where it outlasts the folder it is in, and says where. */
export async function keepLog(name: string, logFile: string): Promise<string> {
  const copy = join(
    tmpdir(),
    `myapp-operator-${name}-${new Date().toISOString().replaceAll(':', '')}.log`,
  )
  await copyFile(logFile, copy)
  return copy
}

/** Runs a program to its end and gives what it printed. */
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

/**
 * Removes a folder when this process ends without having done so itself. Gives a function that
 * removes it now.
 */
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
 * Each process has a stretch of ports to itself, so that none takes the port of another's program, even of one that is
 * down for a while. They lie below the range that systems take for outgoing connections: a client that keeps dialling a
 * server which is down could else find its own port there.
 */
const stretches = { first: 20_000, length: 300, end: 32_000 }
let claimed: Promise<number> | undefined
let given = 0

/** A port of 127.0.0.1 that nothing listens on, and that neither this process nor another has been given before. */
export async function freePort(): Promise<number> {
  claimed ??= claimStretch()
  const first = await claimed
  while (++given < stretches.length) {
    const port = first + given
    const server = await listenOn(port)
    if (server === undefined) continue
    await new Promise((resolve) => server.close(resolve))
    return port
  }
  throw new Error(`no port is left from ${first} to ${first + stretches.length - 1}`)
}

/** Whoever listens on the first port of a stretch has it, until its process ends. */
async function claimStretch(): Promise<number> {
  for (let first = stretches.first; first < stretches.end; first += stretches.length) {
    const claim = await listenOn(first)
    if (claim === undefined) continue
    claim.unref()
    return first
  }
  throw new Error(
    `something listens on every ${stretches.length}th port from ${stretches.first} to ${stretches.end - 1}`,
  )
}

/** Listens on a port of 127.0.0.1 if nothing else does. */
function listenOn(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
