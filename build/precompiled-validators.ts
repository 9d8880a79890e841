import type { Ajv, AnySchema } from 'ajv'
import standaloneCode from 'ajv/dist/standalone/index.js'
import type { Plugin } from 'esbuild'
import { root } from './root.ts'

interface Validators {
  ajv: Ajv
  schemas: Record<string, AnySchema>
  /** Exports that are written as JSON. */
  constants?: Record<string, unknown>
}

/**
 * Compiles the JSON Schemas at build time. Each module below compiles its schemas when it loads;
 * this plugin replaces it by the code that Ajv generates, so that a start compiles nothing.
 */
export const precompiledValidators: Plugin = {
  name: 'precompiled-validators',
  setup({ onLoad }) {
    onLoad(
      { filter: /src\/((api|myapp)\/compiled(-all)?|cli\/validators)\.ts$/ },
      async ({ path }) => {
        const { ajv, schemas, constants = {} }: Validators = await import(path)
        for (const [name, schema] of Object.entries(schemas)) {
          if (ajv.getSchema(name) === undefined) ajv.addSchema(schema, name)
        }
        const validators = standaloneCode.default(
          ajv,
          Object.fromEntries(Object.keys(schemas).map((name) => [name, name])),
        )
        const contents = [
          // The generated code refers to its formats by this name, see src/api/ajv.ts.
          "import { ajvFormats } from './src/api/formats.ts'",
          validators,
          ...Object.entries(constants).map(
            ([name, value]) => `export const ${name} = ${JSON.stringify(value)}`,
          ),
        ].join('\n')
        return { contents, loader: 'js', resolveDir: root }
      },
    )
  },
}
