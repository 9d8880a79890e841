// Makes dist/: the hook in one file with all that it needs, the chunks that only some runs load, and the command line.
import type { Ajv, AnySchema } from 'ajv'
import standaloneCode from 'ajv/dist/standalone/index.js'
import { build, type Plugin } from 'esbuild'
import { chmodSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { fileURLToPath } from 'node:url'
import { warm } from './warm.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

interface Validators {
  ajv: Ajv
  schemas: Record<string, AnySchema>
}

/** Puts the code that Ajv compiles the schemas to in place of the modules that compile them at start. */
const precompiledValidators: Plugin = {
  name: 'precompiled-validators',
  setup({ onLoad }) {
    onLoad({ filter: /src\/((api|myapp)\/compiled|cli\/validators)\.ts$/ }, async ({ path }) => {
      const { ajv, schemas }: Validators = await import(path)
      for (const [name, schema] of Object.entries(schemas)) {
        if (ajv.getSchema(name) === undefined) ajv.addSchema(schema, name)
      }
      const contents = standaloneCode.default(
        ajv,
        Object.fromEntries(Object.keys(schemas).map((name) => [name, name])),
      )
      return { contents, loader: 'js', resolveDir: root }
    })
  },
}

/** A module that is left out of the hook: by whom, and what stands in its place. */
const unreachable: Array<{ path: RegExp; importer?: RegExp; instead: string }> = [
  // The SDK can make every exporter and read a file by itself, and imports all that this takes; it is handed its exporters (src/telemetry/export/exporters.ts).
  {
    path: /^@opentelemetry\/(exporter-.*|configuration)$/,
    importer: /@opentelemetry\/sdk-node\//,
    instead: '',
  },
  // Instrumentations catch modules as they are loaded; a bundle loads none.
  { path: /^(require|import)-in-the-middle$/, instead: 'exports.Hook = class {}' },
  // No route has a schema that Fastify would compile, nothing is injected, and neither TLS nor HTTP/2 is spoken.
  {
    path: /^(@fastify\/ajv-compiler|@fastify\/fast-json-stringify-compiler|light-my-request|node:https|node:http2)$/,
    importer: /\/fastify\//,
    instead: '',
  },
  // The log is written by the thread that there is.
  {
    path: /^(node:)?worker_threads$/,
    importer: /\/pino\//,
    instead: 'exports.isMainThread = true',
  },
  { path: /^thread-stream$/, instead: '' },
  // The schemas are compiled already; of the modules that they are in only other things are used.
  {
    path: /^typebox$/,
    instead: 'const none = new Proxy({}, { get: () => () => ({}) }); export default none',
  },
]

/** What the older module format of instrumentation-fastify uses of other packages, in place of all that there is in them. */
const used: Record<string, string> = {
  '@opentelemetry/api': 'context, diag, SpanStatusCode, trace',
  '@opentelemetry/core': 'getRPCMetadata, RPCType',
  '@opentelemetry/instrumentation':
    'InstrumentationBase, InstrumentationNodeModuleDefinition, isWrapped, safeExecuteInTheMiddle',
  '@opentelemetry/semantic-conventions': 'ATTR_HTTP_ROUTE',
}

/** Leaves out what the hook never gets to: a start reads and compiles it all the same. */
const leaveOut: Plugin = {
  name: 'leave-out',
  setup({ onResolve, onLoad }) {
    for (const { path, importer = /./, instead } of unreachable) {
      onResolve({ filter: path }, ({ path, importer: by }) =>
        importer.test(by) ? { path, namespace: 'unreachable', pluginData: instead } : undefined,
      )
    }
    onLoad({ filter: /./, namespace: 'unreachable' }, ({ pluginData }) => ({
      contents: pluginData,
      loader: 'js',
    }))
    onResolve({ filter: /^@opentelemetry\// }, ({ path, importer }) =>
      used[path] !== undefined && /\/instrumentation-fastify\//.test(importer)
        ? { path, namespace: 'used' }
        : undefined,
    )
    onLoad({ filter: /./, namespace: 'used' }, ({ path }) => ({
      contents: `export { ${used[path]} } from '${path}'`,
      resolveDir: root,
    }))
  },
}

/** Has what a package requires at run time, past the bundler, be in the bundle: there are no packages beside it in the image. */
const hiddenRequires: Plugin = {
  name: 'hidden-requires',
  setup({ onLoad }) {
    onLoad(
      { filter: /@opentelemetry\/otlp-grpc-exporter-base\/dist\/[^/]*\.mjs$/ },
      async ({ path }) => ({
        contents: (await readFile(path, 'utf8')).replaceAll('__require("@', 'require("@'),
        loader: 'js',
      }),
    )
  },
}

/**
 * Gets Node's own modules by require. An import reads all that a module exports, and Node has much that is only loaded when
 * it is read: of node:http a WebSocket with all of undici, which made the first export of telemetry take 50 ms longer.
 */
const nodeModules: Plugin = {
  name: 'node-modules',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[a-z0-9:_/]+$/ }, ({ path, kind }) =>
      isBuiltin(path) && kind !== 'require-call' ? { path, namespace: kind } : undefined,
    )
    onLoad({ filter: /./, namespace: 'import-statement' }, ({ path }) => ({
      contents: `module.exports = require('${path}')`,
    }))
    onLoad({ filter: /./, namespace: 'dynamic-import' }, ({ path }) => ({
      contents: `export const { ${loaded(path)} } = require('${path}')`,
    }))
  },
}

/** What of a module of Node is there as soon as it is. */
function loaded(path: string): string {
  const exported = Object.getOwnPropertyDescriptors(process.getBuiltinModule(path))
  return Object.entries(exported)
    .filter(([, { get }]) => get === undefined)
    .map(([name]) => name)
    .join(', ')
}

rmSync(`${root}/dist`, { recursive: true, force: true })
await build({
  absWorkingDir: root,
  entryPoints: ['src/main.ts'],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  sourcemap: 'linked',
  // Packages in the older module format ask for a require of their own.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
  // Names stay: stacks are read as they are.
  minifyWhitespace: true,
  minifySyntax: true,
  // A process that crashes shows the line that it crashed in.
  lineLimit: 160,
  legalComments: 'none',
  plugins: [precompiledValidators, leaveOut, hiddenRequires, nodeModules],
  logLevel: 'warning',
})

// Apart from the hook, so that neither has what only the other needs.
await build({
  absWorkingDir: root,
  entryPoints: { cli: 'src/cli/main.ts' },
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
  plugins: [precompiledValidators],
  logLevel: 'warning',
})
chmodSync(`${root}/dist/cli.js`, 0o755)

await warm(root)
