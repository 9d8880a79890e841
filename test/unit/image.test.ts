import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runInThisContext } from 'node:vm'
import t from 'tap'
import { nodeFlags, permissionFlags } from '../../build/flags.ts'
import { thirdPartyNotices } from '../../build/notices.ts'
import { root } from '../../build/root.ts'
import { refusing } from '../../build/unreachable.ts'

const read = (path: string) => readFileSync(join(root, path), 'utf8')

t.test('npm start uses nodeFlags, and the image also uses permissionFlags', async (t) => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: { start: string } }
  t.ok(scripts.start.endsWith(`exec node ${nodeFlags.join(' ')} dist/main.js`), scripts.start)
  const command = /^CMD (.*)$/m.exec(read('Dockerfile'))?.[1] ?? ''
  t.same(JSON.parse(command), [...permissionFlags, ...nodeFlags, 'dist/main.js'])
})

t.test('the image has no source maps and no command line', async (t) => {
  t.match(read('Dockerfile'), /rm dist\/\*\.map dist\/cli\.js/)
})

t.test('a module left out of the bundle throws an error that names it', async (t) => {
  const module: { exports: Record<string, new () => unknown> } = { exports: {} }
  runInThisContext(`(module) => {${refusing('node:http2')}}`)(module)
  const message = 'node:http2 is left out of the bundle (build/unreachable.ts)'
  t.throws(() => (module.exports as unknown as () => void)(), { message })
  const { createServer, Http2Server } = module.exports
  t.throws(() => (createServer as unknown as () => void)(), { message })
  t.throws(() => new (Http2Server as new () => unknown)(), { message })
})

t.test('the notices name every bundled package', async (t) => {
  const bundle = (inputs: Record<string, number>) => ({
    inputs: {},
    outputs: {
      'dist/main.js': {
        bytes: 1,
        imports: [],
        exports: [],
        inputs: Object.fromEntries(
          Object.entries(inputs).map(([path, bytesInOutput]) => [path, { bytesInOutput }]),
        ),
      },
    },
  })
  const notices = thirdPartyNotices(root, [
    bundle({
      'src/main.ts': 1,
      'node_modules/fastify/fastify.js': 1,
      'node_modules/pino/pino.js': 0,
    }),
    bundle({ 'node_modules/@opentelemetry/api/build/index.js': 1 }),
  ])
  t.match(notices, /^@opentelemetry\/api \d.* \(Apache-2\.0\)\n\nApache License/)
  t.match(notices, /\nfastify \d+\.\d+\.\d+ \(MIT\)\n\nMIT License/)
  t.notMatch(notices, 'pino')
})
