import { readFileSync } from 'node:fs'
import { variables } from '../src/config.ts'
import { conditions } from '../src/api/conditions.ts'
import { conditionReasons, reasons } from '../src/myapp/status/reasons.ts'
import {
  attribute,
  attributeMeanings,
  event,
  eventMeanings,
} from '../src/telemetry/requests/attributes.ts'
import { instruments } from '../src/telemetry/requests/metrics.ts'
import { kindsWithPolicy, optionalKinds } from './components.ts'
import { yamlFiles } from '../test/support/yaml-files.ts'

const root = new URL('../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')

const row = (...cells: string[]) => `| ${cells.join(' | ')} |`
const code = (text: unknown) => `\`${text}\``

/** The topics of the examples, in the order of manifests/examples/README.md. */
const topics = [
  'Basics',
  'Container',
  'Ports and routes',
  'Files',
  'Number of pods and rollouts',
  'Nodes',
  'Security',
]

/** The rows of every generated table, by its page and by its header. */
const tables: Record<string, Record<string, string[]>> = {
  'docs/configuration.md': {
    '| variable | default | purpose |': Object.entries<{ default: unknown; description: string }>(
      variables,
    ).map(([name, { default: value = '', description }]) =>
      row(code(name), value === '' ? '' : code(value), description),
    ),
  },
  'docs/install.md': {
    '| field | component of metacontroller/ | needs the CRDs of | rights are checked by |':
      optionalKinds.map((kind) => {
        const { component, field, crds } = kind.optional
        const policy = kindsWithPolicy.includes(kind) ? `policies/${component}` : 'policies'
        return row(code(field), code(component), crds, code(policy))
      }),
  },
  'docs/status.md': {
    '| condition | True when | exists |': Object.entries(conditions).map(
      ([type, { isTrue, exists }]) => row(code(type), isTrue, exists),
    ),
    '| reason | phase | meaning |': Object.entries(reasons).map(([reason, { phase, meaning }]) =>
      row(code(reason), phase, meaning),
    ),
    '| reason | condition | meaning |': Object.entries(conditionReasons).map(
      ([reason, { of, meaning }]) => row(code(reason), of.join(', '), meaning),
    ),
  },
  'docs/telemetry.md': {
    '| attribute | meaning |': Object.entries(attributeMeanings).map(([name, meaning]) =>
      row(code(attribute[name as keyof typeof attribute]), meaning),
    ),
    '| event | when |': Object.entries(eventMeanings).map(([name, meaning]) =>
      row(code(event[name as keyof typeof event]), meaning),
    ),
    '| metric | kind, unit | attributes | meaning |': Object.entries(instruments).map(
      ([name, { kind, unit, attributes, description }]) =>
        row(
          code(name),
          unit.startsWith('{') ? kind : `${kind}, ${unit}`,
          attributes.map(code).join(', '),
          description,
        ),
    ),
  },
  'manifests/examples/README.md': { '| file | shows |': exampleRows() },
}

/** Every page with generated tables, and the function that returns its text. */
export const pages: Record<string, () => string> = Object.fromEntries(
  Object.entries(tables).map(([page, ownTables]) => [
    page,
    () =>
      Object.entries(ownTables).reduce(
        (text, [header, rows]) => withRows(text, { page, header, rows }),
        read(page),
      ),
  ]),
)

/** The rows of all examples whose first line is `# TOPIC: what the example shows`. */
function exampleRows(): string[] {
  const folder = 'manifests/examples'
  const examples = yamlFiles(new URL(folder, root))
    .map((file) => ({ file, head: read(`${folder}/${file}`).split('\n')[0] ?? '' }))
    .sort((a, b) => a.file.replace('.yaml', '').localeCompare(b.file.replace('.yaml', ''), 'en'))
  return topics.flatMap((topic) => {
    const start = `# ${topic}: `
    return [
      `| **${topic}** | |`,
      ...examples
        .filter(({ head }) => head.startsWith(start))
        .map(({ file, head }) => row(`[${file}](${file})`, head.slice(start.length))),
    ]
  })
}

/** Replaces the rows of the table with this header in the text of a page. */
function withRows(
  text: string,
  { page, header, rows }: { page: string; header: string; rows: string[] },
): string {
  const lines = text.split('\n')
  const start = lines.indexOf(header) + 2
  if (start < 2) throw new Error(`${page} has no table "${header}"`)
  const end = lines.findIndex((line, index) => index >= start && !line.startsWith('|'))
  return lines.toSpliced(start, end - start, ...rows).join('\n')
}
