import type { Plugin } from 'esbuild'
import { isBuiltin } from 'node:module'

/**
 * Loads Node's own modules by `require` instead of `import`. An import reads every export, and Node
 * loads some of them on first read: WebSocket of node:http, for example, loads all of undici.
 */
export const requiredBuiltins: Plugin = {
  name: 'required-builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[a-z0-9:_/]+$/ }, ({ path, kind }) =>
      isBuiltin(path) && kind !== 'require-call' ? { path, namespace: kind } : undefined,
    )
    onLoad({ filter: /./, namespace: 'import-statement' }, ({ path }) => ({
      contents: `module.exports = require('${path}')`,
    }))
    onLoad({ filter: /./, namespace: 'dynamic-import' }, ({ path }) => ({
      contents: `export const { ${eagerExports(path)} } = require('${path}')`,
    }))
  },
}

/** The exports of a Node module that are plain values, not getters that load more on first read. */
function eagerExports(path: string): string {
  const descriptors = Object.getOwnPropertyDescriptors(process.getBuiltinModule(path))
  return Object.entries(descriptors)
    .filter(([, { get }]) => get === undefined)
    .map(([name]) => name)
    .join(', ')
}
