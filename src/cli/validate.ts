import { sep } from 'node:path'
import { counted } from '../text.ts'
import { type ReportFormat, type Streams, type Task, version } from './arguments.ts'
import {
  checkNotEmpty,
  type Finding,
  findingText,
  type ManifestFiles,
  readDefaults,
  readFiles,
} from './manifests.ts'

/** Prints the problems of files on stdout, and a summary on stderr. Returns the exit code. */
export async function validateFiles(
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
  const platformDefaults = await readDefaults(defaults)
  const files = readFiles(names, recursive, namespace ?? 'default', platformDefaults)
  const has =
    (severity: Finding['severity']) =>
    (finding: Finding): boolean =>
      finding.severity === severity
  for (const note of files.findings.filter(has('note'))) err(`${findingText(note)}\n`)
  checkNotEmpty(files, names)
  const reported = files.findings.filter(
    ({ severity }) => severity === 'error' || (lint && severity === 'warning'),
  )
  out(reportText(reported, files.sources, output))
  const errors = reported.filter(has('error')).length
  err(`${summary(files, errors, reported.length - errors)}\n`)
  return errors === 0 ? 0 : 1
}

function summary({ myApps, sources }: ManifestFiles, errors: number, warned: number): string {
  const where = `in ${counted(sources.length, 'file')}`
  const warnings = warned === 0 ? '' : `, ${counted(warned, 'warning')}`
  const verb = myApps.length === 1 ? 'is' : 'are'
  return errors === 0
    ? `${counted(myApps.length, 'MyApp')} ${where} ${verb} valid${warnings}`
    : `${counted(errors, 'problem')} ${where}${warnings}`
}

/** The report of `validate` on errors and warnings. */
export function reportText(findings: Finding[], sources: string[], format: ReportFormat): string {
  switch (format) {
    case 'text':
      return findings.map((finding) => `${findingText(finding)}\n`).join('')
    case 'json':
      return `${JSON.stringify(findings.map(flat), null, 2)}\n`
    case 'github':
      return findings.map(githubLine).join('')
    case 'junit':
      return junit(findings, sources)
    case 'sarif':
      return `${JSON.stringify(sarif(findings), null, 2)}\n`
  }
}

const flat = ({ severity, place: { source, line, column }, message }: Finding) => ({
  file: source,
  line,
  column,
  severity,
  message,
})

/** A workflow command of GitHub Actions, which shows the finding beside the line. */
function githubLine({ severity, place: { source, line, column }, message }: Finding): string {
  const text = (value: string) =>
    value.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
  const property = (value: string) => text(value).replaceAll(':', '%3A').replaceAll(',', '%2C')
  return `::${severity} file=${property(source)},line=${line},col=${column}::${text(message)}\n`
}

/** One test case per file, with warnings as its output. */
function junit(findings: Finding[], sources: string[]): string {
  const cases = [...new Set(sources)].map((source) => {
    const inFile = (severity: Finding['severity']) =>
      findings.filter((finding) => finding.place.source === source && finding.severity === severity)
    const failures = inFile('error').map(
      (finding) =>
        `    <failure message="${xml(finding.message)}">${xml(findingText(finding))}</failure>\n`,
    )
    const warnings = inFile('warning')
    const output =
      warnings.length === 0
        ? ''
        : `    <system-out>${xml(warnings.map(findingText).join('\n'))}</system-out>\n`
    return {
      failed: failures.length > 0,
      text:
        `  <testcase classname="myapp-operator.validate" name="${xml(source)}">\n` +
        `${failures.join('')}${output}  </testcase>\n`,
    }
  })
  const failed = cases.filter(({ failed }) => failed).length
  // Jenkins requires all of these attributes.
  const counts = `tests="${cases.length}" failures="${failed}" errors="0"`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    `<testsuite name="myapp-operator validate" ${counts}>\n`,
    ...cases.map(({ text }) => text),
    '</testsuite>\n',
  ].join('')
}

/** Escapes text for XML. Replaces characters that XML 1.0 cannot contain. */
const xml = (text: string) =>
  text
    .toWellFormed()
    .replace(/(?![\t\n\r])\p{Cc}|[\ufffe\uffff]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;')

/** SARIF 2.1.0, which code scanning reads. */
const sarif = (findings: Finding[]) => ({
  $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
  version: '2.1.0',
  runs: [
    {
      tool: {
        driver: {
          name: 'myapp-operator',
          version,
          rules: [
            { id: 'invalid', shortDescription: { text: 'An invalid MyApp' } },
            { id: 'lint', shortDescription: { text: 'A valid MyApp that fails or is risky' } },
          ],
        },
      },
      results: findings.map(({ severity, place: { source, line, column }, message }) => ({
        ruleId: severity === 'error' ? 'invalid' : 'lint',
        level: severity,
        message: { text: message },
        locations: [
          {
            physicalLocation: {
              artifactLocation: {
                uri: source.replaceAll(sep, '/').split('/').map(encodeURIComponent).join('/'),
              },
              region: { startLine: line, startColumn: column },
            },
          },
        ],
      })),
    },
  ],
})
