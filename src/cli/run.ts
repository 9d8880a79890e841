import type { PlatformDefaults } from '../api/platform-defaults.ts'
import { readPlatformDefaults } from '../platform-defaults-file.ts'
import { adopt } from './adopt.ts'
import { help, readArguments, type Task, UserError, version } from './arguments.ts'
import { changeText } from './change.ts'
import { completionScript } from './completion.ts'
import { checkNotEmpty, type Finding, type ManifestFiles, readFiles } from './manifests.ts'
import { findingText, objectsText, reportText, type Streams } from './output.ts'
import { diff, present, render, unknownDigest, withDigest } from './render.ts'

/** Runs a command line. Returns the exit code; see `help`. */
export async function run(args: string[], streams: Streams): Promise<number> {
  try {
    const task = readArguments(args)
    if (task.command !== 'certificates') return await perform(task, streams)
    // The other commands start faster without this module.
    const { printCertificates } = await import('./certificates.ts')
    return await printCertificates(task, streams)
  } catch (error) {
    const message = (error as Error).message
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

async function renderFiles(
  { files, recursive, namespace, output, defaults, baseline }: Extract<Task, { command: 'render' }>,
  { out, err }: Streams,
): Promise<number> {
  const existing = baseline && present(baseline)
  const { myApps, config, findings } = read(
    files,
    recursive,
    namespace ?? existing?.namespace() ?? 'default',
    err,
  )
  if (findings.some(({ severity }) => severity === 'error')) return 2
  const note = (notes: string[]) => {
    for (const line of notes) err(`${line}\n`)
  }
  const context = {
    platformDefaults: await defaultsIn(defaults),
  }
  if (existing === undefined) {
    const rendered = myApps.map((app) => render(app, config, context))
    note(rendered.flatMap(({ notes }) => notes))
    const children = rendered.flatMap(({ children }) => children)
    out(
      objectsText(
        children.map((child) => withDigest(child, unknownDigest)),
        output,
      ),
    )
    return 0
  }
  const diffs = existing.requestsFor(myApps).map((request) => diff(request, config, context))
  const changes = diffs.flatMap(({ changes }) => changes)
  note(diffs.flatMap(({ notes }) => notes))
  out(
    output === 'json'
      ? `${JSON.stringify(changes, null, 2)}\n`
      : changes.map(changeText).join('\n'),
  )
  return changes.length === 0 ? 0 : 1
}

/** Reads platform defaults from a file, if one is given. */
async function defaultsIn(file: string | undefined): Promise<PlatformDefaults | undefined> {
  if (file === undefined) return undefined
  try {
    return await readPlatformDefaults(file)
  } catch (error) {
    throw new UserError((error as Error).message)
  }
}

/** Reads files and prints their errors and notes on stderr. */
function read(
  names: string[],
  recursive: boolean,
  namespace: string,
  err: Streams['err'],
): ManifestFiles {
  const files = readFiles(names, recursive, namespace)
  checkNotEmpty(files, names)
  for (const finding of files.findings) {
    if (finding.severity !== 'warning') err(`${findingText(finding)}\n`)
  }
  return files
}

/** Prints the problems of files on stdout, and a summary on stderr. Returns the exit code. */
async function validateFiles(
  {
    files: names,
    recursive,
    namespace,
    output,
    lint,
    defaults,
  }: Extract<Task, { command: 'validate' }>,
  { out, err }: Streams,
): Promise<number> {
  const files = readFiles(names, recursive, namespace ?? 'default', await defaultsIn(defaults))
  checkNotEmpty(files, names)
  const of = (severity: Finding['severity']) =>
    files.findings.filter((finding) => finding.severity === severity)
  for (const note of of('note')) err(`${findingText(note)}\n`)
  const [errors, warned] = [of('error'), lint ? of('warning') : []]
  const reported = files.findings.filter(
    (finding) => errors.includes(finding) || warned.includes(finding),
  )
  out(reportText(reported, files.sources, output))
  err(`${summary(files, errors.length, warned.length)}\n`)
  return errors.length === 0 ? 0 : 1
}

function summary({ myApps, sources }: ManifestFiles, errors: number, warned: number): string {
  const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`
  const where = `in ${counted(sources.length, 'file')}`
  const warnings = warned === 0 ? '' : `, ${counted(warned, 'warning')}`
  const verb = myApps.length === 1 ? 'is' : 'are'
  return errors === 0
    ? `${counted(myApps.length, 'MyApp')} ${where} ${verb} valid${warnings}`
    : `${counted(errors, 'problem')} ${where}${warnings}`
}
