import { existsSync, readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { validate } from '../../src/api/validate.ts'
import { reasons } from '../../src/myapp/status/reasons.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')

const pages = ['README.md', ...readdirSync(new URL('docs', root)).map((name) => `docs/${name}`)]

t.test('docs/status.md lists every reason with its phase and meaning', async (t) => {
  const rows = read('docs/status.md')
    .split('## Reasons of Ready')[1]
    ?.split('\n')
    .filter((line) => line.startsWith('| `') && !line.startsWith('| `app'))
  t.strictSame(
    rows,
    Object.entries(reasons).map(
      ([reason, { phase, meaning }]) => `| \`${reason}\` | ${phase} | ${meaning} |`,
    ),
  )
})

t.test('the README has at most 1,000 words', async (t) => {
  t.ok(read('README.md').split(/\s+/).length <= 1000)
})

t.test('the MyApps of the README are valid', async (t) => {
  const blocks = [...read('README.md').matchAll(/```yaml\n(.*?)```/gs)].map(([, yaml]) => yaml)
  t.ok(blocks.length >= 2)
  for (const yaml of blocks) {
    t.strictSame(validate(parse(yaml ?? '')), [])
  }
})

for (const page of pages) {
  t.test(`every link of ${page} leads to a file`, async (t) => {
    const folder = new URL(page, root)
    for (const [, target = ''] of read(page).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
      if (/^https?:/.test(target)) continue
      t.ok(existsSync(new URL(target, folder)), target)
    }
  })
}
