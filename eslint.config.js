import neostandard from 'neostandard'

export default [
  ...neostandard({ ts: true, noJsx: true, noStyle: true, ignores: ['dist/', '.tap/'] }),
  {
    files: ['**/*.ts'],
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      'no-console': 'error',
      // A schema and the type that is read from it bear one name.
      '@typescript-eslint/no-redeclare': 'off',
    },
  },
  {
    // These talk to a person on a terminal.
    files: ['build/**', 'scripts/**', 'demo/**', 'bench/**', 'local-cluster/**'],
    rules: { 'no-console': 'off' },
  },
]
