import { readFileSync } from 'node:fs'
import { conditionReasons, conditions, reasons } from '../src/myapp/status/reasons.ts'

/** The rows of the tables of docs/status.md that come from the code, by the header of the table. */
const tables: Record<string, string[]> = {
  '| condition | True when | exists |': Object.entries(conditions).map(
    ([type, { isTrue, exists }]) => `| \`${type}\` | ${isTrue} | ${exists} |`,
  ),
  '| reason | phase | meaning |': Object.entries(reasons).map(
    ([reason, { phase, meaning }]) => `| \`${reason}\` | ${phase} | ${meaning} |`,
  ),
  '| reason | condition | meaning |': Object.entries(conditionReasons).map(
    ([reason, { of, meaning }]) => `| \`${reason}\` | ${of.join(', ')} | ${meaning} |`,
  ),
}

/** The text of docs/status.md, with the present rows of its tables. */
export function statusPage(): string {
  const page = readFileSync(new URL('../docs/status.md', import.meta.url), 'utf8')
  return Object.entries(tables).reduce(
    (text, [header, rows]) => withRows(text.split('\n'), header, rows).join('\n'),
    page,
  )
}

/** The lines with other rows in the table that has a header. */
function withRows(lines: string[], header: string, rows: string[]): string[] {
  const start = lines.indexOf(header) + 2
  if (start < 2) throw new Error(`docs/status.md has no table "${header}"`)
  const end = lines.findIndex((line, index) => index >= start && !line.startsWith('|'))
  return lines.toSpliced(start, end - start, ...rows)
}
