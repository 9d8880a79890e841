import { readArguments, type Task } from './arguments.ts'
import { changeText } from './change.ts'
import { diff, present } from './diff.ts'
import { unknownDigest, withDigest } from './digest.ts'
import { type Files, readMyApps } from './my-apps.ts'
import { print, render } from './render.ts'
import { readSources } from './source.ts'
import { help, UserError, version } from './usage.ts'

/** Where a command writes to. */
export interface Streams {
  out: (text: string) => void
  err: (text: string) => void
}

/** Does what a command line asks for, and gives the exit code; see the help for what it means. */
export function run(args: string[], { out, err }: Streams): number {
  try {
    const task = readArguments(args)
    if (task.does === 'validate') return validateFiles(task, err)
    if (task.does === 'render') return renderFiles(task, { out, err })
    out(task.does === 'help' ? help : `${version}\n`)
    return 0
  } catch (error) {
    err(
      `myapp-operator: ${error instanceof UserError ? error.message : `this should not happen: ${(error as Error).message}`}\n`,
    )
    return 2
  }
}

function validateFiles(
  { files, recursive, namespace = 'default' }: Extract<Task, { does: 'validate' }>,
  err: Streams['err'],
): number {
  const { problems } = read(files, recursive, namespace, err)
  return problems.length === 0 ? 0 : 1
}

function renderFiles(
  { files, recursive, namespace, output, baseline }: Extract<Task, { does: 'render' }>,
  { out, err }: Streams,
): number {
  const there = baseline && present(baseline)
  const { myApps, config, problems } = read(
    files,
    recursive,
    namespace ?? there?.namespace() ?? 'default',
    err,
  )
  if (problems.length > 0) return 2
  if (there === undefined) {
    const rendered = myApps.map((app) => render(app, config))
    tell(
      rendered.flatMap(({ notes }) => notes),
      err,
    )
    out(
      print(
        rendered
          .flatMap(({ children }) => children)
          .map((child) => withDigest(child, unknownDigest)),
        output,
      ),
    )
    return 0
  }
  const diffs = there.requestsFor(myApps).map((request) => diff(request, config))
  const changes = diffs.flatMap(({ changes }) => changes)
  tell(
    diffs.flatMap(({ notes }) => notes),
    err,
  )
  out(
    output === 'json'
      ? `${JSON.stringify(changes, null, 2)}\n`
      : changes.map(changeText).join('\n'),
  )
  return changes.length === 0 ? 0 : 1
}

/** Reads the files and tells what is wrong with them. */
function read(names: string[], recursive: boolean, namespace: string, err: Streams['err']): Files {
  const files = readMyApps(readSources(names, recursive), namespace)
  if (files.myApps.length === 0 && files.problems.length === 0) {
    throw new UserError(
      `there is no MyApp in ${names.map((name) => (name === '-' ? 'stdin' : name)).join(', ')}`,
    )
  }
  tell([...files.notes, ...files.problems], err)
  return files
}

const tell = (lines: string[], err: Streams['err']) => {
  for (const line of lines) err(`${line}\n`)
}
