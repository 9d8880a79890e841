import type { Task } from './arguments.ts'
import { checkNotEmpty, type ManifestFiles, type Finding, readFiles } from './manifests.ts'
import { findingText, reportText, type Streams } from './output.ts'

/** Prints the problems of files on stdout, and a summary on stderr. Returns the exit code. */
export function validateFiles(
  { files: names, recursive, namespace, output, lint }: Extract<Task, { command: 'validate' }>,
  { out, err }: Streams,
): number {
  const files = readFiles(names, recursive, namespace ?? 'default')
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
