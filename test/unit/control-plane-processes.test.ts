import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import {
  freePort,
  runProgram,
  startProgram,
  waitUntilReady,
} from '../../local-cluster/control-plane/processes.ts'

const processes = join(import.meta.dirname, '../../local-cluster/control-plane/processes.ts')

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const keptLog = (error: Error | undefined) => error?.message.split('its log: ')[1] ?? ''

async function isGone(condition: () => boolean | Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < 100; tries++) {
    if (!(await condition())) return true
    await sleep(50)
  }
  return false
}

t.test('the children and the folder of a killed process are removed', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'processes-test-'))
  const parent = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `
    import { removeAtEnd, startProgram } from ${JSON.stringify(processes)}
    await removeAtEnd(${JSON.stringify(dir)})
    // A program that ignores SIGTERM, with a child of its own.
    const program = await startProgram({
      name: 'sh',
      command: '/bin/sh',
      args: ['-c', 'trap "" TERM; sleep 60 & echo $!; wait'],
      logFile: ${JSON.stringify(join(dir, 'log'))},
    })
    console.log(program.pid)
  `,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const [line] = await once(parent.stdout, 'data')
  const pid = Number(String(line))
  t.ok(isAlive(pid))
  parent.kill('SIGKILL')
  t.ok(await isGone(() => isAlive(pid)), 'the program')
  t.ok(await isGone(() => isAlive(-pid)), 'its process group')
  t.ok(
    await isGone(() =>
      stat(dir).then(
        () => true,
        () => false,
      ),
    ),
    'the folder',
  )
})

t.test('a program', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'processes-test-'))
  t.teardown(() => rm(dir, { recursive: true }))
  const shell = (script: string) =>
    startProgram({
      name: 'shell',
      command: '/bin/sh',
      args: ['-c', script],
      logFile: join(dir, 'shell.log'),
    })
  const trapping = async (script: string) => {
    const program = await shell(`${script}; echo trapped $$; while :; do sleep 0.05; done`)
    await waitUntilReady(program, async () =>
      (await readFile(program.logFile, 'utf8')).includes(`trapped ${program.pid}\n`),
    )
    return program
  }

  t.test('is killed if it ignores SIGTERM', async (t) => {
    const program = await trapping('trap "" TERM')
    await program.stop(200)
    t.equal(await program.ended, 'SIGKILL')
    t.ok(await isGone(() => isAlive(-program.pid)))
  })

  t.test('reports its exit code after SIGTERM', async (t) => {
    const program = await trapping('trap "exit 3" TERM')
    await program.stop()
    t.equal(await program.ended, 'code 3')
    await program.stop()
  })

  t.test('that fails to start is reported with its error and keeps its log', async (t) => {
    const program = await shell(
      'echo listening; echo "Error: the port is taken" >&2; echo bye; exit 4',
    )
    const error = await waitUntilReady(program, () => Promise.reject(new Error('refused'))).then(
      () => undefined,
      (error: Error) => error,
    )
    t.match(
      error?.message,
      /^shell ended with code 4 before it was ready \(Error: the port is taken\); its log: /,
    )
    t.ok((await stat(keptLog(error))).isFile())
    await rm(keptLog(error))
  })

  t.test('that never becomes ready is reported', async (t) => {
    const program = await shell('exec sleep 60')
    const error = await waitUntilReady(program, async () => false, { timeoutMs: 100 }).then(
      () => undefined,
      (error: Error) => error,
    )
    t.match(error?.message, /^shell was not ready after 0.1 s/)
    await program.stop()
    await rm(keptLog(error))
  })

  t.test('that does not exist ends with code 127', async (t) => {
    t.match(await runProgram({ command: 'no-such-program', args: [] }), { code: 127, stdout: '' })
  })

  t.test('reads its standard input and returns its output', async (t) => {
    t.match(await runProgram({ command: 'cat', args: [] }, { input: 'text' }), {
      code: 0,
      stdout: 'text',
    })
  })

  t.test('ends when it is interrupted', async (t) => {
    await t.rejects(
      runProgram({ command: 'sleep', args: ['60'] }, { signal: AbortSignal.timeout(50) }),
      { name: 'TimeoutError' },
    )
  })
})

t.test('free ports are below the ephemeral range and are never returned twice', async (t) => {
  const ports = await Promise.all(Array.from({ length: 10 }, () => freePort()))
  t.equal(new Set(ports).size, ports.length)
  t.ok(ports.every((port) => port > 20_000 && port < 32_000))
})

t.test('two processes get ports from different ranges', async (t) => {
  const own = await freePort()
  const script = 'const { freePort } = await import(process.argv[1]); console.log(await freePort())'
  const { code, stdout } = await runProgram({
    command: process.execPath,
    args: ['--input-type=module', '--eval', script, processes],
  })
  t.equal(code, 0)
  t.ok(Math.abs(Number(stdout) - own) > 200, `${own} here, ${stdout.trim()} there`)
})
