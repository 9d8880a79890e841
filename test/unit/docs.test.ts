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
  t.test(`docs/install.md names every component of ${folder}`, async (t) => {
    const [, list = ''] = read(`${folder}/kustomization.yaml`).split('\n# components:\n')
    const components = [...list.matchAll(/^# {3}- (.*)$/gm)].map(([, name]) => name)
    t.ok(components.length > 3)
    const section = read('docs/install.md')
      .split('\n## ')
      .find((text) => text.startsWith('Comp'))
    for (const name of components) t.match(section, `\`${name}\``)
  })
}

t.test('CONTRIBUTING.md names only files and code that exist', async (t) => {
  const files = globSync(
    '{*,{build,docs,local-cluster,manifests,metacontroller,scripts,src,test}/**}',
    {
      cwd: root,
    },
  )
  const known = new Set(
    files
      .filter((file) => /\.(ts|js|yaml)$/.test(file))
      .flatMap((file) => read(file).match(/\w+/g) ?? []),
  )
  const text = read('CONTRIBUTING.md').replace(/^ *```.*?^ *```$/gms, '')
  const quoted = [...text.matchAll(/`([^`]+)`/g)].map(([, quote = '']) => quote)
  const isPath = (quote: string) => /^[\w./*-]+(\.(ts|js|md|json|ya?ml)|\/[\w.-]*)$/.test(quote)
  // `dist/` does not exist before a build. NAME, KIND and X.Y.Z are placeholders.
  const paths = quoted.filter((quote) => isPath(quote) && quote !== 'dist/')
  const toPattern = (path: string) =>
    new RegExp(`(^|/)${path.replace(/\/$/, '').replace(/\*|NAME|KIND|X\.Y\.Z/g, '[^/]+')}$`)
  t.ok(paths.length > 80)
  t.strictSame(
    paths.filter((path) => !files.some((file) => toPattern(path).test(file))),
    [],
    'paths',
  )
  const names = quoted
    .filter((quote) => !isPath(quote) && !quote.includes('X.Y'))
    .flatMap((quote) => quote.match(/\b\w*[a-z][A-Z]\w*|\b[a-z]\w*(?=\()/g) ?? [])
  t.ok(names.length > 60)
  t.strictSame(
    names.filter((name) => !known.has(name)),
    [],
    'names',
  )
})

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
