// Makes dist/: the hook in one file with all that it needs, the chunks that only some runs load, and the command line.
import standaloneCode from 'ajv/dist/standalone/index.js'
import { build, type Plugin } from 'esbuild'
import { chmodSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { ajv, schemas } from '../src/myapp/validators.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Puts the code that Ajv compiles the schemas to in place of the module that compiles them at start. */
const precompiledValidators: Plugin = {
  name: 'precompiled-validators',
  setup ({ onLoad }) {
    onLoad({ filter: /src\/myapp\/validators\.ts$/ }, () => {
      for (const [name, schema] of Object.entries(schemas)) if (ajv.getSchema(name) === undefined) ajv.addSchema(schema, name)
      const contents = standaloneCode.default(ajv, Object.fromEntries(Object.keys(schemas).map((name) => [name, name])))
      return { contents, loader: 'js', resolveDir: root }
    })
  },
}

/**
 * Leaves out what the program never gets to. The SDK can make every exporter and propagator by itself, from the environment
 * or a file, and imports them all; it is handed its exporters (src/telemetry/exporters.ts). And the instrumentations can
 * catch modules as they are loaded, but a bundle loads none.
 */
const unreachable: Plugin = {
  name: 'unreachable',
  setup ({ onResolve, onLoad }) {
    const exportersOfTheSdk = /^@opentelemetry\/(exporter-.*|configuration)$/
    onResolve({ filter: exportersOfTheSdk }, ({ path, importer }) => /@opentelemetry\/sdk-node\//.test(importer) ? { path, namespace: 'unreachable' } : undefined)
    onResolve({ filter: /^(require|import)-in-the-middle$/ }, ({ path }) => ({ path, namespace: 'unreachable' }))
    onLoad({ filter: /.*/, namespace: 'unreachable' }, ({ path }) => ({ contents: path.endsWith('-in-the-middle') ? 'exports.Hook = class {}' : '', loader: 'js' }))
  },
}

/** Has what a package requires at run time, past the bundler, be in the bundle: there are no packages beside it in the image. */
const hiddenRequires: Plugin = {
  name: 'hidden-requires',
  setup ({ onLoad }) {
    onLoad({ filter: /@opentelemetry\/otlp-grpc-exporter-base\/dist\/[^/]*\.mjs$/ }, async ({ path }) =>
      ({ contents: (await readFile(path, 'utf8')).replaceAll('__require("@', 'require("@'), loader: 'js' }))
  },
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
  banner: { js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);" },
  plugins: [precompiledValidators, unreachable, hiddenRequires],
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
  banner: { js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);" },
  plugins: [precompiledValidators],
  logLevel: 'warning',
})
chmodSync(`${root}/dist/cli.js`, 0o755)
