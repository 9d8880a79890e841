import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'
import { changedFields } from '../../../src/cli/diff.ts'
import { readFiles } from '../../../src/cli/manifests.ts'
import { objectsText } from '../../../src/cli/yaml/print.ts'
import { render } from '../../../src/cli/render.ts'

/** The recorded releases: for each version its CRD, its examples and their children. */
export const goldenFolder = fileURLToPath(new URL('../fixtures/golden', import.meta.url))

/**
 * The children of the MyApps in a file, as YAML. Unlike the command line it prints config digests.
 */
export function renderFile(file: string): string {
  const { myApps, config, findings } = readFiles([file], false, 'default')
  const errors = findings.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join('\n'))
  return objectsText(
    myApps.flatMap((app) => render(app, config, {}).children),
    'yaml',
  )
}

/** The newest recorded release. */
export function newestRelease(): string {
  const newest = readdirSync(goldenFolder)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .at(-1)
  if (newest === undefined) throw new Error('no recorded release: run npm run golden')
  return newest
}

interface Child {
  kind: string
  metadata: { name: string }
}

/**
 * The distinct differences between children, such as `Deployment spec.replicas`. For an added or
 * removed child it is the kind alone.
 */
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

/** An entry of the release notes about a difference. */
export interface Explanation {
  what: string
  says: string
}

/** The entries of `### Children` in the next release: "- `Deployment spec.replicas`: why". */
export function explanations(changelog: string): Explanation[] {
  const unreleased =
    changelog.split(/^## /m).find((section) => section.startsWith('[Unreleased]')) ?? ''
  const children =
    unreleased.split(/^### /m).find((section) => section.startsWith('Children')) ?? ''
  return [...children.matchAll(/^- `([^`]+)`: (.*(?:\n {2}.*)*)/gm)].map(
    ([, what = '', says = '']) => ({ what, says }),
  )
}

/** Parents of many fields, such as `spec`. An entry for such a parent would explain too much. */
const podField = String.raw`(\.(containers|initContainers)(\[[^\]]*\])?)?`
const holder = new RegExp(
  String.raw`^\S+ (metadata|spec(\.template(\.(metadata|spec${podField}))?)?)$`,
)

const isWithin = (difference: string, what: string) =>
  difference.startsWith(what) && /^[. []/.test(difference.slice(what.length))

/**
 * Whether an entry explains a difference: it names the field or a parent of the field. A kind alone
 * explains an added or removed child.
 */
const covers = ({ what }: Explanation, difference: string) =>
  difference === what || (what.includes(' ') && !holder.test(what) && isWithin(difference, what))

const isOfPods = (difference: string) => /^Deployment spec\.template[.[]/.test(difference)

/**
 * The errors of the entries: a missing or useless entry, or one that does not say which pods roll.
 */
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

/** The differences that an upgrade makes to existing children and that no entry explains. */
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
