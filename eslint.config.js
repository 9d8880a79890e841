import neostandard, { plugins } from 'neostandard'
import plainEnglish from './scripts/plain-english.js'

/** Recorded files, which the rules for prose do not check. */
const unchecked = ['test/support/fixtures/golden/**']

export default [
  { ignores: ['dist/', '.tap/'] },
  ...neostandard({ ts: true, noJsx: true, noStyle: true }).map((config) => ({
    files: ['**/*.{js,ts}'],
    ...config,
  })),
  {
    files: ['**/*.ts'],
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      'no-console': 'error',
      // A schema and the type derived from it have the same name.
      '@typescript-eslint/no-redeclare': 'off',
    },
  },
  {
    // The command line, which contains all of this, runs on Node 20.
    files: [
      'src/{api,cli,metacontroller,myapp}/**',
      'src/{certificates/objects,platform-defaults-file,text}.ts',
    ],
    plugins: { n: plugins.n },
    rules: { 'n/no-unsupported-features/es-builtins': 'error' },
  },
  {
    // These programs print to a terminal.
    files: ['build/**', 'scripts/**', 'demo/**', 'bench/**', 'local-cluster/**'],
    rules: { 'no-console': 'off' },
  },
  {
    // Prettier wraps code, but no comment and no string.
    files: ['**/*.ts'],
    ignores: unchecked,
    plugins: { '@stylistic': plugins['@stylistic'] },
    rules: {
      '@stylistic/max-len': ['error', { code: 100, ignoreUrls: true, ignoreRegExpLiterals: true }],
    },
  },
  {
    files: ['**/*.md', '**/*.yaml'],
    ignores: unchecked,
    language: 'plain-english/text',
    plugins: { 'plain-english': plainEnglish },
    rules: { 'plain-english/words': 'error' },
  },
  {
    files: ['**/*.{js,ts}'],
    ignores: [...unchecked, 'scripts/plain-english.js'],
    plugins: { 'plain-english': plainEnglish },
    rules: { 'plain-english/words': 'error' },
  },
]
