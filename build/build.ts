// Builds dist/: the hook, other programs and third-party notices.
import { build, type BuildOptions } from 'esbuild'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { requiredBuiltins } from './builtin-modules.ts'
import { hiddenRequires } from './hidden-requires.ts'
import { thirdPartyNotices } from './notices.ts'
import { precompiledValidators } from './precompiled-validators.ts'
import { root } from './root.ts'
import { leaveOutUnreachable } from './unreachable.ts'
import { usedExportsOnly } from './used-exports.ts'

/** Programs beside the hook, each in one file of its own: name in dist/ -> source. */
const programs = {
  certificates: 'src/certificates/main.ts',
  cli: 'src/cli/main.ts',
}

const common = {
  absWorkingDir: root,
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  format: 'esm',
  // CommonJS packages call a global `require`, which an ES module does not have.
  banner: {
    js: [
      "import { createRequire } from 'node:module'",
      'const require = createRequire(import.meta.url)',
    ].join(';'),
  },
  metafile: true,
  logLevel: 'warning',
} satisfies BuildOptions

rmSync(join(root, 'dist'), { recursive: true, force: true })

const hook = await build({
  ...common,
  entryPoints: ['src/main.ts'],
  // Exporters and other code that only some runs need become chunks.
  splitting: true,
  target: 'node24',
  sourcemap: 'external',
  // Names stay, so that stack traces can be read.
  minifyWhitespace: true,
  minifySyntax: true,
  // Node prints the source line of an uncaught error, so lines must be short.
  lineLimit: 160,
  legalComments: 'none',
  plugins: [
    precompiledValidators,
    leaveOutUnreachable,
    usedExportsOnly,
    hiddenRequires,
    requiredBuiltins,
  ],
})

const others = await build({
  ...common,
  entryPoints: programs,
  target: 'node20',
  plugins: [precompiledValidators],
})
for (const name of Object.keys(programs)) chmodSync(join(root, 'dist', `${name}.js`), 0o755)

writeFileSync(
  join(root, 'dist/THIRD-PARTY-NOTICES.txt'),
  thirdPartyNotices(root, [hook.metafile, others.metafile]),
)
