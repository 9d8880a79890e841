import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import ts from 'typescript'

const root = join(import.meta.dirname, '../..')
const folders = '{src,build,local-cluster,scripts,demo,bench,test/support}'
/** The text of each module of the project, without tests, by its path. */
const modules = new Map(
  globSync(`${folders}/**/*.ts`, { cwd: root }).map((path) => [
    path,
    readFileSync(join(root, path), 'utf8'),
  ]),
)

t.test('the modules have no import cycles', async (t) => {
  const imports = new Map(
    [...modules].map(([path, text]) => [
      path,
      ts
        .preProcessFile(text)
        .importedFiles.map(({ fileName }) => join(path, '..', fileName))
        .filter((imported) => modules.has(imported)),
    ]),
  )
  const checked = new Set<string>()
  const cycles: string[] = []
  function visit(path: string, from: string[]): void {
    if (from.includes(path)) cycles.push([...from.slice(from.indexOf(path)), path].join(' -> '))
    if (checked.has(path)) return
    checked.add(path)
    for (const imported of imports.get(path) ?? []) visit(imported, [...from, path])
  }
  for (const path of modules.keys()) visit(path, [])
  t.strictSame(cycles, [])
  t.ok([...imports.values()].flat().length > modules.size, 'imports are found')
})

/** The build reads these exports from every module with compiled validators. */
const shared = ['ajv', 'schemas']

t.test('no two modules export the same name', async (t) => {
  const exporters: Record<string, string[]> = {}
  for (const [path, text] of modules) {
    const declarations = text.matchAll(
      /^export (?:async )?(?:const|let|function\*?|class|interface|type) (\w+)/gm,
    )
    for (const name of new Set([...declarations].map(([, name = '']) => name))) {
      ;(exporters[name] ??= []).push(path)
    }
  }
  const repeated = Object.entries(exporters).filter(
    ([name, paths]) => paths.length > 1 && !shared.includes(name),
  )
  t.strictSame(repeated, [])
})
