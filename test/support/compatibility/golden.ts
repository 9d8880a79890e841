import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'
import { changedFields } from '../../../src/cli/change.ts'
import { readFiles } from '../../../src/cli/manifests.ts'
import { objectsText } from '../../../src/cli/output.ts'
import { render } from '../../../src/cli/render.ts'

/** Where what a release made of the examples is kept: for each version its CRD, its examples and their children. */
export const goldenFolder = fileURLToPath(new URL('../fixtures/golden', import.meta.url))

/** The children of the MyApps in a file, as YAML; with their digests of config, which the command line does not print. */
export function renderFile(file: string): string {
  const { myApps, config, findings } = readFiles([file], false, 'default')
  const errors = findings.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join('\n'))
  return objectsText(
    myApps.flatMap((app) => render(app, config, {}).children),
    'yaml',
  )
}

/** The newest release of which there is a golden output. */
export function newestRelease(): string {
  const newest = readdirSync(goldenFolder)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .at(-1)
  if (newest === undefined) throw new Error('no golden output is there: npm run golden makes it')
  return newest
}

interface Child {
  kind: string
  metadata: { name: string }
}

/** What differs between children, each difference once: `Deployment spec.replicas`, or the kind alone of a child that came or went. */
export function childDifferences(before: string, after: string): string[] {
  const read = (yaml: string) =>
    new Map(
      parseAllDocuments(yaml, { version: '1.1' })
        .map((document) => document.toJS() as Child)
        .map((child) => [`${child.kind}/${child.metadata.name}`, child]),
    )
  const [old, fresh] = [read(before), read(after)]
  return [
    ...new Set(
      [...old.keys(), ...fresh.keys()].flatMap((key) => {
        const [was, is] = [old.get(key), fresh.get(key)]
        if (was === undefined || is === undefined) return [(was ?? is)?.kind ?? key]
        return changedFields(was, is).map((field) => `${is.kind} ${field}`)
      }),
    ),
  ]
}

/** A difference that the release notes tell of. */
export interface Explanation {
  what: string
  says: string
}

/** The entries under `### Children` of what the changelog has for the next release: "- `Deployment spec.replicas`: why". */
export function explanations(changelog: string): Explanation[] {
  const unreleased =
    changelog.split(/^## /m).find((section) => section.startsWith('[Unreleased]')) ?? ''
  const children =
    unreleased.split(/^### /m).find((section) => section.startsWith('Children')) ?? ''
  return [...children.matchAll(/^- `([^`]+)`: (.*(?:\n {2}.*)*)/gm)].map(
    ([, what = '', says = '']) => ({ what, says }),
  )
}

/** What holds fields and is none itself: an entry for it would explain whatever there is. */
const holder =
  /^\S+ (metadata|spec(\.template(\.(metadata|spec(\.(containers|initContainers)(\[[^\]]*\])?)?))?)?)$/

const isWithin = (difference: string, what: string) =>
  difference.startsWith(what) && /^[. []/.test(difference.slice(what.length))

/** Whether an entry is for a difference: it names the same field, or one that has it in it. A kind alone is for a child that came or went. */
const covers = ({ what }: Explanation, difference: string) =>
  difference === what || (what.includes(' ') && !holder.test(what) && isWithin(difference, what))

const isOfPods = (difference: string) => /^Deployment spec\.template[.[]/.test(difference)

/** What is wrong with the explanations of some differences: one that has none, one that explains nothing or too much, a roll that is not told of. */
export function unexplained(differences: string[], explained: Explanation[]): string[] {
  return [
    ...differences
      .filter((difference) => !explained.some((explanation) => covers(explanation, difference)))
      .map(
        (difference) =>
          `${difference} differs from the last release, and CHANGELOG.md does not say so`,
      ),
    ...explained.flatMap((explanation) => {
      const { what, says } = explanation
      const covered = differences.filter((difference) => covers(explanation, difference))
      if (covered.length === 0) {
        const isBroad = differences.some((difference) => isWithin(difference, what))
        return [
          isBroad
            ? `${what}: CHANGELOG.md must name the field that differs`
            : `${what} does not differ from the last release, and CHANGELOG.md says so`,
        ]
      }
      return covered.some(isOfPods) && !/\bpods\s+of\s.*\broll\b/s.test(says)
        ? [`${what}: CHANGELOG.md must say of which apps the pods roll`]
        : []
    }),
  ]
}

/** Those of some differences, which an upgrade makes to children that are there, of which the explanations do not tell. */
export function unforeseen(differences: string[], explained: Explanation[]): string[] {
  const rollsNone = ({ says }: Explanation) => /\bpods\s+of\s+no\s+app\b/.test(says)
  return differences.filter(
    (difference) =>
      !explained.some(
        (explanation) =>
          covers(explanation, difference) && !(isOfPods(difference) && rollsNone(explanation)),
      ),
  )
}
