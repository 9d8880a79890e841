import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { nodeFlags } from '../../scripts/warm.ts'

const root = join(import.meta.dirname, '../..')

t.test('the image runs the hook as npm start does, which is how it is measured', async (t) => {
  const command = /^CMD (.*)$/m.exec(readFileSync(join(root, 'Dockerfile'), 'utf8'))?.[1] ?? ''
  t.not(nodeFlags(root).length, 0)
  t.same(JSON.parse(command), [...nodeFlags(root), 'dist/main.js'])
})
