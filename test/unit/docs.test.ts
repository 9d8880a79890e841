import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { validate } from '../../src/api/validate.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')

const pages = ['README.md', ...readdirSync(new URL('docs', root)).map((name) => `docs/${name}`)]

/** The lines of a Markdown text outside code and tables. */
const proseOf = (text: string) =>
  text
    .replace(/^ *```.*?^ *```$/gms, '')
    .split('\n')
    .filter((line) => !line.startsWith('|'))

t.test('prose in Markdown has at most 100 columns', async (t) => {
  const files = globSync('{*.md,{bench,docs,manifests,src,test}/**/*.md}', { cwd: root })
  t.ok(files.includes('README.md') && files.includes('docs/api.md'))
  for (const file of files) {
    const wide = proseOf(read(file)).filter(
      (line) => line.length > 100 && /\S \S/.test(line.slice(2)),
    )
    t.strictSame(wide, [], file)
  }
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

for (const folder of ['manifests', 'metacontroller']) {
  t.test(`docs/install.md and the kustomization list every component of ${folder}`, async (t) => {
    const components = readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('/kustomization.yaml'))
      .filter((path) => parse(read(`${folder}/${path}`)).kind === 'Component')
      .map((path) => path.replace('/kustomization.yaml', ''))
      // For overlays that contain MyApps: see docs/kustomize.md.
      .filter((name) => name !== 'kustomize')
    const table = read('docs/install.md').split(`| ${folder}/ | for |`)[1]?.split('\n\n')[0] ?? ''
    const comments = read(`${folder}/kustomization.yaml`)
    t.ok(components.length > 3)
    for (const name of components) {
      t.match(table, `\`${name}\``, `docs/install.md: ${name}`)
      t.match(comments, `\n#   - ${name}\n`, `${folder}/kustomization.yaml: ${name}`)
    }
  })
}

/** The anchors of the headings of a page, as GitHub writes them. */
const anchorsOf = (text: string) =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^a-z0-9 _-]/g, '')
      .replaceAll(' ', '-'),
  )

for (const page of pages) {
  t.test(`every link of ${page} leads to a file and a heading`, async (t) => {
    const folder = new URL(page, root)
    for (const [, target = '', anchor] of read(page).matchAll(/\]\(([^)#\s]*)#?([^)\s]*)\)/g)) {
      if (/^https?:/.test(target)) continue
      const url = target === '' ? folder : new URL(target, folder)
      t.ok(existsSync(url), target)
      if (anchor) t.ok(anchorsOf(readFileSync(url, 'utf8')).includes(anchor), `${target}#${anchor}`)
    }
  })
}
