import type { Ajv, AnySchema } from 'ajv'
import standaloneCode from 'ajv/dist/standalone/index.js'
import type { Plugin } from 'esbuild'
import { root } from './root.ts'

interface Validators {
  ajv: Ajv
  schemas: Record<string, AnySchema>
}

/**
 * Compiles the JSON Schemas at build time. Each module below compiles its schemas when it loads;
 * this plugin replaces it by the code that Ajv generates, so that a start compiles nothing.
 */
export const precompiledValidators: Plugin = {
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
