import { readFileSync } from 'node:fs'
import t from 'tap'
import { reasons } from '../../src/myapp/status/reasons.ts'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const rows = (heading: string) =>
  (readme.split(heading)[1]?.split(/\n#/)[0] ?? '')
    .split('\n')
    .filter((line) => line.startsWith('| `'))

t.test('the README lists every reason with its phase and meaning', async (t) => {
  t.strictSame(
    rows('### Status'),
    Object.entries(reasons).map(
      ([reason, { phase, meaning }]) => `| \`${reason}\` | ${phase} | ${meaning} |`,
    ),
  )
})
