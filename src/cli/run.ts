import { adopt } from './adopt.ts'
import { help, readArguments, type Streams, type Task, UserError, version } from './arguments.ts'
import { completionScript } from './completion.ts'
import { renderFiles } from './render.ts'
import { validateFiles } from './validate.ts'

/** Runs a command line. Returns the exit code; see `help`. */
export async function run(args: string[], streams: Streams): Promise<number> {
  try {
    const task = readArguments(args)
    if (task.command !== 'certificates') return await perform(task, streams)
    // The other commands start faster without this module.
    const { printCertificates } = await import('./certificates.ts')
    return await printCertificates(task, streams)
  } catch (error) {
    const { message } = error as Error
    streams.err(
      `myapp-operator: ${error instanceof UserError ? message : `internal error: ${message}`}\n`,
    )
    return 2
  }
}

async function perform(
  task: Exclude<Task, { command: 'certificates' }>,
  streams: Streams,
): Promise<number> {
  switch (task.command) {
    case 'validate':
      return await validateFiles(task, streams)
    case 'render':
      return await renderFiles(task, streams)
    case 'adopt':
      return adopt(task, streams)
    case 'completion':
      streams.out(completionScript(task.shell))
      return 0
    case 'help':
      streams.out(help)
      return 0
    case 'version':
      streams.out(`${version}\n`)
      return 0
  }
}
